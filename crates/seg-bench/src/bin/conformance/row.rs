//! A row of a case file.

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::{
    escape::unescape,
    outcome::{Trailer, Verdict},
};

/// What to decode, and what should come out as far as the row says.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) octets: Vec<u8>,
    pub(crate) expected: Option<Verdict>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) trailers: Option<Vec<Trailer>>,
    pub(crate) leftover: Option<Vec<u8>>,
    pub(crate) error_kind: Option<String>,
    pub(crate) error_offset: Option<u64>,
}

#[derive(Deserialize)]
struct Line {
    name: String,
    bytes_escaped: String,
    verdict: Option<Verdict>,
    body_escaped: Option<String>,
    trailers: Option<Vec<(String, String)>>,
    leftover_escaped: Option<String>,
    error_kind: Option<String>,
    error_offset: Option<u64>,
    #[serde(default)]
    reason: Option<String>,
}

impl Row {
    /// Reads a file of rows, one JSON object a line.
    pub(crate) fn parse_all(text: &str) -> anyhow::Result<Vec<Self>> {
        let mut rows = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if !line.trim().is_empty() {
                rows.push(Self::parse(line).with_context(|| format!("line {}", index + 1))?);
            }
        }
        ensure!(!rows.is_empty(), "no rows");
        Ok(rows)
    }

    fn parse(line: &str) -> anyhow::Result<Self> {
        let line: Line = match serde_json::from_str(line) {
            Ok(line) => line,
            Err(error) => bail!("not a row: {error}"),
        };
        // How much comes through before a limit is met is nobody's business in such a row.
        let body_is_open =
            line.reason.is_some_and(|reason| reason.contains("body prefix unspecified"));
        let body = line.body_escaped.filter(|_| !body_is_open);
        let octets = |text: Option<String>, field: &'static str| {
            text.map(|text| unescape(&text).context(field)).transpose()
        };
        let trailer = |(name, value): (String, String)| -> anyhow::Result<Trailer> {
            Ok((unescape(&name)?, unescape(&value)?))
        };
        let trailers = line.trailers.map(|fields| fields.into_iter().map(trailer).collect());
        Ok(Self {
            name: line.name,
            octets: unescape(&line.bytes_escaped).context("bytes_escaped")?,
            expected: line.verdict,
            body: octets(body, "body_escaped")?,
            trailers: trailers.transpose().context("trailers")?,
            leftover: octets(line.leftover_escaped, "leftover_escaped")?,
            error_kind: line.error_kind,
            error_offset: line.error_offset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_may_come_without_expectations() -> anyhow::Result<()> {
        let rows = Row::parse_all("{\"name\": \"a\", \"bytes_escaped\": \"0\\\\r\\\\n\"}\n\n")?;
        let [row] = &rows[..] else { bail!("one row") };
        assert_eq!((row.name.as_str(), &row.octets[..]), ("a", &b"0\r\n"[..]));
        assert!(row.expected.is_none() && row.body.is_none() && row.trailers.is_none());
        Ok(())
    }

    #[test]
    fn an_error_names_its_line() {
        for text in ["", "\n", "x", "[]", "{}", "{\"name\":\"a\",\"bytes_escaped\":\"\\\\q\"}"] {
            assert!(Row::parse_all(text).is_err(), "{text}");
        }
        let good = "{\"name\":\"a\",\"bytes_escaped\":\"\"}";
        let error = Row::parse_all(&format!("{good}\n\n{{")).expect_err("a broken line");
        assert!(format!("{error:#}").starts_with("line 3: not a row"), "{error:#}");
    }
}
