//! Where the workspace is, and what is in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
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
    Ok(shell)
}

/// Returns where cargo puts what it builds.
pub(crate) fn target_directory() -> anyhow::Result<PathBuf> {
    let shell = shell()?;
    let metadata = cmd!(shell, "cargo metadata --no-deps --format-version 1").quiet().read()?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let directory = metadata["target_directory"].as_str();
    Ok(directory.context("cargo metadata names no target directory")?.into())
}

/// A Rust source file of the workspace.
pub(crate) struct SourceFile {
    /// Path below the root, with `/` on every system.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Reads every Rust source file of the workspace, sorted by path.
pub(crate) fn source_files() -> anyhow::Result<Vec<SourceFile>> {
    let mut paths = Vec::new();
    for directory in ["crates", "xtask", "benches", "fuzz"] {
        let directory = root().join(directory);
        if directory.is_dir() {
            collect(&directory, &mut paths)
                .with_context(|| format!("cannot list {}", directory.display()))?;
        }
    }
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                collect(&path, paths)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

fn read(path: PathBuf) -> anyhow::Result<SourceFile> {
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let below = path.strip_prefix(root()).unwrap_or(&path);
    Ok(SourceFile { path: below.to_string_lossy().replace('\\', "/"), text })
}
