//! `cargo xtask tidy`: the rules of the house that neither rustc nor clippy checks.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, ensure};

use crate::{
    layer::LAYERS,
    workspace::{Package, Workspace, root},
};

/// Names each file that may hold unsafe code; the compiler refuses it elsewhere.
const UNSAFE_LIST: &str = "docs/unsafe.md";

/// What only `sync.rs` may name in `seg-pool`: all else would escape the models. Clippy's
/// `disallowed_types` would refuse what comes through `sync.rs`, too.
const BEHIND_SYNC: &[&str] = &["sync::atomic", "UnsafeCell", "thread_local!", "crossbeam_queue"];

/// Checks every rule and prints each violation on a line of its own.
pub(crate) fn check() -> anyhow::Result<String> {
    let mut sources = Vec::new();
    collect(&root().join("crates"), &mut sources)?;
    let list = fs::read_to_string(root().join(UNSAFE_LIST)).context(UNSAFE_LIST)?;
    let mut violations: Vec<String> =
        Workspace::read()?.packages.iter().flat_map(edges_of).collect();
    violations.extend(unlisted(&sources, &list));
    violations.extend(sources.iter().flat_map(past_sync));
    violations.iter().for_each(|violation| eprintln!("{violation}"));
    ensure!(violations.is_empty(), "{} rules broken", violations.len());
    Ok(format!("{} shipped files follow the rules", sources.len()))
}

/// A shipped file.
struct Source {
    /// Path below the root, with `/` on every system.
    path: String,
    /// Its lines, without what follows `//`.
    code: String,
}

/// Reads every file below the `src` folders of a folder.
fn collect(folder: &Path, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {folder:?}"))? {
        let path = entry?.path();
        let below = path.strip_prefix(root())?.to_string_lossy().replace('\\', "/");
        if path.is_dir() {
            collect(&path, sources)?;
        } else if below.contains("/src/") && below.ends_with(".rs") {
            let text = fs::read_to_string(&path).with_context(|| below.clone())?;
            sources.push(Source::new(below, &text));
        }
    }
    Ok(())
}

impl Source {
    fn new(path: impl Into<String>, text: &str) -> Self {
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        Self { path: path.into(), code: code.collect::<Vec<_>>().join("\n") }
    }
}

/// Returns one line for each edge that the table of layers does not allow. What is not published
/// may use every layer.
fn edges_of(package: &Package) -> Vec<String> {
    let layer = LAYERS.iter().find(|layer| layer.name == package.name);
    let allowed = |used: &&String| match layer {
        Some(layer) => layer.may_use.contains(&used.as_str()),
        None => LAYERS.iter().any(|layer| layer.name == *used),
    };
    let refused = package.uses.iter().filter(|used| !allowed(used));
    refused
        .map(|used| format!("{}: may not depend on {used} (xtask/src/layer.rs)", package.name))
        .collect()
}

/// Returns one line for each file that expects unsafe code and that the list lacks, and for each
/// that it names in vain. The compiler says when one holds none.
fn unlisted(sources: &[Source], list: &str) -> Vec<String> {
    let expecting = sources.iter().filter(|source| source.code.contains("(unsafe_code, reason"));
    let expecting: BTreeSet<&str> = expecting.map(|source| source.path.as_str()).collect();
    let words = list.split('`').filter(|word| word.starts_with("crates/") && word.ends_with(".rs"));
    let listed: BTreeSet<&str> = words.collect();
    let lacking = expecting.difference(&listed);
    let lacking =
        lacking.map(|path| format!("{path}: expects unsafe code, but {UNSAFE_LIST} lacks it"));
    let needless = listed.difference(&expecting);
    let needless =
        needless.map(|path| format!("{path}: expects no unsafe code, but is in {UNSAFE_LIST}"));
    lacking.chain(needless).collect()
}

/// Returns one line for each way around `sync.rs`.
fn past_sync(source: &Source) -> Vec<String> {
    let Source { path, code } = source;
    if !path.starts_with("crates/seg-pool/src/") || path.ends_with("/sync.rs") {
        return Vec::new();
    }
    let found = BEHIND_SYNC.iter().filter(|name| code.contains(**name));
    found.map(|name| format!("{path}: `{name}` comes from sync.rs")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_that_points_up_is_found() {
        let package = |name: &str, uses: &[&str]| Package {
            name: name.into(),
            uses: uses.iter().copied().map(String::from).collect(),
            ..Package::default()
        };
        let lines = edges_of(&package("seg-seq", &["seg-pool", "ws-assemble"]));
        assert_eq!(lines, ["seg-seq: may not depend on ws-assemble (xtask/src/layer.rs)"]);
        assert!(edges_of(&package("seg-bench", &["seg-pool", "ws-assemble"])).is_empty());
        assert_eq!(edges_of(&package("xtask", &["seg-bench"])).len(), 1);
    }

    #[test]
    fn the_list_of_unsafe_files_is_compared_in_both_directions() {
        let attribute = "#![expect(unsafe_code, reason = \"why\")]";
        let sources = [
            Source::new("crates/a/src/new.rs", attribute),
            Source::new("crates/a/src/same.rs", attribute),
            Source::new(
                "crates/a/src/none.rs",
                "// (unsafe_code, reason)\n#![forbid(unsafe_code)]",
            ),
        ];
        let list = "| `crates/a/src/same.rs` | why |\n- `crates/a/src/gone.rs`\n";
        let lines = unlisted(&sources, list);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("crates/a/src/new.rs: expects unsafe"), "{lines:?}");
        assert!(lines[1].starts_with("crates/a/src/gone.rs: expects no unsafe"), "{lines:?}");
    }

    #[test]
    fn a_way_around_sync_is_found() {
        let cases = [
            ("crates/seg-pool/src/x.rs", "use core::sync::atomic::AtomicUsize;", 1),
            ("crates/seg-pool/src/x.rs", "std::thread_local! {}", 1),
            ("crates/seg-pool/src/x.rs", "use crate::sync::AtomicUsize; // UnsafeCell", 0),
            ("crates/seg-pool/src/sync.rs", "pub(crate) use core::sync::atomic::fence;", 0),
            ("crates/seg-seq/src/x.rs", "use core::sync::atomic::AtomicUsize;", 0),
        ];
        for (path, text, want) in cases {
            assert_eq!(past_sync(&Source::new(path, text)).len(), want, "{path}: {text}");
        }
    }
}
