//! `cargo xtask demo [--file PATH | --size BYTES] [--json FILE] [--plot FILE]`

use std::{ffi::OsString, process::ExitCode};

use crate::{
    built_binary::{self, Build},
    flags::Demo,
};

impl Demo {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut arguments: Vec<OsString> = Vec::new();
        if let Some(path) = self.file {
            arguments.extend(["--file".into(), path.into()]);
        }
        if let Some(bytes) = self.size {
            arguments.extend(["--size".into(), bytes.into()]);
        }
        if let Some(path) = self.json {
            arguments.extend(["--json".into(), path.into()]);
        }
        let Some(path) = self.plot else {
            return built_binary::run("demo", Build::RELEASE, arguments);
        };
        arguments.extend(["--plot".into(), path.into()]);
        built_binary::run("demo", Build::PICTURES, arguments)
    }
}
