//! `cargo xtask interop [http|ws] [--require]` and `cargo xtask autobahn [--cases GLOBS]`: our
//! examples against other people's programs, which `interop/run.py` starts.

use core::time::Duration;
use std::{collections::BTreeMap, fs};

use anyhow::{Context, anyhow, bail, ensure};
use serde_json::Value;
use xshell::cmd;

use crate::{
    child::{need, read_through, shell},
    flags::Interop,
    steps::{NotHere, Steps},
    workspace::{Workspace, root, whole},
};

/// The cases of Autobahn that `ci` runs: framing, pings, reserved bits, opcodes, fragments, some UTF-8,
/// closing, and a first look at compression.
pub(crate) const QUICK: &str = "1.*,2.*,3.*,4.*,5.*,6.1.*,6.2.*,6.3.*,7.1.*,10.*,12.1.1,13.1.1";

/// All cases.
pub(crate) const ALL: &str = "*";

/// The examples that talk to other people's programs.
const EXAMPLES: [&str; 13] = [
    "autobahn_client",
    "axum_server",
    "axum_tls_server",
    "chat",
    "echo_server",
    "exercise",
    "fetch",
    "gunzip",
    "hyper_body",
    "hyper_server",
    "proxy",
    "serve",
    "tls_server",
];

/// A profile of cargo, and the folder of what it builds. The tests have built the examples with the
/// first; all of Autobahn takes hours with it.
type Profile = [&'static str; 2];
const DEV: Profile = ["dev", "debug"];
const RELEASE: Profile = ["release", "release"];

/// The runs of Autobahn: a side of ours, and how it is run.
const RUNS: [&str; 5] = [
    "server-segmented",
    "server-contiguous",
    "server-blocking",
    "client-segmented",
    "client-contiguous",
];

/// What a case of Autobahn ends with, where that is not `OK`.
const EXPECTED: &str = "interop/autobahn.txt";

impl Interop {
    pub(crate) fn run(self, steps: &mut Steps) -> anyhow::Result<()> {
        let suites = match self.suite.as_deref() {
            None => vec!["http", "ws"],
            Some(known @ ("http" | "ws")) => vec![known],
            Some(other) => bail!("{other} is no suite: http or ws"),
        };
        if steps.run("our examples", || build_examples(DEV)) {
            for suite in suites {
                note_cases(steps, self.require, DEV, &[suite]);
            }
        }
        Ok(())
    }
}

/// Runs cases against our server and our client in both assemblies, and against our blocking server;
/// compares what each case ended with.
pub(crate) fn autobahn(steps: &mut Steps, cases: &str) {
    let profile = if cases == ALL { RELEASE } else { DEV };
    if !steps.run("our examples", || build_examples(profile))
        || !note_cases(steps, false, profile, &["autobahn", cases])
    {
        return;
    }
    for run in RUNS {
        steps.run(format!("autobahn: {run}, outcomes"), || {
            let index =
                Workspace::read()?.target.join("interop/autobahn").join(run).join("index.json");
            let found =
                outcomes(&fs::read_to_string(&index).with_context(|| format!("{index:?}"))?)?;
            let expected = fs::read_to_string(root().join(EXPECTED)).context(EXPECTED)?;
            compare(&run[..6], &found, &expected)
        });
    }
}

fn build_examples([profile, _]: Profile) -> anyhow::Result<String> {
    need("setpriv", "apt-get install util-linux")?;
    need("python3", "apt-get install python3")?;
    let (shell, whole) = (shell(), whole(&Workspace::read()?.packages));
    let names = EXAMPLES.iter().flat_map(|name| ["--example", name]);
    cmd!(shell, "cargo build --profile {profile} {whole...} {names...}").run()?;
    Ok(format!("{} examples", EXAMPLES.len()))
}

/// Notes what `run.py` says of each case; returns whether one passed. Without its last line something
/// is missing.
fn note_cases(
    steps: &mut Steps,
    is_all_required: bool,
    [_, folder]: Profile,
    what: &[&str],
) -> bool {
    let said = (|| {
        let (shell, target) = (shell(), &Workspace::read()?.target);
        let examples = target.join(folder).join("examples");
        read_through(cmd!(shell, "python3 interop/run.py {target} {examples} {what...}"))
    })();
    let lines = said.as_deref().unwrap_or_default().lines();
    let mut has_passed = false;
    for (name, took, outcome) in lines.filter_map(case) {
        let outcome = outcome.map_err(|why| if is_all_required { anyhow!("{why}") } else { why });
        has_passed |= steps.note(name, took, outcome);
    }
    let is_whole = said.and_then(|said| {
        ensure!(said.lines().any(|line| line == "done"), "ended early");
        Ok(String::new())
    });
    if is_whole.is_err() {
        steps.note(what.join(" "), Duration::ZERO, is_whole);
    }
    has_passed
}

/// Reads what was said of one case: `ok SECONDS NAME`, `failed SECONDS NAME: REASON`, or `skipped`
/// likewise.
fn case(line: &str) -> Option<(&str, Duration, anyhow::Result<String>)> {
    let (verdict, rest) = line.split_once(' ')?;
    let (seconds, name) = rest.split_once(' ')?;
    let took = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
    let (start, why) = name.rsplit_once(": ").unwrap_or((name, "no reason given"));
    match verdict {
        "ok" => Some((name, took, Ok(String::new()))),
        "failed" => Some((name, took, Err(anyhow!("see above")))),
        "skipped" => Some((start, took, Err(NotHere(why.to_owned()).into()))),
        _ => None,
    }
}

/// Reads what each case ended with from the report of a run: behaviour and how it closed.
fn outcomes(index: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let index: Value = serde_json::from_str(index)?;
    let cases = index["peer"].as_object().context("no peer")?;
    let text = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
    let outcome = |case: &Value| match (text(&case["behavior"]), text(&case["behaviorClose"])) {
        (behaviour, close) if close == "OK" || close == behaviour => behaviour,
        (behaviour, close) => format!("{behaviour}, close {close}"),
    };
    Ok(cases.iter().map(|(name, case)| (name.clone(), outcome(case))).collect())
}

/// Fails when a case ended neither well nor as the list says: lines of `SIDE CASE OUTCOME`.
fn compare(side: &str, found: &BTreeMap<String, String>, list: &str) -> anyhow::Result<String> {
    ensure!(!found.is_empty(), "no case ran");
    // What became right fails nothing; its line may go.
    let differing = found.iter().filter(|(_, outcome)| *outcome != "OK");
    let differing = differing.map(|(case, outcome)| format!("{side} {case} {outcome}"));
    let (expected, differing): (Vec<_>, Vec<_>) =
        differing.partition(|line| list.lines().any(|listed| listed == line));
    ensure!(differing.is_empty(), "not as {EXPECTED} says: {}", differing.join("; "));
    Ok(format!(
        "{} cases, {} OK, the others as expected",
        found.len(),
        found.len() - expected.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_script_is_a_case() {
        let (name, took, ran) = case("ok 0.5 peer: one two").expect("a case");
        assert_eq!((name, took), ("peer: one two", Duration::from_millis(500)));
        assert!(ran.is_ok());
        assert!(case("failed 1 one: broken").is_some_and(|(_, _, ran)| ran.is_err()));
        let (name, _, ran) = case("skipped 0 nginx: without nginx").expect("a case");
        assert_eq!((name, ran.expect_err("not here").is::<NotHere>()), ("nginx", true));
        assert!(case("warning: something").is_none());
    }

    #[test]
    fn a_case_that_ends_otherwise_is_found() {
        let index = r#"{"peer": {
            "1.1": {"behavior": "OK", "behaviorClose": "OK"},
            "3.2": {"behavior": "NON-STRICT", "behaviorClose": "OK"},
            "7.1": {"behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL"},
            "9.1": {"behavior": "OK", "behaviorClose": "WRONG CODE"}}}"#;
        let found = outcomes(index).expect("a report");
        let list = "# words\nserver 3.2 NON-STRICT\nserver 7.1 INFORMATIONAL\nclient 1.1 FAILED\n";
        let error = compare("server", &found, list).expect_err("a wrong code").to_string();
        assert!(error.ends_with("says: server 9.1 OK, close WRONG CODE"), "{error}");
        let list = format!("{list}server 9.1 OK, close WRONG CODE\n");
        let said = compare("server", &found, &list).expect("as expected");
        assert_eq!(said, "4 cases, 1 OK, the others as expected");
        let right = BTreeMap::from([("3.2".to_owned(), "OK".to_owned())]);
        assert!(compare("server", &right, &list).is_ok());
        assert!(compare("server", &BTreeMap::new(), &list).is_err());
    }
}
