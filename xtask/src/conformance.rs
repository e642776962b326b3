//! `cargo xtask conformance chunked FILE.jsonl [--json OUT]`

use std::{ffi::OsString, fs, process::ExitCode};

use anyhow::Context as _;
use xshell::{Shell, cmd};

use crate::{
    built_binary::{self, Build},
    counted,
    flags::Conformance,
    workspace,
};

/// Where the case files of the chunked decoder lie.
const CHUNKED_CASES: &str = "crates/http-chunked/tests/data";

impl Conformance {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut arguments: Vec<OsString> = vec![self.suite.into(), self.file.into()];
        if let Some(path) = self.json {
            arguments.extend(["--json".into(), path.into()]);
        }
        built_binary::run("conformance", Build::RELEASE, arguments)
    }
}

/// Runs every case file of the tree; fails when a row disagrees.
pub(crate) fn check(shell: &Shell) -> anyhow::Result<String> {
    let binary = built_binary::path_of("conformance", Build::RELEASE)?;
    let folder = workspace::root().join(CHUNKED_CASES);
    let mut rows = 0;
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {folder:?}"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let report = counted::read_through(cmd!(shell, "{binary} chunked {path}"))?;
            let summary = report.lines().find_map(|line| counted::number_before(line, " rows, "));
            rows += summary.with_context(|| format!("no rows in {}", path.display()))?;
        }
    }
    Ok(format!("{rows} rows"))
}
