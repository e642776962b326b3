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
    /// Bytes that an operation's result keeps, where the job is about those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_bytes: Option<f64>,
    /// Bytes of the largest single allocation, the first operation's included.
    pub largest_alloc: u64,
    /// The most bytes that were live at a time, those of pools included.
    pub peak_live: i64,
}

impl Figures {
    /// Returns what contenders are compared by: bytes held where the job is about those, or else
    /// nanoseconds.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.held_bytes.unwrap_or(self.ns_min)
    }

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
            held_bytes: self.held_bytes.map(f64::round),
            ..self
        }
    }
}

/// Rounds to four significant digits.
fn significant(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// Prints one job's rows, the best first, each with its ratio to the best peer and the best floor.
///
/// A ratio above 1 is slower, or keeps more. `bytes` are those allocated an operation, or those that its result keeps
/// where the job is about them.
pub fn print_table(figures: &[Figures]) {
    let Some(first) = figures.first() else { return };
    let best = |floor: bool| {
        let rows = figures.iter().filter(|row| row.floor == floor && !row.ours);
        rows.map(Figures::value).min_by(f64::total_cmp)
    };
    let (peer, floor) = (best(false), best(true));
    let ratio = |row: &Figures, to: Option<f64>| {
        to.map_or_else(|| "-".to_owned(), |to| format!("{:.2}", row.value() / to))
    };
    println!("\n{}", first.case);
    println!(
        "  {:<34} {:>9} {:>9} {:>6} {:>6} {:>6} {:>7} {:>6} {:>6}",
        "contender", "ns", "median", "GB/s", "x peer", "floor", "allocs", "bytes", "peak"
    );
    let mut rows: Vec<_> = figures.iter().collect();
    rows.sort_by(|a, b| a.value().total_cmp(&b.value()));
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
            "{mark} {:<34} {:>9} {:>9} {:>6} {:>6} {:>6} {:>7.2} {:>6} {:>6}",
            shortened(&row.contender),
            digits(row.ns_min),
            digits(row.ns_median),
            rate,
            ratio(row, peer),
            ratio(row, floor),
            row.allocs_per_op,
            binary(row.held_bytes.unwrap_or(row.alloc_bytes_per_op)),
            binary(row.peak_live as f64),
        );
    }
}

/// A number of nanoseconds in nine places.
fn digits(ns: f64) -> String {
    if ns < 1e5 { format!("{ns:.2}") } else { format!("{ns:.0}") }
}

/// A number of bytes in six places: `999`, `1.0K`, `16.0M`.
fn binary(bytes: f64) -> String {
    let units = ["", "K", "M", "G", "T"];
    let mut value = bytes;
    let mut unit = 0;
    while value.abs() >= 1000.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{value:.0}") } else { format!("{value:.1}{}", units[unit]) }
}

/// A name in 34 places.
fn shortened(name: &str) -> String {
    let cut = name.chars().count() > 34;
    if cut { name.chars().take(33).chain(['…']).collect() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_columns() {
        let cases = [(0.0, "0"), (999.4, "999"), (1024.0, "1.0K"), (16_777_216.0, "16.0M")];
        for (bytes, want) in cases {
            assert_eq!(binary(bytes), want);
        }
        assert_eq!((digits(1.234), digits(123_456_789.0)), ("1.23".into(), "123456789".into()));
        assert_eq!(shortened(&"x".repeat(40)).chars().count(), 34);
    }
}
