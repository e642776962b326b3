//! `cargo xtask soak [--seconds N]`: everything at once, for as long as wanted.

use std::process::ExitCode;

use xshell::{Shell, cmd};

use crate::{
    counted,
    flags::Soak,
    steps::Steps,
    workspace::{self, Workspace},
};

/// How long it goes on in `ci`, and in `ci --full`.
pub(crate) const SECONDS: u32 = 60;
pub(crate) const FULL_SECONDS: u32 = 600;

impl Soak {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shell = workspace::shell()?;
        let mut steps = Steps::default();
        steps.count("soak", || check(&shell, self.seconds.unwrap_or(SECONDS)));
        Ok(steps.finish())
    }
}

/// Runs rounds until the time is over; fails when something differs, stands still or is missing, and
/// when something that is to happen never did.
pub(crate) fn check(shell: &Shell, seconds: u32) -> anyhow::Result<String> {
    let program = ["--package", "seg-bench", "--bin", "chaos", "--features", "chaos"];
    cmd!(shell, "cargo build --release {program...}").run()?;
    let chaos = Workspace::read()?.target.join("release/chaos");
    let seconds = seconds.to_string();
    let said = counted::read_through(cmd!(shell, "{chaos} {seconds}"))?;
    let count =
        |what: &str| said.lines().filter_map(|line| counted::number_before(line, what)).sum();
    let (connections, echoes): (u64, u64) = (count(" connections "), count(" that came back"));
    Ok(format!(
        "{} echoes over {} connections",
        counted::thousands(echoes),
        counted::thousands(connections)
    ))
}
