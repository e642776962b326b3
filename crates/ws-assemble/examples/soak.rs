//! 10,000 connections at once that stall, break off and end in every way, for about a minute. Fails
//! when a limit is broken, an echo differs or a segment is missing at the end:
//! `cargo run --release --example soak --features tokio -- [CONNECTIONS] [LIVES] [SEED]`

#[path = "../tests/soak/random.rs"]
mod random;
#[path = "../tests/soak/rough.rs"]
mod rough;
#[path = "../tests/soak/traffic.rs"]
mod traffic;

use core::error::Error;
use std::{env, time::Instant};

use traffic::{Plan, run};

/// What the pool of 10,000 connections may take: less than they would like all at once.
const POOL_BYTES_MAX: usize = 40 << 20;

/// Most connections end before.
const STEPS: usize = 150;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = env::args().skip(1).map(|number| number.parse::<u64>());
    let connections = numbers.next().transpose()?.unwrap_or(10_000);
    let lives = usize::try_from(numbers.next().transpose()?.unwrap_or(6))?;
    let seed = numbers.next().transpose()?.unwrap_or(1);
    let start = Instant::now();
    let plan = Plan { seed, connections, lives, steps: STEPS, pool_bytes_max: POOL_BYTES_MAX };
    let (tally, stats) = run(plan).await;
    println!("{tally:#?}");
    println!(
        "{:?}; at most {} MiB taken from the system, {} bytes in use",
        start.elapsed(),
        stats.held_bytes_peak() >> 20,
        stats.in_use_bytes()
    );
    if stats.in_use_bytes() > 0 {
        return Err("a segment did not come back".into());
    }
    Ok(())
}
