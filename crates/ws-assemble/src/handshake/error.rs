//! Why a handshake failed.

use core::{error::Error, fmt};

/// A handshake that cannot be completed, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeError {
    kind: HandshakeErrorKind,
    offset: usize,
}

/// The reason in a [`HandshakeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeErrorKind {
    /// The head is no HTTP.
    HeadInvalid,
    /// A line ends with LF alone, which others on the way may read otherwise (RFC 9112 section 2.2).
    LineEndInvalid,
    /// The head is longer than [`HEAD_BYTES_MAX`](super::HEAD_BYTES_MAX).
    HeadTooLong,
    /// The head has more fields than [`FIELDS_MAX`](super::FIELDS_MAX).
    TooManyFields,
    /// The request is no GET.
    MethodInvalid,
    /// The head is of HTTP/1.0: an upgrade takes 1.1.
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
    /// `Sec-WebSocket-Key` is missing, doubled, or not 16 bytes in base64.
    KeyInvalid,
    /// `Sec-WebSocket-Version` is not 13: to be answered with status 426.
    VersionUnsupported,
    /// The client offers a subprotocol that is no token (RFC 6455 section 4.3).
    ProtocolInvalid,
    /// The response's status is not 101, but this.
    StatusUnexpected(u16),
    /// `Sec-WebSocket-Accept` does not match the key.
    AcceptMismatch,
    /// The server chose a subprotocol that was not offered.
    ProtocolUnexpected,
    /// The server chose an extension that was not offered.
    ExtensionUnexpected,
}

impl HandshakeError {
    pub(super) const fn new(kind: HandshakeErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// The head does not end within [`HEAD_BYTES_MAX`](super::HEAD_BYTES_MAX).
    pub(crate) const fn too_long() -> Self {
        Self::new(HandshakeErrorKind::HeadTooLong, super::HEAD_BYTES_MAX)
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> HandshakeErrorKind {
        self.kind
    }

    /// Returns the offset in the head of the field that is wrong; its length where one is missing.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            HandshakeErrorKind::HeadInvalid => "the head is no HTTP",
            HandshakeErrorKind::LineEndInvalid => "a line does not end with CRLF",
            HandshakeErrorKind::HeadTooLong => "the head is too long",
            HandshakeErrorKind::TooManyFields => "the head has too many fields",
            HandshakeErrorKind::MethodInvalid => "the request is no GET",
            HandshakeErrorKind::HttpVersionInvalid => "the head is not of HTTP/1.1",
            HandshakeErrorKind::TargetInvalid => "the request's target is no path",
            HandshakeErrorKind::BodyUnexpected => "the request announces a body",
            HandshakeErrorKind::HostMissing => "the request has not one host",
            HandshakeErrorKind::HostInvalid => "the host is none",
            HandshakeErrorKind::UpgradeMissing => "no upgrade to websocket",
            HandshakeErrorKind::ConnectionMissing => "the connection is not upgraded",
            HandshakeErrorKind::KeyInvalid => "the key is not 16 bytes in base64",
            HandshakeErrorKind::VersionUnsupported => "the version is not 13",
            HandshakeErrorKind::ProtocolInvalid => "an offered subprotocol is no token",
            HandshakeErrorKind::StatusUnexpected(status) => {
                return write!(f, "the response has status {status}");
            }
            HandshakeErrorKind::AcceptMismatch => "the accept value does not match the key",
            HandshakeErrorKind::ProtocolUnexpected => "the subprotocol was not offered",
            HandshakeErrorKind::ExtensionUnexpected => "the extension was not offered",
        };
        write!(f, "{what}, at byte {} of the head", self.offset)
    }
}

impl Error for HandshakeError {}
