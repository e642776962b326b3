//! Why bytes cannot be compressed.

use core::{error::Error, fmt};
use std::io;

use seg_pool::OutOfMemory;

/// Bytes that an [encoder](crate::Encode) could not take, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateError {
    kind: DeflateErrorKind,
    offset: u64,
}

/// The reason in a [`DeflateError`]. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeflateErrorKind {
    /// The pool had no segment for the output, or the system no memory for the state of Zstandard's library, whose size is not
    /// known then. Nothing is lost: push the rest of the input again when there is memory, and with the same flush.
    OutOfMemory(OutOfMemory),
    /// Input came after [`Flush::Finish`](crate::Flush::Finish).
    Finished,
}

impl DeflateError {
    #[cfg(any(feature = "zlib-rs", feature = "miniz_oxide", feature = "brotli", feature = "zstd"))]
    pub(crate) const fn new(kind: DeflateErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> DeflateErrorKind {
        self.kind
    }

    /// Returns how many bytes of the stream's input were taken before.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for DeflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            DeflateErrorKind::OutOfMemory(_) => "out of memory",
            DeflateErrorKind::Finished => "input after the stream's end",
        };
        write!(f, "{what}, at byte {} of the uncompressed stream", self.offset)
    }
}

impl Error for DeflateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            DeflateErrorKind::OutOfMemory(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DeflateError> for io::Error {
    /// Wraps the error, of kind `OutOfMemory` or `InvalidInput`, which allocates.
    fn from(error: DeflateError) -> Self {
        let kind = match error.kind {
            DeflateErrorKind::OutOfMemory(_) => io::ErrorKind::OutOfMemory,
            DeflateErrorKind::Finished => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}
