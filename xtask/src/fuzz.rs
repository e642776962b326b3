//! `cargo xtask fuzz [TARGET] [--seconds N]`

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

use crate::{flags::Fuzz, steps::Steps, workspace};

/// The one target whose sanitizer runtimes come with the toolchain everywhere.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// How long each target runs.
pub(crate) const SECONDS: u32 = 30;

/// Counters and comparisons for libFuzzer, the address sanitizer, and slabs that it watches.
const RUSTFLAGS: &str = "--cfg fuzzing --cfg seg_heap -Zsanitizer=address -Ccodegen-units=1 \
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

impl Fuzz {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shell = workspace::shell()?;
        let known = targets()?;
        let chosen = match self.target {
            None => known,
            Some(target) if known.contains(&target) => vec![target],
            Some(target) => bail!("no fuzz target is named {target:?}: {}", known.join(", ")),
        };
        let mut steps = Steps::default();
        for target in chosen {
            steps.run(format!("fuzz {target}"), || {
                check(&shell, &target, self.seconds.unwrap_or(SECONDS))
            });
        }
        Ok(steps.finish())
    }
}

/// Returns the names of all targets.
pub(crate) fn targets() -> anyhow::Result<Vec<String>> {
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

/// Builds one target and runs it. What it finds anew goes to `fuzz/corpus`, an input that breaks it
/// to `fuzz/artifacts`; `fuzz/seeds` is where it starts from.
///
/// Sanitizers are unstable options, which `RUSTC_BOOTSTRAP` lets a stable compiler take.
pub(crate) fn check(shell: &Shell, target: &str, seconds: u32) -> anyhow::Result<()> {
    let _directory = shell.push_dir("fuzz");
    {
        let _bootstrap = shell.push_env("RUSTC_BOOTSTRAP", "1");
        let _flags = shell.push_env("RUSTFLAGS", RUSTFLAGS);
        let _target = shell.push_env("CARGO_TARGET_DIR", "target");
        cmd!(shell, "cargo build --quiet --release --target {TRIPLE} --bin {target}").run()?;
    }
    let seeds = format!("seeds/{target}");
    let (corpus, artifacts) = (format!("corpus/{target}"), format!("artifacts/{target}/"));
    for folder in [&seeds, &corpus, &artifacts] {
        shell.create_dir(Path::new(folder))?;
    }
    let binary = format!("target/{TRIPLE}/release/{target}");
    let time = format!("-max_total_time={seconds}");
    let limits = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"];
    let prefix = format!("-artifact_prefix={artifacts}");
    cmd!(shell, "{binary} {time} {limits...} {prefix} {corpus} {seeds}").run()?;
    Ok(())
}
