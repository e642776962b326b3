//! Cases with peers, and the table of how they went.

use core::time::Duration;
use std::{process::ExitCode, time::Instant};

use anyhow::bail;

/// A program of somebody else.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) version: String,
}

impl Peer {
    pub(crate) fn new(name: &'static str, version: impl Into<String>) -> Self {
        Self { name, version: version.into() }
    }
}

/// The cases that are done.
#[derive(Default)]
pub(crate) struct Cases {
    done: Vec<Case>,
}

struct Case {
    peer: Peer,
    name: String,
    took: Duration,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    /// With the reason.
    Failed(String),
    /// With the reason.
    Skipped(String),
}

impl Outcome {
    /// Reads what a script said of one case, and the case's name and duration.
    fn parse(line: &str) -> Option<(&str, Duration, Self)> {
        let (verdict, rest) = line.split_once(' ')?;
        let (seconds, rest) = rest.split_once(' ')?;
        let took = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
        match verdict {
            "ok" => Some((rest, took, Self::Passed)),
            "failed" => {
                let (name, why) = rest.split_once(": ").unwrap_or((rest, "no reason given"));
                Some((name, took, Self::Failed(why.to_owned())))
            }
            _ => None,
        }
    }
}

impl Cases {
    /// Runs one case and notes how it went.
    pub(crate) fn run(
        &mut self,
        peer: &Peer,
        name: impl Into<String>,
        case: impl FnOnce() -> anyhow::Result<()>,
    ) {
        let start = Instant::now();
        let outcome = match case() {
            Ok(()) => Outcome::Passed,
            Err(error) => Outcome::Failed(format!("{error:#}")),
        };
        self.note(peer, name, start.elapsed(), outcome);
    }

    /// Notes what a script of a peer said of its own cases: lines of `version TEXT`, `ok SECONDS
    /// NAME` and `failed SECONDS NAME: REASON`. It has to end in `done`, or something is missing.
    pub(crate) fn note_script(&mut self, peer: &Peer, prefix: &str, said: anyhow::Result<Vec<u8>>) {
        const WHOLE: &str = "the script";
        let mut peer = peer.clone();
        let said = match said {
            Ok(said) => String::from_utf8_lossy(&said).into_owned(),
            Err(error) => return self.run(&peer, WHOLE, || Err(error)),
        };
        let mut is_done = false;
        for line in said.lines() {
            if let Some(version) = line.strip_prefix("version ") {
                version.clone_into(&mut peer.version);
            } else if line == "done" {
                is_done = true;
            } else if let Some((name, took, outcome)) = Outcome::parse(line) {
                self.note(&peer, format!("{prefix}{name}"), took, outcome);
            } else {
                eprintln!("{}: {line}", peer.name);
            }
        }
        if !is_done {
            self.run(&peer, format!("{prefix}{WHOLE}"), || bail!("ended before its last case"));
        }
    }

    /// Notes that all cases of a peer did not run, and why.
    pub(crate) fn skip(&mut self, peer: &'static str, why: impl Into<String>) {
        let peer = Peer::new(peer, "-");
        self.note(&peer, "all", Duration::ZERO, Outcome::Skipped(why.into()));
    }

    fn note(&mut self, peer: &Peer, name: impl Into<String>, took: Duration, outcome: Outcome) {
        let case = Case { peer: peer.clone(), name: name.into(), took, outcome };
        if let Outcome::Failed(why) = &case.outcome {
            eprintln!("error: {}: {}: {why}", case.peer.name, case.name);
        }
        self.done.push(case);
    }

    /// Prints the table, and returns success only if no case failed and, when `is_all_required`, none
    /// was skipped.
    pub(crate) fn finish(self, is_all_required: bool) -> ExitCode {
        print!("{}", self.table());
        let is_bad = |case: &&Case| match case.outcome {
            Outcome::Passed => false,
            Outcome::Failed(_) => true,
            Outcome::Skipped(_) => is_all_required,
        };
        let bad = self.done.iter().filter(is_bad).count();
        println!("{} cases, {bad} bad", self.done.len());
        if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn table(&self) -> String {
        let width = |text: fn(&Case) -> &str| {
            self.done.iter().map(|case| text(case).chars().count()).max().unwrap_or(0)
        };
        let peers = width(|case| case.peer.name);
        let versions = width(|case| &case.peer.version);
        let names = width(|case| &case.name);
        let row = |case: &Case| {
            let Case { peer: Peer { name: peer, version }, name, took, outcome } = case;
            let verdict = match outcome {
                Outcome::Passed => "ok",
                Outcome::Failed(_) => "FAILED",
                Outcome::Skipped(why) => &format!("skipped: {why}"),
            };
            let seconds = took.as_secs_f64();
            format!(
                "{peer:peers$}  {version:versions$}  {name:names$}  {seconds:6.2} s  {verdict}\n"
            )
        };
        self.done.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> Peer {
        Peer::new("peer", "1")
    }

    #[test]
    fn one_failed_case_is_a_failure() {
        let mut cases = Cases::default();
        cases.run(&peer(), "good", || Ok(()));
        cases.run(&peer(), "bad", || bail!("broken"));
        let table = cases.table();
        let verdicts: Vec<_> = table.lines().map(|line| line.split_whitespace().last()).collect();
        assert_eq!(verdicts, [Some("ok"), Some("FAILED")]);
        assert_eq!(cases.finish(false), ExitCode::FAILURE);
    }

    #[test]
    fn a_skipped_peer_is_a_failure_only_when_all_are_required() {
        let skipped = || {
            let mut cases = Cases::default();
            cases.skip("peer", "not installed");
            cases
        };
        assert_eq!(skipped().finish(false), ExitCode::SUCCESS);
        assert_eq!(skipped().finish(true), ExitCode::FAILURE);
    }

    #[test]
    fn a_script_that_ends_early_is_a_failure() {
        let mut cases = Cases::default();
        let said = |said: &str| Ok(said.as_bytes().to_vec());
        cases.note_script(&peer(), "", said("version 2\nok 0.5 one\ndone\n"));
        assert!(cases.table().starts_with("peer  2  one    0.50 s  ok\n"), "{}", cases.table());
        cases.note_script(&peer(), "", said("ok 0.5 one\n"));
        assert_eq!(cases.finish(false), ExitCode::FAILURE);
    }
}
