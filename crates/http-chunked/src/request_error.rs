//! Why a request was refused.

use core::{error::Error, fmt};

use crate::body_error::{BodyError, BodyErrorKind};

/// A request that was refused, and where.
///
/// After it the position in the stream is unknown: answer with [`status`](RequestErrorKind::status)
/// and close the connection. The reader returns the same error until it is
/// [reset](crate::RequestReader::reset).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestError {
    kind: RequestErrorKind,
    offset: u64,
}

/// The reason in a [`RequestError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestErrorKind {
    /// The request line is wrong before the version (RFC 9112 §3), or what came is no request.
    RequestLine,
    /// The request target has none of the four forms, or not one that the method has (RFC 9112
    /// §3.2).
    Target,
    /// The version is neither HTTP/1.0 nor HTTP/1.1.
    Version,
    /// A field line is wrong: name, colon, value or line end (RFC 9112 §5).
    FieldLine,
    /// A line ends in a line feed without a carriage return.
    BareLf,
    /// The head is above [`RequestLimits::head_bytes_max`](crate::RequestLimits::head_bytes_max).
    HeadTooLong,
    /// The head has more than [`FIELDS_MAX`](crate::RequestReader::FIELDS_MAX) fields.
    TooManyFields,
    /// An HTTP/1.1 request without `Host` (RFC 9112 §3.2).
    HostMissing,
    /// `Host` is there twice, or is no host (RFC 9112 §3.2).
    HostInvalid,
    /// `Content-Length` is no number (RFC 9112 §6.3).
    LengthInvalid,
    /// `Content-Length` says several different numbers (RFC 9112 §6.3).
    LengthsDiffer,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.3): a sign of smuggling.
    LengthAndTransferCoding,
    /// `Transfer-Encoding` in an HTTP/1.0 request (RFC 9112 §6.1): a sign of smuggling.
    TransferCodingInHttp10,
    /// `chunked` is not the last transfer coding, or there twice (RFC 9112 §6.3).
    ChunkedNotLast,
    /// A transfer coding other than `chunked`.
    TransferCodingUnsupported,
    /// A `CONNECT` request with a body, which means nothing (RFC 9110 §9.3.6) and is a sign of
    /// smuggling.
    ConnectWithBody,
    /// A content coding that cannot be decoded, or too many of them.
    ContentCodingUnsupported,
    /// The pool has no segment left for a head that came in pieces.
    OutOfMemory,
    /// The input ended before the head did.
    Truncated,
    /// The body is wrong.
    Body(BodyErrorKind),
}

impl RequestErrorKind {
    /// Returns the status code to answer with (RFC 9110 §15.5, RFC 6585).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Version => 505,
            Self::TransferCodingUnsupported => 501,
            Self::ContentCodingUnsupported => 415,
            Self::HeadTooLong | Self::TooManyFields => 431,
            Self::Body(BodyErrorKind::TooLong | BodyErrorKind::HeldTooMuch) => 413,
            Self::OutOfMemory | Self::Body(BodyErrorKind::OutOfMemory) => 503,
            _ => 400,
        }
    }
}

impl RequestError {
    pub(crate) const fn new(kind: RequestErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// Places the error of a body that starts at `body_start`.
    pub(crate) const fn in_body(error: BodyError, body_start: u64) -> Self {
        Self::new(RequestErrorKind::Body(error.kind()), body_start + error.offset())
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> RequestErrorKind {
        self.kind
    }

    /// Returns the octets between the start of the request and the one that was refused or did not
    /// come; for a wrong field, its value; for one that is missing, the length of the head.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for RequestErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestLine => "request line is malformed",
            Self::Target => "request target is malformed",
            Self::Version => "neither HTTP/1.0 nor HTTP/1.1",
            Self::FieldLine => "field line is malformed",
            Self::BareLf => "line feed without carriage return",
            Self::HeadTooLong => "head is too long",
            Self::TooManyFields => "head has too many fields",
            Self::HostMissing => "host is missing",
            Self::HostInvalid => "host is no host, or there twice",
            Self::LengthInvalid => "content length is no number",
            Self::LengthsDiffer => "content lengths differ",
            Self::LengthAndTransferCoding => "both content length and transfer coding",
            Self::TransferCodingInHttp10 => "transfer coding in HTTP/1.0",
            Self::ChunkedNotLast => "chunked is not the last transfer coding",
            Self::TransferCodingUnsupported => "unsupported transfer coding",
            Self::ConnectWithBody => "CONNECT with a body",
            Self::ContentCodingUnsupported => "unsupported content coding",
            Self::OutOfMemory => "no segment left",
            Self::Truncated => "input ended early",
            Self::Body(kind) => return kind.fmt(f),
        })
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of the request", self.kind, self.offset)
    }
}

impl Error for RequestError {}
