//! Whether every crate can be published, and what its features and dependencies are.

use anyhow::ensure;
use xshell::{Shell, cmd};

use crate::{counted, unpacked, workspace};

/// The crates that nobody publishes.
const KEPT: [&str; 4] = ["--exclude", "seg-bench", "--exclude", "xtask"];

/// What cargo tells a program that it runs; cargo-machete takes it for its own development then.
const STARTED_BY_CARGO: &str = "CARGO_PKG_NAME";

/// Packs each crate as it would be published and builds it from the package.
pub(crate) fn pack(shell: &Shell) -> anyhow::Result<String> {
    // What lies in the tree is what shall be packed, committed or not.
    let _target = shell.push_env("CARGO_TARGET_DIR", workspace::root().join("target/package"));
    unpacked::forget()?;
    let packing = cmd!(shell, "cargo package --workspace {KEPT...} --allow-dirty");
    let count = counted::read_through(packing)?.matches(" Packaged ").count();
    unpacked::forget()?;
    ensure!(count > 0, "no crate was packed");
    Ok(format!("{count} crates"))
}

/// Checks each published crate with every combination of its features.
pub(crate) fn feature_powerset(shell: &Shell) -> anyhow::Result<String> {
    let _target = shell.push_env("CARGO_TARGET_DIR", workspace::root().join("target/hack"));
    let sets = ["--feature-powerset", "--exclude-features", "default"];
    let plain = ["-p", "seg-pool", "-p", "seg-seq", "-p", "ws-assemble"];
    // Without a backend these say so and do not compile.
    let compressing =
        ["-p", "seg-flate", "-p", "http-chunked", "--at-least-one-of", "zlib-rs,miniz_oxide"];
    let mut count = 0;
    for packages in [plain, compressing] {
        let checking = cmd!(shell, "cargo hack check --quiet {packages...} {sets...}");
        count += counted::read_through(checking)?.matches("info: running `cargo check").count();
    }
    ensure!(count > 0, "no combination was checked");
    Ok(format!("{count} combinations"))
}

/// Checks licences, sources and bans of every dependency; needs no network.
pub(crate) fn check_licences(shell: &Shell) -> anyhow::Result<()> {
    let what = ["check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    Ok(cmd!(shell, "cargo deny --all-features --log-level error {what...}").run()?)
}

/// Looks every dependency up among the known vulnerabilities.
pub(crate) fn check_advisories(shell: &Shell) -> anyhow::Result<()> {
    Ok(cmd!(shell, "cargo deny --all-features --log-level error check advisories").run()?)
}

/// Fetches the list of known vulnerabilities; returns why they cannot be looked up.
pub(crate) fn unreachable_advisories(shell: &Shell) -> Option<String> {
    let fetching = cmd!(shell, "cargo deny fetch db").quiet().ignore_stdout().ignore_stderr();
    fetching.run().err().map(|_| "the list of advisories cannot be fetched".to_owned())
}

/// Looks for dependencies that nothing uses.
pub(crate) fn find_unused(shell: &Shell) -> anyhow::Result<()> {
    Ok(cmd!(shell, "cargo machete --with-metadata").env_remove(STARTED_BY_CARGO).run()?)
}

/// Returns how to get a subcommand of cargo that is missing.
pub(crate) fn missing(shell: &Shell, subcommand: &str) -> Option<String> {
    let found = cmd!(shell, "cargo {subcommand} --version");
    let found = found.env_remove(STARTED_BY_CARGO).quiet().ignore_stdout().ignore_stderr().run();
    found.err().map(|_| format!("not installed (cargo install cargo-{subcommand})"))
}
