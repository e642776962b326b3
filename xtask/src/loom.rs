//! `cargo xtask loom [LAYER] [--preemptions N]`

use anyhow::ensure;
use xshell::cmd;

use crate::{
    child::{shell, tests_of},
    layer::Layer,
};

/// Interruptions of a thread that find almost all bugs, in seconds.
pub(crate) const PREEMPTIONS: u32 = 2;

/// Runs the models of one layer or of all; prints how many interleavings each explored.
///
/// A layer without `tests/loom.rs` shares between threads what lower layers share, and values in `std`'s locks.
pub(crate) fn explore(layer: Option<Layer>, preemptions: u32) -> anyhow::Result<String> {
    let shell = shell();
    ensure!(preemptions > 0, "threads that are never interrupted show nothing");
    let mut said = Vec::new();
    for Layer { name, .. } in Layer::chosen(layer) {
        if !shell.path_exists(format!("crates/{name}/tests/loom.rs")) {
            said.push(format!("{name} shares nothing of its own but in std's locks: no model"));
            continue;
        }
        // The pool's features lengthen its segments and are modelled nowhere.
        let features = (name != "seg-pool").then_some("--all-features");
        let show = ["--test", "loom", "--", "--nocapture", "--test-threads=1"];
        let exploring = cmd!(shell, "cargo test --package {name} {features...} {show...}")
            .env("RUSTFLAGS", "--cfg seg_loom")
            .env("LOOM_MAX_PREEMPTIONS", preemptions.to_string())
            // A folder of its own: other flags would otherwise rebuild everything twice.
            .env("CARGO_TARGET_DIR", "target/loom");
        said.push(format!("{} models of {name}", tests_of(exploring)?));
    }
    Ok(format!("{}; {preemptions} preemptions", said.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::workspace::root;

    #[test]
    fn every_model_is_named_beside_its_promise() {
        let read = |path| fs::read_to_string(root().join(path)).expect("a file");
        let named = read("docs/testing.md");
        let models =
            read("crates/seg-pool/tests/loom.rs") + &read("crates/ws-assemble/tests/loom.rs");
        let models = models.split("#[test]\nfn ").skip(1).map(|rest| rest.split('(').next());
        let models: Vec<_> = models.map(|name| name.expect("a name")).collect();
        assert!(models.len() > 15, "{models:?}");
        for model in models {
            assert!(named.contains(&format!("`{model}`")), "{model} is not in docs/testing.md");
        }
    }
}
