//! The head of a response.

use core::{fmt, iter::FusedIterator, ops::Range, str};

use seg_pool::Segment;

use crate::{octet::is_blank, response_error::ResponseErrorKind};

/// The most fields that a head may have.
pub(super) const MAX_FIELDS: usize = 128;

/// Status line and header fields of a response.
///
/// Keeps the octets of the head where they were received, and so that segment from reuse; fields
/// are found in them when asked for. Clones without a copy.
#[derive(Clone)]
pub struct Head {
    octets: Segment,
    version_minor: u8,
    status: u16,
    reason: Range<usize>,
    /// Where the field lines start.
    fields: usize,
}

/// A head that is complete, before its octets are taken.
#[derive(Debug)]
pub(super) struct HeadParts {
    pub(super) len: usize,
    version_minor: u8,
    status: u16,
    reason: Range<usize>,
}

impl HeadParts {
    /// Reads a head from the front of `octets`; `None` when it is not complete.
    ///
    /// On an error, the second part is the offset of the octet that no head can have there: as a
    /// longer input is refused wherever a shorter one is, it does not depend on how much came.
    pub(super) fn read(octets: &[u8]) -> Result<Option<Self>, (ResponseErrorKind, usize)> {
        // httparse skips empty lines in front and takes a bare line feed for a line end.
        if octets.first().is_some_and(|&first| first != b'H') {
            return Err((ResponseErrorKind::Version, 0));
        }
        let bare_lf = bare_lf(octets);
        let strict = &octets[..bare_lf.unwrap_or(octets.len())];
        match Self::parse(strict) {
            Ok(None) if bare_lf.is_some() => Err((ResponseErrorKind::BareLf, strict.len())),
            Ok(parts) => Ok(parts),
            Err(_) => Err(refusal(strict)),
        }
    }

    fn parse(octets: &[u8]) -> Result<Option<Self>, httparse::Error> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(len) = response.parse(octets)? else { return Ok(None) };
        let reason = response.reason.unwrap_or_default();
        // An empty reason need not lie in the input.
        let start =
            if reason.is_empty() { 0 } else { reason.as_ptr().addr() - octets.as_ptr().addr() };
        Ok(Some(Self {
            len,
            version_minor: response.version.unwrap_or_default(),
            status: response.code.unwrap_or_default(),
            reason: start..start + reason.len(),
        }))
    }
}

impl Head {
    /// Creates the head that `parts` were read from.
    pub(super) fn new(octets: Segment, parts: HeadParts) -> Self {
        let line_end = octets.iter().position(|&octet| octet == b'\n');
        let HeadParts { version_minor, status, reason, .. } = parts;
        Self {
            fields: line_end.map_or(octets.len(), |end| end + 1),
            octets,
            version_minor,
            status,
            reason,
        }
    }

    /// Returns the status code, 100 to 999 when the server keeps to the rules.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns the reason phrase, which means nothing and may be empty.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        &self.octets[self.reason.clone()]
    }

    /// Returns the minor version: 1 for HTTP/1.1, 0 for HTTP/1.0.
    #[must_use]
    pub const fn version_minor(&self) -> u8 {
        self.version_minor
    }

    /// Iterates over the names and values of the fields in the order received. Values have no
    /// whitespace around them and need not be UTF-8.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        Fields { octets: &self.octets, at: self.fields }
    }

    /// Returns the value of the first field of that name; case does not matter.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&[u8]> {
        self.find_all(name).next()
    }

    /// Returns the values of all fields of that name; case does not matter.
    pub fn find_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.places(name).map(|place| &self.octets[place])
    }

    /// Returns the octets of the head, from `HTTP/1` to the empty line.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Returns whether the server keeps the connection open after the response, as far as the head
    /// tells (RFC 9112 §9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        let says = |option: &str| {
            let mut options =
                self.find_all("connection").flat_map(|value| value.split(|&o| o == b','));
            options.any(|token| token.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
        };
        !says("close") && (self.version_minor > 0 || says("keep-alive"))
    }

    /// Returns where the values of all fields of that name lie.
    pub(super) fn places(&self, name: &str) -> impl Iterator<Item = Range<usize>> {
        let mut fields = self.fields();
        core::iter::from_fn(move || fields.next_place())
            .filter(move |(found, _)| {
                self.octets[found.clone()].eq_ignore_ascii_case(name.as_bytes())
            })
            .map(|(_, value)| value)
    }

    pub(super) fn value(&self, place: Range<usize>) -> &[u8] {
        &self.octets[place]
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("version_minor", &self.version_minor)
            .field("status", &self.status)
            .field("fields", &self.fields().count())
            .finish_non_exhaustive()
    }
}

/// Names and values of the fields of a [`Head`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    /// Where the next name and value lie. The lines were checked by the parser.
    fn next_place(&mut self) -> Option<(Range<usize>, Range<usize>)> {
        let line = &self.octets[self.at..];
        let end = line.iter().position(|&octet| octet == b'\r')?;
        let colon = line[..end].iter().position(|&octet| octet == b':')?;
        let (start, mut value) = (self.at, self.at + colon + 1..self.at + end);
        while !value.is_empty() && is_blank(self.octets[value.start]) {
            value.start += 1;
        }
        while !value.is_empty() && is_blank(self.octets[value.end - 1]) {
            value.end -= 1;
        }
        self.at += end + 2;
        Some((start..start + colon, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.next_place()?;
        Some((str::from_utf8(&self.octets[name]).ok()?, &self.octets[value]))
    }
}

impl FusedIterator for Fields<'_> {}

/// The first line feed without a carriage return before it.
fn bare_lf(octets: &[u8]) -> Option<usize> {
    let mut last = 0;
    octets.iter().position(|&octet| core::mem::replace(&mut last, octet) != b'\r' && octet == b'\n')
}

/// Finds the first octet that is refused: the end of the shortest front that is.
fn refusal(octets: &[u8]) -> (ResponseErrorKind, usize) {
    let (mut good, mut bad) = (0, octets.len());
    while good + 1 < bad {
        let middle = good.midpoint(bad);
        if HeadParts::parse(&octets[..middle]).is_err() {
            bad = middle;
        } else {
            good = middle;
        }
    }
    let kind = match HeadParts::parse(&octets[..bad]) {
        Err(httparse::Error::Version) => ResponseErrorKind::Version,
        Err(httparse::Error::Status) => ResponseErrorKind::StatusLine,
        Err(httparse::Error::TooManyHeaders) => ResponseErrorKind::TooManyFields,
        _ => ResponseErrorKind::FieldLine,
    };
    (kind, bad.saturating_sub(1))
}
