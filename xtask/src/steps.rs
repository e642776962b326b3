//! Steps that run one after the other, and the table of what ran.

use core::{fmt, time::Duration};
use std::{process::ExitCode, time::Instant};

/// What ran so far, how long it took and whether it passed.
///
/// A step that fails does not stop the next: one run shows everything that is wrong.
pub(crate) struct Steps {
    start: Instant,
    done: Vec<Step>,
}

struct Step {
    name: String,
    took: Duration,
    /// What ran, in words, or what went wrong.
    outcome: anyhow::Result<String>,
}

/// The error of a step that this machine cannot run: no failure, but a line that says why and how to
/// get what is missing.
#[derive(Debug)]
pub(crate) struct NotHere(pub(crate) String);

impl fmt::Display for NotHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for NotHere {}

impl Step {
    fn is_skipped(&self) -> bool {
        self.outcome.as_ref().is_err_and(|error| error.is::<NotHere>())
    }
}

impl Default for Steps {
    fn default() -> Self {
        Self { start: Instant::now(), done: Vec::new() }
    }
}

impl Steps {
    /// Runs one step that says what ran in it, and returns whether it passed.
    pub(crate) fn run(
        &mut self,
        name: impl Into<String>,
        step: impl FnOnce() -> anyhow::Result<String>,
    ) -> bool {
        let name = name.into();
        eprintln!("==> {name}");
        let start = Instant::now();
        let outcome = step();
        self.note(name, start.elapsed(), outcome)
    }

    /// Notes a step that ran elsewhere: beside others, for example.
    pub(crate) fn note(
        &mut self,
        name: impl Into<String>,
        took: Duration,
        outcome: anyhow::Result<String>,
    ) -> bool {
        let step = Step { name: name.into(), took, outcome };
        if let (Err(error), false) = (&step.outcome, step.is_skipped()) {
            eprintln!("error: {}: {error:#}", step.name);
        }
        let has_passed = step.outcome.is_ok();
        self.done.push(step);
        has_passed
    }

    /// Notes that a step did not run, and why.
    pub(crate) fn skip(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.note(name, Duration::ZERO, Err(NotHere(why.into()).into()));
    }

    /// Prints the table. Nothing that ran is no success.
    pub(crate) fn finish(&self) -> ExitCode {
        print!("\n{}", self.table());
        let is_right = self.done.iter().all(|step| step.outcome.is_ok() || step.is_skipped())
            && self.done.iter().any(|step| step.outcome.is_ok());
        if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn table(&self) -> String {
        let width = self.done.iter().map(|step| step.name.len()).max().unwrap_or(0);
        let row = |step: &Step| {
            let verdict = match &step.outcome {
                Ok(what) => format!("ok       {what}"),
                Err(why) if step.is_skipped() => format!("skipped  {why}"),
                Err(_) => "FAILED".to_owned(),
            };
            let verdict = verdict.trim_end();
            format!("{:width$}  {:>7.1} s  {verdict}\n", step.name, step.took.as_secs_f64())
        };
        let skipped = self.done.iter().filter(|step| step.is_skipped()).count();
        let ran = self.done.len() - skipped;
        let rows: String = self.done.iter().map(row).collect();
        let seconds = self.start.elapsed().as_secs_f64();
        format!("{rows}{:width$}  {seconds:>7.1} s  {ran} ran, {skipped} skipped\n", "all")
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_failed_step_does_not_stop_the_next() {
        let mut steps = Steps::default();
        assert!(!steps.run("first", || bail!("broken")));
        assert!(steps.run("second", || Ok(String::new())));
        let table = steps.table();
        let verdicts: Vec<_> =
            table.lines().map(|line| line.split_whitespace().nth(3).unwrap_or_default()).collect();
        assert_eq!(verdicts, ["FAILED", "ok", "2"]);
        assert_eq!(steps.finish(), ExitCode::FAILURE);
    }

    #[test]
    fn steps_that_passed_or_were_skipped_are_a_success() {
        let mut steps = Steps::default();
        steps.run("one", || Ok("7 tests".to_owned()));
        steps.run("other", || Err(NotHere("no such tool".to_owned()).into()));
        let table = steps.table();
        assert!(table.contains("ok       7 tests\n"), "{table}");
        assert!(table.contains("skipped  no such tool\n"), "{table}");
        assert!(table.ends_with("1 ran, 1 skipped\n"), "{table}");
        assert_eq!(steps.finish(), ExitCode::SUCCESS);
    }

    #[test]
    fn nothing_that_ran_is_no_success() {
        let mut steps = Steps::default();
        steps.skip("one", "no such tool");
        assert_eq!(steps.finish(), ExitCode::FAILURE);
    }
}
