//! The head of a response.

use core::{fmt, ops::Range};

use seg_pool::Segment;

use crate::{
    fields::{FieldLines, Fields, MAX_FIELDS},
    head_reader::StartLine,
};

/// Status line and header fields of a response.
///
/// Keeps the octets of the head where they were received, and so that segment from reuse; fields
/// are found in them when asked for. Clones without a copy.
#[derive(Clone)]
pub struct Head {
    lines: FieldLines,
    status: StatusLine,
}

/// A status line that was read (RFC 9112 §4).
#[derive(Clone, Debug)]
pub(super) struct StatusLine {
    version_minor: u8,
    code: u16,
    reason: Range<usize>,
}

impl StartLine for StatusLine {
    fn can_start_with(octet: u8) -> bool {
        octet == b'H'
    }

    fn parse(octets: &[u8]) -> Result<Option<(usize, Self)>, httparse::Error> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(len) = response.parse(octets)? else { return Ok(None) };
        let reason = response.reason.unwrap_or_default();
        // An empty reason need not lie in the input.
        let start =
            if reason.is_empty() { 0 } else { reason.as_ptr().addr() - octets.as_ptr().addr() };
        let line = Self {
            version_minor: response.version.unwrap_or_default(),
            code: response.code.unwrap_or_default(),
            reason: start..start + reason.len(),
        };
        Ok(Some((len, line)))
    }
}

impl Head {
    /// Creates the head that `status` was read from.
    pub(super) fn new(octets: Segment, status: StatusLine) -> Self {
        Self { lines: FieldLines::new(octets), status }
    }

    pub(super) const fn lines(&self) -> &FieldLines {
        &self.lines
    }

    /// Returns the status code, 100 to 999 when the server keeps to the rules.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status.code
    }

    /// Returns the reason phrase, which means nothing and may be empty.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        self.lines.value(self.status.reason.clone())
    }

    /// Returns the minor version: 1 for HTTP/1.1, 0 for HTTP/1.0.
    #[must_use]
    pub const fn version_minor(&self) -> u8 {
        self.status.version_minor
    }

    /// Iterates over the names and values of the fields in the order received. Values have no
    /// whitespace around them and need not be UTF-8.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        self.lines.iter()
    }

    /// Returns the value of the first field of that name; case does not matter.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&[u8]> {
        self.find_all(name).next()
    }

    /// Returns the values of all fields of that name; case does not matter.
    pub fn find_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.lines.find_all(name)
    }

    /// Returns the octets of the head, from `HTTP/1` to the empty line.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.lines.octets()
    }

    /// Returns whether the server keeps the connection open after the response, as far as the head
    /// tells (RFC 9112 §9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.lines.keeps_alive(self.version_minor())
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("version_minor", &self.version_minor())
            .field("status", &self.status())
            .field("fields", &self.fields().count())
            .finish_non_exhaustive()
    }
}
