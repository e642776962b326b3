//! Steps that run one after the other, and the table of what ran.

use core::time::Duration;
use std::{process::ExitCode, time::Instant};

/// What ran so far, how long it took and whether it passed.
///
/// A step that fails does not stop the next: one run shows everything that is wrong.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
}

struct Step {
    name: String,
    took: Duration,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    Failed,
    /// With the reason.
    Skipped(String),
}

impl Steps {
    /// Runs one step and notes how it went.
    pub(crate) fn run(
        &mut self,
        name: impl Into<String>,
        step: impl FnOnce() -> anyhow::Result<()>,
    ) {
        let name = name.into();
        eprintln!("==> {name}");
        let start = Instant::now();
        let outcome = step();
        if let Err(error) = &outcome {
            eprintln!("error: {name}: {error:#}");
        }
        let outcome = if outcome.is_ok() { Outcome::Passed } else { Outcome::Failed };
        self.done.push(Step { name, took: start.elapsed(), outcome });
    }

    /// Notes that a step did not run, and why. That is no failure.
    pub(crate) fn skip(&mut self, name: impl Into<String>, why: impl Into<String>) {
        let outcome = Outcome::Skipped(why.into());
        self.done.push(Step { name: name.into(), took: Duration::ZERO, outcome });
    }

    /// Prints the table, and returns success only if no step failed.
    pub(crate) fn finish(self) -> ExitCode {
        print!("{}", self.table());
        let failed = self.done.iter().any(|step| matches!(step.outcome, Outcome::Failed));
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn table(&self) -> String {
        let width = self.done.iter().map(|step| step.name.len()).max().unwrap_or(0);
        let row = |step: &Step| {
            let Step { name, took, outcome } = step;
            let verdict = match outcome {
                Outcome::Passed => "ok",
                Outcome::Failed => "FAILED",
                Outcome::Skipped(why) => &format!("skipped: {why}"),
            };
            format!("{name:width$}  {:>7.1} s  {verdict}\n", took.as_secs_f64())
        };
        self.done.iter().map(row).collect()
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
        let verdicts: Vec<_> = table.lines().map(|line| line.split_whitespace().last()).collect();
        assert_eq!(verdicts, [Some("FAILED"), Some("ok")]);
        assert_eq!(steps.finish(), ExitCode::FAILURE);
    }

    #[test]
    fn steps_that_passed_or_were_skipped_are_a_success() {
        let mut steps = Steps::default();
        steps.run("one", || Ok(()));
        steps.skip("other", "no such tool");
        assert!(steps.table().ends_with("skipped: no such tool\n"));
        assert_eq!(steps.finish(), ExitCode::SUCCESS);
    }
}
