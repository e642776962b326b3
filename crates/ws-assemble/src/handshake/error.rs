//! Why a handshake failed.

use core::{error::Error, fmt};

use super::UpgradeResponse;

/// A handshake that cannot be completed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeError {
    kind: HandshakeErrorKind,
    offset: usize,
    /// In a box: an error is to be small, and few have one.
    response: Option<Box<UpgradeResponse>>,
}

/// The reason in a [`HandshakeError`]. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeErrorKind {
    /// The head is no HTTP.
    HeadInvalid,
    /// A line ends with LF alone, which others on the way may read otherwise (RFC 9112 section 2.2).
    LineEndInvalid,
    /// The head is longer than `head_bytes_max`.
    HeadTooLong,
    /// The head has more fields than [`FIELDS_MAX`](crate::FIELDS_MAX).
    TooManyFields,
    /// The stream ended inside the head.
    Truncated,
    /// The request is no GET, or in HTTP/2 no CONNECT.
    MethodInvalid,
    /// The head is of another version of HTTP: an upgrade takes 1.1.
    HttpVersionInvalid,
    /// The request's target is neither a path nor an absolute URI, or has a fragment (RFC 6455
    /// section 4.2.1).
    TargetInvalid,
    /// The request announces a body, which would be read as frames.
    BodyUnexpected,
    /// The request has no host, or several.
    HostMissing,
    /// `Host` is no host with or without a port (RFC 9112 section 3.2).
    HostInvalid,
    /// `Upgrade` does not ask for, or grant, `websocket`.
    UpgradeMissing,
    /// `Connection` has no `upgrade`.
    ConnectionMissing,
    /// An extended CONNECT is for another protocol than `websocket` (RFC 8441 section 4).
    ConnectProtocolUnknown,
    /// `Sec-WebSocket-Key` is missing, doubled, or not 16 bytes in base64.
    KeyInvalid,
    /// `Sec-WebSocket-Version` is not 13.
    VersionUnsupported,
    /// `Sec-WebSocket-Protocol` is no list of tokens, or names one twice (RFC 6455 sections 4.1 and
    /// 4.3).
    ProtocolInvalid,
    /// `Sec-WebSocket-Extensions` breaks the grammar (RFC 6455 section 9.1).
    ExtensionsInvalid,
    /// The server refused the request with this status:
    /// [`response`](HandshakeError::response) has the rest. On the server, its own code refused the
    /// request.
    Refused(u16),
    /// More interim responses came than [`INTERIM_MAX`](crate::ClientHandshake::INTERIM_MAX).
    TooManyInterim,
    /// `Sec-WebSocket-Accept` does not match the key.
    AcceptMismatch,
    /// The server chose a subprotocol that was not offered.
    ProtocolUnexpected,
    /// The server chose an extension that was not offered.
    ExtensionUnexpected,
    /// A field that was to be sent has a name that is no token or that the handshake sends itself, or
    /// a value with a line end or another control character.
    FieldInvalid,
    /// The URL is none of a WebSocket: the scheme is neither `ws` nor `wss`, or there is no host, a
    /// user, no such port, or a fragment (RFC 6455 section 3). The offset is that in the URL.
    UrlInvalid,
    /// Bytes came after a proxy's response that opens a tunnel, before anything was sent through it.
    BytesUnexpected,
    /// A request was to be refused with a status that does not refuse: below 300 or above 999.
    StatusInvalid,
}

impl HandshakeError {
    pub(crate) const fn new(kind: HandshakeErrorKind, offset: usize) -> Self {
        Self { kind, offset, response: None }
    }

    /// The stream ended after this many bytes of a head.
    pub(super) const fn truncated(offset: usize) -> Self {
        Self::new(HandshakeErrorKind::Truncated, offset)
    }

    pub(super) fn refused(response: UpgradeResponse) -> Self {
        let kind = HandshakeErrorKind::Refused(response.status());
        // The status stands after "HTTP/1.1 ".
        Self { kind, offset: 9, response: Some(Box::new(response)) }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> HandshakeErrorKind {
        self.kind
    }

    /// Returns the offset in the head of the part that is wrong; the head's length where one is
    /// missing.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the response by which a server refused: its status, its fields, and the start of its
    /// body.
    #[must_use]
    pub fn response(&self) -> Option<&UpgradeResponse> {
        self.response.as_deref()
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            HandshakeErrorKind::HeadInvalid => "the head is no HTTP",
            HandshakeErrorKind::LineEndInvalid => "a line does not end with CRLF",
            HandshakeErrorKind::HeadTooLong => "the head is too long",
            HandshakeErrorKind::TooManyFields => "the head has too many fields",
            HandshakeErrorKind::Truncated => "the stream ended in the head",
            HandshakeErrorKind::MethodInvalid => "the request's method opens no WebSocket",
            HandshakeErrorKind::HttpVersionInvalid => "the head is not of HTTP/1.1",
            HandshakeErrorKind::TargetInvalid => "the request's target is no path",
            HandshakeErrorKind::BodyUnexpected => "the request announces a body",
            HandshakeErrorKind::HostMissing => "the request has not one host",
            HandshakeErrorKind::HostInvalid => "the host is not of the form `name` or `name:port`",
            HandshakeErrorKind::UpgradeMissing => "no upgrade to websocket",
            HandshakeErrorKind::ConnectionMissing => "the connection is not upgraded",
            HandshakeErrorKind::ConnectProtocolUnknown => "the protocol is not websocket",
            HandshakeErrorKind::KeyInvalid => "the key is not 16 bytes in base64",
            HandshakeErrorKind::VersionUnsupported => "the version is not 13",
            HandshakeErrorKind::ProtocolInvalid => {
                "the subprotocols are not a list of tokens, each of them once"
            }
            HandshakeErrorKind::ExtensionsInvalid => "the list of extensions is malformed",
            HandshakeErrorKind::Refused(status) => {
                return write!(f, "the request was refused with status {status}");
            }
            HandshakeErrorKind::TooManyInterim => "too many interim responses",
            HandshakeErrorKind::AcceptMismatch => "the accept value does not match the key",
            HandshakeErrorKind::ProtocolUnexpected => "the subprotocol was not offered",
            HandshakeErrorKind::ExtensionUnexpected => "the extension was not offered",
            HandshakeErrorKind::FieldInvalid => {
                "a field's name or value is invalid, or the handshake writes this field itself"
            }
            HandshakeErrorKind::UrlInvalid => "the URL is none of a WebSocket",
            HandshakeErrorKind::BytesUnexpected => "bytes came before anything was sent",
            HandshakeErrorKind::StatusInvalid => "a refusal needs a status from 300 to 999",
        };
        let place = if self.kind == HandshakeErrorKind::UrlInvalid { "URL" } else { "head" };
        write!(f, "{what}, at byte {} of the {place}", self.offset)
    }
}

impl Error for HandshakeError {}
