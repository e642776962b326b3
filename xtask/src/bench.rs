//! `cargo xtask bench [LAYER] [--compare [--quick] [--job TEXT] [--json FILE] [--record FILE]]`

use std::{ffi::OsString, process::ExitCode};

use xshell::cmd;

use crate::{
    built_binary::{self, Build},
    flags::Bench,
    workspace,
};

impl Bench {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let layer = self.layer.or(self.only);
        if self.compare {
            let mut arguments: Vec<OsString> = Vec::new();
            if let Some(layer) = layer {
                arguments.extend(["--layer".into(), layer.into()]);
            }
            if let Some(text) = self.job {
                arguments.extend(["--job".into(), text.into()]);
            }
            if self.quick {
                arguments.push("--quick".into());
            }
            if let Some(path) = self.json {
                arguments.extend(["--json".into(), path.into()]);
            }
            if let Some(path) = self.record {
                arguments.extend(["--record".into(), path.into()]);
            }
            return built_binary::run("compare", Build::COMPARE, arguments);
        }
        let of_compare = [self.job.is_some(), self.json.is_some(), self.record.is_some()];
        if self.quick || of_compare.contains(&true) {
            eprintln!("error: --quick, --job, --json and --record go with --compare");
            return Ok(ExitCode::from(2));
        }
        let shell = workspace::shell()?;
        let chosen = match layer {
            Some(layer) => vec!["--bench".to_owned(), layer],
            None => vec!["--benches".to_owned()],
        };
        cmd!(shell, "cargo bench --package seg-bench {chosen...}").run()?;
        Ok(ExitCode::SUCCESS)
    }
}
