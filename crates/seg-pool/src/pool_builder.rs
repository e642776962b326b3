//! What a pool is made with.

use crate::{shared::settings::Settings, size::SegmentSize};

/// Settings for a [`Pool`](crate::Pool), which has a getter of the same name for each.
#[derive(Clone, Copy, Debug)]
pub struct PoolBuilder {
    pub(crate) settings: Settings,
}

impl PoolBuilder {
    pub(crate) const fn new() -> Self {
        let settings = Settings {
            bytes_max: usize::MAX,
            segment_size: SegmentSize::K16,
            thread_cache_bytes_max: 4 << 20,
            zero_on_drop: false,
        };
        Self { settings }
    }

    /// Limits the payload memory that the pool takes from the system. No limit by default.
    ///
    /// Memory comes in slabs of 64 KiB: what exceeds a multiple of that is never used, and a pool
    /// with a lower limit has no segment to give. Small pools cache less per thread, so that one
    /// thread cannot starve the others; below 512 KiB nothing is cached, and every take locks.
    /// Metadata comes on top: see [what the limit covers](crate#what-the-pools-limit-covers).
    #[must_use]
    pub const fn bytes_max(mut self, bytes: usize) -> Self {
        self.settings.bytes_max = bytes;
        self
    }

    /// Sets the pool's default segment size ([`Pool::segment_size`](crate::Pool::segment_size)), which
    /// the layers above take for what they receive. 16 KiB by default.
    #[must_use]
    pub const fn segment_size(mut self, size: SegmentSize) -> Self {
        self.settings.segment_size = size;
        self
    }

    /// Limits what one thread keeps idle for itself, all sizes together. 4 MiB by default; 0 makes
    /// every take and drop lock.
    ///
    /// A thread keeps at most two magazines of each size that it uses: of 32 segments, or as many as
    /// make 512 KiB, and less where a lower limit asks for it. Nobody else reaches them until the
    /// thread drops a segment of that size, takes one with its magazine empty, or ends.
    #[must_use]
    pub const fn thread_cache_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.thread_cache_bytes_max = bytes;
        self
    }

    /// Sets whether each segment is overwritten with zeroes when its last view is dropped. Off by
    /// default; for pools that see secrets. Costs a write of the whole segment each time.
    #[must_use]
    pub const fn zero_on_drop(mut self, zero: bool) -> Self {
        self.settings.zero_on_drop = zero;
        self
    }
}
