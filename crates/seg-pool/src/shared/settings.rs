//! What a pool is made with.

use crate::size::SegmentSize;

/// The settings of a pool, which do not change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) bytes_max: usize,
    pub(crate) segment_size: SegmentSize,
    pub(crate) thread_cache_bytes_max: usize,
    pub(crate) zero_on_drop: bool,
}
