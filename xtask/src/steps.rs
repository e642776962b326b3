//! Steps that run one after the other, and the table of what ran.

use core::time::Duration;
use std::{process::ExitCode, time::Instant};

/// What ran so far, how long it took and whether it passed.
///
/// A step that fails does not stop the next: one run shows everything that is wrong.
pub(crate) struct Steps {
    start: Instant,
    done: Vec<Step>,
}

impl Default for Steps {
    fn default() -> Self {
        Self { start: Instant::now(), done: Vec::new() }
    }
}

struct Step {
    name: String,
    took: Duration,
    outcome: Outcome,
}

enum Outcome {
    /// With what ran, where the step knows: `532 tests`.
    Passed(String),
    Failed,
    /// With the reason.
    Skipped(String),
}

/// How a step went that may find out on the way that it cannot run here.
pub(crate) enum Ran {
    /// To its end; with what ran, in words.
    Through(String),
    /// Not at all, and why.
    NotHere(String),
}

impl Steps {
    /// Runs one step and notes how it went.
    pub(crate) fn run(
        &mut self,
        name: impl Into<String>,
        step: impl FnOnce() -> anyhow::Result<()>,
    ) {
        self.count(name, || step().map(|()| String::new()));
    }

    /// Runs one step that says what ran in it, and notes how it went.
    pub(crate) fn count(
        &mut self,
        name: impl Into<String>,
        step: impl FnOnce() -> anyhow::Result<String>,
    ) {
        self.attempt(name, || step().map(Ran::Through));
    }

    /// Runs one step that may turn out to be one to skip, and notes how it went.
    pub(crate) fn attempt(
        &mut self,
        name: impl Into<String>,
        step: impl FnOnce() -> anyhow::Result<Ran>,
    ) {
        let name = name.into();
        eprintln!("==> {name}");
        let start = Instant::now();
        let ran = step();
        self.note(name, start.elapsed(), ran);
    }

    /// Runs one step like [`run`](Self::run) and returns whether it passed, for those that build on it.
    pub(crate) fn succeeds(
        &mut self,
        name: impl Into<String>,
        step: impl FnOnce() -> anyhow::Result<()>,
    ) -> bool {
        self.run(name, step);
        self.done.last().is_some_and(|step| matches!(step.outcome, Outcome::Passed(_)))
    }

    /// Notes a step that ran elsewhere: beside others, for example.
    pub(crate) fn note(
        &mut self,
        name: impl Into<String>,
        took: Duration,
        ran: anyhow::Result<Ran>,
    ) {
        let name = name.into();
        let outcome = match ran {
            Ok(Ran::Through(what)) => Outcome::Passed(what),
            Ok(Ran::NotHere(why)) => Outcome::Skipped(why),
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                Outcome::Failed
            }
        };
        self.done.push(Step { name, took, outcome });
    }

    /// Notes that a step did not run, and why. That is no failure.
    pub(crate) fn skip(&mut self, name: impl Into<String>, why: impl Into<String>) {
        let outcome = Outcome::Skipped(why.into());
        self.done.push(Step { name: name.into(), took: Duration::ZERO, outcome });
    }

    /// Prints the table, and returns success only if a step passed and none failed.
    pub(crate) fn finish(self) -> ExitCode {
        println!("\n{}", self.table());
        let failed = self.done.iter().any(|step| matches!(step.outcome, Outcome::Failed));
        // Nothing is right because nothing was looked at.
        let ran = self.done.iter().any(|step| matches!(step.outcome, Outcome::Passed(_)));
        if failed || !ran { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn table(&self) -> String {
        let width = self.done.iter().map(|step| step.name.len()).max().unwrap_or(0);
        let row = |step: &Step| {
            let Step { name, took, outcome } = step;
            let verdict = match outcome {
                Outcome::Passed(what) if what.is_empty() => "ok",
                Outcome::Passed(what) => &format!("ok       {what}"),
                Outcome::Failed => "FAILED",
                Outcome::Skipped(why) => &format!("skipped  {why}"),
            };
            format!("{name:width$}  {:>7.1} s  {verdict}\n", took.as_secs_f64())
        };
        let mut table: String = self.done.iter().map(row).collect();
        let skipped = self.done.iter().filter(|step| matches!(step.outcome, Outcome::Skipped(_)));
        let (ran, skipped) = (self.done.len() - skipped.clone().count(), skipped.count());
        table += &format!("{:width$}  {:>7.1} s  ", "all", self.start.elapsed().as_secs_f64());
        table += &format!("{ran} steps ran, {skipped} were skipped\n");
        table
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_failed_step_does_not_stop_the_next() {
        let mut steps = Steps::default();
        let mut ran = false;
        steps.run("first", || bail!("broken"));
        steps.run("second", || {
            ran = true;
            Ok(())
        });
        assert!(ran);
        let table = steps.table();
        let verdicts: Vec<_> =
            table.lines().map(|line| line.split_whitespace().nth(3).unwrap_or_default()).collect();
        assert_eq!(verdicts, ["FAILED", "ok", "2"]);
        assert_eq!(steps.finish(), ExitCode::FAILURE);
    }

    #[test]
    fn steps_that_passed_or_were_skipped_are_a_success() {
        let mut steps = Steps::default();
        steps.count("one", || Ok("7 tests".to_owned()));
        steps.skip("other", "no such tool");
        let table = steps.table();
        assert!(table.contains("ok       7 tests\n"), "{table}");
        assert!(table.contains("skipped  no such tool\n"), "{table}");
        assert!(table.ends_with("1 steps ran, 1 were skipped\n"), "{table}");
        assert_eq!(steps.finish(), ExitCode::SUCCESS);
    }

    #[test]
    fn nothing_that_ran_is_no_success() {
        let mut steps = Steps::default();
        steps.skip("one", "no such tool");
        assert_eq!(steps.finish(), ExitCode::FAILURE);
    }
}
