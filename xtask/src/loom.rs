//! `cargo xtask loom [LAYER] [--preemptions N]`

use std::process::ExitCode;

use anyhow::ensure;
use xshell::{Shell, cmd};

use crate::{
    counted,
    flags::Loom,
    workspace::{self, Workspace},
};

/// Interruptions of a thread that find almost all bugs, in seconds.
pub(crate) const PREEMPTIONS: u32 = 2;

impl Loom {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shell = workspace::shell()?;
        let preemptions = self.preemptions.unwrap_or(PREEMPTIONS);
        println!("{}", explore(&shell, self.layer.as_deref(), preemptions)?);
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs the models of one layer or of all; prints how many interleavings each explored.
///
/// A layer without `tests/loom.rs` shares nothing between threads but what lower layers share.
pub(crate) fn explore(
    shell: &Shell,
    layer: Option<&str>,
    preemptions: u32,
) -> anyhow::Result<String> {
    let _flags = shell.push_env("RUSTFLAGS", "--cfg seg_loom -Cdebug-assertions");
    let _bound = shell.push_env("LOOM_MAX_PREEMPTIONS", preemptions.to_string());
    // A directory of its own: other flags would otherwise rebuild everything twice.
    let _target = shell.push_env("CARGO_TARGET_DIR", "target/loom");
    let mut said = Vec::new();
    for layer in Workspace::read()?.chosen(layer)? {
        let name = &layer.name;
        if !shell.path_exists(format!("crates/{name}/tests/loom.rs")) {
            said.push(format!("{name} shares no state of its own between threads"));
            continue;
        }
        let features: &[&str] = if layer.is_tested_alone { &[] } else { &["--all-features"] };
        let show = ["--test", "loom", "--", "--nocapture", "--test-threads=1"];
        let exploring =
            cmd!(shell, "cargo test --release --package {name} {features...} {show...}");
        let models = counted::tests_in(&counted::read_through(exploring)?);
        ensure!(models > 0, "{name} has a tests/loom.rs without models");
        said.push(format!("{models} models of {name}"));
    }
    Ok(format!("{}; {preemptions} preemptions", said.join(", ")))
}
