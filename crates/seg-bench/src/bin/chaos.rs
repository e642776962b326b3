//! Everything at once, for as long as wanted: what `cargo xtask soak` starts.

use core::time::Duration;
use std::{process::ExitCode, time::Instant};

use anyhow::{Context as _, ensure};
use seg_bench::chaos::{Plan, run};

fn main() -> ExitCode {
    match soak() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn soak() -> anyhow::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<u64>());
    let usage = "usage: chaos [SECONDS] [SEED]";
    let seconds = numbers.next().transpose().context(usage)?.unwrap_or(60);
    let seed = numbers.next().transpose().context(usage)?.unwrap_or(1);
    let start = Instant::now();
    let tally = run(Plan { seed, ..Plan::lasting(Duration::from_secs(seconds)) })?;
    print!("{tally}");
    println!("{:>10} seconds", start.elapsed().as_secs());
    let unreached = tally.unreached();
    ensure!(unreached.is_empty(), "never reached: {}", unreached.join(", "));
    Ok(())
}
