//! `cargo xtask tidy`: the rules of the house that a compiler does not check.

mod edges;
mod leftovers;
mod rust_tokens;
mod unsafe_list;

use std::process::ExitCode;

use anyhow::bail;
use xshell::Shell;

use crate::{flags::Tidy, workspace};

impl Tidy {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        check(&workspace::shell()?)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Checks every rule and prints each violation on a line of its own.
pub(crate) fn check(shell: &Shell) -> anyhow::Result<()> {
    let files = workspace::source_files()?;
    let mut violations = edges::violations(shell)?;
    violations.extend(leftovers::violations(&files));
    violations.extend(unsafe_list::violations(&files)?);
    for violation in &violations {
        eprintln!("{violation}");
    }
    if !violations.is_empty() {
        bail!("{} rules broken", violations.len());
    }
    eprintln!("tidy: {} source files follow the rules", files.len());
    Ok(())
}
