//! Ranges of offsets, and why one is refused.

use core::{
    error::Error,
    fmt,
    ops::{Bound, RangeBounds},
};
use std::io;

use seg_pool::OutOfMemory;

/// A range that a sequence does not have.
///
/// What the `try_` methods return where their twins panic, as those of slices do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeError {
    kind: RangeErrorKind,
    offset: u64,
    limit: u64,
}

/// Why a range is refused. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeErrorKind {
    /// It ends beyond the last byte.
    BeyondEnd,
    /// It ends before it starts.
    Decreasing,
    /// The target of a copy is shorter or longer than it.
    TargetLen,
}

impl RangeError {
    /// Returns why the range is refused.
    #[must_use]
    pub const fn kind(&self) -> RangeErrorKind {
        self.kind
    }

    /// Returns the offset where the range ends. For [`RangeErrorKind::TargetLen`], the length of
    /// the target.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns what the end is held against: the length of the sequence; for [`RangeErrorKind::Decreasing`] the offset where the
    /// range starts, for [`RangeErrorKind::TargetLen`] the range's length.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, offset, limit } = self;
        match kind {
            RangeErrorKind::BeyondEnd => {
                write!(f, "range ends at {offset}, beyond the length of {limit} bytes")
            }
            RangeErrorKind::Decreasing => {
                write!(f, "range ends at {offset}, before its start at {limit}")
            }
            RangeErrorKind::TargetLen => {
                write!(f, "range is {limit} bytes long, but its target {offset}")
            }
        }
    }
}

impl Error for RangeError {}

/// Why a sequence was not cut. It is as before. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CutError {
    /// There is no such range; asking again is of no use.
    Range(RangeError),
    /// The list of the part needs a block, and the pool refused it; asking again later may help.
    OutOfMemory(OutOfMemory),
}

impl fmt::Display for CutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Range(_) => "the part is not within the sequence",
            Self::OutOfMemory(_) => "the part needs a list, for which there is no memory",
        })
    }
}

impl Error for CutError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Range(error) => Some(error),
            Self::OutOfMemory(error) => Some(error),
        }
    }
}

impl From<CutError> for io::Error {
    /// Wraps the error, of kind `OutOfMemory` or `InvalidInput`, which allocates.
    fn from(error: CutError) -> Self {
        let kind = match error {
            CutError::Range(_) => io::ErrorKind::InvalidInput,
            CutError::OutOfMemory(_) => io::ErrorKind::OutOfMemory,
        };
        Self::new(kind, error)
    }
}

impl From<RangeError> for CutError {
    fn from(error: RangeError) -> Self {
        Self::Range(error)
    }
}

impl From<OutOfMemory> for CutError {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory(error)
    }
}

/// Returns start and end of a range in `len` bytes.
pub(crate) fn resolve(range: &impl RangeBounds<u64>, len: u64) -> Result<(u64, u64), RangeError> {
    // What overflows is beyond every end.
    let start = match range.start_bound() {
        Bound::Included(&start) => Some(start),
        Bound::Excluded(&before) => before.checked_add(1),
        Bound::Unbounded => Some(0),
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last.checked_add(1),
        Bound::Excluded(&end) => Some(end),
        Bound::Unbounded => Some(len.max(start.unwrap_or(u64::MAX))),
    };
    let beyond = |offset| RangeError { kind: RangeErrorKind::BeyondEnd, offset, limit: len };
    let (Some(start), Some(end)) = (start, end) else { return Err(beyond(u64::MAX)) };
    if start > end {
        return Err(RangeError { kind: RangeErrorKind::Decreasing, offset: end, limit: start });
    }
    if end > len {
        return Err(beyond(end));
    }
    Ok((start, end))
}

/// Checks that a target is as long as a range.
pub(crate) fn same_len(start: u64, end: u64, target: usize) -> Result<(), RangeError> {
    let (offset, limit) = (target as u64, end - start);
    if offset == limit {
        Ok(())
    } else {
        Err(RangeError { kind: RangeErrorKind::TargetLen, offset, limit })
    }
}

/// Panics with the text of what the error rests on.
#[cold]
#[track_caller]
pub(crate) fn refuse<T>(error: impl Error + 'static) -> T {
    panic!("{}", error.source().unwrap_or(&error))
}
