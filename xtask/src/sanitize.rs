//! `cargo xtask sanitize address|thread|memory [LAYER]`

use std::process::ExitCode;

use anyhow::bail;
use xshell::{Shell, cmd};

use crate::{
    counted,
    flags::Sanitize,
    std_sources::StdSources,
    workspace::{self, Workspace},
};

/// The one target whose sanitizer runtimes come with the toolchain everywhere.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What watches the tests. Slabs come from the heap, which sanitizers watch.
pub(crate) struct Sanitizer {
    pub(crate) name: &'static str,
    flags: &'static str,
    /// Whether the standard library has to be built with the sanitizer, too.
    pub(crate) needs_std_sources: bool,
    /// The layers whose own code it is about and that `ci` runs.
    layers: &'static [&'static str],
    /// Those that `ci --full` adds.
    more_layers: &'static [&'static str],
}

/// Memory errors and leaks; data races; reads of uninitialised memory.
pub(crate) const SANITIZERS: [Sanitizer; 3] = [
    Sanitizer {
        name: "address",
        flags: "--cfg seg_heap -Zsanitizer=address",
        needs_std_sources: false,
        layers: &["seg-pool", "seg-seq", "ws-assemble"],
        more_layers: &["seg-flate", "http-chunked"],
    },
    Sanitizer {
        name: "thread",
        flags: "--cfg seg_heap -Zsanitizer=thread",
        needs_std_sources: true,
        layers: &["seg-pool"],
        more_layers: &["seg-seq", "ws-assemble"],
    },
    Sanitizer {
        name: "memory",
        flags: "--cfg seg_heap -Zsanitizer=memory -Zsanitizer-memory-track-origins",
        needs_std_sources: true,
        layers: &["seg-pool", "seg-seq"],
        more_layers: &["ws-assemble"],
    },
];

impl Sanitize {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shell = workspace::shell()?;
        let Some(sanitizer) = SANITIZERS.iter().find(|known| known.name == self.sanitizer) else {
            bail!("no sanitizer is named {:?}: address, thread or memory", self.sanitizer);
        };
        let chosen = Workspace::read()?.chosen(self.layer.as_deref())?;
        let chosen: Vec<&str> = match self.layer {
            Some(_) => chosen.iter().map(|layer| layer.name.as_str()).collect(),
            None => sanitizer.layers(true),
        };
        println!("{}", sanitizer.check(&shell, &chosen)?);
        Ok(ExitCode::SUCCESS)
    }
}

impl Sanitizer {
    /// The layers that it is for: those of every run, or all.
    pub(crate) fn layers(&self, is_full: bool) -> Vec<&'static str> {
        let more = if is_full { self.more_layers } else { &[] };
        [self.layers, more].concat()
    }

    /// Says what this machine lacks for it, and how to get it.
    pub(crate) fn missing(&self, shell: &Shell) -> Option<String> {
        if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
            return Some(format!("runs on {TARGET} only"));
        }
        if self.needs_std_sources { StdSources::missing(shell) } else { None }
    }

    /// Runs the tests of some layers.
    ///
    /// Sanitizers are unstable options, which `RUSTC_BOOTSTRAP` lets a stable compiler take.
    pub(crate) fn check(&self, shell: &Shell, layers: &[&str]) -> anyhow::Result<String> {
        if let Some(why) = self.missing(shell) {
            bail!("{why}");
        }
        let (sources, build_std) = if self.needs_std_sources {
            (StdSources::get(shell)?, &["-Zbuild-std"][..])
        } else {
            (StdSources::Usual, &[][..])
        };
        let _sources = sources.push(shell);
        let _flags = shell.push_env("RUSTFLAGS", self.flags);
        let _target = shell.push_env("CARGO_TARGET_DIR", format!("target/sanitize-{}", self.name));
        // Instrumented code is slow enough; the checks of debug builds stay.
        let _optimised = shell.push_env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
        let mut ran = 0;
        for layer in layers {
            let tests = ["--lib", "--tests", "--target", TARGET];
            let test = cmd!(shell, "cargo test --package {layer} {build_std...} {tests...}");
            ran += counted::tests_in(&counted::read_through(test)?);
        }
        Ok(format!("{} of {}", counted::in_words(ran), layers.join(", ")))
    }
}
