//! `cargo xtask test`

use std::process::ExitCode;

use xshell::{Shell, cmd};

use crate::{
    counted,
    feature_sets::{FEATURE_SETS, FeatureSet},
    flags::Test,
    steps::Steps,
    tidy, workspace,
};

impl Test {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shell = workspace::shell()?;
        let mut steps = Steps::default();
        steps.run("tidy", || tidy::check(&shell));
        run_tests(&shell, &mut steps);
        Ok(steps.finish())
    }
}

/// Runs the unit and integration tests, the doc tests (README's examples among them) and the feature sets.
pub(crate) fn run_tests(shell: &Shell, steps: &mut Steps) {
    let runner = Runner::find(shell);
    steps.count(format!("test ({})", runner.name()), || runner.run(shell, &["--workspace"]));
    steps.count("doc tests", || {
        let running = cmd!(shell, "cargo test --quiet --workspace --doc");
        counted::tests_of(running)
    });
    for FeatureSet { package, arguments } in FEATURE_SETS {
        let mut selection = vec!["--package", package];
        selection.extend(*arguments);
        steps.count(format!("test {package} {}", arguments.join(" ")), || {
            runner.run(shell, &selection)
        });
    }
}

/// What runs the tests: nextest where it is installed, cargo elsewhere.
#[derive(Clone, Copy)]
enum Runner {
    Nextest,
    Cargo,
}

impl Runner {
    fn find(shell: &Shell) -> Self {
        let found =
            cmd!(shell, "cargo nextest --version").quiet().ignore_stdout().ignore_stderr().run();
        if found.is_ok() { Self::Nextest } else { Self::Cargo }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Nextest => "nextest",
            Self::Cargo => "cargo",
        }
    }

    fn run(self, shell: &Shell, selection: &[&str]) -> anyhow::Result<String> {
        match self {
            Self::Nextest => {
                let quiet = ["--no-tests=pass", "--status-level=fail", "--final-status-level=fail"];
                counted::tests_of(cmd!(shell, "cargo nextest run {quiet...} {selection...}"))
            }
            // All targets but the doc tests, which are a step of their own.
            Self::Cargo => {
                let targets = ["--lib", "--bins", "--tests", "--examples"];
                counted::tests_of(cmd!(shell, "cargo test --quiet {targets...} {selection...}"))
            }
        }
    }
}
