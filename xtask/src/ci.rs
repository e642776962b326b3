//! `cargo xtask ci [--full] [--skip-tests]`

use xshell::cmd;

use crate::{
    bench::{FULL_SOAK_SECONDS, soak},
    child::shell,
    cross,
    flags::Ci,
    fuzz, instructions, interop, loom, miri, msrv, publishing, sanitize,
    steps::Steps,
    test, tidy,
};

/// The message of the demo in `ci`.
const DEMO_SIZE: &str = "16MiB";

impl Ci {
    /// Runs everything that a change has to pass, cheap steps first; with `--full` what takes hours
    /// on two cores, too.
    pub(crate) fn run(self, steps: &mut Steps) -> anyhow::Result<()> {
        check_style(steps);
        publishing::check_dependencies(steps);
        msrv::check(steps);
        if self.skip_tests {
            steps.skip("test, demo", "asked for by --skip-tests");
        } else {
            test::check(steps, false)?;
            cargo(steps, "demo", &["xtask", "demo", "--size", DEMO_SIZE]);
        }
        steps.run("package", publishing::pack);
        steps.run("loom", || loom::explore(None, loom::PREEMPTIONS));
        interop::autobahn(steps, if self.full { interop::ALL } else { interop::QUICK });
        if !self.full {
            steps.skip(
                "features, fuzz, soak, instructions, sanitizers, cross, miri",
                "in ci --full",
            );
            return Ok(());
        }
        steps.run("pairs of features", publishing::feature_pairs);
        steps.run("instructions", || instructions::check(false));
        fuzz::check(steps, None, fuzz::SECONDS)?;
        steps.run("soak", || soak(FULL_SOAK_SECONDS));
        sanitize::check_all(steps);
        cross::check(steps, None, None);
        miri::check(steps, None, miri::SEEDS);
        Ok(())
    }
}

/// A step that says nothing of what ran.
fn cargo(steps: &mut Steps, name: &str, arguments: &[&str]) {
    steps.run(name, || {
        let shell = shell();
        cmd!(shell, "cargo {arguments...}").env("RUSTDOCFLAGS", "-D warnings").run()?;
        Ok(String::new())
    });
}

fn check_style(steps: &mut Steps) {
    let all = ["--workspace", "--all-features"];
    steps.run("tidy", tidy::check);
    cargo(steps, "fmt", &["fmt", "--all", "--check"]);
    cargo(
        steps,
        "clippy",
        &[&["clippy", "--all-targets"], &all[..], &["--", "-D", "warnings"]].concat(),
    );
    // Shares with clippy what both need of other crates.
    cargo(steps, "doc", &[&["doc", "--no-deps"], &all[..]].concat());
}
