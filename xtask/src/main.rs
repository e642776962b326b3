//! The project's commands: `cargo xtask <command>`.
//!
//! One file a command. This crate depends on no other crate of the workspace: what a command
//! measures or checks, it builds and starts.
#![forbid(unsafe_code)]

mod autobahn;
mod bench;
mod built_binary;
mod ci;
mod counted;
mod cross;
mod demo;
mod flags;
mod fuzz;
mod instructions;
mod interop;
mod loom;
mod miri;
mod msrv;
mod publishing;
mod report;
mod sanitize;
mod soak;
mod std_sources;
mod steps;
mod test;
mod tidy;
mod workspace;

use std::{env, ffi::OsString, process::ExitCode};

use flags::{Xtask, XtaskCmd};

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = env::args_os().skip(1).collect();
    if arguments.is_empty() {
        arguments.push("--help".into());
    }
    let command = arguments[0].to_string_lossy().into_owned();
    let flags = match Xtask::from_vec(arguments) {
        Ok(flags) => flags,
        Err(error) if error.is_help() => {
            let all = error.to_string();
            println!("{}", help_of(&command, &all).unwrap_or(&all));
            return ExitCode::SUCCESS;
        }
        Err(error) => error.exit(),
    };
    match run(flags.subcommand) {
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

fn run(command: XtaskCmd) -> anyhow::Result<ExitCode> {
    match command {
        XtaskCmd::Demo(command) => command.run(),
        XtaskCmd::Interop(command) => command.run(),
        XtaskCmd::Autobahn(command) => command.run(),
        XtaskCmd::Soak(command) => command.run(),
        XtaskCmd::Test(command) => command.run(),
        XtaskCmd::Msrv(command) => command.run(),
        XtaskCmd::Cross(command) => command.run(),
        XtaskCmd::Loom(command) => command.run(),
        XtaskCmd::Miri(command) => command.run(),
        XtaskCmd::Fuzz(command) => command.run(),
        XtaskCmd::Sanitize(command) => command.run(),
        XtaskCmd::Bench(command) => command.run(),
        XtaskCmd::Report(command) => command.run(),
        XtaskCmd::Instructions(command) => command.run(),
        XtaskCmd::Tidy(command) => command.run(),
        XtaskCmd::Ci(command) => command.run(),
    }
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
