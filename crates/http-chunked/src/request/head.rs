//! The head of a request.

use core::{fmt, ops::Range, str};

use seg_pool::Segment;

use super::target;
use crate::{
    fields::{FIELDS_MAX, FieldLines, Fields},
    head_error::HeadErrorKind,
    head_reader::{StartLine, VersionPlace},
    octet::is_token,
    request_error::RequestErrorKind,
};

/// Request line and header fields of a request.
///
/// Keeps the octets of the head where they were received, and so that segment from reuse; fields
/// are found in them when asked for. Clones without a copy.
#[derive(Clone)]
pub struct RequestHead {
    lines: FieldLines,
    line: RequestLine,
}

/// A request line that was read (RFC 9112 §3). Method and target are ASCII.
#[derive(Clone, Debug)]
pub(super) struct RequestLine {
    version_minor: u8,
    method: Range<usize>,
    target: Range<usize>,
}

/// A place in a request line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Place {
    #[default]
    Start,
    Method,
    TargetStart,
    Target,
    Version(VersionPlace),
    Lf,
}

impl StartLine for RequestLine {
    type Place = Place;

    fn next(place: Place, octet: u8) -> Result<Option<Place>, HeadErrorKind> {
        Ok(Some(match (place, octet) {
            (Place::Lf, b'\n') => return Ok(None),
            (Place::Start, b'\n') => return Err(HeadErrorKind::StartLine),
            (_, b'\n') => return Err(HeadErrorKind::BareLf),
            (Place::Start | Place::Method, _) if is_token(octet) => Place::Method,
            (Place::Method, b' ') => Place::TargetStart,
            (Place::TargetStart | Place::Target, _)
                if octet.is_ascii_graphic() && octet != b'#' =>
            {
                Place::Target
            }
            (Place::TargetStart | Place::Target, b'#' | 0x80..) => {
                return Err(HeadErrorKind::Target);
            }
            (Place::Target, b' ') => Place::Version(VersionPlace::default()),
            (Place::Version(place), b'\r') if place.is_end() => Place::Lf,
            (Place::Version(place), _) if !place.is_end() => Place::Version(place.next(octet)?),
            _ => return Err(HeadErrorKind::StartLine),
        }))
    }

    fn parse(octets: &[u8]) -> Result<Option<(usize, Self)>, httparse::Error> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut request = httparse::Request::new(&mut fields);
        let httparse::Status::Complete(len) = request.parse(octets)? else { return Ok(None) };
        let method = request.method.unwrap_or_default().len();
        let target = request.path.unwrap_or_default().len();
        let line = Self {
            version_minor: request.version.unwrap_or_default(),
            method: 0..method,
            // One space between them: the parser takes no other.
            target: method + 1..method + 1 + target,
        };
        Ok(Some((len, line)))
    }
}

impl RequestHead {
    /// Creates the head that `line` was read from.
    pub(super) fn new(octets: Segment, line: RequestLine) -> Self {
        Self { lines: FieldLines::new(octets), line }
    }

    pub(super) const fn lines(&self) -> &FieldLines {
        &self.lines
    }

    /// Checks the target and the host (RFC 9112 §3.2). On an error, the second part is where in the
    /// head it lies.
    pub(super) fn check(&self) -> Result<(), (RequestErrorKind, usize)> {
        let target = self.lines.value(self.line.target.clone());
        if let Some(octet) = target::refused_octet(target) {
            return Err((RequestErrorKind::Target, self.line.target.start + octet));
        }
        if !target::has_form(self.method(), target) {
            return Err((RequestErrorKind::Target, self.line.target.start));
        }
        let mut hosts = self.lines.places("host");
        match (hosts.next(), hosts.next()) {
            (_, Some(second)) => Err((RequestErrorKind::HostInvalid, second.start)),
            (Some(host), None) if !target::is_host(self.lines.value(host.clone())) => {
                Err((RequestErrorKind::HostInvalid, host.start))
            }
            (None, None) if self.version_minor() > 0 => {
                Err((RequestErrorKind::HostMissing, self.octets().len()))
            }
            _ => Ok(()),
        }
    }

    /// Returns the method, such as `GET`. Its case matters.
    #[must_use]
    pub fn method(&self) -> &str {
        str::from_utf8(self.lines.value(self.line.method.clone())).unwrap_or_default()
    }

    /// Returns the request target: a path and a query; for `CONNECT` a host and a port; also a whole
    /// URI, which then counts and not the `Host` field, or for `OPTIONS` a `*` (RFC 9112 §3.2).
    #[must_use]
    pub fn target(&self) -> &str {
        str::from_utf8(self.lines.value(self.line.target.clone())).unwrap_or_default()
    }

    /// Returns the minor version: 1 for HTTP/1.1, 0 for HTTP/1.0.
    #[must_use]
    pub const fn version_minor(&self) -> u8 {
        self.line.version_minor
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

    /// Returns the octets of the head, from the method to the empty line.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.lines.octets()
    }

    /// Returns whether the client keeps the connection open after the request (RFC 9112 §9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.lines.keeps_alive(self.version_minor())
    }

    /// Returns whether the client waits for `100 Continue` before it sends the body (RFC 9110
    /// §10.1.1).
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.version_minor() > 0 && self.lines.has_element("expect", "100-continue")
    }

    /// Returns whether the client would speak another protocol after a `101` (RFC 9110 §7.8); the
    /// `Upgrade` field says which.
    #[must_use]
    pub fn wants_upgrade(&self) -> bool {
        self.version_minor() > 0
            && self.lines.has_element("connection", "upgrade")
            && self.find("upgrade").is_some()
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method())
            .field("target", &self.target())
            .field("version_minor", &self.version_minor())
            .field("fields", &self.fields().count())
            .finish_non_exhaustive()
    }
}
