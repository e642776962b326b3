//! Where the workspace is, and what its manifests say.

use std::{
    env,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context, bail};
use serde_json::Value;
use xshell::{Shell, cmd};

/// Returns the workspace's root directory.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies inside the workspace")
}

/// Returns a shell whose commands run in the workspace's root.
///
/// The process itself stays where the user called it, so the user's relative paths keep their meaning.
pub(crate) fn shell() -> anyhow::Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    // What is built shows on a terminal. In a pipe only results count.
    if !io::stderr().is_terminal() {
        shell.set_var("CARGO_TERM_QUIET", "true");
    }
    Ok(shell)
}

/// What `cargo metadata` says of the workspace; asked for once.
pub(crate) struct Workspace {
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    /// Its packages, each after those that it depends on.
    pub(crate) packages: Vec<Package>,
}

/// What a manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) is_published: bool,
    pub(crate) rust_version: String,
    /// The packages of the workspace that it uses, for tests too.
    pub(crate) uses: Vec<String>,
    /// Features that are not `default`.
    pub(crate) features: Vec<String>,
    /// `package.metadata.tests.sets`: arguments of cargo that choose features, besides the default
    /// ones and all of them.
    pub(crate) test_sets: Vec<String>,
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
        let shell = shell()?;
        let said = cmd!(shell, "cargo metadata --no-deps --format-version 1").quiet().read()?;
        let said = serde_json::from_str(&said).context("cargo metadata is not JSON")?;
        let parsed = Self::parse(&said).context("cargo metadata lacks a field")?;
        Ok(READ.get_or_init(|| parsed))
    }

    fn parse(metadata: &Value) -> Option<Self> {
        let packages = metadata["packages"].as_array()?;
        let mut unordered = packages.iter().map(Package::parse).collect::<Option<Vec<_>>>()?;
        let mut packages = Vec::new();
        while !unordered.is_empty() {
            let used = |package: &Package| package.uses.clone();
            let known = |name: &String| !unordered.iter().any(|later| later.name == *name);
            // A circle cannot be built, so cargo metadata names none.
            let next = unordered.iter().position(|package| used(package).iter().all(known))?;
            packages.push(unordered.remove(next));
        }
        Some(Self { target: metadata["target_directory"].as_str()?.into(), packages })
    }

    /// The packages that are published, lowest first.
    pub(crate) fn layers(&self) -> Vec<&Package> {
        self.packages.iter().filter(|package| package.is_published).collect()
    }

    /// The layers that a command is for: the named one, or all.
    ///
    /// A layer has its crate's name, or that without what comes before or after the dash: `pool`,
    /// `http`.
    pub(crate) fn chosen(&self, name: Option<&str>) -> anyhow::Result<Vec<&Package>> {
        let layers = self.layers();
        let Some(name) = name else { return Ok(layers) };
        let is_named = |layer: &&&Package| {
            layer.name == name || layer.name.split('-').any(|part| part == name && part != "seg")
        };
        if let Some(layer) = layers.iter().find(is_named) {
            return Ok(vec![layer]);
        }
        let known: Vec<_> = layers.iter().map(|layer| layer.name.as_str()).collect();
        bail!("no layer is named {name:?}: {}", known.join(", "))
    }
}

impl Package {
    fn parse(package: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts =
            |value: &Value| value.as_array().into_iter().flatten().filter_map(text).collect();
        let dependencies = package["dependencies"].as_array()?.iter();
        let tests = &package["metadata"]["tests"];
        let features = package["features"].as_object()?.keys().cloned();
        Some(Self {
            name: text(&package["name"])?,
            // `publish = false` is an empty list of registries.
            is_published: package["publish"].is_null(),
            rust_version: text(&package["rust_version"])?,
            // Only a dependency inside the workspace has a path.
            uses: dependencies
                .filter(|dependency| dependency["path"].is_string())
                .filter_map(|dependency| text(&dependency["name"]))
                .collect(),
            features: features.filter(|feature| feature != "default").collect(),
            test_sets: texts(&tests["sets"]),
            is_tested_alone: tests["alone"] == true,
        })
    }
}

/// Finds a program as a shell would, and in the folder of servers.
pub(crate) fn installed(program: &str) -> Result<PathBuf, String> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let paths: Vec<PathBuf> = env::split_paths(&paths).chain(["/usr/sbin".into()]).collect();
    let found = paths.iter().map(|path| path.join(program)).find(|path| path.is_file());
    found.ok_or_else(|| format!("{program} is not installed"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workspace() -> Workspace {
        let used = |name: &str| json!({ "name": name, "path": "/w", "kind": "dev" });
        let package = |name: &str, publish: Value, dependencies: Vec<Value>| {
            json!({
                "name": name, "publish": publish, "rust_version": "1.89", "dependencies": dependencies,
                "features": { "default": ["a"], "a": [] },
                "metadata": { "tests": { "sets": ["--features=a"], "alone": name == "seg-pool" } },
            })
        };
        let packages = [
            package("http-chunked", Value::Null, vec![used("seg-pool"), json!({ "name": "http" })]),
            package("xtask", json!([]), vec![]),
            package("seg-pool", Value::Null, vec![]),
        ];
        let metadata = json!({ "packages": packages, "target_directory": "/t" });
        Workspace::parse(&metadata).expect("whole metadata")
    }

    #[test]
    fn layers_come_lowest_first_and_only_published_ones() {
        let workspace = workspace();
        let [pool, http] = &workspace.layers()[..] else { panic!("two are published") };
        assert_eq!((&*pool.name, &*http.name), ("seg-pool", "http-chunked"));
        assert_eq!((&*http.uses, &*http.features), (&["seg-pool".into()][..], &["a".into()][..]));
        assert_eq!((pool.is_tested_alone, http.is_tested_alone), (true, false));
        assert_eq!(http.test_sets, ["--features=a"]);
    }

    #[test]
    fn a_layer_has_a_short_name_too() {
        let workspace = workspace();
        for name in ["pool", "seg-pool"] {
            assert_eq!(workspace.chosen(Some(name)).expect(name)[0].name, "seg-pool");
        }
        assert_eq!(workspace.chosen(None).expect("all").len(), 2);
        for name in ["seg", "xtask", "poo"] {
            let error = workspace.chosen(Some(name)).expect_err(name).to_string();
            assert!(error.ends_with("seg-pool, http-chunked"), "{error}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        assert!(installed("sh").is_ok());
        assert_eq!(installed("no-such-program"), Err("no-such-program is not installed".into()));
    }
}
