//! The project's commands: `cargo xtask <command>`.
//!
//! One file a command. This crate depends on no other crate of the workspace: what a command
//! measures or checks, it builds and starts.
#![forbid(unsafe_code)]

mod bench;
mod built_binary;
mod ci;
mod conformance;
mod counted;
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
    let flags = match Xtask::from_vec(arguments) {
        Ok(flags) => flags,
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

fn run(command: XtaskCmd) -> anyhow::Result<ExitCode> {
    match command {
        XtaskCmd::Demo(command) => command.run(),
        XtaskCmd::Conformance(command) => command.run(),
        XtaskCmd::Interop(command) => command.run(),
        XtaskCmd::Test(command) => command.run(),
        XtaskCmd::Msrv(command) => command.run(),
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
