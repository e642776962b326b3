//! The programs that commands start: found, run, and read where they say how much they did.

use std::{
    env,
    io::{self, BufRead, BufReader, IsTerminal, Read},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, bail};
use xshell::{Cmd, Shell, cmd};

use crate::{steps::NotHere, workspace::root};

/// Returns a shell whose commands run in the workspace's root.
///
/// The process itself stays where the user called it, so the user's relative paths keep their meaning.
pub(crate) fn shell() -> Shell {
    let shell = Shell::new().expect("a current directory");
    shell.change_dir(root());
    // What is built shows on a terminal. In a pipe only results count.
    if !io::stderr().is_terminal() {
        shell.set_var("CARGO_TERM_QUIET", "true");
    }
    shell
}

/// Finds a program as a shell would, and in the folder of servers; `hint` says how to get it.
pub(crate) fn need(program: &str, hint: &str) -> Result<PathBuf, NotHere> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let mut paths = env::split_paths(&paths).chain(["/usr/sbin".into()]);
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    let found = paths.find_map(|path| Some(path.join(&file)).filter(|path| path.is_file()));
    found.ok_or_else(|| NotHere(format!("{program} is not installed ({hint})")))
}

/// Runs a command to its end, passes what it prints on to stderr line by line, and returns all of it.
///
/// Fails when the command does.
pub(crate) fn read_through(command: Cmd<'_>) -> anyhow::Result<String> {
    let name = command.to_string();
    eprintln!("$ {name}");
    let mut child = Command::from(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let text = thread::scope(|scope| {
        let printed = scope.spawn(|| pass_on(stdout));
        let complained = pass_on(stderr)?;
        let printed = printed.join().expect("passing lines on does not panic")?;
        io::Result::Ok(printed + &complained)
    })?;
    let status = child.wait()?;
    if !status.success() {
        bail!("{name}: {status}");
    }
    Ok(text)
}

fn pass_on(stream: Option<impl Read>) -> io::Result<String> {
    let mut text = String::new();
    let Some(stream) = stream else { return Ok(text) };
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let readable = String::from_utf8_lossy(&line);
        eprint!("{readable}");
        text.push_str(&readable);
        line.clear();
    }
    Ok(text)
}

/// Runs a command like [`read_through`] and returns how many tests ran in it.
pub(crate) fn tests_of(command: Cmd<'_>) -> anyhow::Result<u64> {
    let name = command.to_string();
    match tests_in(&read_through(command)?) {
        0 => bail!("{name}: no test ran"),
        tests => Ok(tests),
    }
}

pub(crate) fn in_words(tests: u64) -> String {
    let s = if tests == 1 { "" } else { "s" };
    format!("{} test{s}", thousands(tests))
}

/// Returns how many tests ran, by what nextest or the standard test harness printed.
fn tests_in(output: &str) -> u64 {
    let of_line = |line: &str| {
        let line = line.trim_start();
        if line.starts_with("test result:") {
            number_before(line, " passed")
        } else if line.starts_with("Summary ") {
            number_before(line, " tests run").or_else(|| number_before(line, " test run"))
        } else {
            None
        }
    };
    output.lines().filter_map(of_line).sum()
}

/// Returns the number that stands right before `word`.
pub(crate) fn number_before(line: &str, word: &str) -> Option<u64> {
    let before = line.split_once(word)?.0;
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Returns the number with a comma before each group of three digits.
pub(crate) fn thousands(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}

/// A program of `seg-bench`: its name, the profile and the features that it is built with.
pub(crate) type Program = [&'static str; 3];

pub(crate) const DEMO: Program = ["demo", "release", ""];
pub(crate) const DRAWING_DEMO: Program = ["demo", "release", "plot"];
pub(crate) const PAGE: Program = ["report", "release", "plot"];
pub(crate) const INSTRUCTIONS: Program = ["instructions", "release", "instructions"];
pub(crate) const CHAOS: Program = ["chaos", "release", "chaos"];
/// All contenders, optimised across crates.
pub(crate) const COMPARE: Program = ["compare", "compare", "compare"];

/// Builds a program and returns where it is. It runs in the user's folder.
pub(crate) fn built([name, profile, features]: Program) -> anyhow::Result<PathBuf> {
    let shell = shell();
    let what = ["--package", "seg-bench", "--bin", name, "--profile", profile];
    cmd!(shell, "cargo build {what...} --features {features}").quiet().run()?;
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    Ok(crate::workspace::Workspace::read()?.target.join(profile).join(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_harnesses_say_how_many_tests_ran() {
        let nextest = "     Summary [   8.851s] 85 tests run: 85 passed, 0 skipped\n";
        let plain = "test result: ok. 12 passed; 0 failed; 0 ignored\nrunning 3 tests\n\
                     test result: ok. 3 passed; 0 failed\n";
        assert_eq!((tests_in(nextest), tests_in(plain)), (85, 15));
        assert_eq!(tests_in("     Summary [   0.1s] 1 test run: 1 passed"), 1);
        assert_eq!(tests_in("    Finished test profile\n"), 0);
    }

    #[test]
    fn numbers_have_commas() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_034_007, "1,034,007")];
        for (number, want) in cases {
            assert_eq!(thousands(number), want);
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        assert!(need("cargo", "").is_ok());
        let missing = need("no-such-program", "nowhere").expect_err("no such program");
        assert_eq!(missing.to_string(), "no-such-program is not installed (nowhere)");
    }
}
