//! Why a reader could not read a value.

use core::{error::Error, fmt};
use std::io;

use seg_pool::OutOfMemory;

/// A value that is not there, or not whole. The reader has not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadError {
    kind: ReadErrorKind,
    offset: u64,
}

/// Why a value cannot be read. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// The sequence ends before the value does. With more bytes it may be read.
    UnexpectedEnd,
    /// A variable-length integer does not fit in 64 bits.
    VarintOverflow,
    /// The value is a list of several chunks, and the pool has no block for it.
    OutOfMemory(OutOfMemory),
}

impl ReadError {
    pub(super) const fn new(kind: ReadErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// Returns why the value cannot be read.
    #[must_use]
    pub const fn kind(&self) -> ReadErrorKind {
        self.kind
    }

    /// Returns the offset where the value starts: the reader's position.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.kind {
            ReadErrorKind::UnexpectedEnd => "the sequence ends inside the value",
            ReadErrorKind::VarintOverflow => "the varint does not fit in 64 bits",
            ReadErrorKind::OutOfMemory(_) => "there is no memory for the value",
        };
        write!(f, "{what} at offset {}", self.offset)
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            ReadErrorKind::OutOfMemory(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ReadError> for io::Error {
    /// Wraps the error, which allocates.
    fn from(error: ReadError) -> Self {
        let kind = match error.kind {
            ReadErrorKind::UnexpectedEnd => io::ErrorKind::UnexpectedEof,
            ReadErrorKind::VarintOverflow => io::ErrorKind::InvalidData,
            ReadErrorKind::OutOfMemory(_) => io::ErrorKind::OutOfMemory,
        };
        Self::new(kind, error)
    }
}
