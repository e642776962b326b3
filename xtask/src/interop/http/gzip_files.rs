//! Every gzip file of the system, decoded by `gunzip` and by `gzip -dc`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

use super::{CASE_MAX, Cases, Peer, Workshop, process};
use crate::interop::workshop::{installed, version_of};

/// Where packages leave compressed documentation.
const FOLDER: &str = "/usr/share";

/// Files that are decoded in one go.
const BATCH: usize = 500;

pub(super) fn run(shop: &Workshop, cases: &mut Cases) {
    let gzip = match installed("gzip") {
        Ok(gzip) => gzip,
        Err(why) => return cases.skip("gzip", why),
    };
    let peer = Peer::new("gzip", version_of(&gzip, "--version"));
    let mut files = Vec::new();
    if let Err(error) = collect(Path::new(FOLDER), &mut files) {
        return cases.run(&peer, FOLDER, || Err(error.into()));
    }
    files.sort();
    cases.run(&peer, format!("{} files below {FOLDER}", files.len()), || {
        ensure!(!files.is_empty(), "no gzip file");
        files.chunks(BATCH).try_for_each(|files| compare(shop, &gzip, files))
    });
    cases.run(&peer, "large file, each level", || {
        let file = shop.files().join("large.txt");
        for level in ["-1", "-6", "-9"] {
            let compressed = process::run_well(
                process::command(&gzip).arg(level).arg("-c").arg(&file),
                CASE_MAX,
            )?;
            let path = shop.scratch("compressed.gz");
            fs::write(&path, compressed)?;
            compare(shop, &gzip, &[path])?;
        }
        Ok(())
    });
}

/// Decodes files with both programs; names the first that differs.
fn compare(shop: &Workshop, gzip: &Path, files: &[PathBuf]) -> anyhow::Result<()> {
    let decode =
        |mut program: Command, files: &[PathBuf]| process::run_well(program.args(files), CASE_MAX);
    let decode_both = |files: &[PathBuf]| -> anyhow::Result<bool> {
        let mut theirs = process::command(gzip);
        theirs.arg("-dc");
        let theirs = decode(theirs, files).context("gzip -dc")?;
        Ok(theirs == decode(shop.example("gunzip"), files)?)
    };
    if decode_both(files)? {
        return Ok(());
    }
    for file in files {
        let is_same = decode_both(core::slice::from_ref(file))?;
        ensure!(is_same, "{} differs", file.display());
    }
    Ok(())
}

/// Collects the gzip files below a folder; follows no links.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            collect(&path, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "gz") {
            files.push(path);
        }
    }
    Ok(())
}
