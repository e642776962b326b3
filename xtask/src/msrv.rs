//! `cargo xtask msrv`: whether the shipped crates keep to the oldest Rust that they promise.

use anyhow::{Context, ensure};
use serde_json::Value;
use xshell::cmd;

use crate::{
    child::{in_words, shell, tests_of},
    layer::LAYERS,
    steps::{NotHere, Steps},
    workspace::Workspace,
};

/// Looks for younger dependencies, which needs neither network nor that Rust, and runs the tests on
/// that Rust where it is. Younger parts of the standard library are clippy's to find.
pub(crate) fn check(steps: &mut Steps) {
    steps.run("msrv: dependencies", check_dependencies);
    steps.run("msrv: tests", test);
}

/// Returns the Rust that every layer promises.
fn promised() -> anyhow::Result<&'static str> {
    let packages = Workspace::read()?.packages.iter().filter(|package| package.is_published);
    let mut promised: Vec<_> = packages.map(|package| package.rust_version.as_str()).collect();
    promised.dedup();
    ensure!(promised.len() == 1, "the layers promise different Rusts, or none: {promised:?}");
    Ok(promised[0])
}

/// Fails when a dependency of a layer, not of its tests, needs a younger Rust.
fn check_dependencies() -> anyhow::Result<String> {
    let (shell, promised) = (shell(), promised()?);
    let metadata =
        cmd!(shell, "cargo metadata --all-features --format-version 1").quiet().read()?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let layers = LAYERS.iter().flat_map(|layer| ["--package", layer.name]);
    let tree = ["--edges", "normal,build", "--prefix", "none", "--format", "{p} "];
    let tree = cmd!(shell, "cargo tree --all-features --target all {layers...} {tree...}");
    let tree = tree.quiet().read()?;
    let text = |package: &Value, field| package[field].as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let used = packages.iter().filter(|package| {
        let line = format!("{} v{} ", text(package, "name"), text(package, "version"));
        tree.lines().any(|used| used.starts_with(&line))
    });
    let needs = used.map(|package| (text(package, "rust_version"), text(package, "name")));
    let mut needs: Vec<_> = needs.map(|(rust, name)| (parts(&rust), rust, name)).collect();
    needs.sort();
    let younger = needs.iter().filter(|(parts_needed, ..)| *parts_needed > parts(promised));
    let younger: Vec<_> =
        younger.map(|(_, rust, name)| format!("{name} needs Rust {rust}")).collect();
    ensure!(younger.is_empty(), "{}", younger.join(", "));
    let (_, rust, name) = needs.last().context("the layers use nothing")?;
    Ok(format!("{} crates, the youngest of which, {name}, needs {rust}", needs.len()))
}

/// Runs the tests of every layer on the toolchain of that Rust.
fn test() -> anyhow::Result<String> {
    let (shell, promised) = (shell(), promised()?);
    // Asking that toolchain itself might make rustup fetch it.
    let known = cmd!(shell, "rustup toolchain list").quiet().ignore_stderr().read();
    if !known.is_ok_and(|known| is_listed(promised, &known)) {
        let hint = format!("rustup toolchain install {promised} --profile minimal");
        return Err(NotHere(format!("Rust {promised} is not installed ({hint})")).into());
    }
    let layers = LAYERS.iter().flat_map(|layer| ["--package", layer.name]);
    let testing = cmd!(shell, "cargo +{promised} test --quiet --locked {layers...}");
    let ran = tests_of(testing.env("CARGO_TARGET_DIR", "target/msrv"))?;
    Ok(format!("{} on {promised}", in_words(ran)))
}

/// The numbers of a version, to be compared.
fn parts(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// Whether one of the lines names that toolchain, on whatever host.
fn is_listed(toolchain: &str, list: &str) -> bool {
    let mut rests = list.lines().filter_map(|line| line.strip_prefix(toolchain));
    rests.any(|rest| rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_number_by_number() {
        assert!(parts("1.100.0") > parts("1.89"));
        assert!(parts("1.88.1") < parts("1.89"));
        assert!(promised().is_ok_and(|rust| parts(rust) >= parts("1.85")));
    }

    #[test]
    fn a_toolchain_is_listed_with_its_host() {
        let list = "stable-x86_64-unknown-linux-gnu (default)\n1.85-x86_64-unknown-linux-gnu\n";
        assert!(is_listed("1.85", list));
        assert!(!is_listed("1.85", "1.85.0-x86_64-unknown-linux-gnu\n"));
        assert!(!is_listed("1.8", list));
    }
}
