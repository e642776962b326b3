//! A row of a case file.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes_escaped: String,
    pub(crate) verdict: Verdict,
    pub(crate) body_escaped: String,
    pub(crate) trailers: Vec<(String, String)>,
    pub(crate) leftover_escaped: String,
    #[serde(default)]
    pub(crate) error_kind: Option<String>,
    #[serde(default)]
    pub(crate) error_offset: Option<u64>,
    #[serde(default)]
    pub(crate) reason: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Accept,
    Reject,
    #[default]
    Incomplete,
}

impl Case {
    pub(crate) fn wire(&self) -> Vec<u8> {
        unescape(&self.bytes_escaped)
    }

    /// Whether the row leaves open how much is delivered before the refusal.
    pub(crate) fn body_is_open(&self) -> bool {
        self.reason.contains("body prefix unspecified")
    }
}

pub(crate) fn cases(file: &str) -> Vec<Case> {
    let rows = file.lines().map(|line| serde_json::from_str(line).expect(line));
    rows.collect()
}

/// Reads `\r \n \t \\ \xHH`.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match (octet, octet == b'\\') {
            (octet, false) => octet,
            (_, true) => match rest.next() {
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'\\') => b'\\',
                Some(b'x') => {
                    let mut digit = || char::from(rest.next().expect(text)).to_digit(16);
                    let value = digit().expect(text) * 16 + digit().expect(text);
                    u8::try_from(value).expect(text)
                }
                other => panic!("escape {other:?} in {text}"),
            },
        });
    }
    octets
}
