//! Plain text tables: aligned columns, thousands separators, nothing that needs a terminal.

use core::fmt;

/// Rows of text under a heading, in sections.
///
/// The first column is set left, all others right. Columns are as wide as their widest cell and two
/// spaces apart; no line ends in a space.
///
/// # Examples
///
/// ```
/// use seg_bench::table::{Table, thousands};
///
/// let mut table = Table::new([["", "what"], ["size", "in bytes"]]);
/// table.section("first part");
/// table.row([thousands(1_234_567), "-".to_owned()]);
/// assert_eq!(table.to_string(), "               what\nsize       in bytes\nfirst part\n1,234,567         -\n");
/// ```
#[derive(Clone, Debug)]
pub struct Table<const COLUMNS: usize> {
    heading: Vec<[&'static str; COLUMNS]>,
    lines: Vec<Line<COLUMNS>>,
}

#[derive(Clone, Debug)]
enum Line<const COLUMNS: usize> {
    Section(String),
    Row([String; COLUMNS]),
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// Returns a table without rows; `heading` may have several lines.
    #[must_use]
    pub fn new(heading: impl IntoIterator<Item = [&'static str; COLUMNS]>) -> Self {
        Self { heading: heading.into_iter().collect(), lines: Vec::new() }
    }

    /// Adds a line that heads the rows after it; it takes no part in the columns.
    pub fn section(&mut self, title: impl Into<String>) {
        self.lines.push(Line::Section(title.into()));
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [String; COLUMNS]) {
        self.lines.push(Line::Row(cells));
    }

    fn widths(&self) -> [usize; COLUMNS] {
        let mut widths = [0; COLUMNS];
        let mut widen = |cells: [&str; COLUMNS]| {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        };
        self.heading.iter().for_each(|cells| widen(*cells));
        for line in &self.lines {
            if let Line::Row(cells) = line {
                widen(cells.each_ref().map(String::as_str));
            }
        }
        widths
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let aligned = |cells: [&str; COLUMNS]| {
            let mut text = String::new();
            for (column, (cell, width)) in cells.into_iter().zip(widths).enumerate() {
                if column == 0 {
                    text.push_str(&format!("{cell:width$}"));
                } else {
                    text.push_str(&format!("  {cell:>width$}"));
                }
            }
            text
        };
        for cells in &self.heading {
            writeln!(f, "{}", aligned(*cells).trim_end())?;
        }
        for line in &self.lines {
            match line {
                Line::Section(title) => writeln!(f, "{title}")?,
                Line::Row(cells) => {
                    writeln!(f, "{}", aligned(cells.each_ref().map(String::as_str)).trim_end())?
                }
            }
        }
        Ok(())
    }
}

/// Returns the number in decimal, with a comma before each group of three digits.
///
/// # Examples
///
/// ```
/// assert_eq!(seg_bench::table::thousands(67_108_864), "67,108,864");
/// assert_eq!(seg_bench::table::thousands(-1_000), "-1,000");
/// ```
#[must_use]
pub fn thousands(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_of_three_gets_a_comma() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (-999, "-999"),
            (123_456, "123,456"),
            (i128::from(i64::MIN), "-9,223,372,036,854,775,808"),
        ];
        for (number, want) in cases {
            assert_eq!(thousands(number), want);
        }
    }

    #[test]
    fn a_column_is_as_wide_as_its_widest_cell() {
        let mut table = Table::new([["a", "b"]]);
        table.row(["wide cell".into(), "1".into()]);
        table.row(["x".into(), "12,345".into()]);
        table.section("a section wider than every column of the table");
        table.row(["é".into(), String::new()]);
        let want = "a               b\n\
                    wide cell       1\n\
                    x          12,345\n\
                    a section wider than every column of the table\n\
                    é\n";
        assert_eq!(table.to_string(), want);
    }

    #[test]
    fn a_table_without_rows_is_its_heading() {
        assert_eq!(Table::new([["a", "b"]]).to_string(), "a  b\n");
    }
}
