//! `cargo xtask ci [--skip-tests] [--fuzz-seconds N]`

use std::process::ExitCode;

use xshell::{Shell, cmd};

use crate::{
    conformance,
    flags::Ci,
    fuzz, instructions, loom, miri, msrv, publishing,
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
        check_dependencies(&shell, &mut steps);
        if self.skip_tests {
            steps.skip("test", "asked for by --skip-tests");
        } else {
            test::check(&shell, &mut steps, false)?;
            let size = "16777216";
            steps.run("demo", || Ok(cmd!(shell, "cargo xtask demo --size {size}").run()?));
        }
        steps.count("conformance", || conformance::check(&shell));
        check_instructions(&shell, &mut steps);
        check_publishing(&shell, &mut steps);
        check_oldest_rust(&shell, &mut steps);
        check_soundness(&shell, &mut steps);
        match self.fuzz_seconds.unwrap_or(fuzz::SECONDS) {
            0 => steps.skip("fuzz", "asked for by --fuzz-seconds 0"),
            seconds => check_hostile_bytes(&shell, &mut steps, seconds),
        }
        if miri::is_installed(&shell) {
            steps.count("miri", || miri::check(None, miri::SEEDS));
        } else {
            steps.skip("miri", "not installed (rustup +nightly component add miri rust-src)");
        }
        Ok(steps.finish())
    }
}

fn check_style(shell: &Shell, steps: &mut Steps) {
    steps.count("tidy", tidy::check);
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

fn check_dependencies(shell: &Shell, steps: &mut Steps) {
    match publishing::missing("machete") {
        Some(why) => steps.skip("machete", why),
        None => steps.run("machete", || publishing::find_unused(shell)),
    }
    if let Some(why) = publishing::missing("deny") {
        steps.skip("deny", why);
        return;
    }
    steps.run("deny", || publishing::deny(shell, &["bans", "licenses", "sources"]));
    match publishing::unreachable_advisories(shell) {
        Some(why) => steps.skip("deny advisories", why),
        None => steps.run("deny advisories", || publishing::deny(shell, &["advisories"])),
    }
}

fn check_instructions(shell: &Shell, steps: &mut Steps) {
    match instructions::missing(shell) {
        Some(why) => steps.skip("instructions", why),
        None => steps.attempt("instructions", || instructions::check(shell)),
    }
}

fn check_publishing(shell: &Shell, steps: &mut Steps) {
    match publishing::missing("hack") {
        Some(why) => steps.skip("feature powerset", why),
        None => steps.count("feature powerset", || publishing::feature_powerset(shell)),
    }
    steps.count("package", || publishing::pack(shell));
}

fn check_oldest_rust(shell: &Shell, steps: &mut Steps) {
    match msrv::missing(shell) {
        Ok(Some(why)) => steps.skip("msrv", why),
        Ok(None) => steps.count("msrv", || msrv::check(shell)),
        Err(error) => steps.run("msrv", || Err(error)),
    }
}

fn check_soundness(shell: &Shell, steps: &mut Steps) {
    steps.count("loom", || loom::explore(None, loom::PREEMPTIONS));
    for sanitizer in Sanitizer::ALL {
        let name = format!("sanitize {}", sanitizer.name());
        match sanitize::missing(sanitizer, shell) {
            Some(why) => steps.skip(name, why),
            None => steps.count(name, || sanitize::check(sanitizer, None)),
        }
    }
}

fn check_hostile_bytes(shell: &Shell, steps: &mut Steps, seconds: u32) {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        steps.skip("fuzz", format!("runs on {} only", fuzz::TRIPLE));
        return;
    }
    match fuzz::targets() {
        Ok(targets) => fuzz::run_targets(shell, steps, &targets, seconds),
        Err(error) => steps.run("fuzz", || Err(error)),
    }
}
