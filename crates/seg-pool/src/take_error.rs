//! Why no segment was given.

use core::{error::Error, fmt};
use std::io;

use crate::{limit::out_of_memory::OutOfMemory, size::SizeError};

/// Why [`Pool::try_take`](crate::Pool::try_take) gave no segment. More variants may come.
///
/// The figures are in the [source](Error::source), which is the [`SizeError`] or the [`OutOfMemory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TakeError {
    /// The length fits no segment; asking again is of no use.
    Size(SizeError),
    /// A limit is met; asking again later may help.
    OutOfMemory(OutOfMemory),
}

impl fmt::Display for TakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size(_) => "no segment is as long as requested",
            Self::OutOfMemory(_) => "no segment can be had now",
        })
    }
}

impl Error for TakeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Size(error) => Some(error),
            Self::OutOfMemory(error) => Some(error),
        }
    }
}

impl From<TakeError> for io::Error {
    /// Wraps the error, of kind `OutOfMemory` or `InvalidInput`, which allocates.
    fn from(error: TakeError) -> Self {
        let kind = match error {
            TakeError::Size(_) => io::ErrorKind::InvalidInput,
            TakeError::OutOfMemory(_) => io::ErrorKind::OutOfMemory,
        };
        Self::new(kind, error)
    }
}

impl From<SizeError> for TakeError {
    fn from(error: SizeError) -> Self {
        Self::Size(error)
    }
}

impl From<OutOfMemory> for TakeError {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory(error)
    }
}
