//! `cargo xtask msrv`: whether the shipped crates keep to the oldest Rust that they promise.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::{
    counted,
    flags::Msrv,
    steps::Steps,
    workspace::{self, Package, Workspace},
};

impl Msrv {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut steps = Steps::default();
        check(&workspace::shell()?, &mut steps);
        Ok(steps.finish())
    }
}

/// Looks for younger parts of the standard library and for younger dependencies, which needs neither
/// network nor that Rust; and runs the tests on that Rust where it is.
pub(crate) fn check(shell: &Shell, steps: &mut Steps) {
    steps.count("msrv: std and language", || check_std(shell));
    steps.count("msrv: dependencies", || check_dependencies(shell));
    let run = || -> anyhow::Result<_> {
        let promised = promised()?;
        // Asking that toolchain itself might make rustup fetch it.
        let known = cmd!(shell, "rustup toolchain list").quiet().ignore_stderr().read();
        Ok((known.is_ok_and(|known| is_listed(promised, &known)), promised))
    };
    match run() {
        Ok((true, promised)) => steps.count("msrv: tests", || test(shell, promised)),
        Ok((false, promised)) => {
            let hint = format!("rustup toolchain install {promised} --profile minimal");
            steps.skip("msrv: tests", format!("Rust {promised} is not installed ({hint})"));
        }
        Err(error) => steps.run("msrv: tests", || Err(error)),
    }
}

/// Returns the Rust that every layer promises.
fn promised() -> anyhow::Result<&'static str> {
    agreed(&Workspace::read()?.layers()).context("the layers promise different Rusts, or none")
}

fn agreed<'a>(layers: &[&'a Package]) -> Option<&'a str> {
    let promised = layers.first()?.rust_version.as_str();
    layers.iter().all(|layer| layer.rust_version == promised).then_some(promised)
}

fn layers() -> anyhow::Result<Vec<&'static str>> {
    let layers = Workspace::read()?.layers();
    Ok(layers.iter().flat_map(|layer| ["--package", layer.name.as_str()]).collect())
}

/// Clippy knows since when each item of the standard library is stable.
fn check_std(shell: &Shell) -> anyhow::Result<String> {
    let (promised, layers) = (promised()?, layers()?);
    let lint = ["-D", "clippy::incompatible_msrv"];
    cmd!(shell, "cargo clippy --all-features {layers...} -- {lint...}").run()?;
    Ok(format!("nothing younger than {promised}"))
}

/// Fails when a dependency of a layer, not of its tests, needs a younger Rust.
fn check_dependencies(shell: &Shell) -> anyhow::Result<String> {
    let promised = promised()?;
    let metadata =
        cmd!(shell, "cargo metadata --all-features --format-version 1").quiet().read()?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let layers = layers()?;
    let tree = ["--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let tree = cmd!(shell, "cargo tree --all-features --target all {layers...} {tree...}");
    let tree = tree.quiet().read()?;
    let used = |package: &&Value| {
        let (name, version) = (package["name"].as_str(), package["version"].as_str());
        let line = format!("{} v{}", name.unwrap_or_default(), version.unwrap_or_default());
        tree.lines().any(|used| used == line || used.starts_with(&format!("{line} ")))
    };
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let used: Vec<_> = packages.iter().filter(used).collect();
    let younger = used.iter().filter(|package| {
        package["rust_version"].as_str().is_some_and(|needed| parts(needed) > parts(promised))
    });
    let younger: Vec<_> = younger
        .map(|package| format!("{} needs Rust {}", package["name"], package["rust_version"]))
        .collect();
    ensure!(younger.is_empty(), "{}", younger.join(", "));
    let needs = |package: &&&Value| parts(package["rust_version"].as_str().unwrap_or_default());
    let youngest = used.iter().max_by_key(needs).context("the layers use nothing")?;
    let (name, needed) = (&youngest["name"], &youngest["rust_version"]);
    Ok(format!("{} crates, the youngest of which, {name}, needs {needed}", used.len()))
}

/// Runs the tests of every layer on that toolchain.
fn test(shell: &Shell, toolchain: &str) -> anyhow::Result<String> {
    let layers = layers()?;
    let _target = shell.push_env("CARGO_TARGET_DIR", "target/msrv");
    let testing = cmd!(shell, "cargo +{toolchain} test --quiet --locked {layers...}");
    Ok(format!("{} on {toolchain}", counted::tests_of(testing)?))
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
    fn layers_have_to_agree() {
        let layer = |rust: &str| Package { rust_version: rust.into(), ..Package::default() };
        let [a, b, c] = ["1.89", "1.89", "1.90"].map(layer);
        assert_eq!(agreed(&[&a, &b]), Some("1.89"));
        assert_eq!(agreed(&[&a, &c]), None);
        assert!(parts("1.100.0") > parts("1.89"));
    }

    #[test]
    fn a_toolchain_is_listed_with_its_host() {
        let list = "stable-x86_64-unknown-linux-gnu (default)\n1.85-x86_64-unknown-linux-gnu\n";
        assert!(is_listed("1.85", list));
        assert!(!is_listed("1.85", "1.85.0-x86_64-unknown-linux-gnu\n"));
        assert!(!is_listed("1.8", list));
    }
}
