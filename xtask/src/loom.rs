//! `cargo xtask loom [LAYER] [--preemptions N]`

use std::process::ExitCode;

use anyhow::bail;
use xshell::cmd;

use crate::{counted, flags::Loom, workspace};

/// The layers that have a `tests/loom.rs`, lowest first.
const LAYERS: &[&str] = &["seg-pool"];

/// Interruptions of a thread that find almost all bugs, in seconds.
pub(crate) const PREEMPTIONS: u32 = 2;

impl Loom {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        explore(self.layer.as_deref(), self.preemptions.unwrap_or(PREEMPTIONS))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs the models of one layer or of all; prints how many interleavings each explored.
pub(crate) fn explore(layer: Option<&str>, preemptions: u32) -> anyhow::Result<String> {
    if let Some(layer) = layer.filter(|layer| !LAYERS.contains(layer)) {
        bail!("{layer} has no models; {} has", LAYERS.join(", "));
    }
    let shell = workspace::shell()?;
    let _flags = shell.push_env("RUSTFLAGS", "--cfg seg_loom -Cdebug-assertions");
    let _bound = shell.push_env("LOOM_MAX_PREEMPTIONS", preemptions.to_string());
    // A directory of its own: other flags would otherwise rebuild everything twice.
    let _target = shell.push_env("CARGO_TARGET_DIR", "target/loom");
    let mut models = 0;
    for layer in LAYERS.iter().filter(|name| layer.is_none_or(|layer| layer == **name)) {
        let show = ["--", "--nocapture", "--test-threads=1"];
        let exploring =
            cmd!(shell, "cargo test --quiet --release --package {layer} --test loom {show...}");
        models += counted::tests_in(&counted::read_through(exploring)?);
    }
    Ok(format!("{models} models, {preemptions} preemptions"))
}
