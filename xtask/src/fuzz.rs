//! `cargo xtask fuzz [TARGET] [--seconds N]`

use std::{fs, path::Path, thread, time::Instant};

use anyhow::{Context, bail};
use xshell::cmd;

use crate::{
    child::{need, read_through, shell, thousands},
    sanitize::{TARGET, need_target},
    steps::Steps,
    workspace::root,
};

/// How long each target runs: enough to go through the seeds and their neighbourhood.
pub(crate) const SECONDS: u32 = 30;

/// Counters and comparisons for libFuzzer, the address sanitizer, and slabs that it watches.
const RUSTFLAGS: &str = "--cfg fuzzing --cfg seg_heap -Zsanitizer=address -Ccodegen-units=1 \
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Builds and runs one target or all, as many at a time as there are cores; a step each, and one for
/// building.
///
/// They share the machine, so `seconds` is what each has of the clock, not of a core.
pub(crate) fn check(steps: &mut Steps, target: Option<&str>, seconds: u32) -> anyhow::Result<()> {
    let known = targets()?;
    let targets: Vec<_> =
        known.iter().filter(|known| target.is_none_or(|target| *known == target)).collect();
    if targets.is_empty() {
        bail!("no fuzz target is named {:?}: {}", target.unwrap_or_default(), known.join(", "));
    }
    let what = format!("fuzz build: {} targets with the address sanitizer", targets.len());
    if !steps.run(what, || build(&targets)) {
        return Ok(());
    }
    let lanes = thread::available_parallelism().map_or(1, |count| count.get());
    for group in targets.chunks(lanes) {
        let start = Instant::now();
        let outcomes: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> =
                group.iter().map(|target| scope.spawn(|| run(target, seconds))).collect();
            let joined = running.into_iter().map(|thread| thread.join());
            joined.map(|outcome| outcome.unwrap_or_else(|_| bail!("the run panicked"))).collect()
        });
        for (target, outcome) in group.iter().zip(outcomes) {
            steps.note(format!("fuzz {target}"), start.elapsed(), outcome);
        }
    }
    Ok(())
}

/// Returns the names of all targets.
fn targets() -> anyhow::Result<Vec<String>> {
    let folder = root().join("fuzz/targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {folder:?}"))? {
        let path = entry?.path();
        let name = path.file_stem().filter(|_| path.extension().is_some_and(|ext| ext == "rs"));
        names.extend(name.map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Builds all targets at once.
///
/// Sanitizers are unstable options, which `RUSTC_BOOTSTRAP` lets a stable compiler take.
fn build(targets: &[&String]) -> anyhow::Result<String> {
    need_target()?;
    // libFuzzer is C++ that cargo builds.
    need("c++", "apt-get install g++")?;
    let shell = shell();
    let _folder = shell.push_dir("fuzz");
    let bins: Vec<_> = targets.iter().flat_map(|target| ["--bin", target.as_str()]).collect();
    let build = cmd!(shell, "cargo build --release --target {TARGET} {bins...}");
    build
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", RUSTFLAGS)
        .env("CARGO_TARGET_DIR", "target")
        .run()?;
    Ok(String::new())
}

/// Runs one target that was built; returns how many inputs it tried. What it finds anew goes to
/// `fuzz/corpus`, an input that breaks it to `fuzz/artifacts`; `fuzz/seeds` is where it starts from.
fn run(target: &str, seconds: u32) -> anyhow::Result<String> {
    let shell = shell();
    let _folder = shell.push_dir("fuzz");
    let folders = ["seeds", "corpus", "artifacts"].map(|folder| format!("{folder}/{target}"));
    for folder in &folders {
        shell.create_dir(Path::new(folder))?;
    }
    let [seeds, corpus, artifacts] = folders;
    let binary = format!("target/{TARGET}/release/{target}");
    let time = format!("-max_total_time={seconds}");
    let limits = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"];
    let prefix = format!("-artifact_prefix={artifacts}/");
    let report =
        read_through(cmd!(shell, "{binary} {time} {limits...} {prefix} {corpus} {seeds}"))?;
    let tried = executed_in(&report).context("libFuzzer said nothing of what it tried")?;
    Ok(format!("{} inputs", thousands(tried)))
}

fn executed_in(report: &str) -> Option<u64> {
    let line = report.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    line?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_a_binary_with_seeds() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml"));
        let manifest = manifest.expect("the manifest of the targets");
        let targets = targets().expect("the targets");
        assert!(!targets.is_empty());
        for target in targets {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
            let seeds = root().join("fuzz/seeds").join(&target);
            assert!(fs::read_dir(seeds).is_ok_and(|mut seeds| seeds.next().is_some()), "{target}");
        }
    }

    #[test]
    fn an_unknown_target_is_refused_before_anything_is_built() {
        let mut steps = Steps::default();
        let error = check(&mut steps, Some("nothing"), 1).expect_err("no such target").to_string();
        assert!(error.starts_with("no fuzz target is named \"nothing\": "), "{error}");
    }

    #[test]
    fn what_was_tried_is_read_from_the_final_report() {
        let report = "#16 DONE cov: 5\nstat::number_of_executed_units: 123456\nstat::x: 1\n";
        assert_eq!(executed_in(report), Some(123_456));
        assert_eq!(executed_in("#16 DONE\n"), None);
    }
}
