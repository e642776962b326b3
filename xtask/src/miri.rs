//! `cargo xtask miri [LAYER] [--seeds N]`

use std::{env, process::ExitCode};

use anyhow::bail;
use xshell::{Shell, cmd};

use crate::{
    counted,
    flags::Miri,
    steps::Steps,
    workspace::{self, Package, Workspace},
};

/// Schedules that are tried with Tree Borrows.
pub(crate) const SEEDS: u32 = 4;

/// Names a toolchain with Miri; `nightly` unless set. `MIRI` names a driver, as cargo-miri knows it.
const TOOLCHAIN_VARIABLE: &str = "SEG_MIRI_TOOLCHAIN";

/// What a layer's tests run under: its name, Miri's flags, and the system where it is not this one.
type Way = (&'static str, &'static str, Option<&'static str>);

/// Both aliasing models; a big-endian and a 32-bit system, which Miri interprets on any other.
const WAYS: [Way; 4] = [
    (SCHEDULED, "-Zmiri-tree-borrows", None),
    ("Stacked Borrows", "", None),
    ("big-endian", "-Zmiri-tree-borrows", Some("s390x-unknown-linux-gnu")),
    ("32 bits", "-Zmiri-tree-borrows", Some("i686-unknown-linux-gnu")),
];

/// The way in which several schedules are tried.
const SCHEDULED: &str = "Tree Borrows";

impl Miri {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shell = workspace::shell()?;
        if let Some(why) = missing(&shell) {
            bail!("{why}");
        }
        let mut steps = Steps::default();
        check(&shell, &mut steps, self.layer.as_deref(), self.seeds.unwrap_or(SEEDS))?;
        Ok(steps.finish())
    }
}

fn toolchain() -> String {
    env::var(TOOLCHAIN_VARIABLE).unwrap_or_else(|_| "nightly".to_owned())
}

/// Says what this machine lacks, and how to get it.
pub(crate) fn missing(shell: &Shell) -> Option<String> {
    let toolchain = toolchain();
    let asking = cmd!(shell, "cargo +{toolchain} miri --version");
    let found = asking.quiet().ignore_stdout().ignore_stderr().run();
    let hint = format!("rustup +{toolchain} component add miri rust-src");
    found.err().map(|_| format!("not installed ({hint}, or {TOOLCHAIN_VARIABLE}=NAME)"))
}

/// Runs the tests of one layer, or of all, in each way: a step each.
pub(crate) fn check(
    shell: &Shell,
    steps: &mut Steps,
    layer: Option<&str>,
    seeds: u32,
) -> anyhow::Result<()> {
    for layer in Workspace::read()?.chosen(layer)? {
        for way in WAYS {
            let name = format!("miri {}, {}", layer.name, way.0);
            steps.count(name, || interpret(shell, layer, way, seeds));
        }
    }
    Ok(())
}

fn interpret(
    shell: &Shell,
    layer: &Package,
    (name, flags, target): Way,
    seeds: u32,
) -> anyhow::Result<String> {
    // Isolation is off because property tests look for the files of earlier failures.
    let mut flags = format!("{flags} -Zmiri-strict-provenance -Zmiri-disable-isolation");
    if name == SCHEDULED {
        flags += &format!(" -Zmiri-many-seeds=0..{seeds}");
    }
    let _flags = shell.push_env("MIRIFLAGS", flags);
    let _target = shell.push_env("CARGO_TARGET_DIR", "target/miri");
    let toolchain = toolchain();
    let target = target.into_iter().flat_map(|target| ["--target", target]);
    // All of its features: `report` keeps pointers of its own.
    let features: &[&str] = if layer.is_tested_alone { &["--all-features"] } else { &[] };
    let selection = ["--package", &layer.name, "--lib", "--tests"];
    let run = cmd!(shell, "cargo +{toolchain} miri test {target...} {selection...} {features...}");
    Ok(counted::in_words(counted::tests_in(&counted::read_through(run)?)))
}
