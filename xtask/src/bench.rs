//! `cargo xtask demo`, `bench`, `report` and `soak`: programs of `seg-bench`.

use std::{
    ffi::OsString,
    fs,
    process::{Command, ExitCode},
};

use anyhow::{Context, ensure};
use xshell::cmd;

use crate::{
    child::{
        CHAOS, COMPARE, DEMO, DRAWING_DEMO, PAGE, Program, built, number_before, read_through,
        shell, thousands,
    },
    flags::{Bench, Demo, Report},
    workspace::{Workspace, root},
};

/// The message of the demo, as large as its pictures are to show.
const DEMO_SIZE: &str = "64MiB";

/// How long `soak` goes on, and how long in `ci --full`.
pub(crate) const SOAK_SECONDS: u32 = 60;
pub(crate) const FULL_SOAK_SECONDS: u32 = 600;

impl Demo {
    /// The program knows the same options.
    pub(crate) fn run(self, arguments: Vec<OsString>) -> anyhow::Result<ExitCode> {
        let program = if self.plot.is_some() { DRAWING_DEMO } else { DEMO };
        replace_process(Command::new(built(program)?).args(arguments))
    }
}

impl Bench {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let layer = self.layer.or(self.only).map(|layer| layer.short);
        if self.compare {
            let mut compare = Command::new(built(COMPARE)?);
            layer.map(|name| compare.args(["--layer", name]));
            self.job.map(|text| compare.args(["--job", &text]));
            self.json.map(|path| compare.arg("--json").arg(path));
            self.record.map(|path| compare.arg("--record").arg(path));
            return replace_process(compare.args(self.quick.then_some("--quick")));
        }
        let of_compare = [self.job.is_some(), self.json.is_some(), self.record.is_some()];
        if self.quick || of_compare.contains(&true) {
            eprintln!("error: --quick, --job, --json and --record go with --compare");
            return Ok(ExitCode::from(2));
        }
        let chosen = layer.map_or(vec!["--benches"], |name| vec!["--bench", name]);
        let shell = shell();
        cmd!(shell, "cargo bench --package seg-bench {chosen...}").run()?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Report {
    /// Measures, unless records are named, and writes the page.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let folder = self.to.unwrap_or_else(|| root().join("docs/bench"));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {folder:?}"))?;
        let mut records = self.from;
        let memory = folder.join("memory.svg");
        let has_records = !records.is_empty();
        if !has_records {
            let record = Workspace::read()?.target.join("comparison.json");
            let quick = self.quick.then_some("--quick");
            run(COMPARE, |compare| compare.arg("--record").arg(&record).args(quick))?;
            records.push(record);
        }
        if !(has_records && memory.exists()) {
            run(DRAWING_DEMO, |demo| demo.args(["--size", DEMO_SIZE, "--plot"]).arg(&memory))?;
        }
        let mut page = Command::new(built(PAGE)?);
        records.iter().for_each(|record| {
            page.arg("--from").arg(record);
        });
        replace_process(page.arg("--to").arg(folder))
    }
}

fn run(program: Program, with: impl Fn(&mut Command) -> &mut Command) -> anyhow::Result<()> {
    let status = with(&mut Command::new(built(program)?)).status().context(program[0])?;
    ensure!(status.success(), "{}: {status}", program[0]);
    Ok(())
}

/// Replaces this process by the program (`exec`), so that whoever kills the command kills the program.
#[cfg(unix)]
fn replace_process(command: &mut Command) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    Err(command.exec()).context("cannot start what was built")
}

#[cfg(not(unix))]
fn replace_process(command: &mut Command) -> anyhow::Result<ExitCode> {
    let code = command.status().context("cannot start what was built")?.code();
    Ok(code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Runs rounds until the time is over; fails when something differs, stands still or is missing, and
/// when something that is to happen never did.
pub(crate) fn soak(seconds: u32) -> anyhow::Result<String> {
    let (shell, chaos, seconds) = (shell(), built(CHAOS)?, seconds.to_string());
    let said = read_through(cmd!(shell, "{chaos} {seconds}"))?;
    let count = |what: &str| said.lines().filter_map(|line| number_before(line, what)).sum();
    let [echoes, connections] = [" that came back", " connections "].map(count).map(thousands);
    Ok(format!("{echoes} echoes over {connections} connections"))
}
