//! How many chunks the block of a list holds.

use seg_pool::Segment;

/// Bytes of a block before its chunks.
const HEADER_BYTES: usize = 64;

/// Returns how many chunks a block of so many bytes holds: a segment and an offset each. Segments are shorter
/// where pointers are.
pub(crate) const fn chunks_max(block_bytes: usize) -> usize {
    let chunk = size_of::<Segment>() + size_of::<u64>();
    (block_bytes - HEADER_BYTES) / chunk.next_multiple_of(align_of::<u64>())
}
