//! The head of a message.

mod declared_framing;
mod error;
mod fields;
mod reader;
mod request_line;
mod scan;
mod status_line;
mod target;
mod version;
mod writer;

use core::fmt;

use seg_pool::Segment;

pub use self::{
    error::HeadErrorKind,
    fields::Fields,
    request_line::RequestLine,
    status_line::{RequestMethod, StatusLine},
    writer::{HeadWriteError, HeadWriteErrorKind, HeadWriter},
};
pub(crate) use self::{fields::FieldLines, reader::HeadReader};
use crate::framing::Framing;

/// The most fields that a head may have.
pub(crate) const FIELDS_MAX: usize = 128;

/// What is wrong with a head, and the offset in it.
pub(crate) type Refusal = (HeadErrorKind, usize);

/// The head of a request.
pub type RequestHead = Head<RequestLine>;

/// The head of a response.
pub type ResponseHead = Head<StatusLine>;

/// A start line and header fields.
///
/// The octets lie in a segment of their own, of 256 bytes or as many as it takes; fields are found
/// in them when asked for. So a head that is kept does not keep the segment that it was received
/// in. Clones without a copy.
#[derive(Clone)]
pub struct Head<L> {
    lines: FieldLines,
    line: L,
}

/// The first line of a head: a [`RequestLine`] or a [`StatusLine`]. Sealed.
pub trait StartLine: Sealed {}

/// What differs between requests and responses.
#[expect(unnameable_types, reason = "nobody else implements it")]
pub trait Sealed: Clone + fmt::Debug + Sized {
    /// A place in the line; the default is the one before its first octet.
    type Place: Copy + Default + fmt::Debug;

    /// Whether a server reads it. A server skips an empty line before a head (RFC 9112 §2.2) and
    /// refuses a folded line (§5.2), and a connection may be closed before a request.
    const IS_REQUEST: bool;

    /// Returns the place that an octet leads to, `None` after the line feed that ends the line.
    fn next(place: Self::Place, octet: u8) -> Result<Option<Self::Place>, HeadErrorKind>;

    /// Says what is too long when a head ends in this place at the limit.
    fn too_long(place: Self::Place) -> HeadErrorKind;

    /// Returns the length of the head at the front of `octets` by `httparse`; `None` when it is not
    /// complete or not right. May take more than the grammar allows, but no bare line feed that
    /// `next` would have to find.
    fn parse(octets: &[u8]) -> Option<usize>;

    /// Finds the parts of the line at the front of a head that is right.
    fn split(octets: &[u8]) -> Self;

    /// The minor version as which the message is processed.
    fn version_minor(&self) -> u8;

    /// Whether another head of the same message follows.
    fn is_interim(&self) -> bool;

    /// Whether the content is a part of a representation, which cannot be decoded on its own.
    fn is_partial(&self) -> bool;

    /// Checks what the grammar of the lines leaves open.
    fn check(head: &Head<Self>) -> Result<(), Refusal>;

    /// Returns how the body ends, which answers `request` if it is that of a response (RFC 9112
    /// §6.3).
    fn framing(head: &Head<Self>, request: RequestMethod) -> Result<Framing, Refusal>;

    /// Whether another protocol follows the message, if the other side agrees.
    fn is_upgrade(head: &Head<Self>, request: RequestMethod) -> bool;

    /// Whether no further message of this kind follows, by what the start line says.
    fn is_last(head: &Head<Self>, request: RequestMethod) -> bool;
}

impl<L: StartLine> Head<L> {
    /// Creates the head that lies in `octets`, which are right.
    pub(crate) fn new(octets: Segment) -> Self {
        Self { line: L::split(&octets), lines: FieldLines::new(octets) }
    }

    pub(crate) const fn lines(&self) -> &FieldLines {
        &self.lines
    }

    pub(crate) const fn line(&self) -> &L {
        &self.line
    }

    /// Returns the minor version as which the message is processed: 0 for HTTP/1.0, 1 for HTTP/1.1
    /// and for the later ones of HTTP/1 (RFC 9110 §2.5).
    #[must_use]
    pub fn version_minor(&self) -> u8 {
        self.line.version_minor()
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

    /// Returns whether a field that is a list has an element; case does not matter in either.
    #[must_use]
    pub fn has_element(&self, name: &str, element: &str) -> bool {
        self.lines.has_element(name, element)
    }

    /// Returns the octets of the head, from the start line to the empty line. In a response, two
    /// spaces stand for the line end of a folded line (RFC 9112 §5.2).
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.lines.octets()
    }

    /// Returns whether the sender keeps the connection open after the message, as far as the head
    /// says (RFC 9112 §9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        !self.has_element("connection", "close")
            && (self.version_minor() > 0 || self.has_element("connection", "keep-alive"))
    }
}

impl<L> fmt::Debug for Head<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.lines.octets().split(|&octet| octet == b'\r').next().unwrap_or_default();
        f.debug_struct("Head")
            .field("line", &format_args!("{}", line.escape_ascii()))
            .field("fields", &self.lines.iter().count())
            .finish()
    }
}
