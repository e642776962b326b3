//! What a comparison found, as rows for people and for programs.

use serde::{Deserialize, Serialize};

/// One contender's figures in one job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The layer.
    pub job: String,
    /// Layer and task.
    pub case: String,
    /// The contender's name.
    pub contender: String,
    /// Whether it is one of this workspace's crates.
    pub ours: bool,
    /// Whether it is a physical floor and no contender.
    pub floor: bool,
    /// Nanoseconds an operation, the least of all samples.
    pub ns_min: f64,
    /// Nanoseconds an operation, the median of all samples.
    pub ns_median: f64,
    /// Payload bytes an operation.
    pub bytes_per_op: u64,
    /// Allocations an operation, once warm.
    pub allocs_per_op: f64,
    /// Bytes allocated an operation, once warm.
    pub alloc_bytes_per_op: f64,
    /// Bytes of the largest single allocation, the first operation's included.
    pub largest_alloc: u64,
    /// The most bytes that were live at a time, those of pools included.
    pub peak_live: i64,
}

impl Figures {
    /// Rounds the times to four significant digits: a clock knows no more, and a file that is kept
    /// needs no more.
    #[must_use]
    pub fn rounded(self) -> Self {
        let (ns_min, ns_median) = (significant(self.ns_min), significant(self.ns_median));
        let thousandths = |value: f64| (value * 1e3).round() / 1e3;
        Self {
            ns_min,
            ns_median,
            allocs_per_op: thousandths(self.allocs_per_op),
            alloc_bytes_per_op: thousandths(self.alloc_bytes_per_op),
            ..self
        }
    }
}

/// Rounds to four significant digits.
fn significant(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// Prints one job's rows, fastest first, each with its ratio to the best peer and the best floor.
///
/// A ratio above 1 is slower.
pub fn print_table(figures: &[Figures]) {
    let Some(first) = figures.first() else { return };
    let best = |floor: bool| {
        let rows = figures.iter().filter(|row| row.floor == floor && !row.ours);
        rows.map(|row| row.ns_min).min_by(f64::total_cmp)
    };
    let (peer, floor) = (best(false), best(true));
    let ratio = |row: &Figures, to: Option<f64>| {
        to.map_or_else(|| "-".to_owned(), |to| format!("{:.2}", row.ns_min / to))
    };
    println!("\n{}", first.case);
    println!(
        "  {:<34} {:>12} {:>12} {:>9} {:>7} {:>7} {:>10} {:>11} {:>9} {:>11}",
        "contender",
        "ns min",
        "ns median",
        "GB/s",
        "x peer",
        "x floor",
        "allocs/op",
        "bytes/op",
        "largest",
        "peak live"
    );
    let mut rows: Vec<_> = figures.iter().collect();
    rows.sort_by(|a, b| a.ns_min.total_cmp(&b.ns_min));
    for row in rows {
        let mark = if row.ours {
            "*"
        } else if row.floor {
            "_"
        } else {
            " "
        };
        let rate = match row.bytes_per_op {
            0 => "-".to_owned(),
            bytes => format!("{:.2}", bytes as f64 / row.ns_min),
        };
        println!(
            "{mark} {:<34} {:>12.2} {:>12.2} {:>9} {:>7} {:>7} {:>10.3} {:>11.0} {:>9} {:>11}",
            row.contender,
            row.ns_min,
            row.ns_median,
            rate,
            ratio(row, peer),
            ratio(row, floor),
            row.allocs_per_op,
            row.alloc_bytes_per_op,
            row.largest_alloc,
            row.peak_live,
        );
    }
}
