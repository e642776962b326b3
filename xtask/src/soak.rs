//! `cargo xtask soak [--seconds N]`: thousands of connections at once that stall, break off, are
//! cancelled and find the pool full, again and again with other random numbers.

use core::time::Duration;
use std::{process::ExitCode, time::Instant};

use xshell::{Shell, cmd};

use crate::{
    flags::Soak,
    steps::Steps,
    workspace::{self, Workspace},
};

/// How long it goes on in `ci --full`.
pub(crate) const SECONDS: u32 = 600;

/// Connections at once, and how often each is opened again, in one round of some seconds.
const ROUND: [&str; 2] = ["2000", "6"];

impl Soak {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shell = workspace::shell()?;
        let mut steps = Steps::default();
        steps.count("soak", || check(&shell, self.seconds.unwrap_or(SECONDS)));
        Ok(steps.finish())
    }
}

/// Runs rounds until the time is over; fails when an echo differs, a limit is broken, or a segment
/// is missing at the end of a round.
pub(crate) fn check(shell: &Shell, seconds: u32) -> anyhow::Result<String> {
    let example = ["--package", "ws-assemble", "--example", "soak", "--features", "tokio"];
    cmd!(shell, "cargo build --release {example...}").run()?;
    let soak = Workspace::read()?.target.join("release/examples/soak");
    let start = Instant::now();
    let mut rounds = 0_u64;
    while start.elapsed() < Duration::from_secs(seconds.into()) {
        rounds += 1;
        let seed = rounds.to_string();
        cmd!(shell, "{soak} {ROUND...} {seed}").ignore_stdout().run()?;
    }
    Ok(format!("{rounds} rounds of {} connections, {} lives each", ROUND[0], ROUND[1]))
}
