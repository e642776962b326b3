//! The fields after the last chunk.

mod error;
mod forbidden;

use core::{fmt, iter::FusedIterator, slice};

pub use self::{
    error::{TrailerError, TrailerErrorKind},
    forbidden::is_forbidden_trailer,
};
use crate::octet::{is_blank, is_text, is_token};

/// Trailer fields in the order received, names as they were written.
///
/// Kept in three vectors, not one allocation a field, bounded by
/// [`Limits::trailer_bytes_max`](crate::Limits::trailer_bytes_max) and
/// [`Limits::trailer_fields_max`](crate::Limits::trailer_fields_max). A body without trailers costs
/// none.
///
/// # Examples
///
/// ```
/// use http_chunked::{Decoder, Step};
///
/// # fn main() -> Result<(), http_chunked::DecodeError> {
/// let mut decoder = Decoder::new();
/// assert_eq!(decoder.step(&mut &b"0\r\nETag: \"a\"\r\nVary: \r\n\r\n"[..])?, Step::End);
/// let trailers = decoder.trailers();
/// assert_eq!(trailers.find("etag"), Some(&b"\"a\""[..]));
/// assert_eq!(trailers.iter().last(), Some(("Vary", &b""[..])));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Trailers {
    names: String,
    values: Vec<u8>,
    /// Where each field ends in `names` and in `values`; it begins where the one before ended.
    ends: Vec<(usize, usize)>,
}

impl Trailers {
    /// Creates an empty list. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { names: String::new(), values: Vec::new(), ends: Vec::new() }
    }

    /// Appends a field that is to be sent. Whitespace around the value is left out.
    ///
    /// # Errors
    ///
    /// [`TrailerError`] when the name is no token, the value has a control character, or the field
    /// [must not come](is_forbidden_trailer) as a trailer.
    ///
    /// # Examples
    ///
    /// ```
    /// use http_chunked::{TrailerErrorKind, Trailers};
    ///
    /// let mut trailers = Trailers::new();
    /// assert_eq!(trailers.push("Server-Timing", b"total;dur=12"), Ok(()));
    /// let refused = trailers.push("Content-Length", b"5").map_err(|error| error.kind());
    /// assert_eq!(refused, Err(TrailerErrorKind::Forbidden));
    /// assert_eq!(trailers.len(), 1);
    /// ```
    pub fn push(&mut self, name: &str, value: &[u8]) -> Result<(), TrailerError> {
        let refused = name.bytes().position(|octet| !is_token(octet));
        if let Some(offset) = refused.or(name.is_empty().then_some(0)) {
            return Err(TrailerError::new(TrailerErrorKind::Name, offset));
        }
        if let Some(offset) = value.iter().position(|&octet| !is_text(octet)) {
            return Err(TrailerError::new(TrailerErrorKind::Value, offset));
        }
        if is_forbidden_trailer(name.as_bytes()) {
            return Err(TrailerError::new(TrailerErrorKind::Forbidden, 0));
        }
        let start = value.iter().position(|&octet| !is_blank(octet)).unwrap_or(value.len());
        self.names.push_str(name);
        self.values.extend_from_slice(&value[start..]);
        self.end_field();
        Ok(())
    }

    /// Returns the number of fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the value of the first field of that name; case does not matter.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// Iterates over names and values. A name is a token; a value has no whitespace around it, may
    /// be empty and need not be UTF-8.
    #[must_use]
    pub fn iter(&self) -> TrailersIter<'_> {
        TrailersIter { trailers: self, ends: self.ends.iter(), start: (0, 0) }
    }

    /// The pieces of the field lines as they are written, CRLFs included.
    pub(crate) fn wire_parts(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().flat_map(|(name, value)| {
            let colon = if value.is_empty() { &b":"[..] } else { b": " };
            [name.as_bytes(), colon, value, b"\r\n"]
        })
    }

    /// Drops all fields and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.names.clear();
        self.values.clear();
        self.ends.clear();
    }

    pub(crate) fn push_name(&mut self, octet: u8) {
        self.names.push(char::from(octet));
    }

    pub(crate) fn push_value(&mut self, octet: u8) {
        self.values.push(octet);
    }

    pub(crate) fn extend_value(&mut self, octets: &[u8]) {
        self.values.extend_from_slice(octets);
    }

    /// Returns the name of the field that is being read.
    pub(crate) fn open_name(&self) -> &[u8] {
        &self.names.as_bytes()[self.end().0..]
    }

    /// Returns whether the field that is being read has no value yet.
    pub(crate) fn open_is_bare(&self) -> bool {
        self.values.len() == self.end().1
    }

    /// Ends the field that is being read, without the whitespace after its value.
    pub(crate) fn end_field(&mut self) {
        let start = self.end().1;
        while self.values.len() > start && self.values.last().is_some_and(|&last| is_blank(last)) {
            self.values.pop();
        }
        self.ends.push((self.names.len(), self.values.len()));
    }

    fn end(&self) -> (usize, usize) {
        self.ends.last().copied().unwrap_or_default()
    }
}

impl<'a> IntoIterator for &'a Trailers {
    type Item = (&'a str, &'a [u8]);
    type IntoIter = TrailersIter<'a>;

    fn into_iter(self) -> TrailersIter<'a> {
        self.iter()
    }
}

impl PartialEq for Trailers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl Eq for Trailers {}

impl fmt::Debug for Trailers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(n, v)| (n, v.escape_ascii().to_string()))).finish()
    }
}

/// Names and values of [`Trailers`].
#[derive(Clone, Debug)]
pub struct TrailersIter<'a> {
    trailers: &'a Trailers,
    ends: slice::Iter<'a, (usize, usize)>,
    start: (usize, usize),
}

impl<'a> Iterator for TrailersIter<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let &end = self.ends.next()?;
        let name = &self.trailers.names[self.start.0..end.0];
        let value = &self.trailers.values[self.start.1..end.1];
        self.start = end;
        Some((name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ends.size_hint()
    }
}

impl ExactSizeIterator for TrailersIter<'_> {}
impl FusedIterator for TrailersIter<'_> {}
