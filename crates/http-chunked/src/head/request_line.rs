//! The head of a request.

use core::{ops::Range, str};

use super::{
    FIELDS_MAX, Head, HeadErrorKind, Refusal, RequestMethod, Sealed, StartLine,
    declared_framing::declared_framing,
    target,
    version::{VersionPlace, minor_version},
};
use crate::{framing::Framing, octet::is_token};

/// A request line that was read (RFC 9112 §3). Method and target are ASCII.
#[derive(Clone, Debug)]
pub struct RequestLine {
    version_minor: u8,
    method: Range<usize>,
    target: Range<usize>,
}

/// Octets after the target: ` HTTP/1.1`.
const VERSION_BYTES: usize = 9;

/// A place in a request line.
#[expect(unnameable_types, reason = "part of a sealed trait")]
#[derive(Clone, Copy, Debug, Default)]
pub enum Place {
    #[default]
    Start,
    Method,
    TargetStart,
    Target,
    Version(VersionPlace),
    Lf,
}

impl StartLine for RequestLine {}

impl Sealed for RequestLine {
    type Place = Place;
    const IS_REQUEST: bool = true;

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

    fn too_long(place: Place) -> HeadErrorKind {
        match place {
            Place::Start | Place::Method => HeadErrorKind::MethodTooLong,
            Place::TargetStart | Place::Target => HeadErrorKind::TargetTooLong,
            Place::Version(_) | Place::Lf => HeadErrorKind::TooLong,
        }
    }

    fn parse(octets: &[u8]) -> Option<usize> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        match httparse::Request::new(&mut fields).parse(octets) {
            Ok(httparse::Status::Complete(len)) => Some(len),
            _ => None,
        }
    }

    fn split(octets: &[u8]) -> Self {
        let end = octets.iter().position(|&octet| octet == b'\r').unwrap_or(0);
        let method = octets.iter().position(|&octet| octet == b' ').unwrap_or(0);
        Self {
            version_minor: minor_version(octets[..end].last()),
            method: 0..method,
            target: method + 1..end.saturating_sub(VERSION_BYTES).max(method + 1),
        }
    }

    fn version_minor(&self) -> u8 {
        self.version_minor
    }

    fn is_interim(&self) -> bool {
        false
    }

    fn is_partial(&self) -> bool {
        false
    }

    /// Checks the target and the host (RFC 9112 §3.2).
    fn check(head: &Head<Self>) -> Result<(), Refusal> {
        let start = head.line.target.start;
        let target = head.target().as_bytes();
        if let Some(octet) = target::refused_octet(head.lines.value(head.line.target.clone())) {
            return Err((HeadErrorKind::Target, start + octet));
        }
        if !target::has_form(head.method(), target) {
            return Err((HeadErrorKind::Target, start));
        }
        let mut hosts = head.lines.places("host");
        match (hosts.next(), hosts.next()) {
            (_, Some(second)) => Err((HeadErrorKind::HostInvalid, second.start)),
            (Some(host), None) if !target::is_host(head.lines.value(host.clone())) => {
                Err((HeadErrorKind::HostInvalid, host.start))
            }
            (None, None) if head.version_minor() > 0 => {
                Err((HeadErrorKind::HostMissing, head.octets().len()))
            }
            _ => Ok(()),
        }
    }

    fn framing(head: &Head<Self>, _: RequestMethod) -> Result<Framing, Refusal> {
        // Rule 7: without a declared length there is no body.
        let declared = declared_framing(&head.lines, head.version_minor())?;
        let framing = declared.unwrap_or(Framing::Length(0));
        if head.is_connect() && framing != Framing::Length(0) {
            return Err((HeadErrorKind::ConnectWithBody, head.octets().len()));
        }
        Ok(framing)
    }

    fn is_upgrade(head: &Head<Self>, _: RequestMethod) -> bool {
        head.is_connect() || head.wants_upgrade()
    }

    fn is_last(head: &Head<Self>, _: RequestMethod) -> bool {
        head.is_connect()
    }
}

impl Head<RequestLine> {
    /// Returns the method, such as `GET`. Its case matters.
    #[must_use]
    pub fn method(&self) -> &str {
        str::from_utf8(self.lines.value(self.line.method.clone())).unwrap_or_default()
    }

    /// Returns what of the method matters for the response to the request.
    #[must_use]
    pub fn request_method(&self) -> RequestMethod {
        RequestMethod::from_name(self.method())
    }

    /// Returns the request target: a path and a query; for `CONNECT` a host and a port; also a whole
    /// URI, which then counts and not the `Host` field, or for `OPTIONS` a `*` (RFC 9112 §3.2).
    #[must_use]
    pub fn target(&self) -> &str {
        str::from_utf8(self.lines.value(self.line.target.clone())).unwrap_or_default()
    }

    /// Returns the host, and the port if there is one: those of a target that is a whole URI, or
    /// else the `Host` field (RFC 9112 §3.2.2). Empty when there are none.
    #[must_use]
    pub fn authority(&self) -> &str {
        let of_target = match (self.is_connect(), self.target().split_once("://")) {
            (true, _) => Some(self.target()),
            (false, Some((_, rest))) if !self.target().starts_with('/') => {
                rest.split(['/', '?']).next()
            }
            (false, _) => None,
        };
        let host = || str::from_utf8(self.find("host").unwrap_or_default()).unwrap_or_default();
        of_target.unwrap_or_else(host)
    }

    /// Returns path and query: of a target that is a whole URI what follows the authority, at least
    /// `/`. Of any other target, all of it.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        let target = self.target();
        if target.starts_with('/') {
            return target;
        }
        let Some((_, rest)) = target.split_once("://") else { return target };
        rest.find(['/', '?']).map_or("/", |start| &rest[start..])
    }

    /// Returns whether the client waits for `100 Continue` before it sends the body (RFC 9110
    /// §10.1.1).
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.version_minor() > 0 && self.has_element("expect", "100-continue")
    }

    /// Returns whether the client would speak another protocol after a `101` (RFC 9110 §7.8); the
    /// `Upgrade` field says which.
    #[must_use]
    pub fn wants_upgrade(&self) -> bool {
        self.version_minor() > 0
            && self.has_element("connection", "upgrade")
            && self.find("upgrade").is_some()
    }

    fn is_connect(&self) -> bool {
        self.method() == "CONNECT"
    }
}
