//! What a refusal says: how much was requested, what is left, and of which limit.

use core::{error::Error, fmt};
use std::io;

/// No segment can be given now without passing a limit.
///
/// Nothing was taken. A later call may succeed: when segments come back, or when the limit is a
/// system that was short of memory for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    pub(crate) requested: usize,
    pub(crate) available: usize,
    pub(crate) limit: usize,
    pub(crate) cause: Cause,
}

/// Which limit an [`OutOfMemory`] met. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The pool's [`bytes_max`](crate::PoolBuilder::bytes_max).
    Pool,
    /// The cap of a [`Budget`](crate::Budget).
    Budget,
    /// The system's allocator returned no memory.
    System,
}

impl OutOfMemory {
    /// Creates the error of a system that returned no memory for `requested_bytes` to somebody beside the pool, such as the
    /// library of a codec; 0 where it does not say how many.
    #[must_use]
    pub const fn system(requested_bytes: usize) -> Self {
        Self { requested: requested_bytes, available: 0, limit: usize::MAX, cause: Cause::System }
    }

    /// Returns the bytes asked for: of a pool or a budget rounded up to a segment size, of the [`system`](Self::system) beside them as
    /// they were.
    #[must_use]
    pub const fn requested_bytes(&self) -> usize {
        self.requested
    }

    /// Returns the bytes that the limit still allowed: to be taken from the system where the pool
    /// refused, to be charged where a budget did. Idle segments of other sizes, in slabs that are
    /// partly in use, do not count.
    #[must_use]
    pub const fn available_bytes(&self) -> usize {
        self.available
    }

    /// Returns the limit in bytes.
    #[must_use]
    pub const fn bytes_max(&self) -> usize {
        self.limit
    }

    /// Returns which limit it was.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requested, available, limit, cause } = self;
        let who = match cause {
            Cause::Pool => "pool",
            Cause::Budget => "budget",
            Cause::System => {
                return write!(f, "the system gave no memory: {requested} bytes requested");
            }
        };
        write!(f, "{who} exhausted: {requested} bytes requested, {available} of {limit} available")
    }
}

impl Error for OutOfMemory {}

impl From<OutOfMemory> for io::Error {
    /// Wraps the error, of kind `OutOfMemory`, which allocates.
    fn from(error: OutOfMemory) -> Self {
        Self::new(io::ErrorKind::OutOfMemory, error)
    }
}
