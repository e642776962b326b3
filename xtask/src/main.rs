//! The project's commands: `cargo xtask <command>`.
//!
//! One file a command. This crate depends on no other crate of the workspace: what a command
//! measures or checks, it builds and starts.
#![forbid(unsafe_code)]

mod bench;
mod child;
mod ci;
mod cross;
mod flags;
mod fuzz;
mod instructions;
mod interop;
mod layer;
mod loom;
mod miri;
mod msrv;
mod publishing;
mod sanitize;
mod std_sources;
mod steps;
mod test;
mod tidy;
mod workspace;

use std::{env, ffi::OsString, process::ExitCode};

use flags::{Xtask, XtaskCmd};
use steps::Steps;

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = env::args_os().skip(1).collect();
    if arguments.is_empty() {
        arguments.push("--help".into());
    }
    let command = arguments[0].to_string_lossy().into_owned();
    let flags = match Xtask::from_vec(arguments.clone()) {
        Ok(flags) => flags,
        Err(error) if error.is_help() => {
            let all = error.to_string();
            println!("{}", help_of(&command, &all).unwrap_or(&all));
            return ExitCode::SUCCESS;
        }
        Err(error) => error.exit(),
    };
    match run(flags.subcommand, arguments.split_off(1)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The part of the whole help that is about one command.
fn help_of<'a>(command: &str, all: &'a str) -> Option<&'a str> {
    let title = format!("\nxtask {command}\n");
    let start = all.find(&title)? + 1;
    let end = all[start..].find("\n\n\nxtask ").map_or(all.len(), |len| start + len);
    Some(all[start..end].trim_end())
}

/// Runs a command; `arguments` are those after its name.
fn run(command: XtaskCmd, arguments: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let mut steps = Steps::default();
    match command {
        // These are other programs, with an outcome of their own.
        XtaskCmd::Demo(demo) => return demo.run(arguments),
        XtaskCmd::Bench(bench) => return bench.run(),
        XtaskCmd::Report(report) => return report.run(),
        XtaskCmd::Interop(interop) => interop.run(&mut steps)?,
        XtaskCmd::Autobahn(flags) => {
            interop::autobahn(&mut steps, flags.cases.as_deref().unwrap_or(interop::ALL));
        }
        XtaskCmd::Soak(flags) => {
            steps.run("soak", || bench::soak(flags.seconds.unwrap_or(bench::SOAK_SECONDS)));
        }
        XtaskCmd::Test(flags) => {
            steps.run("tidy", tidy::check);
            test::check(&mut steps, flags.bless)?;
        }
        XtaskCmd::Msrv(_) => msrv::check(&mut steps),
        XtaskCmd::Loom(flags) => {
            let preemptions = flags.preemptions.unwrap_or(loom::PREEMPTIONS);
            steps.run("loom", || loom::explore(flags.layer, preemptions));
        }
        XtaskCmd::Miri(flags) => {
            miri::check(&mut steps, flags.layer, flags.seeds.unwrap_or(miri::SEEDS));
        }
        XtaskCmd::Sanitize(flags) => {
            steps.run("sanitize", || flags.sanitizer.check(flags.layer));
        }
        XtaskCmd::Cross(flags) => cross::check(&mut steps, flags.target, flags.layer),
        XtaskCmd::Fuzz(flags) => {
            let seconds = flags.seconds.unwrap_or(fuzz::SECONDS);
            fuzz::check(&mut steps, flags.target.as_deref(), seconds)?;
        }
        XtaskCmd::Instructions(flags) => {
            steps.run("instructions", || instructions::check(flags.bless));
        }
        XtaskCmd::Tidy(_) => {
            steps.run("tidy", tidy::check);
        }
        XtaskCmd::Ci(ci) => ci.run(&mut steps)?,
    }
    Ok(steps.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_help_of_its_own() {
        let error = Xtask::from_vec(vec!["--help".into()]).expect_err("a help is an error");
        let all = error.to_string();
        let names: Vec<_> = all.lines().filter_map(|line| line.strip_prefix("xtask ")).collect();
        assert!(names.len() > 10, "{all}");
        for name in names {
            let help = help_of(name, &all).expect(name);
            assert!(help.lines().count() > 1, "{help}");
            let others = help.lines().filter(|line| line.starts_with("xtask ")).count();
            assert_eq!(others, 1, "{help}");
        }
        assert_eq!(help_of("--help", &all), None);
    }
}
