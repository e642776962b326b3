//! What must not stay in the sources: stubs, tests that do not run, shortcuts around a rule.

use super::rust_tokens::{Token, tokens};
use crate::workspace::SourceFile;

/// Tokens in a row that are refused, and why.
struct Refused {
    tokens: &'static [&'static str],
    reason: &'static str,
}

const ANYWHERE: &[Refused] = &[
    Refused { tokens: &["todo", "!"], reason: "a stub" },
    Refused { tokens: &["unimplemented", "!"], reason: "a stub" },
    Refused { tokens: &["dbg", "!"], reason: "debugging output" },
    Refused {
        tokens: &["#", "[", "ignore"],
        reason: "a test that does not run; shrink it instead",
    },
    Refused {
        tokens: &["ignore", ")", "]"],
        reason: "a test that does not run; shrink it instead",
    },
];

/// What only `sync.rs` may name in `seg-pool`: all else would escape the models.
const BEHIND_SYNC: &[Refused] = &[
    Refused { tokens: &["sync", ":", ":", "atomic"], reason: "atomics come from sync.rs" },
    Refused { tokens: &["UnsafeCell"], reason: "cells come from sync.rs" },
    Refused { tokens: &["thread_local"], reason: "thread-locals come from sync.rs" },
    Refused { tokens: &["crossbeam_queue"], reason: "queues come from sync.rs" },
];

/// Returns one line for each leftover.
pub(super) fn violations(files: &[SourceFile]) -> Vec<String> {
    files.iter().flat_map(violations_of).collect()
}

fn violations_of(file: &SourceFile) -> Vec<String> {
    let mut found = Vec::new();
    if file.path.ends_with("/mod.rs") {
        found.push(format!("{}: name the file after its room, not mod.rs", file.path));
    }
    let tokens = tokens(&file.text);
    found.extend(refused(file, &tokens, ANYWHERE));
    if file.path.starts_with("crates/seg-pool/src/") && !file.path.ends_with("/sync.rs") {
        found.extend(refused(file, &tokens, BEHIND_SYNC));
    }
    found
}

fn refused(file: &SourceFile, tokens: &[Token<'_>], rules: &[Refused]) -> Vec<String> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let here = &tokens[at..];
        let matches = |rule: &&Refused| {
            here.len() >= rule.tokens.len()
                && rule.tokens.iter().zip(here).all(|(want, token)| *want == token.text)
        };
        for rule in rules.iter().filter(matches) {
            let Token { line, .. } = tokens[at];
            found.push(format!(
                "{}:{line}: `{}`: {}",
                file.path,
                rule.tokens.concat(),
                rule.reason
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<String> {
        violations_of(&SourceFile { path: path.into(), text: text.into() })
    }

    #[test]
    fn each_leftover_is_found_once() {
        let cases = [
            ("crates/a/src/x/mod.rs", "fn f() {}"),
            ("crates/a/src/x.rs", "fn f() { todo!() }"),
            ("crates/a/src/x.rs", "fn f() { unimplemented ! () }"),
            ("xtask/src/x.rs", "fn f() { dbg!(1); }"),
            ("crates/a/tests/x.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}"),
            ("crates/a/tests/x.rs", "#[test]\n#[cfg_attr(miri, ignore)]\nfn f() {}"),
            ("crates/seg-pool/src/x.rs", "use core::sync::atomic::AtomicUsize;"),
            ("crates/seg-pool/src/x.rs", "use core::{cell::UnsafeCell, fmt};"),
            ("crates/seg-pool/src/x.rs", "std::thread_local! {}"),
            ("crates/seg-pool/src/x.rs", "use crossbeam_queue::ArrayQueue;"),
        ];
        for (path, text) in cases {
            assert_eq!(lines(path, text).len(), 1, "{path}: {text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_leftover_passes() {
        let cases = [
            ("crates/a/src/x.rs", "// todo!() later\nfn f() -> &'static str { \"dbg!(x)\" }"),
            ("crates/a/src/model.rs", "fn todo() {}"),
            ("crates/a/src/x.rs", "use core::sync::atomic::AtomicUsize;"),
            ("crates/seg-pool/src/sync.rs", "pub(crate) use core::sync::atomic::AtomicUsize;"),
            ("crates/seg-pool/src/x.rs", "use crate::sync::AtomicUsize;"),
            ("crates/seg-pool/tests/x.rs", "use std::sync::atomic::AtomicUsize;"),
        ];
        for (path, text) in cases {
            assert_eq!(lines(path, text), Vec::<String>::new(), "{path}: {text}");
        }
    }
}
