//! What a pool holds, by size.

use crate::size::SegmentSize;

/// A pool's figures at one moment, from [`Pool::stats`](crate::Pool::stats).
///
/// Exact when no other thread uses the pool meanwhile; otherwise each figure is one that was true
/// while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    pub(crate) classes: [ClassStats; SegmentSize::ALL.len()],
    pub(crate) held_bytes: usize,
    pub(crate) held_bytes_peak: usize,
    pub(crate) metadata_bytes: usize,
    pub(crate) bytes_max: usize,
    pub(crate) waits: u64,
}

impl Stats {
    /// Returns the payload memory taken from the system, in bytes: a multiple of 64 KiB.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Returns the highest value that [`held_bytes`](Self::held_bytes) has had.
    #[must_use]
    pub const fn held_bytes_peak(&self) -> usize {
        self.held_bytes_peak
    }

    /// Returns the pool's limit for [`held_bytes`](Self::held_bytes); `usize::MAX` without one.
    #[must_use]
    pub const fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Returns the memory that the pool keeps on top of [`held_bytes`](Self::held_bytes), in bytes:
    /// the pages of slab metadata (64 B a segment), and the magazines and caches of threads,
    /// without the segments in them.
    #[must_use]
    pub const fn metadata_bytes(&self) -> usize {
        self.metadata_bytes
    }

    /// Returns how often the pool refused a segment, because of its limit or of the system's. What
    /// a budget refused is in [`BudgetStats::refused`](crate::BudgetStats::refused).
    #[must_use]
    pub fn refused(&self) -> usize {
        self.classes.iter().map(|class| class.refused).fold(0, usize::wrapping_add)
    }

    /// Returns the bytes in segments that are in use: some view of them is left.
    #[must_use]
    pub fn in_use_bytes(&self) -> usize {
        self.classes.iter().map(|class| class.in_use() * class.size.bytes()).sum()
    }

    /// Returns the bytes in segments that wait for their next use.
    #[must_use]
    pub fn idle_bytes(&self) -> usize {
        self.classes.iter().map(|class| class.idle * class.size.bytes()).sum()
    }

    /// Returns how often a [`Pool::take_async`](crate::Pool::take_async) had to wait for the pool.
    #[must_use]
    pub const fn waits(&self) -> u64 {
        self.waits
    }

    /// Returns the figures of each size, smallest first.
    #[must_use]
    pub const fn classes(&self) -> &[ClassStats] {
        &self.classes
    }
}

/// The figures of one segment size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassStats {
    pub(crate) size: SegmentSize,
    pub(crate) segments: usize,
    pub(crate) idle: usize,
    pub(crate) takes: usize,
    pub(crate) misses: usize,
    pub(crate) refused: usize,
}

impl ClassStats {
    /// Returns the size.
    #[must_use]
    pub const fn size(&self) -> SegmentSize {
        self.size
    }

    /// Returns the number of segments, in use and idle.
    #[must_use]
    pub const fn segments(&self) -> usize {
        self.segments
    }

    /// Returns the number of idle segments, those in the caches of threads among them.
    #[must_use]
    pub const fn idle(&self) -> usize {
        self.idle
    }

    /// Returns the number of segments that are in use: some view of them is left.
    #[must_use]
    pub const fn in_use(&self) -> usize {
        self.segments.saturating_sub(self.idle)
    }

    /// Returns how often a segment was taken.
    #[must_use]
    pub const fn takes(&self) -> usize {
        self.takes
    }

    /// Returns how often the pool refused a segment of this size.
    #[must_use]
    pub const fn refused(&self) -> usize {
        self.refused
    }

    /// Returns how many of the takes found neither the thread's magazines nor the depot filled,
    /// and so had to lock; a refused take counts too.
    #[must_use]
    pub const fn misses(&self) -> usize {
        self.misses
    }
}
