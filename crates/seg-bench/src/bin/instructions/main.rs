//! `instructions OPERATION TIMES`: what `cargo xtask instructions` counts.
//!
//! Does one operation so many times and ends. Started twice, with different times, the difference is
//! that of the operations alone: starting, warming up and making the input cancel out. Nothing here
//! depends on time, on an address or on chance.

mod operations;

use std::{env, process::ExitCode};

use operations::OPERATIONS;
use seg_bench::machine::Machine;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--list"] => {
            OPERATIONS.iter().for_each(|(name, _)| println!("{name}"));
            ExitCode::SUCCESS
        }
        ["--machine"] => match serde_json::to_string(&Machine::here()) {
            Ok(machine) => {
                println!("{machine}");
                ExitCode::SUCCESS
            }
            Err(_) => ExitCode::FAILURE,
        },
        [name, times] => {
            let operation = OPERATIONS.iter().find(|(known, _)| known == name);
            let (Some((_, make)), Ok(times)) = (operation, times.parse::<u32>()) else {
                eprintln!("error: no operation is named {name}, or {times} is no number");
                return ExitCode::from(2);
            };
            let mut operation = make();
            // Pools fill and lists grow in the first rounds.
            for _ in 0..8 + times {
                operation();
            }
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: instructions --list | --machine | OPERATION TIMES");
            ExitCode::from(2)
        }
    }
}
