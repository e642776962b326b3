//! `cargo xtask msrv`: the shipped crates on the oldest Rust that they promise.

use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::{counted, flags::Msrv, workspace};

impl Msrv {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shell = workspace::shell()?;
        if let Some(why) = missing(&shell)? {
            bail!("{why}");
        }
        println!("{}", check(&shell)?);
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs the tests of every shipped crate on that toolchain.
pub(crate) fn check(shell: &Shell) -> anyhow::Result<String> {
    let Shipped { toolchain, packages } = Shipped::of_workspace(shell)?;
    let _target = shell.push_env("CARGO_TARGET_DIR", workspace::root().join("target/msrv"));
    let selection = packages.iter().flat_map(|package| ["--package", package]);
    let testing = cmd!(shell, "cargo +{toolchain} test --quiet --locked {selection...}");
    Ok(format!("{} on {toolchain}", counted::tests_of(testing)?))
}

/// Returns how to get the toolchain where it is missing.
pub(crate) fn missing(shell: &Shell) -> anyhow::Result<Option<String>> {
    let toolchain = Shipped::of_workspace(shell)?.toolchain;
    // Asking that toolchain itself might make rustup fetch it.
    let known = cmd!(shell, "rustup toolchain list").quiet().ignore_stderr().read();
    let is_there = known.is_ok_and(|known| is_listed(&toolchain, &known));
    let hint = format!("rustup toolchain install {toolchain} --profile minimal");
    Ok((!is_there).then(|| format!("Rust {toolchain} is not installed ({hint})")))
}

/// Whether one of the lines names that toolchain, on whatever host.
fn is_listed(toolchain: &str, list: &str) -> bool {
    let mut rests = list.lines().filter_map(|line| line.strip_prefix(toolchain));
    rests.any(|rest| rest.starts_with('-'))
}

/// What is published, and the oldest Rust that it promises.
struct Shipped {
    toolchain: String,
    packages: Vec<String>,
}

impl Shipped {
    fn of_workspace(shell: &Shell) -> anyhow::Result<Self> {
        let metadata = cmd!(shell, "cargo metadata --no-deps --format-version 1").quiet().read()?;
        let metadata: Value =
            serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
        Self::in_metadata(&metadata)
            .context("no crate is published, or they promise different Rusts")
    }

    fn in_metadata(metadata: &Value) -> Option<Self> {
        // `publish = false` is an empty list of registries.
        let is_shipped = |package: &&Value| package["publish"].is_null();
        let shipped: Vec<_> = metadata["packages"].as_array()?.iter().filter(is_shipped).collect();
        let toolchain = shipped.first()?["rust_version"].as_str()?;
        let agree = shipped.iter().all(|package| package["rust_version"] == toolchain);
        let names = shipped.iter().filter_map(|package| package["name"].as_str());
        let packages = names.map(str::to_owned).collect();
        agree.then(|| Self { toolchain: toolchain.to_owned(), packages })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_published_may_need_a_newer_rust() {
        let package = |name: &str, rust: &str, publish: Value| json!({ "name": name, "rust_version": rust, "publish": publish });
        let a = || package("a", "1.85", Value::Null);
        let b = package("b", "1.85", Value::Null);
        let own = package("own", "1.95", json!([]));
        let shipped = Shipped::in_metadata(&json!({ "packages": [a(), own, b] }));
        let shipped = shipped.expect("two crates that agree");
        assert_eq!((&*shipped.toolchain, shipped.packages.len()), ("1.85", 2));
        let newer = package("c", "1.90", Value::Null);
        assert!(Shipped::in_metadata(&json!({ "packages": [a(), newer] })).is_none());
    }

    #[test]
    fn a_toolchain_is_listed_with_its_host() {
        let list = "stable-x86_64-unknown-linux-gnu (default)\n1.85-x86_64-unknown-linux-gnu\n";
        assert!(is_listed("1.85", list));
        assert!(!is_listed("1.85", "1.85.0-x86_64-unknown-linux-gnu\n"));
        assert!(!is_listed("1.8", list));
    }
}
