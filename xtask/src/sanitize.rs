//! `cargo xtask sanitize address|thread|memory [LAYER]`

use core::str::FromStr;

use anyhow::ensure;
use xshell::cmd;

use crate::{
    child::{in_words, shell, tests_of},
    layer::{LAYERS, Layer},
    std_sources,
    steps::{NotHere, Steps},
};

/// The one target whose sanitizer runtimes come with the toolchain everywhere.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What watches the tests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sanitizer {
    name: &'static str,
    flags: &'static str,
    /// Whether the standard library has to be built with the sanitizer, too.
    needs_std_sources: bool,
}

/// Memory errors and leaks; data races; reads of uninitialised memory.
const SANITIZERS: [Sanitizer; 3] = [
    Sanitizer { name: "address", flags: "", needs_std_sources: false },
    Sanitizer { name: "thread", flags: "", needs_std_sources: true },
    Sanitizer {
        name: "memory",
        flags: " -Zsanitizer-memory-track-origins",
        needs_std_sources: true,
    },
];

impl FromStr for Sanitizer {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = SANITIZERS.into_iter().find(|sanitizer| sanitizer.name == name);
        found.ok_or_else(|| format!("no sanitizer is named {name:?}: address, thread or memory"))
    }
}

/// Fails where no sanitizer runs.
pub(crate) fn need_target() -> Result<(), NotHere> {
    let is_here = cfg!(all(target_arch = "x86_64", target_os = "linux"));
    is_here.then_some(()).ok_or_else(|| NotHere(format!("runs on {TARGET} only")))
}

/// Runs each sanitizer over the layers that it is for.
pub(crate) fn check_all(steps: &mut Steps) {
    for sanitizer in SANITIZERS {
        steps.run(format!("sanitize {}", sanitizer.name), || sanitizer.check(None));
    }
}

impl Sanitizer {
    /// Runs the tests of one layer, or of those that it is for.
    pub(crate) fn check(self, layer: Option<Layer>) -> anyhow::Result<String> {
        need_target()?;
        let is_for = |layer: &Layer| layer.sanitizers.contains(&self.name);
        let all = || LAYERS.into_iter().filter(is_for).collect();
        let layers: Vec<_> = layer.map_or_else(all, |one| vec![one]);
        ensure!(!layers.is_empty(), "no layer is under the {} sanitizer", self.name);
        // Unstable options, which the variable lets a stable compiler take.
        let (mut environment, mut build_std) = (vec![("RUSTC_BOOTSTRAP", "1".into())], None);
        if self.needs_std_sources {
            (environment, build_std) = (std_sources::get()?, Some("-Zbuild-std"));
        }
        let Self { name, flags, .. } = self;
        let shell = shell();
        let mut ran = 0;
        for layer in &layers {
            let what = ["--package", layer.name, "--lib", "--tests", "--target", TARGET];
            let test = cmd!(shell, "cargo test {build_std...} {what...}")
                .envs(environment.iter().map(|(key, value)| (*key, value)))
                // Slabs come from the heap, which sanitizers watch.
                .env("RUSTFLAGS", format!("--cfg seg_heap -Zsanitizer={name}{flags}"))
                .env("CARGO_TARGET_DIR", format!("target/sanitize-{name}"))
                // Instrumented code is slow enough; the checks of debug builds stay.
                .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
            ran += tests_of(test)?;
        }
        let layers: Vec<_> = layers.iter().map(|layer| layer.name).collect();
        Ok(format!("{} of {}", in_words(ran), layers.join(", ")))
    }
}
