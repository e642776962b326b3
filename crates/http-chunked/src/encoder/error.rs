//! Why data cannot be encoded.

use core::{error::Error, fmt};

use seg_pool::OutOfMemory;

/// Data that an [`Encoder`](crate::Encoder) could not take, and where.
///
/// Nothing is lost: what was taken before is encoded, the rest is left to be pushed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    kind: EncodeErrorKind,
    offset: u64,
}

/// The reason in an [`EncodeError`]. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// The pool has no segment left.
    OutOfMemory(OutOfMemory),
    /// The body has its last chunk already.
    Ended,
}

impl EncodeError {
    pub(crate) const fn new(kind: EncodeErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> EncodeErrorKind {
        self.kind
    }

    /// Returns the bytes of data taken before, without framing.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            EncodeErrorKind::OutOfMemory(_) => "out of memory",
            EncodeErrorKind::Ended => "data after the last chunk",
        };
        write!(f, "{what} at byte {} of the body", self.offset)
    }
}

impl Error for EncodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            EncodeErrorKind::OutOfMemory(error) => Some(error),
            EncodeErrorKind::Ended => None,
        }
    }
}
