//! Why a head was refused.

use core::{error::Error, fmt};

use seg_pool::OutOfMemory;

/// What is wrong with the head of a message. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadErrorKind {
    /// The start line is wrong (RFC 9112 §3, §4), or what came is no message.
    StartLine,
    /// The method of a request is so long that the limit of the head ends in it.
    MethodTooLong,
    /// The request target has none of the four forms, or not one that the method has (RFC 9112
    /// §3.2).
    Target,
    /// The request target is so long that the limit of the head ends in it.
    TargetTooLong,
    /// The version is not of HTTP/1.
    Version,
    /// A field line is wrong: name, colon, value or line end (RFC 9112 §5). A folded line is, in a
    /// request.
    FieldLine,
    /// A line ends in a line feed without a carriage return.
    BareLf,
    /// The head is above [`MessageLimits::head_bytes_max`](crate::MessageLimits::head_bytes_max).
    TooLong,
    /// The head has more than [`FIELDS_MAX`](crate::MessageReader::FIELDS_MAX) fields.
    TooManyFields,
    /// More interim responses than
    /// [`MessageLimits::interim_max`](crate::MessageLimits::interim_max).
    TooManyInterim,
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
    /// `Transfer-Encoding` in an HTTP/1.0 message (RFC 9112 §6.1): a sign of smuggling.
    TransferCodingInHttp10,
    /// `chunked` is not the last transfer coding, or there twice, or not there at all (RFC 9112
    /// §6.3).
    ChunkedNotLast,
    /// A transfer coding other than `chunked`.
    TransferCodingUnsupported,
    /// A `CONNECT` request with a body, which means nothing (RFC 9110 §9.3.6) and is a sign of
    /// smuggling.
    ConnectWithBody,
    /// A content coding that cannot be decoded, or too many of them.
    ContentCodingUnsupported,
    /// The pool has no segment for the head. Not final: nothing was taken, and the same call goes
    /// on when there is memory.
    OutOfMemory(OutOfMemory),
    /// The input ended before the head did. Offset 0 means that no message came at all.
    Truncated,
}

impl HeadErrorKind {
    /// The status code to answer a request with (RFC 9110 §15.5, §15.6, RFC 6585).
    pub(crate) const fn status(self) -> u16 {
        match self {
            // RFC 9112 §3: 414 is a must, 501 for the method a should.
            Self::TargetTooLong => 414,
            Self::MethodTooLong | Self::TransferCodingUnsupported => 501,
            Self::Version => 505,
            Self::ContentCodingUnsupported => 415,
            Self::TooLong | Self::TooManyFields => 431,
            Self::OutOfMemory(_) => 503,
            _ => 400,
        }
    }
}

impl fmt::Display for HeadErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartLine => "start line is malformed",
            Self::MethodTooLong => "method is too long",
            Self::Target => "request target is malformed",
            Self::TargetTooLong => "request target is too long",
            Self::Version => "version is not of HTTP/1",
            Self::FieldLine => "field line is malformed",
            Self::BareLf => "line feed without carriage return",
            Self::TooLong => "head is too long",
            Self::TooManyFields => "head has too many fields",
            Self::TooManyInterim => "too many interim responses",
            Self::HostMissing => "host is missing",
            Self::HostInvalid => "host is no host, or there twice",
            Self::LengthInvalid => "content length is no number",
            Self::LengthsDiffer => "content lengths differ",
            Self::LengthAndTransferCoding => "both content length and transfer coding",
            Self::TransferCodingInHttp10 => "transfer coding in HTTP/1.0",
            Self::ChunkedNotLast => "chunked is not the last transfer coding",
            Self::TransferCodingUnsupported => "unsupported transfer coding",
            Self::ConnectWithBody => "CONNECT with a body",
            Self::ContentCodingUnsupported => "content coding is not known, or its feature is off",
            Self::OutOfMemory(_) => "out of memory",
            Self::Truncated => "input ended early",
        })
    }
}

impl Error for HeadErrorKind {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::OutOfMemory(error) => Some(error),
            _ => None,
        }
    }
}
