//! Commands whose output says how many cases ran.

use std::{
    io::{self, BufRead, BufReader, Read},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, bail};
use xshell::Cmd;

/// Runs a command, passes what it prints on to stderr line by line, and returns all of it.
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

/// Runs a command like [`read_through`] and returns how many tests ran in it, in words.
pub(crate) fn tests_of(command: Cmd<'_>) -> anyhow::Result<String> {
    Ok(in_words(tests_in(&read_through(command)?)))
}

pub(crate) fn in_words(tests: u64) -> String {
    let s = if tests == 1 { "" } else { "s" };
    format!("{} test{s}", thousands(tests))
}

/// Returns how many tests ran, by what nextest or the standard test harness printed.
pub(crate) fn tests_in(output: &str) -> u64 {
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
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        for (number, want) in cases {
            assert_eq!(thousands(number), want);
        }
    }
}
