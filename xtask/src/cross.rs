//! `cargo xtask cross [TARGET] [LAYER]`: the tests of the shipped crates on other systems.

use core::str::FromStr;

use anyhow::Context;
use xshell::cmd;

use crate::{
    child::{in_words, need, shell, tests_of},
    layer::Layer,
    std_sources,
    steps::Steps,
    workspace::{Package, Workspace, root},
};

/// A system that runs here, on another's processor or in another's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
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

/// Name, what is special, triple; linker, runner; packages.
const fn target(
    [name, what, triple]: [&'static str; 3],
    [linker, runner]: [&'static str; 2],
    packages: &'static str,
) -> Target {
    Target { name, what, triple, linker, runner, packages }
}

/// Runs Windows' programs.
const WINE: &str = "wine";

const TARGETS: [Target; 7] = [
    target(
        ["aarch64", "NEON", "aarch64-unknown-linux-gnu"],
        ["aarch64-linux-gnu-gcc", "qemu-aarch64"],
        "qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    ),
    target(
        ["i686", "32 bits", "i686-unknown-linux-gnu"],
        ["i686-linux-gnu-gcc", ""],
        "gcc-i686-linux-gnu libc6-dev-i386-cross",
    ),
    target(
        ["s390x", "big-endian", "s390x-unknown-linux-gnu"],
        ["s390x-linux-gnu-gcc", "qemu-s390x"],
        "qemu-user gcc-s390x-linux-gnu libc6-dev-s390x-cross",
    ),
    target(
        ["armv7", "32 bits, other alignment", "armv7-unknown-linux-gnueabihf"],
        ["arm-linux-gnueabihf-gcc", "qemu-arm"],
        "qemu-user gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
    ),
    target(
        ["riscv64", "no vectors of ours", "riscv64gc-unknown-linux-gnu"],
        ["riscv64-linux-gnu-gcc", "qemu-riscv64"],
        "qemu-user gcc-riscv64-linux-gnu libc6-dev-riscv64-cross",
    ),
    target(
        ["windows", "another system's pages and threads", "x86_64-pc-windows-gnu"],
        ["x86_64-w64-mingw32-gcc", WINE],
        "gcc-mingw-w64-x86-64 wine",
    ),
    // There is no program that runs it, so it is compiled only.
    target(["wasm", "no threads", "wasm32-wasip1"], ["", ""], ""),
];

impl FromStr for Target {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = TARGETS.into_iter().find(|target| target.name == name);
        let known = || TARGETS.map(|target| target.name).join(", ");
        found.ok_or_else(|| format!("no target is named {name:?}: {}", known()))
    }
}

/// Runs the tests of one layer or of all on one system or on all; a step each, or one that says what
/// is missing.
pub(crate) fn check(steps: &mut Steps, target: Option<Target>, layer: Option<Layer>) {
    for target in target.map_or(TARGETS.into(), |target| vec![target]) {
        let hint = format!("apt-get install {}", target.packages);
        let mut programs =
            [target.linker, target.runner].into_iter().filter(|name| !name.is_empty());
        if let Some(why) = programs.find_map(|program| need(program, &hint).err()) {
            steps.skip(format!("cross {}", target.name), why.to_string());
            continue;
        }
        for layer in Layer::chosen(layer) {
            let name = format!("cross {} {} ({})", target.name, layer.name, target.what);
            steps.run(name, || target.run(layer));
        }
    }
}

impl Target {
    fn run(self, layer: Layer) -> anyhow::Result<String> {
        let Self { triple, linker, runner, packages, .. } = self;
        let variable =
            |what| format!("CARGO_TARGET_{}_{what}", triple.to_uppercase().replace('-', "_"));
        let shell = shell();
        let environment = std_sources::get()?;
        environment.iter().for_each(|(key, value)| shell.set_var(key, value));
        // With the C library inside, a program needs no other system's files to start.
        shell.set_var("RUSTFLAGS", "-Ctarget-feature=+crt-static");
        shell.set_var("CARGO_TARGET_DIR", "target/cross");
        // Emulation is slow; the checks of debug builds stay.
        shell.set_var("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
        // For tests that start themselves once more; under Wine that works as it does on Windows.
        shell.set_var("SEG_TEST_RUNNER", if runner == WINE { "" } else { runner });
        let what = ["-Zbuild-std", "--target", triple, "--package", layer.name, "--lib"];
        if linker.is_empty() {
            cmd!(shell, "cargo check {what...}").run()?;
            return Ok("compiled, not run".to_owned());
        }
        let package = Workspace::read()?.packages.iter().find(|package| package.name == layer.name);
        let features = package.into_iter().flat_map(Package::features_together);
        // Wine lacks what an example asks of UDP.
        let tests = if runner == WINE { "--test=*" } else { "--tests" };
        let mut test = cmd!(shell, "cargo test --no-fail-fast {what...} {tests} {features...}");
        test = test.env(variable("LINKER"), linker);
        if !runner.is_empty() {
            test = test.env(variable("RUNNER"), runner);
        }
        if runner == WINE {
            let folder = root().join("target/cross/wine");
            shell.create_dir(&folder)?;
            let library = folder.join("bcryptprimitives.dll");
            cmd!(shell, "{linker} -shared -o {library} xtask/wine/bcryptprimitives.c -ladvapi32")
                .run()?;
            test = test.env("WINEPATH", format!("Z:{}", folder.display())).env("WINEDEBUG", "-all");
        }
        Ok(in_words(tests_of(test).context(packages)?))
    }
}
