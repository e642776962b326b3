//! The pool: where segments come from.

use core::fmt;
use std::sync::OnceLock;

use crate::{
    arena::{Arena, ArenaRef},
    error::{Exhausted, TakeError},
    local,
    segment_mut::SegmentMut,
    size::SegmentSize,
    stats::Stats,
};

/// A pool of segments. Cloning gives another handle to the same pool.
///
/// Taking and giving back (by dropping) use a cache of the calling thread: no lock, no atomic
/// write, no allocation. A thread whose cache runs empty or full exchanges a whole magazine of up
/// to 32 segments with the others; the system's allocator is asked for 64 KiB at a time when no
/// idle segment is left, and gets memory back by [`trim`](Self::trim) or with the pool's end.
///
/// Segments may outlive the pool: its memory goes when the last handle and the last segment are
/// gone, and what other threads keep in their caches when they end or next use the pool.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
///
/// # fn main() -> Result<(), seg_pool::TakeError> {
/// let pool = Pool::builder().max_bytes(1 << 20).build();
/// let mut segment = pool.try_take(9_000)?;
/// assert_eq!(segment.capacity(), 16_384);
/// segment.extend_from_slice(b"hello");
/// drop(segment);
/// assert_eq!(pool.stats().in_use_bytes(), 0);
/// # Ok(())
/// # }
/// ```
pub struct Pool {
    arena: ArenaRef,
}

impl Pool {
    /// Creates a pool without a limit, with 16 KiB as its default segment size.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts building a pool with other settings.
    #[must_use]
    pub const fn builder() -> PoolBuilder {
        PoolBuilder { max_bytes: usize::MAX, segment_size: SegmentSize::K16 }
    }

    /// Returns the pool for code that is given none. It has no limit and is made at first use.
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Pool> = OnceLock::new();
        GLOBAL.get_or_init(Self::new)
    }

    /// Takes an empty segment of at least `len` bytes.
    ///
    /// # Panics
    ///
    /// Panics when there is none to be had: see [`try_take`](Self::try_take), which code that a
    /// peer drives should call.
    #[inline]
    #[must_use]
    pub fn take(&self, len: usize) -> SegmentMut {
        self.try_take(len).unwrap_or_else(|error| refuse(error))
    }

    /// Takes an empty segment of at least `len` bytes: the smallest size that holds them.
    ///
    /// # Errors
    ///
    /// [`TakeError::Size`] when `len` is above 64 KiB, [`TakeError::Exhausted`] when the pool's
    /// limit is met or the system has no memory.
    #[inline]
    pub fn try_take(&self, len: usize) -> Result<SegmentMut, TakeError> {
        Ok(self.try_take_size(SegmentSize::fitting(len)?)?)
    }

    /// Takes an empty segment of exactly `len` bytes.
    ///
    /// # Errors
    ///
    /// [`TakeError::Size`] when no segment size has `len` bytes, otherwise as
    /// [`try_take`](Self::try_take).
    pub fn try_take_exact(&self, len: usize) -> Result<SegmentMut, TakeError> {
        Ok(self.try_take_size(SegmentSize::exact(len)?)?)
    }

    /// Takes an empty segment of the pool's [default size](Self::segment_size).
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when the pool's limit is met or the system has no memory.
    #[inline]
    pub fn try_take_segment(&self) -> Result<SegmentMut, Exhausted> {
        self.try_take_size(self.arena.segment_size())
    }

    /// Takes an empty segment of `size`.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when the pool's limit is met or the system has no memory.
    #[inline]
    pub fn try_take_size(&self, size: SegmentSize) -> Result<SegmentMut, Exhausted> {
        let depot = self.arena.depot(size);
        let idle = match local::take(depot) {
            Some(idle) => idle,
            None => local::take_slow(depot, &self.arena)?,
        };
        Ok(SegmentMut::new(idle))
    }

    /// Returns the size of [`try_take_segment`](Self::try_take_segment)'s segments.
    #[must_use]
    pub fn segment_size(&self) -> SegmentSize {
        self.arena.segment_size()
    }

    /// Returns the most payload memory that the pool takes from the system, in bytes.
    #[must_use]
    pub fn max_bytes(&self) -> usize {
        self.arena.max_bytes()
    }

    /// Gives memory that is not in use back to the system and returns how many bytes that were.
    ///
    /// Memory goes back in slabs of 64 KiB of which no segment is in use. Empties the cache of the
    /// calling thread; what other threads cache stays with them.
    pub fn trim(&self) -> usize {
        local::flush(&self.arena);
        self.arena.trim()
    }

    /// Returns what the pool holds and how much of it is in use. Locks; not for hot paths.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.arena.stats()
    }

    /// Returns whether both are handles to one pool.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        core::ptr::eq::<Arena>(&*self.arena, &*other.arena)
    }
}

#[cold]
fn refuse(error: TakeError) -> ! {
    panic!("{error}")
}

impl Clone for Pool {
    fn clone(&self) -> Self {
        self.arena.add_pool();
        Self { arena: self.arena.clone() }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.arena.remove_pool() {
            local::flush(&self.arena);
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stats = self.stats();
        f.debug_struct("Pool")
            .field("segment_size", &self.segment_size())
            .field("max_bytes", &self.max_bytes())
            .field("held_bytes", &stats.held_bytes())
            .field("in_use_bytes", &stats.in_use_bytes())
            .finish()
    }
}

/// Settings for a [`Pool`].
#[derive(Clone, Copy, Debug)]
pub struct PoolBuilder {
    max_bytes: usize,
    segment_size: SegmentSize,
}

impl PoolBuilder {
    /// Limits the payload memory that the pool takes from the system. No limit by default.
    ///
    /// Memory comes in slabs of 64 KiB, so the limit is rounded down to a multiple of that, and a
    /// pool with a lower limit has no segment to give. Small pools cache less per thread, so that
    /// one thread cannot starve the others.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the size of [`Pool::try_take_segment`]'s segments. 16 KiB by default.
    #[must_use]
    pub const fn segment_size(mut self, size: SegmentSize) -> Self {
        self.segment_size = size;
        self
    }

    /// Creates the pool. Takes no payload memory yet.
    #[must_use]
    pub fn build(self) -> Pool {
        Pool { arena: Arena::allocate(self.max_bytes, self.segment_size) }
    }
}
