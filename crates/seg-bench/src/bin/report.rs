//! `report --from RECORD... --to DIRECTORY`, started by `cargo xtask report`.

use std::process::ExitCode;

use anyhow::Context as _;
use seg_bench::{record::Record, report};

mod flags {
    #![allow(missing_docs, unreachable_pub)]

    use std::path::PathBuf;

    xflags::xflags! {
        /// Write a comparison as a page with tables and pictures.
        cmd report {
            /// What `bench --compare --record` wrote; several are taken together.
            repeated --from record: PathBuf
            /// Where the page goes.
            required --to directory: PathBuf
        }
    }
}

fn main() -> ExitCode {
    let flags = flags::Report::from_env_or_exit();
    match run(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: &flags::Report) -> anyhow::Result<()> {
    let mut records = flags.from.iter().map(|path| Record::load(path));
    let first = records.next().context("--from names no record")??;
    let record = records.try_fold(first, |record, later| record.merge(later?))?;
    report::write(&record, &flags.to)?;
    println!("wrote {}", flags.to.join("README.md").display());
    Ok(())
}
