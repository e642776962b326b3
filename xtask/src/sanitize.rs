//! `cargo xtask sanitize address|thread|memory [LAYER]`

use std::{env, process::ExitCode};

use anyhow::bail;
use xshell::{Shell, cmd};

use crate::{counted, flags::Sanitize, workspace};

/// The layers whose own code holds unsafe, lowest first.
const LAYERS: &[&str] = &["seg-pool", "seg-seq", "ws-assemble"];

/// The one target whose sanitizer runtimes come with the toolchain everywhere.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Names a `rustc` that has the standard library's sources beside it.
const RUSTC_VARIABLE: &str = "SEG_SANITIZER_RUSTC";

/// What watches the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sanitizer {
    /// Memory errors and leaks.
    Address,
    /// Data races.
    Thread,
    /// Reads of uninitialised memory.
    Memory,
}

impl Sanitize {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let Some(sanitizer) = Sanitizer::named(&self.sanitizer) else {
            eprintln!(
                "error: no sanitizer is named {:?}: address, thread or memory",
                self.sanitizer
            );
            return Ok(ExitCode::from(2));
        };
        check(sanitizer, self.layer.as_deref())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Sanitizer {
    pub(crate) const ALL: [Self; 3] = [Self::Address, Self::Thread, Self::Memory];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sanitizer| sanitizer.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Thread => "thread",
            Self::Memory => "memory",
        }
    }

    /// Slabs come from the heap, which sanitizers watch.
    const fn flags(self) -> &'static str {
        match self {
            Self::Address => "--cfg seg_heap -Zsanitizer=address",
            Self::Thread => "--cfg seg_heap -Zsanitizer=thread",
            Self::Memory => "--cfg seg_heap -Zsanitizer=memory -Zsanitizer-memory-track-origins",
        }
    }

    const fn directory(self) -> &'static str {
        match self {
            Self::Address => "target/sanitize-address",
            Self::Thread => "target/sanitize-thread",
            Self::Memory => "target/sanitize-memory",
        }
    }

    /// Whether the standard library has to be built with the sanitizer, too.
    const fn needs_std_sources(self) -> bool {
        !matches!(self, Self::Address)
    }
}

/// Runs the tests of one layer, or of all that hold unsafe code.
///
/// Sanitizers are unstable options, which `RUSTC_BOOTSTRAP` lets a stable compiler take.
pub(crate) fn check(sanitizer: Sanitizer, layer: Option<&str>) -> anyhow::Result<String> {
    if let Some(layer) = layer.filter(|layer| !LAYERS.contains(layer)) {
        bail!("{layer} holds no unsafe code; {} do", LAYERS.join(", "));
    }
    let shell = workspace::shell()?;
    let _bootstrap = shell.push_env("RUSTC_BOOTSTRAP", "1");
    let _flags = shell.push_env("RUSTFLAGS", sanitizer.flags());
    let _target = shell.push_env("CARGO_TARGET_DIR", sanitizer.directory());
    // Instrumented code is slow enough; the checks of debug builds stay.
    let _optimised = shell.push_env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    if let Some(why) = missing(sanitizer, &shell) {
        bail!("{why}");
    }
    let rustc = env::var_os(RUSTC_VARIABLE).filter(|_| sanitizer.needs_std_sources());
    let _rustc = rustc.map(|rustc| shell.push_env("RUSTC", rustc));
    let mut ran = 0;
    let build_std: &[&str] = if sanitizer.needs_std_sources() { &["-Zbuild-std"] } else { &[] };
    for layer in LAYERS.iter().filter(|name| layer.is_none_or(|layer| layer == **name)) {
        let tests = ["--lib", "--tests", "--target", TARGET];
        let testing = cmd!(shell, "cargo test --quiet --package {layer} {build_std...} {tests...}");
        ran += counted::tests_in(&counted::read_through(testing)?);
    }
    Ok(counted::in_words(ran))
}

/// Returns what this machine lacks for a sanitizer, and how to get it.
pub(crate) fn missing(sanitizer: Sanitizer, shell: &Shell) -> Option<String> {
    if !sanitizer.needs_std_sources() || env::var_os(RUSTC_VARIABLE).is_some() {
        return None;
    }
    let sysroot = cmd!(shell, "rustc --print sysroot").quiet().read().unwrap_or_default();
    let is_there = shell.path_exists(format!("{sysroot}/lib/rustlib/src/rust/library/std"));
    (!is_there).then(|| {
        format!(
            "the standard library's sources are missing; this adds them: rustup component add rust-src \
             (or name a rustc that has them in {RUSTC_VARIABLE})"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_sanitizers_have_names() {
        assert_eq!(Sanitizer::named("thread"), Some(Sanitizer::Thread));
        assert_eq!(Sanitizer::named("threads"), None);
        assert!(!Sanitizer::Address.needs_std_sources());
    }
}
