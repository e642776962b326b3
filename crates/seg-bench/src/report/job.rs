//! The rows of a record, by layer and job.

use crate::figures::Figures;

/// The jobs of one crate.
#[derive(Debug)]
pub(super) struct Layer<'a> {
    pub(super) title: &'static str,
    file: &'static str,
    pub(super) jobs: Vec<Job<'a>>,
}

/// Titles, file names, and what the jobs' names begin with; the longest beginning decides.
const LAYERS: &[(&str, &str, &[&str])] = &[
    ("seg-pool: taking, giving back, sharing", "pool", &["pool/", "segment/"]),
    ("seg-seq: sequences of segments", "seq", &["seq/"]),
    ("seg-seq: datagrams over UDP", "udp", &["udp/"]),
    ("seg-flate: codings", "flate", &["flate/"]),
    ("http-chunked: bodies", "chunked", &["chunked/", "http/"]),
    ("ws-assemble: WebSocket messages", "ws", &["ws/"]),
    ("ws-assemble: one message to 1,000 connections", "broadcast", &["ws/broadcast_"]),
    ("ws-assemble: bytes that an idle connection keeps", "idle", &["ws/idle_"]),
    ("ws-assemble: masking and UTF-8 alone", "ws-bytes", &["mask/", "utf8/"]),
];

/// Returns the index of the layer of a job.
fn layer_of(case: &str) -> Option<usize> {
    let begins = LAYERS.iter().enumerate().flat_map(|(index, (_, _, begins))| {
        begins
            .iter()
            .filter(|begin| case.starts_with(**begin))
            .map(move |begin| (begin.len(), index))
    });
    begins.max().map(|(_, index)| index)
}

impl<'a> Layer<'a> {
    /// Returns the layers that have jobs, lowest first.
    pub(super) fn all_of(rows: &'a [Figures]) -> Vec<Self> {
        let layer = |(index, &(title, file, _)): (usize, &(&'static str, &'static str, _))| {
            let of_layer = rows.iter().filter(|row| layer_of(&row.case) == Some(index));
            Self { title, file, jobs: Job::all_of(of_layer) }
        };
        LAYERS.iter().enumerate().map(layer).filter(|layer| !layer.jobs.is_empty()).collect()
    }

    /// Whether the jobs are about bytes that are kept.
    pub(super) fn is_held(&self) -> bool {
        self.jobs.iter().all(|job| job.main().held_bytes.is_some())
    }

    pub(super) fn picture_name(&self) -> String {
        format!("{}.svg", self.file)
    }
}

/// One job's rows, in the order of the job's own list.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) name: &'a str,
    rows: Vec<&'a Figures>,
}

impl<'a> Job<'a> {
    fn all_of(rows: impl Iterator<Item = &'a Figures>) -> Vec<Self> {
        let mut jobs: Vec<Self> = Vec::new();
        for row in rows {
            match jobs.iter_mut().find(|job| job.name == row.case) {
                Some(job) => job.rows.push(row),
                None => jobs.push(Self { name: &row.case, rows: vec![row] }),
            }
        }
        // Without one of ours or something to hold it against there is nothing to say.
        jobs.retain(|job| job.ours().next().is_some() && job.against().is_some());
        jobs
    }

    /// Our ways to do it. The first is what one would use without thinking.
    pub(super) fn ours(&self) -> impl Iterator<Item = &'a Figures> {
        self.rows.iter().copied().filter(|row| row.ours)
    }

    pub(super) fn peers(&self) -> impl Iterator<Item = &'a Figures> {
        self.rows.iter().copied().filter(|row| !row.ours && !row.floor)
    }

    pub(super) fn floors(&self) -> impl Iterator<Item = &'a Figures> {
        self.rows.iter().copied().filter(|row| row.floor)
    }

    /// The first of our ways.
    pub(super) fn main(&self) -> &'a Figures {
        self.ours().next().expect("a job without one of ours was left out")
    }

    pub(super) fn named(&self, contender: &str) -> Option<&'a Figures> {
        self.rows.iter().copied().find(|row| row.contender == contender)
    }

    pub(super) fn best_peer(&self) -> Option<&'a Figures> {
        best(self.peers())
    }

    pub(super) fn best_floor(&self) -> Option<&'a Figures> {
        best(self.floors())
    }

    /// The best peer or, without peers, the best floor.
    pub(super) fn against(&self) -> Option<&'a Figures> {
        self.best_peer().or_else(|| self.best_floor())
    }
}

pub(super) fn best<'a>(rows: impl Iterator<Item = &'a Figures>) -> Option<&'a Figures> {
    rows.min_by(|a, b| a.value().total_cmp(&b.value()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn row(case: &str, contender: &str, kind: char, ns: f64) -> Figures {
        Figures {
            job: case.split('/').next().unwrap_or_default().into(),
            case: case.into(),
            contender: contender.into(),
            ours: kind == 'o',
            floor: kind == 'f',
            ns_min: ns,
            ns_median: ns * 1.1,
            bytes_per_op: 1_000,
            allocs_per_op: 0.0,
            alloc_bytes_per_op: 0.0,
            held_bytes: None,
            largest_alloc: 0,
            peak_live: 0,
        }
    }

    #[test]
    fn rows_are_gathered_by_layer_and_job() {
        let rows = [
            row("pool/a", "ours", 'o', 2.0),
            row("pool/a", "slow", 'p', 9.0),
            row("pool/a", "fast", 'p', 4.0),
            row("segment/b", "ours", 'o', 1.0),
            row("segment/b", "least", 'f', 1.0),
            row("ws/c", "a peer alone", 'p', 1.0),
        ];
        let layers = Layer::all_of(&rows);
        assert_eq!(layers.len(), 1);
        let names: Vec<_> = layers[0].jobs.iter().map(|job| job.name).collect();
        assert_eq!(names, ["pool/a", "segment/b"]);
        let against = |index: usize| layers[0].jobs[index].against().map(|row| &*row.contender);
        assert_eq!((against(0), against(1)), (Some("fast"), Some("least")));
    }
}
