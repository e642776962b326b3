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
    triple: &'static str,
    what: &'static str,
    linker: &'static str,
    /// What runs its programs: a program and its options; nothing where the processor does.
    runner: &'static [&'static str],
    /// Debian's packages with these programs.
    packages: &'static str,
    /// Whether the tests run, or the libraries are only compiled.
    is_run: bool,
}

const TARGETS: [Target; 7] = [
    Target {
        name: "aarch64",
        triple: "aarch64-unknown-linux-gnu",
        what: "NEON",
        linker: "aarch64-linux-gnu-gcc",
        runner: &["qemu-aarch64"],
        packages: "qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
        is_run: true,
    },
    Target {
        name: "i686",
        triple: "i686-unknown-linux-gnu",
        what: "32 bits",
        linker: "i686-linux-gnu-gcc",
        runner: &[],
        packages: "gcc-i686-linux-gnu libc6-dev-i386-cross",
        is_run: true,
    },
    Target {
        name: "s390x",
        triple: "s390x-unknown-linux-gnu",
        what: "big-endian",
        linker: "s390x-linux-gnu-gcc",
        runner: &["qemu-s390x"],
        packages: "qemu-user gcc-s390x-linux-gnu libc6-dev-s390x-cross",
        is_run: true,
    },
    Target {
        name: "armv7",
        triple: "armv7-unknown-linux-gnueabihf",
        what: "32 bits, other alignment",
        linker: "arm-linux-gnueabihf-gcc",
        runner: &["qemu-arm"],
        packages: "qemu-user gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
        is_run: true,
    },
    Target {
        name: "riscv64",
        triple: "riscv64gc-unknown-linux-gnu",
        what: "weak memory order",
        linker: "riscv64-linux-gnu-gcc",
        runner: &["qemu-riscv64"],
        packages: "qemu-user gcc-riscv64-linux-gnu libc6-dev-riscv64-cross",
        is_run: true,
    },
    Target {
        name: "windows",
        triple: "x86_64-pc-windows-gnu",
        what: "pages and threads of Windows",
        linker: "x86_64-w64-mingw32-gcc",
        runner: &["wine"],
        packages: "gcc-mingw-w64-x86-64 wine",
        is_run: true,
    },
    Target {
        name: "wasm",
        triple: "wasm32-wasip1",
        what: "compiled only: no threads, 32 bits",
        linker: "",
        runner: &[],
        packages: "",
        is_run: false,
    },
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
        let programs = self.runner.first().into_iter().chain([&self.linker]);
        let mut programs = programs.filter(|program| !program.is_empty());
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
        let runner = self.runner.join(" ");
        let _runner = shell.push_env(format!("CARGO_TARGET_{variable}_RUNNER"), &runner);
        // For tests that start themselves once more.
        let _again = shell.push_env("SEG_TEST_RUNNER", &runner);
        let selection = ["-Zbuild-std", "--target", triple, "--package", layer];
        if !self.is_run {
            cmd!(shell, "cargo check --quiet {selection...} --lib").run()?;
            return Ok("compiled".to_owned());
        }
        let test = cmd!(shell, "cargo test --quiet --no-fail-fast {selection...} --lib --tests");
        let said = counted::read_through(test).with_context(|| self.packages.to_owned())?;
        Ok(counted::in_words(counted::tests_in(&said)))
    }
}
