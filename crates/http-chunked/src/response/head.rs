//! The head of a response.

use core::{fmt, ops::Range};

use seg_pool::Segment;

use crate::{
    fields::{FIELDS_MAX, FieldLines, Fields},
    head_error::HeadErrorKind,
    head_reader::{StartLine, VersionPlace},
    octet::is_text,
};

/// Status line and header fields of a response.
///
/// Keeps the octets of the head where they were received, and so that segment from reuse; fields
/// are found in them when asked for. Clones without a copy.
#[derive(Clone)]
pub struct ResponseHead {
    lines: FieldLines,
    status: StatusLine,
}

/// Octets in front of the reason: `HTTP/1.1 200 `.
const REASON_START: usize = 13;

/// A status line that was read (RFC 9112 §4).
#[derive(Clone, Debug)]
pub(super) struct StatusLine {
    version_minor: u8,
    code: u16,
    reason: Range<usize>,
}

/// A place in a status line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Version(VersionPlace),
    /// Behind so many digits of the status code.
    Code(u8),
    Reason,
    Lf,
}

impl Default for Place {
    fn default() -> Self {
        Self::Version(VersionPlace::default())
    }
}

impl StartLine for StatusLine {
    type Place = Place;

    fn next(place: Place, octet: u8) -> Result<Option<Place>, HeadErrorKind> {
        Ok(Some(match (place, octet) {
            (Place::Lf, b'\n') => return Ok(None),
            (_, b'\n') => return Err(HeadErrorKind::BareLf),
            (Place::Version(place), b' ') if place.is_end() => Place::Code(0),
            (Place::Version(place), _) => Place::Version(place.next(octet)?),
            (Place::Code(digits @ 0..3), b'0'..=b'9') => Place::Code(digits + 1),
            (Place::Code(3), b' ') => Place::Reason,
            (Place::Code(3) | Place::Reason, b'\r') => Place::Lf,
            (Place::Reason, _) if is_text(octet) => Place::Reason,
            _ => return Err(HeadErrorKind::StartLine),
        }))
    }

    fn parse(octets: &[u8]) -> Result<Option<(usize, Self)>, httparse::Error> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut response = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(len) = response.parse(octets)? else { return Ok(None) };
        // The parser leaves a reason with octets above 127 out.
        let end = octets.iter().position(|&octet| octet == b'\r').unwrap_or(len);
        let start = REASON_START.min(end);
        let line = Self {
            version_minor: response.version.unwrap_or_default(),
            code: response.code.unwrap_or_default(),
            reason: start..end,
        };
        Ok(Some((len, line)))
    }
}

impl ResponseHead {
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

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("version_minor", &self.version_minor())
            .field("status", &self.status())
            .field("fields", &self.fields().count())
            .finish_non_exhaustive()
    }
}
