//! `cargo xtask instructions [--bless]`: what the hottest operations cost, in instructions.
//!
//! Instructions do not depend on what else the machine does, so a change of a few percent shows
//! where times would need hours. They say nothing of caches or of how many run at once.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use xshell::cmd;

use crate::{
    child::{INSTRUCTIONS, built, need, shell, thousands},
    steps::NotHere,
    workspace::root,
};

/// The kept counts.
const BASELINE: &str = "docs/bench/instructions.json";

/// Each operation is done so many times, and then twice as often.
const TIMES: u64 = 200;

/// More than this is a regression, in percent.
const TOLERANCE: u64 = 3;

/// Instructions an operation, by the operation's name.
type Counts = BTreeMap<String, u64>;

/// Counts and compares with what was kept, or keeps it; fails when an operation takes more. Counts of
/// another compiler or processor are not compared.
pub(crate) fn check(is_blessed: bool) -> anyhow::Result<String> {
    need("valgrind", "apt-get install valgrind")?;
    let (shell, binary, path) = (shell(), built(INSTRUCTIONS)?, root().join(BASELINE));
    // What the operations see: valgrind hides some of the processor.
    let here = cmd!(shell, "valgrind -q --tool=none {binary} --machine").quiet().read()?;
    let here: Value = serde_json::from_str(&here).context("the machine is described by no JSON")?;
    if is_blessed {
        let kept = json!({
            "what": "instructions an operation, counted by callgrind; cargo xtask instructions --bless",
            "rustc": here["rustc"], "vectors": here["vectors"], "libc": here["libc"],
            "operations": count_all(&binary)?,
        });
        fs::write(path, serde_json::to_string_pretty(&kept)? + "\n").context(BASELINE)?;
        return Ok(format!("wrote {BASELINE}"));
    }
    let kept = fs::read_to_string(path)
        .with_context(|| format!("cannot read {BASELINE}; --bless makes it"))?;
    let kept: Value =
        serde_json::from_str(&kept).with_context(|| format!("{BASELINE} is broken"))?;
    for key in ["rustc", "vectors", "libc"] {
        let (here, kept) = (&here[key], &kept[key]);
        if here != kept {
            let why =
                format!("{key} is {here}; the kept counts are of {kept}; --bless keeps new ones");
            return Err(NotHere(why).into());
        }
    }
    let kept: Counts = serde_json::from_value(kept["operations"].clone())
        .with_context(|| format!("{BASELINE} has no operations"))?;
    let found = count_all(&binary)?;
    let (table, risen) = compare(&found, &kept);
    eprint!("{table}");
    ensure!(risen.is_empty(), "more instructions than {BASELINE} allows: {}", risen.join(", "));
    Ok(format!("{} operations within {TOLERANCE} % and one instruction", found.len()))
}

fn count_all(binary: &Path) -> anyhow::Result<Counts> {
    let shell = shell();
    let arguments = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let count = |operation: &str, times: u64| {
        let times = times.to_string();
        let command = cmd!(shell, "valgrind {arguments...} {binary} {operation} {times}").quiet();
        collected(&command.read_stderr()?)
            .with_context(|| format!("valgrind counted no {operation}"))
    };
    let names = cmd!(shell, "{binary} --list").quiet().read()?;
    let counts = names.lines().map(|name| {
        let (once, twice) = (count(name, TIMES)?, count(name, 2 * TIMES)?);
        Ok((name.to_owned(), twice.saturating_sub(once) / TIMES))
    });
    counts.collect()
}

fn collected(report: &str) -> Option<u64> {
    report.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

/// Returns a line for each operation, and the names of those that take more than they may.
fn compare(found: &Counts, kept: &Counts) -> (String, Vec<String>) {
    let mut table = String::new();
    let mut risen = Vec::new();
    for (name, found) in found {
        let note = match kept.get(name) {
            None => {
                risen.push(name.clone());
                "not kept yet (--bless)".to_owned()
            }
            Some(kept) => {
                // Single instructions of an operation of a few dozen are no percent.
                let allowed = kept + kept * TOLERANCE / 100 + 1;
                if *found > allowed {
                    risen.push(name.clone());
                }
                let percent = (*found as f64 / (*kept).max(1) as f64 - 1.0) * 100.0;
                format!("{percent:+.1} % of {}", thousands(*kept))
            }
        };
        table += &format!("  {name:<26} {:>9}  {note}\n", thousands(*found));
    }
    (table, risen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(rows: &[(&str, u64)]) -> Counts {
        rows.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn only_what_rose_beyond_the_tolerance_is_a_regression() {
        let kept = counts(&[("a", 1_000), ("b", 1_000), ("c", 1_000), ("d", 10)]);
        let found = counts(&[("a", 1_031), ("b", 1_032), ("c", 500), ("d", 11), ("e", 1)]);
        let (table, risen) = compare(&found, &kept);
        assert_eq!(risen, ["b", "e"], "{table}");
        assert!(table.contains("-50.0 % of 1,000"), "{table}");
    }

    #[test]
    fn the_count_is_read_from_callgrinds_report() {
        let report = "==1== Events    : Ir\n==1== Collected : 342557\n==1==\n";
        assert_eq!(collected(report), Some(342_557));
        assert_eq!(collected("==1== no such line\n"), None);
    }
}
