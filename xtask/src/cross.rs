//! `cargo xtask cross [TARGET] [LAYER]`: the tests of the shipped crates on other systems.

use std::process::ExitCode;

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

use crate::{
    counted,
    flags::Cross,
    std_sources::StdSources,
    steps::Steps,
    workspace::{self, Workspace, installed},
};

/// A system that runs here, on another's processor or in another's place.
struct Target {
    name: &'static str,
    /// What is special about it.
    what: &'static str,
    triple: &'static str,
    linker: &'static str,
    /// What runs its programs; nothing where the processor does.
    runner: &'static str,
    /// Debian's packages with these programs.
    packages: &'static str,
}

impl Target {
    const fn new(
        [name, what, triple]: [&'static str; 3],
        [linker, runner]: [&'static str; 2],
        packages: &'static str,
    ) -> Self {
        Self { name, what, triple, linker, runner, packages }
    }
}

const TARGETS: [Target; 7] = [
    Target::new(
        ["aarch64", "NEON", "aarch64-unknown-linux-gnu"],
        ["aarch64-linux-gnu-gcc", "qemu-aarch64"],
        "qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    ),
    Target::new(
        ["i686", "32 bits", "i686-unknown-linux-gnu"],
        ["i686-linux-gnu-gcc", ""],
        "gcc-i686-linux-gnu libc6-dev-i386-cross",
    ),
    Target::new(
        ["s390x", "big-endian", "s390x-unknown-linux-gnu"],
        ["s390x-linux-gnu-gcc", "qemu-s390x"],
        "qemu-user gcc-s390x-linux-gnu libc6-dev-s390x-cross",
    ),
    Target::new(
        ["armv7", "32 bits, other alignment", "armv7-unknown-linux-gnueabihf"],
        ["arm-linux-gnueabihf-gcc", "qemu-arm"],
        "qemu-user gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
    ),
    Target::new(
        ["riscv64", "no vectors of ours", "riscv64gc-unknown-linux-gnu"],
        ["riscv64-linux-gnu-gcc", "qemu-riscv64"],
        "qemu-user gcc-riscv64-linux-gnu libc6-dev-riscv64-cross",
    ),
    Target::new(
        ["windows", "another system's pages and threads", "x86_64-pc-windows-gnu"],
        ["x86_64-w64-mingw32-gcc", "wine"],
        "gcc-mingw-w64-x86-64 wine",
    ),
    // There is no program that runs it, so it is compiled only.
    Target::new(["wasm", "no threads", "wasm32-wasip1"], ["", ""], ""),
];

impl Cross {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shell = workspace::shell()?;
        let chosen =
            |target: &&Target| self.target.as_ref().is_none_or(|name| *name == target.name);
        let targets: Vec<_> = TARGETS.iter().filter(chosen).collect();
        if targets.is_empty() {
            let known = TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
            bail!("no target is named {:?}: {known}", self.target.unwrap_or_default());
        }
        let mut steps = Steps::default();
        for target in targets {
            target.check(&shell, &mut steps, self.layer.as_deref())?;
        }
        Ok(steps.finish())
    }
}

/// Runs all layers on all targets that this machine can run.
pub(crate) fn check_all(shell: &Shell, steps: &mut Steps) -> anyhow::Result<()> {
    TARGETS.iter().try_for_each(|target| target.check(shell, steps, None))
}

impl Target {
    /// Says what this machine lacks, and how to get it.
    fn missing(&self, shell: &Shell) -> Option<String> {
        let mut programs = [self.linker, self.runner].into_iter().filter(|name| !name.is_empty());
        let lacking = programs.find_map(|program| installed(program).err());
        let lacking = lacking.map(|why| format!("{why} (apt-get install {})", self.packages));
        lacking.or_else(|| StdSources::missing(shell))
    }

    /// A step for each layer, or one that says what is missing.
    fn check(&self, shell: &Shell, steps: &mut Steps, layer: Option<&str>) -> anyhow::Result<()> {
        let layers = Workspace::read()?.chosen(layer)?;
        if let Some(why) = self.missing(shell) {
            steps.skip(format!("cross {}", self.name), why);
            return Ok(());
        }
        for layer in layers {
            let name = format!("cross {} {} ({})", self.name, layer.name, self.what);
            steps.count(name, || self.run(shell, &layer.name));
        }
        Ok(())
    }

    fn run(&self, shell: &Shell, layer: &str) -> anyhow::Result<String> {
        let _sources = StdSources::get(shell)?;
        let _sources = _sources.push(shell);
        // With the C library inside, a program needs no other system's files to start.
        let _flags = shell.push_env("RUSTFLAGS", "-Ctarget-feature=+crt-static");
        let _target = shell.push_env("CARGO_TARGET_DIR", "target/cross");
        // Emulation is slow; the checks of debug builds stay.
        let _optimised = shell.push_env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
        let triple = self.triple;
        let variable = triple.to_uppercase().replace('-', "_");
        let _linker = (!self.linker.is_empty())
            .then(|| shell.push_env(format!("CARGO_TARGET_{variable}_LINKER"), self.linker));
        let _runner = (!self.runner.is_empty())
            .then(|| shell.push_env(format!("CARGO_TARGET_{variable}_RUNNER"), self.runner));
        // For tests that start themselves once more.
        let _again = shell.push_env("SEG_TEST_RUNNER", self.runner);
        let selection = ["-Zbuild-std", "--target", triple, "--package", layer];
        if self.linker.is_empty() {
            cmd!(shell, "cargo check {selection...} --lib").run()?;
            return Ok("compiled, not run".to_owned());
        }
        let test = cmd!(shell, "cargo test --no-fail-fast {selection...} --lib --tests");
        let said = counted::read_through(test).with_context(|| self.packages.to_owned())?;
        Ok(counted::in_words(counted::tests_in(&said)))
    }
}
