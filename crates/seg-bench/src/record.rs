//! A comparison to keep: what was measured, of which versions, on which machine.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use crate::{figures::Figures, machine::Machine};

/// One or more runs of the comparison on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Where it ran.
    pub machine: Machine,
    /// How much was measured: `full` or `quick`.
    pub effort: String,
    /// The crates that were measured, and their versions.
    pub versions: Vec<Version>,
    /// What was found, in the order of the jobs.
    pub rows: Vec<Figures>,
}

/// A crate's version in the lock file that this program was built from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The crate.
    pub name: String,
    /// Its version; several with commas between where the lock file has several.
    pub version: String,
}

/// What every build of this crate has; the other peers come with the feature `compare`.
const PEERS_ALWAYS: [&str; 4] = ["bytes", "flate2", "hyper", "tungstenite"];

/// Optional dependencies that are no peers.
const NO_PEERS: [&str; 3] = ["plotters", "seg-flate", "tokio-util"];

const MANIFEST: &str = include_str!("../Cargo.toml");

const LOCK_FILE: &str = include_str!("../../../Cargo.lock");

impl Record {
    /// Makes a record of rows that were measured by this program, on this machine.
    #[must_use]
    pub fn here(effort: &str, rows: Vec<Figures>) -> Self {
        let rows = rows.into_iter().map(Figures::rounded).collect();
        let versions = versions_in(LOCK_FILE);
        Self { machine: Machine::here(), effort: effort.to_owned(), versions, rows }
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or holds something else.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is no record of a comparison", path.display()))
    }

    /// Adds the rows of a record from the same machine. A job that both have is taken from `later`.
    ///
    /// # Errors
    ///
    /// When machine, effort or versions differ: their figures say nothing about each other.
    pub fn merge(mut self, later: Self) -> anyhow::Result<Self> {
        ensure!(self.machine == later.machine, "the records are of different machines");
        ensure!(self.effort == later.effort, "the records are of different effort");
        ensure!(self.versions == later.versions, "the records are of different versions");
        self.rows.retain(|row| later.rows.iter().all(|new| new.case != row.case));
        self.rows.extend(later.rows);
        Ok(self)
    }

    /// Returns the record as JSON, a row a line, so that a change of one figure is a change of one
    /// line.
    ///
    /// # Errors
    ///
    /// When a figure is no JSON number.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let rows: Vec<_> = self.rows.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let head = serde_json::to_string_pretty(&Self { rows: Vec::new(), ..self.clone() })?;
        let head = head.trim_end_matches("[]\n}");
        Ok(format!("{head}[\n    {}\n  ]\n}}\n", rows.join(",\n    ")))
    }
}

/// Returns the crates that contenders are made of.
fn peers() -> Vec<&'static str> {
    let optional = MANIFEST.split('"').filter_map(|text| text.strip_prefix("dep:"));
    PEERS_ALWAYS.into_iter().chain(optional).filter(|name| !NO_PEERS.contains(name)).collect()
}

fn versions_in(lock_file: &str) -> Vec<Version> {
    let peers = peers();
    let mut versions: Vec<Version> = Vec::new();
    let mut lines = lock_file.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("name = \"").map(|rest| rest.trim_end_matches('"'))
        else {
            continue;
        };
        let version = lines.next().and_then(|line| line.strip_prefix("version = \""));
        let Some(version) = version.filter(|_| peers.contains(&name)) else { continue };
        let version = version.trim_end_matches('"');
        match versions.last_mut().filter(|last| last.name == name) {
            Some(last) => last.version += &format!(", {version}"),
            None => versions.push(Version { name: name.into(), version: version.into() }),
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(case: &str, ns: f64) -> Figures {
        Figures {
            job: "pool".into(),
            case: case.into(),
            contender: "seg-pool".into(),
            ours: true,
            floor: false,
            ns_min: ns,
            ns_median: ns,
            bytes_per_op: 0,
            allocs_per_op: 0.0,
            alloc_bytes_per_op: 0.0,
            held_bytes: None,
            largest_alloc: 0,
            peak_live: 0,
        }
    }

    #[test]
    fn every_peer_has_a_version() {
        let versions = versions_in(LOCK_FILE);
        assert!(versions.iter().all(|version| version.version.contains('.')));
        let found: Vec<_> = versions.iter().map(|version| version.name.as_str()).collect();
        let missing: Vec<_> = peers().into_iter().filter(|name| !found.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(found.contains(&"fastwebsockets") && !found.contains(&"seg-flate"), "{found:?}");
    }

    #[test]
    fn a_record_survives_its_file() {
        let record = Record::here("full", vec![row("pool/a", 1.25), row("pool/b", 2.0)]);
        let json = record.to_json().expect("numbers");
        assert_eq!(serde_json::from_str::<Record>(&json).expect("a record"), record);
        assert_eq!(json.lines().filter(|line| line.contains("\"case\"")).count(), 2);
    }

    #[test]
    fn the_later_run_of_a_job_counts() {
        let first = Record::here("full", vec![row("pool/a", 1.0), row("pool/b", 2.0)]);
        let merged = first.clone().merge(Record::here("full", vec![row("pool/a", 3.0)]));
        let merged = merged.expect("one machine");
        let found: Vec<_> = merged.rows.iter().map(|row| (&*row.case, row.ns_min)).collect();
        assert_eq!(found, [("pool/b", 2.0), ("pool/a", 3.0)]);
        assert!(first.merge(Record::here("quick", Vec::new())).is_err());
    }
}
