//! Data flows down: which crate of the workspace may know which.

use anyhow::Context;
use serde_json::Value;
use xshell::{Shell, cmd};

/// Each crate and the crates of the workspace that it may depend on, for tests too.
///
/// A new edge needs a decision note under `docs/decisions/` first.
const ALLOWED: &[(&str, &[&str])] = &[
    ("seg-pool", &[]),
    ("seg-seq", &["seg-pool"]),
    ("seg-flate", &["seg-pool", "seg-seq"]),
    ("http-chunked", &["seg-pool", "seg-seq", "seg-flate"]),
    ("ws-assemble", &["seg-pool", "seg-seq", "seg-flate"]),
    ("seg-bench", &["seg-pool", "seg-seq", "seg-flate", "http-chunked", "ws-assemble"]),
    ("xtask", &[]),
];

/// Returns one line for each edge that the table does not allow.
pub(super) fn violations(shell: &Shell) -> anyhow::Result<Vec<String>> {
    let metadata = cmd!(shell, "cargo metadata --no-deps --format-version 1").quiet().read()?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    Ok(packages.iter().flat_map(violations_of).collect())
}

fn violations_of(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
        return vec![format!(
            "{name}: no row in xtask/src/tidy/edges.rs says what it may depend on"
        )];
    };
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        // Only a dependency inside the workspace has a path.
        .filter(|dependency| dependency["path"].is_string())
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|dependency| !allowed.contains(dependency))
        .map(|dependency| {
            format!("{name}: may not depend on {dependency} (xtask/src/tidy/edges.rs)")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_edge_that_points_up_is_found() {
        let package = json!({
            "name": "seg-seq",
            "dependencies": [
                { "name": "seg-pool", "path": "/w/crates/seg-pool", "kind": null },
                { "name": "memchr", "kind": null },
                { "name": "ws-assemble", "path": "/w/crates/ws-assemble", "kind": "dev" },
            ],
        });
        let lines = violations_of(&package);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("seg-seq: may not depend on ws-assemble"), "{lines:?}");
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        let lines = violations_of(&json!({ "name": "seg-new", "dependencies": [] }));
        assert_eq!(lines.len(), 1, "{lines:?}");
    }

    #[test]
    fn the_table_has_no_circle() {
        for (name, allowed) in ALLOWED {
            for dependency in *allowed {
                let (_, back) =
                    ALLOWED.iter().find(|(known, _)| known == dependency).expect("a known crate");
                assert!(!back.contains(name), "{name} and {dependency} know each other");
            }
        }
    }
}
