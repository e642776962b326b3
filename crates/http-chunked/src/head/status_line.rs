//! The head of a response.

use core::ops::Range;

use super::{
    FIELDS_MAX, Head, HeadErrorKind, Refusal, Sealed, StartLine,
    declared_framing::declared_framing,
    version::{VersionPlace, minor_version},
};
use crate::{framing::Framing, octet::is_text};

/// What matters of the request that a response answers (RFC 9112 §6.3). No other will come: the RFC makes exceptions of these two alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RequestMethod {
    /// `HEAD`: the response has no body, whatever it says.
    Head,
    /// `CONNECT`: what follows a success is a tunnel.
    Connect,
    /// Any other.
    #[default]
    Other,
}

impl RequestMethod {
    /// Returns what matters of a method. Its case matters.
    #[must_use]
    pub fn from_name(method: &str) -> Self {
        match method {
            "HEAD" => Self::Head,
            "CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }
}

/// A status line that was read (RFC 9112 §4).
#[derive(Clone, Debug)]
pub struct StatusLine {
    version_minor: u8,
    code: u16,
    reason: Range<usize>,
}

/// Octets before the minor version, the status code and the reason in `HTTP/1.1 200 `.
const MINOR_START: usize = 7;
const CODE: Range<usize> = 9..12;
const REASON_START: usize = 13;

/// A place in a status line.
#[expect(unnameable_types, reason = "part of a sealed trait")]
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Version(VersionPlace),
    /// After so many digits of the status code.
    Code(u8),
    Reason,
    Lf,
}

impl Default for Place {
    fn default() -> Self {
        Self::Version(VersionPlace::default())
    }
}

impl StartLine for StatusLine {}

impl Sealed for StatusLine {
    type Place = Place;
    const IS_REQUEST: bool = false;

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

    fn too_long(_: Place) -> HeadErrorKind {
        HeadErrorKind::TooLong
    }

    fn parse(octets: &[u8]) -> Option<usize> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        match httparse::Response::new(&mut fields).parse(octets) {
            Ok(httparse::Status::Complete(len)) => Some(len),
            _ => None,
        }
    }

    fn split(octets: &[u8]) -> Self {
        let end = octets.iter().position(|&octet| octet == b'\r').unwrap_or(0);
        let digits = octets.get(CODE).unwrap_or_default();
        let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        Self {
            version_minor: minor_version(octets.get(MINOR_START)),
            code,
            reason: REASON_START.min(end)..end,
        }
    }

    fn version_minor(&self) -> u8 {
        self.version_minor
    }

    /// `101` is final: another protocol follows.
    fn is_interim(&self) -> bool {
        matches!(self.code, 100..=199) && self.code != 101
    }

    /// The range is one of the encoded representation (RFC 9110 §14.1.2, §15.3.7).
    fn is_partial(&self) -> bool {
        self.code == 206
    }

    fn check(_: &Head<Self>) -> Result<(), Refusal> {
        Ok(())
    }

    fn framing(head: &Head<Self>, request: RequestMethod) -> Result<Framing, Refusal> {
        // Rules 1 and 2: these have no body whatever their fields say.
        if request == RequestMethod::Head
            || matches!(head.status(), 100..=199 | 204 | 304)
            || Self::is_upgrade(head, request)
        {
            return Ok(Framing::Length(0));
        }
        // Rule 8 is for what no other one is for.
        let declared = declared_framing(&head.lines, head.version_minor())?;
        Ok(declared.unwrap_or(Framing::UntilClose))
    }

    fn is_upgrade(head: &Head<Self>, request: RequestMethod) -> bool {
        let is_success = matches!(head.status(), 200..=299);
        head.status() == 101 || (request == RequestMethod::Connect && is_success)
    }

    fn is_last(head: &Head<Self>, request: RequestMethod) -> bool {
        Self::is_upgrade(head, request)
    }
}

impl Head<StatusLine> {
    /// Returns the status code, 100 to 999 when the server keeps to the rules.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.line.code
    }

    /// Returns the reason phrase, which means nothing and may be empty.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        self.lines.value(self.line.reason.clone())
    }
}
