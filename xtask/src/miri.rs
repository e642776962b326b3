//! `cargo xtask miri [LAYER] [--seeds N]`

use std::env;

use xshell::cmd;

use crate::{
    child::{in_words, shell, tests_of},
    layer::Layer,
    steps::Steps,
};

/// Schedules that are tried with Tree Borrows.
pub(crate) const SEEDS: u32 = 4;

/// Names a toolchain with Miri; `nightly` unless set. `MIRI` names a driver, as cargo-miri knows it.
const TOOLCHAIN_VARIABLE: &str = "SEG_MIRI_TOOLCHAIN";

/// What a layer's tests run under: its name, Miri's flags, and the system where it is not this one.
type Way = (&'static str, &'static str, Option<&'static str>);

/// Both aliasing models; a big-endian and a 32-bit system, which Miri interprets on any other.
const WAYS: [Way; 4] = [
    ("Tree Borrows", "-Zmiri-tree-borrows -Zmiri-many-seeds=0..", None),
    ("Stacked Borrows", "", None),
    ("big-endian", "-Zmiri-tree-borrows", Some("s390x-unknown-linux-gnu")),
    ("32 bits", "-Zmiri-tree-borrows", Some("i686-unknown-linux-gnu")),
];

/// Runs the tests of one layer, or of all, in each way: a step each.
pub(crate) fn check(steps: &mut Steps, layer: Option<Layer>, seeds: u32) {
    let toolchain = env::var(TOOLCHAIN_VARIABLE).unwrap_or_else(|_| "nightly".to_owned());
    let shell = shell();
    let asking = cmd!(shell, "cargo +{toolchain} miri --version");
    if asking.quiet().ignore_stdout().ignore_stderr().run().is_err() {
        let hint = format!("rustup +{toolchain} component add miri rust-src");
        return steps.skip("miri", format!("not installed ({hint}, or {TOOLCHAIN_VARIABLE}=NAME)"));
    }
    for layer in Layer::chosen(layer) {
        for way in WAYS {
            let name = format!("miri {}, {}", layer.name, way.0);
            steps.run(name, || interpret(&toolchain, layer, way, seeds));
        }
    }
}

fn interpret(
    toolchain: &str,
    Layer { name, .. }: Layer,
    (_, flags, target): Way,
    seeds: u32,
) -> anyhow::Result<String> {
    let shell = shell();
    let flags = flags.replace("0..", &format!("0..{seeds}"));
    let target = target.into_iter().flat_map(|target| ["--target", target]);
    // All of the pool's features: `report` keeps pointers of its own.
    let features = (name == "seg-pool").then_some("--all-features");
    let what = ["--package", name, "--lib", "--tests"];
    let run = cmd!(shell, "cargo +{toolchain} miri test {target...} {what...} {features...}")
        // Isolation is off because property tests look for the files of earlier failures.
        .env("MIRIFLAGS", format!("{flags} -Zmiri-strict-provenance -Zmiri-disable-isolation"))
        .env("CARGO_TARGET_DIR", "target/miri");
    Ok(in_words(tests_of(run)?))
}
