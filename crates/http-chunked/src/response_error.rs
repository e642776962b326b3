//! Why a response was refused.

use core::{error::Error, fmt};

use crate::body_error::{BodyError, BodyErrorKind};

/// A response that was refused, and where.
///
/// After it the position in the stream is unknown: close the connection. The reader returns the
/// same error until it is told to [expect](crate::ResponseReader::expect) another response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseError {
    kind: ResponseErrorKind,
    offset: u64,
}

/// The reason in a [`ResponseError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseErrorKind {
    /// The version is neither HTTP/1.0 nor HTTP/1.1, or what came is no response at all.
    Version,
    /// The status line is wrong behind the version (RFC 9112 §4).
    StatusLine,
    /// A field line is wrong: name, colon, value or line end (RFC 9112 §5).
    FieldLine,
    /// A line ends in a line feed without a carriage return.
    BareLf,
    /// The head is above [`ResponseLimits::head_bytes_max`](crate::ResponseLimits::head_bytes_max).
    HeadTooLong,
    /// The head has more than [`FIELDS_MAX`](crate::ResponseReader::FIELDS_MAX) fields.
    TooManyFields,
    /// More interim responses than
    /// [`ResponseLimits::interim_max`](crate::ResponseLimits::interim_max).
    TooManyInterim,
    /// `Content-Length` is no number (RFC 9112 §6.3).
    LengthInvalid,
    /// `Content-Length` says several different numbers (RFC 9112 §6.3).
    LengthsDiffer,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.3): a sign of smuggling.
    LengthAndTransferCoding,
    /// `Transfer-Encoding` in an HTTP/1.0 response (RFC 9112 §6.1): a sign of smuggling.
    TransferCodingInHttp10,
    /// `chunked` is not the last transfer coding, or there twice (RFC 9112 §6.1).
    ChunkedNotLast,
    /// A transfer coding other than `chunked`.
    TransferCodingUnsupported,
    /// A content coding that cannot be decoded, or too many of them.
    ContentCodingUnsupported,
    /// The pool has no segment left for a head that came in pieces.
    OutOfMemory,
    /// The input ended before the head did. Offset 0 means that no response came at all.
    Truncated,
    /// The body is wrong.
    Body(BodyErrorKind),
}

impl ResponseError {
    pub(crate) const fn new(kind: ResponseErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// Places the error of a body that starts at `body_start`.
    pub(crate) const fn in_body(error: BodyError, body_start: u64) -> Self {
        Self::new(ResponseErrorKind::Body(error.kind()), body_start + error.offset())
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> ResponseErrorKind {
        self.kind
    }

    /// Returns the octets between the start of the response, interim responses included, and the
    /// one that was refused or did not come; for a field that contradicts another, its value.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for ResponseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "not an HTTP/1 response",
            Self::StatusLine => "status line is malformed",
            Self::FieldLine => "field line is malformed",
            Self::BareLf => "line feed without carriage return",
            Self::HeadTooLong => "head is too long",
            Self::TooManyFields => "head has too many fields",
            Self::TooManyInterim => "too many interim responses",
            Self::LengthInvalid => "content length is no number",
            Self::LengthsDiffer => "content lengths differ",
            Self::LengthAndTransferCoding => "both content length and transfer coding",
            Self::TransferCodingInHttp10 => "transfer coding in HTTP/1.0",
            Self::ChunkedNotLast => "chunked is not the last transfer coding",
            Self::TransferCodingUnsupported => "unsupported transfer coding",
            Self::ContentCodingUnsupported => "unsupported content coding",
            Self::OutOfMemory => "no segment left",
            Self::Truncated => "input ended early",
            Self::Body(kind) => return kind.fmt(f),
        })
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of the response", self.kind, self.offset)
    }
}

impl Error for ResponseError {}
