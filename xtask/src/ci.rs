//! `cargo xtask ci [--full] [--skip-tests] [--fuzz-seconds N]`

use std::process::ExitCode;

use xshell::{Shell, cmd};

use crate::{
    autobahn, cross, flags::Ci, fuzz, instructions, loom, miri, msrv, publishing,
    sanitize::SANITIZERS, soak, std_sources::StdSources, steps::Steps, test, tidy, workspace,
};

/// How long a fuzz target runs in `ci`: enough for its seeds and their neighbourhood.
const FUZZ_SECONDS: u32 = 10;

impl Ci {
    /// Runs everything that a change has to pass, cheap steps first; with `--full` what takes hours
    /// on two cores, too.
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
        match instructions::missing() {
            Some(why) => steps.skip("instructions", why),
            None => steps.attempt("instructions", || instructions::check(&shell)),
        }
        match publishing::missing("hack") {
            Some(why) => steps.skip("feature powerset", why),
            None => steps.count("feature powerset", || publishing::feature_powerset(&shell)),
        }
        steps.count("package", || publishing::pack(&shell));
        msrv::check(&shell, &mut steps);
        steps.count("loom", || loom::explore(&shell, None, loom::PREEMPTIONS));
        check_sanitized(&shell, &mut steps, self.full);
        let seconds = if self.full { fuzz::SECONDS } else { FUZZ_SECONDS };
        match self.fuzz_seconds.unwrap_or(seconds) {
            0 => steps.skip("fuzz", "asked for by --fuzz-seconds 0"),
            seconds => fuzz::check(&shell, &mut steps, seconds)?,
        }
        let cases = if self.full { autobahn::ALL } else { autobahn::QUICK };
        autobahn::check(&shell, &mut steps, cases);
        let seconds = if self.full { soak::FULL_SECONDS } else { soak::SECONDS };
        steps.count("soak", || soak::check(&shell, seconds));
        if self.full {
            cross::check_all(&shell, &mut steps)?;
            match miri::missing(&shell) {
                Some(why) => steps.skip("miri", why),
                None => miri::check(&shell, &mut steps, None, miri::SEEDS)?,
            }
        } else {
            steps.skip("cross, miri, other layers under sanitizers", "in ci --full");
        }
        Ok(steps.finish())
    }
}

fn check_sanitized(shell: &Shell, steps: &mut Steps, is_full: bool) {
    // Without the sources, as without a network, std cannot be built with a sanitizer.
    let sources = match StdSources::missing(shell) {
        None => StdSources::get(shell).map_err(|error| format!("{error:#}")),
        Some(why) => Err(why),
    };
    if let Err(why) = &sources {
        steps.skip("sources of std", why);
    }
    for sanitizer in &SANITIZERS {
        let name = format!("sanitize {}", sanitizer.name);
        let layers = sanitizer.layers(is_full);
        match sanitizer.missing(shell) {
            Some(why) => steps.skip(name, why),
            None if sanitizer.needs_std_sources && sources.is_err() => {
                steps.skip(name, "no sources")
            }
            None => steps.count(name, || sanitizer.check(shell, &layers)),
        }
    }
}

fn check_style(shell: &Shell, steps: &mut Steps) {
    steps.count("tidy", tidy::check);
    steps.run("fmt", || Ok(cmd!(shell, "cargo fmt --all --check").run()?));
    steps.run("clippy", || {
        let what = ["--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
        Ok(cmd!(shell, "cargo clippy {what...}").run()?)
    });
    steps.run("doc", || {
        let _deny = shell.push_env("RUSTDOCFLAGS", "-D warnings");
        Ok(cmd!(shell, "cargo doc --workspace --no-deps --all-features").run()?)
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
