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

/// Returns the arguments of cargo that select all packages, with the features that go together.
pub(crate) fn whole(packages: &[Package]) -> Vec<String> {
    let features = packages.iter().flat_map(Package::features_together);
    ["--workspace".to_owned()].into_iter().chain(features).collect()
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
    /// All but `default`.
    pub(crate) features: Vec<String>,
    /// `package.metadata.tests.sets`: arguments of cargo that choose features, where a package is
    /// tested once more.
    pub(crate) test_sets: Vec<String>,
    /// Features where the whole workspace is tested: all of a layer but those of
    /// `package.metadata.tests.without-workspace`; of other packages those of `with-workspace`.
    pub(crate) with_workspace: Vec<String>,
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
    /// Returns the arguments of cargo that turn on the features that go together.
    pub(crate) fn features_together(&self) -> impl Iterator<Item = String> {
        self.with_workspace.iter().map(|feature| format!("--features={}/{feature}", self.name))
    }

    fn parse(package: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts =
            |value: &Value| value.as_array().into_iter().flatten().filter_map(text).collect();
        let tests = &package["metadata"]["tests"];
        let dependencies = package["dependencies"].as_array()?.iter();
        // Only a dependency inside the workspace has a path.
        let inside = dependencies.filter(|dependency| dependency["path"].is_string());
        let names = package["features"].as_object()?.keys();
        let features: Vec<_> = names.filter(|name| *name != "default").cloned().collect();
        // `publish = false` is an empty list of registries.
        let is_published = package["publish"].is_null();
        let (with, without): (Vec<_>, Vec<_>) =
            (texts(&tests["with-workspace"]), texts(&tests["without-workspace"]));
        let with_workspace = if is_published {
            features.iter().filter(|feature| !without.contains(feature)).cloned().collect()
        } else {
            with
        };
        Some(Self {
            name: text(&package["name"])?,
            is_published,
            rust_version: text(&package["rust_version"])?,
            uses: inside.filter_map(|dependency| text(&dependency["name"])).collect(),
            features,
            test_sets: texts(&tests["sets"]),
            with_workspace,
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
            "features": { "default": ["a"], "a": [], "b": [] },
            "metadata": { "tests": { "sets": ["--features=b"], "without-workspace": ["b"] } },
        });
        let metadata = json!({ "packages": [package], "target_directory": "/t" });
        let workspace = Workspace::parse(&metadata).expect("whole metadata");
        let [package] = &workspace.packages[..] else { panic!("one package") };
        assert_eq!(
            (package.uses.concat(), package.test_sets.concat()),
            ("lower".into(), "--features=b".into())
        );
        assert_eq!(
            (&package.features[..], &package.with_workspace[..]),
            (&["a", "b"].map(String::from)[..], &["a".to_owned()][..])
        );
        assert!(package.is_published);
        let plain = json!({
            "name": "tool", "publish": [], "rust_version": "1.95", "dependencies": [],
            "features": { "default": [], "a": [], "b": [] },
            "metadata": { "tests": { "with-workspace": ["b"] } },
        });
        let plain = Package::parse(&plain).expect("a whole manifest");
        assert!(!plain.is_published);
        assert_eq!(plain.with_workspace, ["b"]);
    }
}
