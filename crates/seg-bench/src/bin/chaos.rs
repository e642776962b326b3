//! Everything at once, for as long as wanted: what `cargo xtask soak` starts.

use core::time::Duration;
use std::{process::ExitCode, time::Instant};

use anyhow::{Context as _, ensure};
use seg_bench::chaos::{Plan, cpu_time, run};

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
    let mut number =
        || numbers.next().transpose().context("usage: chaos [SECONDS] [SEED] [CONNECTIONS]");
    let mut plan = Plan::lasting(Duration::from_secs(number()?.unwrap_or(60)));
    plan.seed = number()?.unwrap_or(plan.seed);
    if let Some(connections) = number()? {
        plan.connections = usize::try_from(connections)?.div_ceil(plan.threads);
    }
    let start = Instant::now();
    let tally = run(plan)?;
    print!("{tally}");
    println!("{:>10} connections at a time", plan.open_at_a_time());
    println!("{:>10} seconds, {:?} of processor time", start.elapsed().as_secs(), cpu_time()?);
    let unreached = tally.unreached();
    ensure!(unreached.is_empty(), "never reached: {}", unreached.join(", "));
    Ok(())
}
