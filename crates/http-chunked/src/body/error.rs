//! Why a body was refused.

use core::{error::Error, fmt};

use seg_flate::InflateError;
use seg_pool::OutOfMemory;

use crate::decoder::{DecodeError, DecodeErrorKind};

/// A body that was refused, and where.
///
/// What was received before it stays readable: see
/// [`BodyAssembler::take_body`](crate::BodyAssembler::take_body). An assembler that returned an
/// error returns the same one until it is reset; only [out of memory](BodyErrorKind::out_of_memory)
/// is not final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyError {
    kind: BodyErrorKind,
    offset: u64,
}

/// The reason in a [`BodyError`]. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyErrorKind {
    /// The chunked framing is wrong.
    Chunked(DecodeErrorKind),
    /// The data cannot be decompressed; the error inside counts its offset without framing.
    Content(InflateError),
    /// Data follows the end of the compressed stream.
    ContentTrailing,
    /// The body is above [`BodyLimits::body_bytes_max`](crate::BodyLimits::body_bytes_max).
    TooLong,
    /// The body would keep more memory from reuse than
    /// [`BodyLimits::held_bytes_max`](crate::BodyLimits::held_bytes_max).
    HeldTooMuch,
    /// The pool has no segment left. Not final: what was taken is kept, the rest is still in the
    /// input, and the same call goes on when there is memory.
    OutOfMemory(OutOfMemory),
    /// The input ended before the body did.
    Truncated,
}

impl BodyErrorKind {
    /// Returns the limit that was met when it is memory that was missing: then the error is not
    /// final, and nothing is lost.
    #[must_use]
    pub const fn out_of_memory(self) -> Option<OutOfMemory> {
        match self {
            Self::OutOfMemory(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the error inside, if there is one.
    pub(crate) fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Content(error) => Some(error),
            Self::OutOfMemory(error) => Some(error),
            _ => None,
        }
    }
}

impl BodyError {
    pub(crate) const fn new(kind: BodyErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> BodyErrorKind {
        self.kind
    }

    /// Returns the octets between the start of the body, as it came over the wire, and the one
    /// that was refused or did not come.
    ///
    /// Wrong content is found when a run of it is decompressed: then the offset is that of the
    /// octet in the wire form that the decompressor stopped at.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl From<DecodeError> for BodyError {
    fn from(error: DecodeError) -> Self {
        let kind = match error.kind() {
            DecodeErrorKind::Truncated => BodyErrorKind::Truncated,
            kind => BodyErrorKind::Chunked(kind),
        };
        Self::new(kind, error.offset())
    }
}

impl fmt::Display for BodyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chunked(kind) => kind.fmt(f),
            Self::Content(_) => f.write_str("content cannot be decompressed"),
            Self::ContentTrailing => f.write_str("data after the end of the compressed stream"),
            Self::TooLong => f.write_str("body is longer than `body_bytes_max`"),
            Self::HeldTooMuch => f.write_str("body holds more memory than `held_bytes_max`"),
            Self::OutOfMemory(_) => f.write_str("out of memory"),
            Self::Truncated => f.write_str("input ended early"),
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of the body", self.kind, self.offset)
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.kind.source()
    }
}
