//! What a pool is made with.

use crate::size::SegmentSize;

/// Settings for a [`Pool`](crate::Pool).
#[derive(Clone, Copy, Debug)]
pub struct PoolBuilder {
    pub(crate) bytes_max: usize,
    pub(crate) segment_size: SegmentSize,
    pub(crate) zero_on_drop: bool,
}

impl PoolBuilder {
    pub(crate) const fn new() -> Self {
        Self { bytes_max: usize::MAX, segment_size: SegmentSize::K16, zero_on_drop: false }
    }

    /// Limits the payload memory that the pool takes from the system. No limit by default.
    ///
    /// Memory comes in slabs of 64 KiB: what exceeds a multiple of that is never used, and a pool
    /// with a lower limit has no segment to give. Small pools cache less per thread, so that one
    /// thread cannot starve the others; below 512 KiB nothing is cached, and every take locks. The
    /// metadata, 64 bytes a segment, comes on top.
    #[must_use]
    pub const fn bytes_max(mut self, bytes: usize) -> Self {
        self.bytes_max = bytes;
        self
    }

    /// Sets the pool's default segment size ([`Pool::segment_size`](crate::Pool::segment_size)), which
    /// the layers above take for what they receive. 16 KiB by default.
    #[must_use]
    pub const fn segment_size(mut self, size: SegmentSize) -> Self {
        self.segment_size = size;
        self
    }

    /// Sets whether each segment is overwritten with zeroes when its last view is dropped. Off by
    /// default; for pools that see secrets. Costs a write of the whole segment each time.
    #[must_use]
    pub const fn zero_on_drop(mut self, zero: bool) -> Self {
        self.zero_on_drop = zero;
        self
    }
}
