//! `conformance chunked FILE.jsonl [--json OUT]`, started by `cargo xtask conformance`.
//!
//! ```text
//! FILE.jsonl ──▶ rows ──▶ decoded whole and cut in two at every octet, in both assemblies
//!                          │                     │
//!                          ▼                     ▼
//!                outcome of each row      disagreements: with the whole, with the other
//!                   (--json OUT)          assembly, with what the row expects
//! ```
//!
//! Exit code 0 when nothing disagrees, 1 when something does, 2 for what cannot be read.

mod chunked;
mod escape;
mod flags;
mod outcome;
mod row;

use std::{fs, process::ExitCode};

use anyhow::Context;

use self::{flags::Conformance, row::Row};

fn main() -> ExitCode {
    match run(&Conformance::from_env_or_exit()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Returns the number of rows that disagree.
fn run(flags: &Conformance) -> anyhow::Result<usize> {
    let path = flags.file.display();
    let text = fs::read_to_string(&flags.file).with_context(|| format!("cannot read {path}"))?;
    let rows = Row::parse_all(&text).with_context(|| format!("{path}"))?;
    let mut disagreeing = 0;
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in &rows {
        let (outcome, disagreements) = chunked::run(row)?;
        disagreeing += usize::from(!disagreements.is_empty());
        for disagreement in disagreements {
            println!("{}: {disagreement}", row.name);
        }
        outcomes.push(outcome.to_json(&row.name));
    }
    if let Some(path) = &flags.json {
        let json = serde_json::to_string_pretty(&outcomes)? + "\n";
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{}", summary(&rows, disagreeing));
    Ok(disagreeing)
}

fn summary(rows: &[Row], disagreeing: usize) -> String {
    let expected = rows.iter().filter(|row| row.expected.is_some()).count();
    format!("{} rows, {expected} with an expected verdict, {disagreeing} disagree", rows.len())
}
