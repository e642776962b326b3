//! `cargo xtask test [--bless]`: every test, with every set of features that the manifests name.

use core::fmt::Write as _;
use std::{collections::BTreeMap, fs};

use anyhow::{Context, ensure};
use serde_json::Value;
use xshell::cmd;

use crate::{
    child::{in_words, need, shell, tests_of},
    steps::Steps,
    workspace::{Package, Workspace, root, whole},
};

/// How many tests each package has at least, with the set of features that has most.
const RECORD: &str = "xtask/test-counts.txt";

const RECORD_HEAD: &str = "# At least so many tests run in each package; `cargo xtask test` compares, \
    `cargo xtask test --bless` writes.\n# A number that falls is a test less: say why in the same commit.\n";

/// Tests by package.
type Counts = BTreeMap<String, u64>;

/// Runs the unit, integration and doc tests with each set of features; compares how many tests but
/// doc tests each package has with the record, or writes it.
pub(crate) fn check(steps: &mut Steps, is_blessed: bool) -> anyhow::Result<()> {
    let shell = shell();
    let mut counts = Counts::new();
    let packages = &Workspace::read()?.packages;
    let forgotten = forgotten(packages);
    ensure!(forgotten.is_empty(), "no run has the features {}", forgotten.join(", "));
    for what in selections(packages) {
        let name = match &what[..] {
            [all, ..] if all == "--workspace" => all.clone(),
            words => words.join(" ").replace("--package ", ""),
        };
        steps.run(format!("test {name}"), || run(&what, &mut counts));
        // README's examples are among them. An example may need any feature.
        if what.iter().any(|word| ["--workspace", "--all-features"].contains(&word.as_str())) {
            steps.run(format!("doc tests {name}"), || {
                Ok(in_words(tests_of(cmd!(shell, "cargo test --doc {what...}"))?))
            });
        }
    }
    if is_blessed {
        fs::write(root().join(RECORD), written(&counts))?;
    }
    steps.run("test counts", || {
        need("cargo-nextest", "cargo install cargo-nextest")?;
        let record = fs::read_to_string(root().join(RECORD))
            .with_context(|| format!("cannot read {RECORD}; --bless makes it"))?;
        compare(&counts, &record)
    });
    Ok(())
}

/// The arguments of each run: the whole workspace with the features that go together, and the sets of
/// features that the manifests add.
fn selections(packages: &[Package]) -> Vec<Vec<String>> {
    let sets = packages.iter().flat_map(|package| {
        let this = ["--package".to_owned(), package.name.clone()];
        let sets = package.test_sets.iter();
        sets.map(move |set| this.iter().cloned().chain(set.split(' ').map(String::from)).collect())
    });
    [whole(packages)].into_iter().chain(sets).collect()
}

/// Returns the features of shipped crates that no run has.
fn forgotten(packages: &[Package]) -> Vec<String> {
    let of_package = |package: &Package| {
        let is_in = |set: &String, feature: &String| {
            set.split(['=', ',', ' ']).any(|word| word == "--all-features" || word == feature)
        };
        let has_run = |feature: &&String| {
            package.with_workspace.contains(feature)
                || package.test_sets.iter().any(|set| is_in(set, feature))
        };
        let forgotten = package.features.iter().filter(|feature| !has_run(feature));
        forgotten.map(|feature| format!("{}/{feature}", package.name)).collect::<Vec<_>>()
    };
    packages.iter().filter(|package| package.is_published).flat_map(of_package).collect()
}

/// Runs the selected tests, with nextest where it is installed; notes how many each package has.
fn run(what: &[String], counts: &mut Counts) -> anyhow::Result<String> {
    let shell = shell();
    if need("cargo-nextest", "").is_err() {
        // All targets but the doc tests, which are a step of their own.
        let targets = ["--lib", "--bins", "--tests", "--examples"];
        return Ok(in_words(tests_of(cmd!(shell, "cargo test {targets...} {what...}"))?));
    }
    let quiet = ["--no-fail-fast", "--status-level=fail", "--final-status-level=fail"];
    let ran = tests_of(cmd!(shell, "cargo nextest run {quiet...} {what...}"))?;
    let list = cmd!(shell, "cargo nextest list --message-format json {what...}");
    let found = listed(&list.quiet().ignore_stderr().read()?)?;
    // cargo-nextest lists ignored tests and does not run them: so one makes the counts differ.
    let listed: u64 = found.values().sum();
    ensure!(listed == ran, "{ran} of {listed} tests ran");
    for (name, count) in found {
        let most = counts.entry(name).or_default();
        *most = count.max(*most);
    }
    Ok(in_words(ran))
}

