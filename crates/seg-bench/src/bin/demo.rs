//! `demo [--file PATH | --size BYTES] [--json FILE] [--plot FILE]`, started by `cargo xtask demo`.

use std::{env, fs, process::Command, process::ExitCode};

use anyhow::{Context, anyhow};
use seg_bench::{
    alloc_count::CountingAlloc,
    demo::{self, Courses, Failure, Report, args::Demo},
    peers::child,
};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// The first argument of the process that is the peers.
const PEERS: &str = "--peers";

fn main() -> ExitCode {
    if env::args_os().nth(1).is_some_and(|argument| argument == PEERS) {
        return serve();
    }
    let flags = Demo::from_env_or_exit();
    match run(&flags) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(flags: &Demo) -> Result<bool, Failure> {
    let input = flags.input().map_err(Failure::usage)?;
    for path in flags.json.iter().chain(&flags.plot) {
        demo::ensure_writable(path)?;
    }
    if flags.plot.is_some() && !cfg!(feature = "plot") {
        return Err(Failure::Usage(anyhow!("this program was built without the feature `plot`")));
    }
    let courses = if flags.plot.is_some() { Courses::Noted } else { Courses::Ignored };
    let mut peers = Command::new(env::current_exe().context("this program's own path is unknown")?);
    peers.arg(PEERS);
    let report = demo::run(&input, peers, courses)?;
    print!("{report}");
    if let Some(path) = &flags.json {
        let json = report.to_json().context("a figure is no JSON number")?;
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &flags.plot {
        let picture = picture(&report).context("there is nothing to draw")?;
        fs::write(path, picture).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(report.passed())
}

#[cfg(feature = "plot")]
fn picture(report: &Report) -> Option<String> {
    report.memory_chart().map(|chart| chart.to_svg())
}

#[cfg(not(feature = "plot"))]
fn picture(_: &Report) -> Option<String> {
    None
}

/// The child's side. What it prints instead of its greeting, the parent passes on.
fn serve() -> ExitCode {
    let Err(error) = child::serve();
    println!("{error}");
    ExitCode::FAILURE
}
