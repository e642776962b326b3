//! `cargo xtask conformance chunked FILE.jsonl [--json OUT]`

use std::{ffi::OsString, process::ExitCode};

use crate::{
    built_binary::{self, Build},
    flags::Conformance,
};

impl Conformance {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut arguments: Vec<OsString> = vec![self.suite.into(), self.file.into()];
        if let Some(path) = self.json {
            arguments.extend(["--json".into(), path.into()]);
        }
        built_binary::run("conformance", Build::RELEASE, arguments)
    }
}
