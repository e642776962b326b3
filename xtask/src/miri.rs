//! `cargo xtask miri [LAYER] [--seeds N]`

use std::process::ExitCode;

use anyhow::bail;
use xshell::{Shell, cmd};

use crate::{counted, flags::Miri, workspace};

/// The layers whose own code holds unsafe, lowest first.
const LAYERS: &[&str] = &["seg-pool", "seg-seq", "ws-assemble"];

/// Schedules that are tried.
pub(crate) const SEEDS: u32 = 4;

impl Miri {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        check(self.layer.as_deref(), self.seeds.unwrap_or(SEEDS))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns whether this machine has Miri.
pub(crate) fn is_installed(shell: &Shell) -> bool {
    cmd!(shell, "cargo +nightly miri --version")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()
        .is_ok()
}

/// Runs the tests of one layer, or of all, with Tree Borrows and strict provenance.
pub(crate) fn check(layer: Option<&str>, seeds: u32) -> anyhow::Result<String> {
    let shell = workspace::shell()?;
    if !is_installed(&shell) {
        bail!("Miri is missing; this adds it: rustup +nightly component add miri rust-src");
    }
    if let Some(layer) = layer.filter(|layer| !LAYERS.contains(layer)) {
        bail!("{layer} holds no unsafe code; {} do", LAYERS.join(", "));
    }
    // Isolation is off because property tests look for the files of earlier failures.
    let flags = format!(
        "-Zmiri-tree-borrows -Zmiri-strict-provenance -Zmiri-disable-isolation -Zmiri-many-seeds=0..{seeds}"
    );
    let _flags = shell.push_env("MIRIFLAGS", flags);
    let _target = shell.push_env("CARGO_TARGET_DIR", "target/miri");
    let mut tests = 0;
    for layer in LAYERS.iter().filter(|name| layer.is_none_or(|layer| layer == **name)) {
        let testing = cmd!(shell, "cargo +nightly miri test --package {layer} --lib --tests");
        tests += counted::tests_in(&counted::read_through(testing)?);
    }
    Ok(format!("{}, {seeds} schedules", counted::in_words(tests)))
}
