//! What cargo unpacks of our crates to build one from the packages of the others.
//!
//! It keeps that beside the sources that it fetched, by the place of the packages and by version, and
//! takes it for what a later run packs in the same place, whatever is in that.

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::workspace;

/// Removes all of it.
pub(crate) fn forget() -> anyhow::Result<()> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let Some(home) = home.or_else(|| Some(env::home_dir()?.join(".cargo"))) else { return Ok(()) };
    forget_in(&home.join("registry/src"), &entries(&workspace::root().join("crates"))?)
}

fn forget_in(sources: &Path, crates: &[PathBuf]) -> anyhow::Result<()> {
    for registry in entries(sources)? {
        // A registry that lies in a folder has no host in front of the dash.
        let packages =
            if name(&registry).starts_with('-') { entries(&registry)? } else { Vec::new() };
        for package in packages {
            let is_ours = crates.iter().any(|ours| {
                let version = name(&package).strip_prefix(name(ours)).unwrap_or_default();
                matches!(version.as_bytes(), [b'-', b'0'..=b'9', ..])
            });
            if is_ours {
                fs::remove_dir_all(package)?;
            }
        }
    }
    Ok(())
}

/// Lists a folder; one that is missing is empty.
fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_packages_of_folders_are_forgotten_and_nothing_else() {
        let sources = env::temp_dir().join(format!("unpacked-{}", std::process::id()));
        let kept = ["-1a2b/other-0.1.0", "-1a2b/ours-more", "example.org-3c4d/ours-0.1.0"];
        for package in kept.iter().chain(&["-1a2b/ours-0.1.0", "-5e6f/ours-0.2.0"]) {
            fs::create_dir_all(sources.join(package).join("src")).expect("a folder");
        }
        let crates = [PathBuf::from("crates/ours"), PathBuf::from("crates/absent")];
        forget_in(&sources, &crates).expect("they are ours to remove");
        let mut found: Vec<_> = entries(&sources)
            .expect("a folder")
            .iter()
            .flat_map(|registry| entries(registry).expect("a folder"))
            .map(|package| package.strip_prefix(&sources).expect("inside").to_path_buf())
            .collect();
        found.sort_unstable();
        assert_eq!(found, kept.map(PathBuf::from));
        forget_in(&sources.join("missing"), &crates).expect("nothing is there");
        fs::remove_dir_all(sources).expect("ours");
    }
}
