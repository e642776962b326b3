//! Where the workspace is, and what its manifests say.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::Context;
use serde_json::Value;
use xshell::cmd;

use crate::child::shell;

/// Returns the workspace's root directory.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies inside the workspace")
}

/// What `cargo metadata` says of the workspace; asked for once.
pub(crate) struct Workspace {
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// What a manifest says.
#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) is_published: bool,
    pub(crate) rust_version: String,
    /// The packages of the workspace that it uses, for tests too.
    pub(crate) uses: Vec<String>,
    /// Whether it has features that are not `default`.
    pub(crate) has_features: bool,
    /// `package.metadata.tests.sets`: arguments of cargo that choose features, besides the default
    /// ones and all of them.
    pub(crate) test_sets: Vec<String>,
    /// `package.metadata.tests.with-workspace`: features where the whole workspace is tested.
    pub(crate) with_workspace: Vec<String>,
    /// `package.metadata.tests.alone`: all its features change what other packages' tests count.
    pub(crate) is_tested_alone: bool,
}

impl Workspace {
    /// Reads the manifests.
    pub(crate) fn read() -> anyhow::Result<&'static Self> {
        static READ: OnceLock<Workspace> = OnceLock::new();
        if let Some(read) = READ.get() {
            return Ok(read);
        }
        let shell = shell();
        let said = cmd!(shell, "cargo metadata --no-deps --format-version 1").quiet().read()?;
        let said = serde_json::from_str(&said).context("cargo metadata is not JSON")?;
        let parsed = Self::parse(&said).context("cargo metadata lacks a field")?;
        Ok(READ.get_or_init(|| parsed))
    }

    fn parse(metadata: &Value) -> Option<Self> {
        let packages = metadata["packages"].as_array()?.iter().map(Package::parse);
        let target = metadata["target_directory"].as_str()?.into();
        Some(Self { target, packages: packages.collect::<Option<_>>()? })
    }
}

impl Package {
    fn parse(package: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts =
            |value: &Value| value.as_array().into_iter().flatten().filter_map(text).collect();
        let tests = &package["metadata"]["tests"];
        let dependencies = package["dependencies"].as_array()?.iter();
        // Only a dependency inside the workspace has a path.
        let inside = dependencies.filter(|dependency| dependency["path"].is_string());
        Some(Self {
            name: text(&package["name"])?,
            // `publish = false` is an empty list of registries.
            is_published: package["publish"].is_null(),
            rust_version: text(&package["rust_version"])?,
            uses: inside.filter_map(|dependency| text(&dependency["name"])).collect(),
            has_features: package["features"].as_object()?.keys().any(|name| name != "default"),
            test_sets: texts(&tests["sets"]),
            with_workspace: texts(&tests["with-workspace"]),
            is_tested_alone: tests["alone"] == true,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manifest_says_what_is_used_and_what_is_tested() {
        let used = |name: &str, path: Value| json!({ "name": name, "path": path });
        let package = json!({
            "name": "upper", "publish": null, "rust_version": "1.89",
            "dependencies": [used("lower", json!("/w")), used("http", Value::Null)],
            "features": { "default": ["a"], "a": [] },
            "metadata": { "tests": { "sets": ["--features=a"], "with-workspace": ["a"], "alone": true } },
        });
        let metadata = json!({ "packages": [package], "target_directory": "/t" });
        let workspace = Workspace::parse(&metadata).expect("whole metadata");
        let [package] = &workspace.packages[..] else { panic!("one package") };
        assert_eq!(
            (package.uses.concat(), package.test_sets.concat()),
            ("lower".into(), "--features=a".into())
        );
        assert_eq!(package.with_workspace, ["a"]);
        assert!(package.is_published && package.has_features && package.is_tested_alone);
        let plain = json!({
            "name": "tool", "publish": [], "rust_version": "1.95", "dependencies": [],
            "features": { "default": [] }, "metadata": null,
        });
        let plain = Package::parse(&plain).expect("a whole manifest");
        assert!(!plain.is_published && !plain.has_features && !plain.is_tested_alone);
    }
}
