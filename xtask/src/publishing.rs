//! Whether every crate can be published, and what its features and dependencies are.

use core::fmt::Write as _;

use anyhow::ensure;
use xshell::{Shell, cmd};

use crate::{
    counted,
    workspace::{self, Workspace},
};

/// What cargo tells a program that it runs; cargo-machete takes it for its own development then.
const STARTED_BY_CARGO: &str = "CARGO_PKG_NAME";

/// Packs each crate as it would be published, and checks them all as they come out of the packages.
///
/// `cargo package` would check them, too, but leaves what it unpacks beside the sources that cargo
/// fetched and takes it for a later run's. Here they come out into a workspace of their own.
pub(crate) fn pack(shell: &Shell) -> anyhow::Result<String> {
    let target = workspace::root().join("target/package");
    let unpacked = target.join("unpacked");
    shell.remove_path(target.join("package"))?;
    shell.remove_path(&unpacked)?;
    shell.create_dir(&unpacked)?;
    let _target = shell.push_env("CARGO_TARGET_DIR", &target);
    let layers = Workspace::read()?.layers();
    let selection = layers.iter().flat_map(|layer| ["--package", &layer.name]);
    // What lies in the tree is what shall be packed, committed or not.
    // It says which crates it packed.
    let _loud = shell.push_env("CARGO_TERM_QUIET", "false");
    let packing = cmd!(shell, "cargo package {selection...} --no-verify --allow-dirty");
    let packed = counted::read_through(packing)?.matches(" Packaged ").count();
    ensure!(packed == layers.len(), "{packed} of {} crates were packed", layers.len());
    let mut manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\nexclude = [\"target\"]\n\n[patch.crates-io]\n".to_owned();
    for archive in shell.read_dir(target.join("package"))? {
        if archive.extension().is_some_and(|extension| extension == "crate") {
            cmd!(shell, "tar -xzf {archive} -C {unpacked}").quiet().run()?;
        }
    }
    for folder in shell.read_dir(&unpacked)? {
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let text = folder.join(licence);
            ensure!(text.is_file(), "{} is missing", text.display());
        }
        let folder = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (name, _version) = folder.rsplit_once('-').unwrap_or((&folder, ""));
        writeln!(manifest, "{name} = {{ path = \"{folder}\" }}")?;
    }
    shell.write_file(unpacked.join("Cargo.toml"), manifest)?;
    shell.copy_file(workspace::root().join("Cargo.lock"), unpacked.join("Cargo.lock"))?;
    let _directory = shell.push_dir(&unpacked);
    cmd!(shell, "cargo check --workspace --all-features").run()?;
    Ok(format!("{packed} crates"))
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
    for packages in [&plain[..], &compressing] {
        let checking = cmd!(shell, "cargo hack check {packages...} {sets...}");
        count += counted::read_through(checking)?.matches("info: running `cargo check").count();
    }
    ensure!(count > 0, "no combination was checked");
    Ok(format!("{count} combinations"))
}

/// Checks licences, sources and bans of every dependency, which needs no network, or looks each up
/// among the known vulnerabilities.
pub(crate) fn deny(shell: &Shell, what: &[&str]) -> anyhow::Result<()> {
    let check = ["--all-features", "--log-level", "error", "check", "--hide-inclusion-graph"];
    Ok(cmd!(shell, "cargo deny {check...} {what...}").run()?)
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
pub(crate) fn missing(subcommand: &str) -> Option<String> {
    let program = format!("cargo-{subcommand}");
    workspace::installed(&program).err().map(|_| format!("not installed (cargo install {program})"))
}
