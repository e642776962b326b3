//! `cargo xtask ci [--skip-tests]`

use std::process::ExitCode;

use xshell::{Shell, cmd};

use crate::{
    flags::Ci,
    loom, miri,
    sanitize::{self, Sanitizer},
    steps::Steps,
    test, tidy, workspace,
};

impl Ci {
    /// Runs everything that a change has to pass, cheap steps first.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shell = workspace::shell()?;
        let mut steps = Steps::default();
        check_style(&shell, &mut steps);
        if self.skip_tests {
            steps.skip("test", "asked for by --skip-tests");
        } else {
            test::run_tests(&shell, &mut steps);
            let size = "16777216";
            steps.run("demo", || Ok(cmd!(shell, "cargo xtask demo --size {size}").run()?));
        }
        check_soundness(&shell, &mut steps);
        Ok(steps.finish())
    }
}

fn check_style(shell: &Shell, steps: &mut Steps) {
    steps.run("tidy", || tidy::check(shell));
    steps.run("fmt", || Ok(cmd!(shell, "cargo fmt --all --check").run()?));
    steps.run("clippy", || {
        let what = ["--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
        Ok(cmd!(shell, "cargo clippy --quiet {what...}").run()?)
    });
    steps.run("doc", || {
        let _deny = shell.push_env("RUSTDOCFLAGS", "-D warnings");
        Ok(cmd!(shell, "cargo doc --quiet --workspace --no-deps --all-features").run()?)
    });
}

fn check_soundness(shell: &Shell, steps: &mut Steps) {
    steps.run("loom", || loom::explore(None, loom::PREEMPTIONS));
    for sanitizer in Sanitizer::ALL {
        let name = format!("sanitize {}", sanitizer.name());
        match sanitize::missing(sanitizer, shell) {
            Some(why) => steps.skip(name, why),
            None => steps.run(name, || sanitize::check(sanitizer, None)),
        }
    }
    if miri::is_installed(shell) {
        steps.run("miri", || miri::check(None, miri::SEEDS));
    } else {
        steps.skip("miri", "not installed");
    }
}
