//! A binary of `seg-bench`, built in release mode and then run in the place of this process.

use std::{
    env,
    ffi::OsString,
    io::{self, IsTerminal},
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context, bail};

use crate::workspace::{self, Workspace};

/// How a binary is built: a profile and the features that it needs.
#[derive(Clone, Copy)]
pub(crate) struct Build {
    pub(crate) profile: &'static str,
    pub(crate) features: &'static str,
}

impl Build {
    /// Optimised, without extra features.
    pub(crate) const RELEASE: Self = Self { profile: "release", features: "" };

    /// Optimised, with what draws pictures.
    pub(crate) const PICTURES: Self = Self { profile: "release", features: "plot" };

    /// Optimised, with the operations whose instructions are counted.
    pub(crate) const INSTRUCTIONS: Self = Self { profile: "release", features: "instructions" };

    /// Optimised across crates, with all contenders.
    pub(crate) const COMPARE: Self = Self { profile: "compare", features: "compare" };
}

/// Builds `binary` and runs it with `arguments` in the user's directory.
///
/// The exit code is the binary's own.
pub(crate) fn run(
    binary: &str,
    build: Build,
    arguments: Vec<OsString>,
) -> anyhow::Result<ExitCode> {
    build.build(binary)?;
    let mut command = build.cargo("run", binary);
    command.arg("--quiet").arg("--").args(arguments);
    replace_process(command)
}

/// Builds `binary`, runs it with `arguments` and comes back when it ends; fails when it does.
pub(crate) fn run_through(
    binary: &str,
    build: Build,
    arguments: Vec<OsString>,
) -> anyhow::Result<()> {
    build.build(binary)?;
    let mut command = build.cargo("run", binary);
    command.arg("--quiet").arg("--").args(arguments);
    let status = command.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("{binary}: {status}");
    }
    Ok(())
}

/// Builds `binary` and returns where it is.
pub(crate) fn path_of(binary: &str, build: Build) -> anyhow::Result<PathBuf> {
    build.build(binary)?;
    let name = format!("{binary}{}", env::consts::EXE_SUFFIX);
    Ok(Workspace::read()?.target.join(build.profile).join(name))
}

impl Build {
    fn build(self, binary: &str) -> anyhow::Result<()> {
        let mut command = self.cargo("build", binary);
        // A first build takes a minute, so it shows on a terminal. In a pipe only the binary's own
        // lines count.
        if !io::stderr().is_terminal() {
            command.arg("--quiet");
        }
        if !command.status().context("cannot start cargo")?.success() {
            bail!("{binary} does not build");
        }
        Ok(())
    }

    fn cargo(self, verb: &str, binary: &str) -> Command {
        let mut command = Command::new("cargo");
        command.args([verb, "--package", "seg-bench", "--bin", binary]);
        command.args(["--profile", self.profile, "--features", self.features]);
        command.arg("--manifest-path").arg(workspace::root().join("Cargo.toml"));
        command
    }
}

/// One process from the shell's point of view: ending it ends the binary, and nothing stays behind.
#[cfg(unix)]
fn replace_process(mut command: Command) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    Err(command.exec()).context("cannot start cargo")
}

#[cfg(not(unix))]
fn replace_process(mut command: Command) -> anyhow::Result<ExitCode> {
    let status = command.status().context("cannot start cargo")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
