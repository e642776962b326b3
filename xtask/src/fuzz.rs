//! `cargo xtask fuzz [TARGET] [--seconds N]`

use std::{fs, path::Path, process::ExitCode, thread, time::Instant};

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

use crate::{
    counted::{self, thousands},
    flags::Fuzz,
    steps::{Ran, Steps},
    workspace::{self, installed},
};

/// The one target whose sanitizer runtimes come with the toolchain everywhere.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// How long each target runs: enough to go through the seeds and their neighbourhood.
pub(crate) const SECONDS: u32 = 30;

/// Counters and comparisons for libFuzzer, the address sanitizer, and slabs that it watches.
const RUSTFLAGS: &str = "--cfg fuzzing --cfg seg_heap -Zsanitizer=address -Ccodegen-units=1 \
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

impl Fuzz {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(why) = missing() {
            bail!("{why}");
        }
        let known = targets()?;
        let chosen = match self.target {
            None => known,
            Some(target) if known.contains(&target) => vec![target],
            Some(target) => bail!("no fuzz target is named {target:?}: {}", known.join(", ")),
        };
        let shell = workspace::shell()?;
        let mut steps = Steps::default();
        run_targets(&shell, &mut steps, &chosen, self.seconds.unwrap_or(SECONDS));
        Ok(steps.finish())
    }
}

/// Says why no target runs here.
fn missing() -> Option<String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Some(format!("runs on {TRIPLE} only"));
    }
    // libFuzzer is C++ that cargo builds.
    installed("c++").err().map(|why| format!("{why} (apt-get install g++)"))
}

/// Runs all targets, or says why not.
pub(crate) fn check(shell: &Shell, steps: &mut Steps, seconds: u32) -> anyhow::Result<()> {
    match missing() {
        Some(why) => steps.skip("fuzz", why),
        None => run_targets(shell, steps, &targets()?, seconds),
    }
    Ok(())
}

/// Builds and runs targets, as many at a time as there are cores; a step each, and one for building.
///
/// They share the machine, so `seconds` is what each has of the clock, not of a core.
fn run_targets(shell: &Shell, steps: &mut Steps, targets: &[String], seconds: u32) {
    let what = format!("fuzz build: {} targets with the address sanitizer", targets.len());
    if !steps.succeeds(what, || build(shell, targets)) {
        return;
    }
    let lanes = thread::available_parallelism().map_or(1, |count| count.get());
    for group in targets.chunks(lanes) {
        let start = Instant::now();
        let outcomes: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> =
                group.iter().map(|target| scope.spawn(|| run_one(target, seconds))).collect();
            let joined = running.into_iter().map(|thread| thread.join());
            joined.map(|outcome| outcome.unwrap_or_else(|_| bail!("the run panicked"))).collect()
        });
        for (target, outcome) in group.iter().zip(outcomes) {
            steps.note(format!("fuzz {target}"), start.elapsed(), outcome);
        }
    }
}

/// Returns the names of all targets.
fn targets() -> anyhow::Result<Vec<String>> {
    let folder = workspace::root().join("fuzz/targets");
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
fn build(shell: &Shell, targets: &[String]) -> anyhow::Result<()> {
    let _directory = shell.push_dir("fuzz");
    let _bootstrap = shell.push_env("RUSTC_BOOTSTRAP", "1");
    let _flags = shell.push_env("RUSTFLAGS", RUSTFLAGS);
    let _target = shell.push_env("CARGO_TARGET_DIR", "target");
    let bins: Vec<_> = targets.iter().flat_map(|target| ["--bin", target]).collect();
    Ok(cmd!(shell, "cargo build --release --target {TRIPLE} {bins...}").run()?)
}

/// Runs one target that was built; returns how many inputs it tried. What it finds anew goes to
/// `fuzz/corpus`, an input that breaks it to `fuzz/artifacts`; `fuzz/seeds` is where it starts from.
fn run_one(target: &str, seconds: u32) -> anyhow::Result<Ran> {
    let shell = workspace::shell()?;
    let _directory = shell.push_dir("fuzz");
    let seeds = format!("seeds/{target}");
    let (corpus, artifacts) = (format!("corpus/{target}"), format!("artifacts/{target}/"));
    for folder in [&seeds, &corpus, &artifacts] {
        shell.create_dir(Path::new(folder))?;
    }
    let binary = format!("target/{TRIPLE}/release/{target}");
    let time = format!("-max_total_time={seconds}");
    let limits = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"];
    let prefix = format!("-artifact_prefix={artifacts}");
    let running = cmd!(shell, "{binary} {time} {limits...} {prefix} {corpus} {seeds}");
    let report = counted::read_through(running)?;
    let tried = executed_in(&report).context("libFuzzer said nothing of what it tried")?;
    Ok(Ran::Through(format!("{} inputs", thousands(tried))))
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
        let manifest = fs::read_to_string(workspace::root().join("fuzz/Cargo.toml"));
        let manifest = manifest.expect("the manifest of the targets");
        let targets = targets().expect("the targets");
        assert!(!targets.is_empty());
        for target in targets {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
            let seeds = workspace::root().join("fuzz/seeds").join(&target);
            assert!(fs::read_dir(seeds).is_ok_and(|mut seeds| seeds.next().is_some()), "{target}");
        }
    }

    #[test]
    fn what_was_tried_is_read_from_the_final_report() {
        let report = "#16 DONE cov: 5\nstat::number_of_executed_units: 123456\nstat::x: 1\n";
        assert_eq!(executed_in(report), Some(123_456));
        assert_eq!(executed_in("#16 DONE\n"), None);
    }
}
