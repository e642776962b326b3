//! Whether every crate can be published, and what its features and dependencies are.

use core::fmt::Write as _;

use anyhow::ensure;
use xshell::cmd;

use crate::{
    child::{need, read_through, shell},
    layer::LAYERS,
    steps::{NotHere, Steps},
    workspace::{Workspace, root},
};

/// Packs each crate as it would be published, and checks them all as they come out of the packages.
///
/// `cargo package` would check them, too, but leaves what it unpacks beside the sources that cargo
/// fetched and takes it for a later run's. Here they come out into a workspace of their own.
pub(crate) fn pack() -> anyhow::Result<String> {
    let (shell, target) = (shell(), Workspace::read()?.target.join("package"));
    let unpacked = target.join("unpacked");
    shell.remove_path(&target)?;
    shell.create_dir(&unpacked)?;
    let what = LAYERS.iter().flat_map(|layer| ["--package", layer.name]);
    // What lies in the tree is what shall be packed, committed or not.
    cmd!(shell, "cargo package {what...} --no-verify --allow-dirty").run()?;
    // With the same profiles, what was compiled of other crates serves here, too.
    let ours = shell.read_file(root().join("Cargo.toml"))?;
    let profiles = ours.find("[profile.").map_or("", |start| &ours[start..]);
    let mut manifest = format!(
        "{profiles}\n[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n\n[patch.crates-io]\n"
    );
    let archives = shell.read_dir(&target)?;
    let archives =
        archives.iter().filter(|path| path.extension().is_some_and(|end| end == "crate"));
    let mut packed = 0;
    for archive in archives {
        cmd!(shell, "tar -xzf {archive} -C {unpacked}").quiet().run()?;
        let folder = archive.file_stem().unwrap_or_default().to_string_lossy();
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            ensure!(unpacked.join(&*folder).join(licence).is_file(), "{folder} has no {licence}");
        }
        let name = folder.rsplit_once('-').map_or(&*folder, |(name, _version)| name);
        writeln!(manifest, "{name} = {{ path = \"{folder}\" }}")?;
        packed += 1;
    }
    ensure!(packed == LAYERS.len(), "{packed} of {} crates were packed", LAYERS.len());
    shell.write_file(unpacked.join("Cargo.toml"), manifest)?;
    shell.copy_file(root().join("Cargo.lock"), unpacked.join("Cargo.lock"))?;
    shell.change_dir(&unpacked);
    let target = &Workspace::read()?.target;
    cmd!(shell, "cargo check --workspace --all-features").env("CARGO_TARGET_DIR", target).run()?;
    Ok(format!("{packed} crates"))
}

/// Checks each published crate with every pair of its features, with each of them and with none.
pub(crate) fn feature_pairs() -> anyhow::Result<String> {
    need("cargo-hack", "cargo install cargo-hack")?;
    let what = LAYERS.iter().flat_map(|layer| ["--package", layer.name]);
    let pairs = ["--feature-powerset", "--depth=2", "--exclude-features=default"];
    let shell = shell();
    let checking = cmd!(shell, "cargo hack check {what...} {pairs...}")
        .env("RUSTFLAGS", "-D warnings")
        .env("CARGO_TARGET_DIR", "target/hack");
    let count = read_through(checking)?.matches("info: running `cargo check").count();
    ensure!(count > 0, "no combination was checked");
    Ok(format!("{count} combinations"))
}

/// Looks for dependencies that nothing uses, and checks licences, sources and bans of every one and
/// whether a vulnerability of it is known.
pub(crate) fn check_dependencies(steps: &mut Steps) {
    let shell = shell();
    steps.run("machete", || {
        need("cargo-machete", "cargo install cargo-machete")?;
        // A program that cargo runs is taken for its own development.
        cmd!(shell, "cargo machete --with-metadata").env_remove("CARGO_PKG_NAME").run()?;
        Ok(String::new())
    });
    let deny = |what: &[&str]| {
        need("cargo-deny", "cargo install cargo-deny")?;
        let check = ["--all-features", "--log-level", "error", "check", "--hide-inclusion-graph"];
        cmd!(shell, "cargo deny {check...} {what...}").run()?;
        Ok(what.join(", "))
    };
    // These need no network.
    steps.run("deny", || deny(&["bans", "licenses", "sources"]));
    steps.run("deny advisories", || {
        need("cargo-deny", "cargo install cargo-deny")?;
        let fetching = cmd!(shell, "cargo deny fetch db").quiet().ignore_stdout().ignore_stderr();
        fetching.run().map_err(|_| NotHere("the list of advisories cannot be fetched".into()))?;
        deny(&["advisories"])
    });
}
