//! Why a stream cannot be decoded.

use core::{error::Error, fmt};
use std::io;

use seg_pool::OutOfMemory;

/// A compressed stream that cannot be decoded, and where.
///
/// What was decoded before stays in the output. The same error comes back from then on, except for
/// [`OutOfMemory`](InflateErrorKind::OutOfMemory): it loses nothing, and the rest of the input can be pushed again when there is
/// memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InflateError {
    kind: InflateErrorKind,
    offset: u64,
}

/// The reason in an [`InflateError`]. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InflateErrorKind {
    /// The bytes do not start as the format does (RFC 1952 section 2.3.1, RFC 1950 section 2.2, RFC
    /// 8878 section 3.1.1).
    HeaderInvalid,
    /// The compression method is not DEFLATE.
    MethodUnsupported,
    /// A gzip or Zstandard header has reserved flags set (RFC 1952 section 2.3.1.2, RFC 8878 section
    /// 3.1.1.1.1).
    FlagsReserved,
    /// A gzip header does not match its own checksum.
    HeaderChecksum,
    /// A gzip header is longer than [`Limits::header_bytes_max`](crate::Limits::header_bytes_max).
    HeaderTooLong,
    /// A zlib stream or a Zstandard frame needs a preset dictionary.
    DictionaryNeeded,
    /// The data breaks the rules of RFC 1951, for Brotli of RFC 7932, for Zstandard of RFC 8878.
    DataCorrupt,
    /// A Brotli stream or a Zstandard frame needs a window above
    /// [`Limits::window_bytes_max`](crate::Limits::window_bytes_max).
    WindowTooLarge,
    /// The decoded bytes do not match the CRC-32, Adler-32 or XXH64 after them.
    ChecksumMismatch,
    /// The number of decoded bytes does not match the one after them, for Zstandard before them.
    LengthMismatch,
    /// The stream decodes to more than
    /// [`Limits::output_bytes_max`](crate::Limits::output_bytes_max).
    OutputTooLong,
    /// The stream decodes to more than [`Limits::ratio_max`](crate::Limits::ratio_max) allows.
    RatioTooHigh,
    /// Something that is no gzip member or Zstandard frame follows the last one.
    TrailingData,
    /// The input ended before the stream did.
    Truncated,
    /// The pool had no segment for the output, or the system no memory for a window and the state of Zstandard's library.
    OutOfMemory(OutOfMemory),
}

impl InflateErrorKind {
    /// Returns whether the same call can succeed later.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self, Self::OutOfMemory(_))
    }
}

impl InflateError {
    pub(crate) const fn new(kind: InflateErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> InflateErrorKind {
        self.kind
    }

    /// Returns the offset in the compressed stream, from its first byte.
    ///
    /// For headers and what follows the data it is that of the refused byte or field; inside DEFLATE
    /// data, whose codes are no bytes, it is the number of bytes consumed when it was noticed, and for a
    /// Zstandard block where it starts or ends. Where a Brotli stream meets a limit it is that number rounded down to a multiple of
    /// 256.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            InflateErrorKind::HeaderInvalid => "invalid header",
            InflateErrorKind::MethodUnsupported => "compression method is not DEFLATE",
            InflateErrorKind::FlagsReserved => "reserved flags",
            InflateErrorKind::HeaderChecksum => "gzip header checksum does not match",
            InflateErrorKind::HeaderTooLong => "gzip header is too long",
            InflateErrorKind::DictionaryNeeded => "a preset dictionary is needed",
            InflateErrorKind::DataCorrupt => "corrupt data",
            InflateErrorKind::WindowTooLarge => "the window is larger than the limit",
            InflateErrorKind::ChecksumMismatch => "checksum does not match",
            InflateErrorKind::LengthMismatch => "length does not match",
            InflateErrorKind::OutputTooLong => "output is longer than the limit",
            InflateErrorKind::RatioTooHigh => "output is larger than the ratio limit allows",
            InflateErrorKind::TrailingData => "data after the end",
            InflateErrorKind::Truncated => "the stream is truncated",
            InflateErrorKind::OutOfMemory(_) => "out of memory",
        };
        write!(f, "{what}, at byte {} of the compressed stream", self.offset)
    }
}

impl Error for InflateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            InflateErrorKind::OutOfMemory(error) => Some(error),
            _ => None,
        }
    }
}

impl From<InflateError> for io::Error {
    /// Wraps the error, of kind `OutOfMemory`, `UnexpectedEof` or `InvalidData`, which allocates.
    fn from(error: InflateError) -> Self {
        let kind = match error.kind {
            InflateErrorKind::OutOfMemory(_) => io::ErrorKind::OutOfMemory,
            InflateErrorKind::Truncated => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
