//! Why a chunked body was refused.

use core::{error::Error, fmt};

/// A chunked body that cannot be decoded, and where.
///
/// After it the position in the stream is unknown: close the connection, never look for the next
/// chunk. A decoder that returned an error returns the same one for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    kind: DecodeErrorKind,
    offset: u64,
}

/// The reason in a [`DecodeError`]. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// A size line does not begin with a digit (RFC 9112 §7.1).
    SizeMissing,
    /// A size is followed by an octet that is neither digit, extension nor CRLF (RFC 9112 §7.1).
    SizeInvalid,
    /// A size has more digits than [`Limits::size_digits_max`](crate::Limits::size_digits_max).
    SizeTooLong,
    /// A size is above [`Limits::chunk_bytes_max`](crate::Limits::chunk_bytes_max).
    SizeTooLarge,
    /// Whitespace on a size line that no `;` or `=` follows (RFC 9112 §7.1.1).
    StrayWhitespace,
    /// An extension name that is no token (RFC 9112 §7.1.1).
    ExtensionName,
    /// An extension value that is neither token nor quoted string (RFC 9112 §7.1.1).
    ExtensionValue,
    /// A size line above [`Limits::size_line_bytes_max`](crate::Limits::size_line_bytes_max).
    SizeLineTooLong,
    /// Framing above
    /// [`Limits::framing_excess_bytes_max`](crate::Limits::framing_excess_bytes_max).
    FramingExcess,
    /// The data of a chunk is not followed by CRLF (RFC 9112 §7.1).
    DataTerminator,
    /// A line feed that ends a line without a carriage return (RFC 9112 §7.1, erratum 7633).
    BareLf,
    /// A carriage return that no line feed follows (RFC 9112 §2.2).
    BareCr,
    /// A trailer field name that is no token right before its colon (RFC 9112 §5.1).
    TrailerName,
    /// An octet that no field value may hold (RFC 9110 §5.5).
    TrailerValue,
    /// A trailer line that begins with whitespace: obsolete line folding (RFC 9112 §5.2).
    TrailerFold,
    /// A field that must not come as a trailer (RFC 9110 §6.5.1); see
    /// [`is_forbidden_trailer`](crate::is_forbidden_trailer).
    TrailerForbidden,
    /// Trailers above [`Limits::trailer_bytes_max`](crate::Limits::trailer_bytes_max).
    TrailersTooLong,
    /// Trailers above [`Limits::trailer_fields_max`](crate::Limits::trailer_fields_max).
    TooManyTrailers,
    /// The input ended before the body did (RFC 9112 §8).
    Truncated,
}

impl DecodeErrorKind {
    /// Returns a name that stays the same, such as `bare-lf`: for logs, counters and case files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SizeMissing => "size-missing",
            Self::SizeInvalid => "size-invalid",
            Self::SizeTooLong => "size-too-long",
            Self::SizeTooLarge => "size-too-large",
            Self::StrayWhitespace => "stray-whitespace",
            Self::ExtensionName => "extension-name",
            Self::ExtensionValue => "extension-value",
            Self::SizeLineTooLong => "size-line-too-long",
            Self::FramingExcess => "framing-excess",
            Self::DataTerminator => "data-terminator",
            Self::BareLf => "bare-lf",
            Self::BareCr => "bare-cr",
            Self::TrailerName => "trailer-name",
            Self::TrailerValue => "trailer-value",
            Self::TrailerFold => "trailer-fold",
            Self::TrailerForbidden => "trailer-forbidden",
            Self::TrailersTooLong => "trailers-too-long",
            Self::TooManyTrailers => "too-many-trailers",
            Self::Truncated => "truncated",
        }
    }
}

impl DecodeError {
    pub(crate) const fn new(kind: DecodeErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Returns the octets between the start of the body and the one that was refused; for
    /// [`Truncated`](DecodeErrorKind::Truncated), the one that did not come.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SizeMissing => "chunk size is missing",
            Self::SizeInvalid => "chunk size is not hexadecimal",
            Self::SizeTooLong => "chunk size has too many digits",
            Self::SizeTooLarge => "chunk size is too large",
            Self::StrayWhitespace => "whitespace before neither `;` nor `=`",
            Self::ExtensionName => "chunk extension name is no token",
            Self::ExtensionValue => "chunk extension value is neither token nor quoted string",
            Self::SizeLineTooLong => "chunk size line is too long",
            Self::FramingExcess => "too much framing for too little data",
            Self::DataTerminator => "chunk data is not followed by CRLF",
            Self::BareLf => "line feed without carriage return",
            Self::BareCr => "carriage return without line feed",
            Self::TrailerName => "trailer field name is no token",
            Self::TrailerValue => "trailer field value holds a control character",
            Self::TrailerFold => "trailer line begins with whitespace",
            Self::TrailerForbidden => "field is not allowed as a trailer",
            Self::TrailersTooLong => "trailer section is too long",
            Self::TooManyTrailers => "too many trailer fields",
            Self::Truncated => "input ended early",
        })
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of the chunked body", self.kind, self.offset)
    }
}

impl Error for DecodeError {}
