//! Shipped unsafe lives in few files, and `docs/unsafe.md` names each of them.

use std::{collections::BTreeSet, fs};

use anyhow::Context;

use super::rust_tokens::tokens;
use crate::workspace::{self, SourceFile};

const LIST: &str = "docs/unsafe.md";

/// Returns one line for each file with unsafe code that the list lacks, and for each file that it
/// names in vain.
pub(super) fn violations(files: &[SourceFile]) -> anyhow::Result<Vec<String>> {
    let list = fs::read_to_string(workspace::root().join(LIST))
        .with_context(|| format!("cannot read {LIST}"))?;
    Ok(compare(&listed(&list), &holding_unsafe(files)))
}

fn compare(listed: &BTreeSet<&str>, holding: &BTreeSet<&str>) -> Vec<String> {
    let unlisted =
        holding.difference(listed).map(|path| format!("{path}: holds unsafe, but {LIST} lacks it"));
    let needless = listed
        .difference(holding)
        .map(|path| format!("{path}: holds no unsafe, but {LIST} names it"));
    unlisted.chain(needless).collect()
}

/// The shipped files that hold unsafe code. Tests and examples ship nothing.
fn holding_unsafe(files: &[SourceFile]) -> BTreeSet<&str> {
    let shipped =
        |file: &&SourceFile| file.path.starts_with("crates/") && file.path.contains("/src/");
    let holds = |file: &&SourceFile| tokens(&file.text).iter().any(|token| token.text == "unsafe");
    files.iter().filter(shipped).filter(holds).map(|file| file.path.as_str()).collect()
}

/// Every path of the form `crates/.../file.rs` that the document names, in whatever markup.
fn listed(document: &str) -> BTreeSet<&str> {
    let in_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.');
    document
        .split(|c| !in_path(c))
        .map(|word| word.trim_start_matches("../").trim_end_matches('.'))
        .filter(|word| word.starts_with("crates/") && word.ends_with(".rs"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_from_any_markup() {
        let document = "| `crates/a/src/x.rs` | why |\n- [y](../crates/a/src/y.rs)\n- crates/b/src/z.rs: why\n";
        let want = ["crates/a/src/x.rs", "crates/a/src/y.rs", "crates/b/src/z.rs"];
        assert_eq!(listed(document), BTreeSet::from(want));
    }

    #[test]
    fn only_shipped_code_counts() {
        let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.into() };
        let files = [
            file("crates/a/src/x.rs", "unsafe impl Send for X {}"),
            file(
                "crates/a/src/y.rs",
                "// unsafe is not needed here\n#![deny(unsafe_op_in_unsafe_fn)]",
            ),
            file("crates/a/tests/z.rs", "unsafe { f() }"),
            file("xtask/src/main.rs", "fn main() {}"),
        ];
        assert_eq!(holding_unsafe(&files), BTreeSet::from(["crates/a/src/x.rs"]));
    }

    #[test]
    fn both_directions_are_compared() {
        let lines = compare(
            &BTreeSet::from(["gone.rs", "same.rs"]),
            &BTreeSet::from(["new.rs", "same.rs"]),
        );
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("new.rs: holds unsafe"), "{lines:?}");
        assert!(lines[1].starts_with("gone.rs: holds no unsafe"), "{lines:?}");
    }
}
