//! `cargo xtask report [--from RECORD...] [--quick] [--to DIRECTORY]`

use std::{ffi::OsString, fs, path::PathBuf, process::ExitCode};

use anyhow::Context as _;

use crate::{
    built_binary::{self, Build},
    flags::Report,
    workspace::{self, Workspace},
};

/// The message of the demo, as large as its pictures are to show.
const DEMO_SIZE: &str = "64MiB";

impl Report {
    /// Measures, unless records are named, and writes the page.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let directory = self.to.unwrap_or_else(|| workspace::root().join("docs/bench"));
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        let mut records = self.from;
        let memory = directory.join("memory.svg");
        if records.is_empty() {
            records.push(compare(self.quick)?);
            draw_memory(memory)?;
        } else if !memory.exists() {
            draw_memory(memory)?;
        }
        let mut arguments: Vec<OsString> = vec!["--to".into(), directory.into()];
        for record in records {
            arguments.extend(["--from".into(), record.into()]);
        }
        built_binary::run("report", Build::PICTURES, arguments)
    }
}

/// Measures every layer and returns where the record is.
fn compare(quick: bool) -> anyhow::Result<PathBuf> {
    let record = Workspace::read()?.target.join("comparison.json");
    let mut arguments: Vec<OsString> = vec!["--record".into(), record.clone().into()];
    if quick {
        arguments.push("--quick".into());
    }
    built_binary::run_through("compare", Build::COMPARE, arguments)?;
    Ok(record)
}

fn draw_memory(picture: PathBuf) -> anyhow::Result<()> {
    let arguments = ["--size".into(), DEMO_SIZE.into(), "--plot".into(), picture.into()];
    built_binary::run_through("demo", Build::PICTURES, arguments.into())
}
