//! `cargo xtask tidy`: the rules of the house that neither rustc nor clippy checks.

use std::{collections::BTreeSet, fs, path::Path, process::ExitCode};

use anyhow::{Context, ensure};

use crate::{
    flags::Tidy,
    workspace::{self, Package, Workspace},
};

/// Each crate and the crates of the workspace that it may depend on, for tests too.
///
/// A new edge needs a decision note under `docs/decisions/` first.
const EDGES: &[(&str, &[&str])] = &[
    ("seg-pool", &[]),
    ("seg-seq", &["seg-pool"]),
    ("seg-flate", &["seg-pool", "seg-seq"]),
    ("http-chunked", &["seg-pool", "seg-seq", "seg-flate"]),
    ("ws-assemble", &["seg-pool", "seg-seq", "seg-flate"]),
    ("seg-bench", &["seg-pool", "seg-seq", "seg-flate", "http-chunked", "ws-assemble"]),
    ("xtask", &[]),
];

/// Names each file that may hold unsafe code; the compiler refuses it elsewhere.
const UNSAFE_LIST: &str = "docs/unsafe.md";

/// What only `sync.rs` may name in `seg-pool`: all else would escape the models. Clippy's
/// `disallowed_types` would refuse what comes through `sync.rs`, too.
const BEHIND_SYNC: &[&str] = &["sync::atomic", "UnsafeCell", "thread_local!", "crossbeam_queue"];

impl Tidy {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        println!("{}", check()?);
        Ok(ExitCode::SUCCESS)
    }
}

/// Checks every rule and prints each violation on a line of its own.
pub(crate) fn check() -> anyhow::Result<String> {
    let root = workspace::root();
    let mut sources = Vec::new();
    collect(&root.join("crates"), &mut sources)?;
    let list = fs::read_to_string(root.join(UNSAFE_LIST)).context(UNSAFE_LIST)?;
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

/// Reads every file below the `src` folders of a folder, sorted by path.
fn collect(folder: &Path, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {folder:?}"))?;
    let mut paths: Vec<_> =
        entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    paths.sort();
    for path in paths {
        let below = path.strip_prefix(workspace::root())?.to_string_lossy().replace('\\', "/");
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

    fn expects_unsafe(&self) -> bool {
        self.code.contains("(unsafe_code, reason")
    }
}

/// Returns one line for each edge that the table does not allow.
fn edges_of(package: &Package) -> Vec<String> {
    let Package { name, uses, .. } = package;
    let Some((_, allowed)) = EDGES.iter().find(|(known, _)| known == name) else {
        return vec![format!("{name}: no row in xtask/src/tidy.rs says what it may depend on")];
    };
    let refused = uses.iter().filter(|used| !allowed.contains(&used.as_str()));
    refused.map(|used| format!("{name}: may not depend on {used} (xtask/src/tidy.rs)")).collect()
}

/// Returns one line for each file that expects unsafe code and that the list lacks, and for each
/// that it names in vain. The compiler says when one holds none.
fn unlisted(sources: &[Source], list: &str) -> Vec<String> {
    let holding = sources.iter().filter(|source| source.expects_unsafe());
    let holding: BTreeSet<&str> = holding.map(|source| source.path.as_str()).collect();
    let in_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.');
    let words = list.split(|c| !in_path(c)).map(|word| word.trim_start_matches("../"));
    let listed: BTreeSet<&str> =
        words.filter(|word| word.starts_with("crates/") && word.ends_with(".rs")).collect();
    let lacking = holding.difference(&listed);
    let needless = listed.difference(&holding);
    lacking
        .map(|path| format!("{path}: expects unsafe code, but {UNSAFE_LIST} lacks it"))
        .chain(
            needless.map(|path| format!("{path}: expects no unsafe code, but is in {UNSAFE_LIST}")),
        )
        .collect()
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
        let uses = vec!["seg-pool".into(), "ws-assemble".into()];
        let lines = edges_of(&Package { name: "seg-seq".into(), uses, ..Package::default() });
        assert_eq!(lines, ["seg-seq: may not depend on ws-assemble (xtask/src/tidy.rs)"]);
        let unknown = Package { name: "seg-new".into(), ..Package::default() };
        assert_eq!(edges_of(&unknown).len(), 1);
    }

    #[test]
    fn the_list_of_unsafe_files_is_compared_in_both_directions() {
        let sources = [
            Source::new("crates/a/src/new.rs", "#![expect(unsafe_code, reason = \"why\")]"),
            Source::new(
                "crates/a/src/same.rs",
                "cfg_attr(x, expect(unsafe_code, reason = \"why\"))",
            ),
            Source::new(
                "crates/a/src/none.rs",
                "// (unsafe_code, reason)\n#![forbid(unsafe_code)]",
            ),
        ];
        let list = "| `crates/a/src/same.rs` | why |\n- [y](../crates/a/src/gone.rs)\n";
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
