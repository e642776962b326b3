//! `cargo xtask ci`

use std::process::ExitCode;

use xshell::cmd;

use crate::{flags::Ci, steps::Steps, test, tidy, workspace};

impl Ci {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shell = workspace::shell()?;
        let mut steps = Steps::default();
        steps.run("fmt", || Ok(cmd!(shell, "cargo fmt --all --check").run()?));
        steps.run("clippy", || {
            let deny = ["--", "-D", "warnings"];
            Ok(cmd!(
                shell,
                "cargo clippy --quiet --workspace --all-targets --all-features {deny...}"
            )
            .run()?)
        });
        steps.run("tidy", || tidy::check(&shell));
        test::run_tests(&shell, &mut steps);
        steps.run("doc", || {
            let _deny = shell.push_env("RUSTDOCFLAGS", "-D warnings");
            Ok(cmd!(shell, "cargo doc --quiet --workspace --no-deps --all-features").run()?)
        });
        Ok(steps.finish())
    }
}