/// Reads how many tests each package has from nextest's list.
fn listed(list: &str) -> anyhow::Result<Counts> {
    let list: Value = serde_json::from_str(list).context("nextest's list is not JSON")?;
    let mut counts = Counts::new();
    for suite in list["rust-suites"].as_object().into_iter().flatten().map(|(_, suite)| suite) {
        let name = suite["package-name"].as_str().context("a suite of no package")?;
        let tests = suite["testcases"].as_object().map_or(0, |tests| tests.len());
        *counts.entry(name.into()).or_default() += u64::try_from(tests)?;
    }
    Ok(counts)
}

fn written(counts: &Counts) -> String {
    let mut text = RECORD_HEAD.to_owned();
    for (package, count) in counts {
        writeln!(text, "{package} {count}").expect("a string takes everything");
    }
    text
}

/// Fails when a package of the record has fewer tests than it says, or one is missing there.
fn compare(counts: &Counts, record: &str) -> anyhow::Result<String> {
    let mut recorded = Counts::new();
    for line in record.lines().filter(|line| !line.starts_with('#')) {
        let (name, count) = line.split_once(' ').with_context(|| format!("{RECORD}: {line}"))?;
        recorded.insert(name.into(), count.parse().with_context(|| format!("{RECORD}: {line}"))?);
    }
    let mut wrong = Vec::new();
    for (name, least) in &recorded {
        let ran = counts.get(name).copied().unwrap_or(0);
        if ran < *least {
            wrong.push(format!("{name} runs {ran} tests, {RECORD} records {least}"));
        }
    }
    let unknown = counts.keys().filter(|name| !recorded.contains_key(*name));
    wrong.extend(unknown.map(|name| format!("{name} is not in {RECORD}")));
    ensure!(wrong.is_empty(), "{}; --bless records what runs now", wrong.join("; "));
    Ok(counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_no_run_has_is_found() {
        let package = |sets: &[&str]| Package {
            name: "a".into(),
            is_published: true,
            rust_version: "1.89".into(),
            uses: Vec::new(),
            features: ["b", "c"].map(String::from).into(),
            test_sets: sets.iter().map(ToString::to_string).collect(),
            with_workspace: vec!["b".into()],
        };
        assert_eq!(forgotten(&[package(&[])]), ["a/c"]);
        for sets in ["--all-features", "--no-default-features --features=c"] {
            assert_eq!(forgotten(&[package(&[sets])]), [""; 0], "{sets}");
        }
        let runs = selections(&[package(&["--all-features"])]);
        let runs: Vec<_> = runs.iter().map(|run| run.join(" ")).collect();
        assert_eq!(runs, ["--workspace --features=a/b", "--package a --all-features"]);
    }

    #[test]
    fn a_count_that_fell_is_found() {
        let counts = |pairs: &[(&str, u64)]| -> Counts {
            pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        let record = written(&counts(&[("a", 5), ("b", 7)]));
        assert!(compare(&counts(&[("a", 5), ("b", 8)]), &record).is_ok());
        let cases: [(&[_], &str); 3] = [
            (&[("a", 4), ("b", 7)], "a runs 4 tests"),
            (&[("a", 5)], "b runs 0 tests"),
            (&[("a", 5), ("b", 7), ("c", 1)], "c is not in"),
        ];
        for (found, want) in cases {
            let error = compare(&counts(found), &record).expect_err(want).to_string();
            assert!(error.starts_with(want), "{error}");
        }
    }

    #[test]
    fn tests_are_counted_by_package() {
        let list = r#"{"rust-suites": {
            "a": {"package-name": "a", "testcases": {"x": {}, "y": {"ignored": true}}},
            "a::t": {"package-name": "a", "testcases": {"z": {}}}}}"#;
        assert_eq!(listed(list).expect("a list"), Counts::from([("a".to_owned(), 3)]));
    }
}
