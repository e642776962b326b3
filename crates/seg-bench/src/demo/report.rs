//! All rows, for a person and for a program.

use core::fmt;

use super::{Assembly, Route, Row, Sample};
use crate::table::{Table, thousands};

const HEADING: [[&str; 9]; 2] = [
    ["", "first", "", "second", "", "largest", "peak", "held", "after"],
    ["", "ms", "allocs", "ms", "allocs", "alloc", "live", "after", "trim"],
];

const LEGEND: &str = "\
first: a new pool and a new connection; second: the next message on both. Time and allocations end with
the whole message in hand. Allocations are those of the receiving thread on the heap, all of them, and
the slabs of 64 KiB that the pool maps. largest alloc: the largest single one, in bytes.
peak live: the most bytes allocated at one time. held after: bytes that connection and pool keep once
the messages are dropped; the pool keeps idle slabs for the next message. after trim: what is left of
them when Pool::trim gave the slabs back to the system.
";

/// The rows of one run.
#[derive(Clone, Debug)]
pub struct Report {
    /// A line about what was sent.
    pub title: String,
    /// Each route through each assembly.
    pub rows: Vec<Row>,
    /// What was live over the course of each row's first message; none unless asked for.
    pub courses: Vec<Course>,
}

/// What was live while one message came in.
#[derive(Clone, Debug)]
pub struct Course {
    /// How the message travelled.
    pub path: Route,
    /// How it was put together.
    pub assembly: Assembly,
    /// A moment for each read, in order, and one for the end.
    pub samples: Vec<Sample>,
}

impl Report {
    /// Returns whether there are rows and each of them passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(Row::passed)
    }

    /// Returns the rows as a JSON list of objects.
    ///
    /// # Errors
    ///
    /// Returns an error when a figure is no JSON number.
    pub fn to_json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(&self.rows)? + "\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(HEADING);
        for path in Route::ALL {
            let mut of_path = self.rows.iter().filter(|row| row.path == path).peekable();
            if let Some(row) = of_path.peek() {
                table.section(format!("{}, {} bytes", path.name(), thousands(row.bytes)));
            }
            of_path.for_each(|row| table.row(cells(row)));
        }
        writeln!(f, "{}\n\n{table}\n{LEGEND}", self.title)?;
        for row in self.rows.iter().filter(|row| !row.passed()) {
            let reason =
                if row.digest_ok { "an allocation is too large" } else { "the digest differs" };
            writeln!(f, "FAILED: {} {}: {reason}", row.path.name(), row.assembly.name())?;
        }
        if self.passed() {
            writeln!(
                f,
                "Every digest matched; no allocation of the segmented rows was larger than 65,536 bytes."
            )?;
        }
        Ok(())
    }
}

fn cells(row: &Row) -> [String; 9] {
    [
        format!("  {}", row.assembly.name()),
        format!("{:.1}", row.ms),
        thousands(row.allocs),
        format!("{:.1}", row.ms_again),
        thousands(row.allocs_again),
        thousands(row.largest_alloc),
        thousands(row.peak_live),
        thousands(row.held_after),
        thousands(row.held_trimmed),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{
        super::{Assembly, row::tests::row},
        *,
    };

    fn report(largest_alloc: u64) -> Report {
        let rows = vec![
            row(Assembly::Segmented, largest_alloc, true),
            row(Assembly::Contiguous, 134_217_728, true),
        ];
        Report { title: "a title".into(), rows, courses: Vec::new() }
    }

    #[test]
    fn the_table_is_readable_at_100_columns() {
        let text = report(65_536).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 103), "{text}");
        assert!(text.contains("ws/text, 67,108,864 bytes\n"), "{text}");
        assert!(!text.contains("FAILED"), "{text}");
    }

    #[test]
    fn a_row_that_failed_says_why() {
        let report = report(65_537);
        assert!(!report.passed());
        assert!(
            report.to_string().contains("FAILED: ws/text segmented: an allocation is too large"),
            "{report}"
        );
    }

    #[test]
    fn no_rows_are_no_success() {
        assert!(!Report { title: String::new(), rows: Vec::new(), courses: Vec::new() }.passed());
    }

    #[test]
    fn json_has_the_fields_in_order() {
        let json = report(65_536).to_json().expect("figures");
        let rows: Vec<serde_json::Map<String, Value>> =
            serde_json::from_str(&json).expect("a list of objects");
        assert_eq!(rows.len(), 2);
        let wanted = [
            "path",
            "assembly",
            "bytes",
            "ms",
            "allocs",
            "largest_alloc",
            "peak_live",
            "held_after",
            "digest_ok",
        ];
        for field in wanted {
            assert!(rows[0].contains_key(field), "{field}");
        }
        assert_eq!(rows[0]["path"], "ws/text");
        assert_eq!(rows[0]["assembly"], "segmented");
        assert_eq!(rows[1]["assembly"], "contiguous");
        assert_eq!(rows[0]["ms"], 41.25);
    }
}
