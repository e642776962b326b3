//! seg-seq against growing and contiguous buffers.

mod append;
mod codec;
mod cut;
mod read;

use seg_pool::{Pool, Segment};
use seg_seq::{SegmentedBuf, Sequence};

use crate::compare::Job;

const MIB: usize = 1 << 20;

pub(super) fn jobs() -> Vec<Job> {
    let mut jobs = append::jobs();
    jobs.extend(codec::jobs());
    jobs.extend(read::jobs());
    jobs.extend(cut::jobs());
    jobs
}

/// Bytes that do not repeat soon.
pub(super) fn payload(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = vec![0; len];
    for chunk in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
    bytes
}

/// The bytes in segments of the default size, of a pool that lives on: the lists of parts are in its
/// segments, too.
pub(super) fn in_segments(bytes: &[u8]) -> Sequence {
    let mut buffer = SegmentedBuf::new(Pool::global());
    buffer.extend_from_slice(bytes);
    buffer.freeze()
}

/// Segments of the default size that are full, as after large reads.
fn received(pool: &Pool, count: usize) -> Vec<Segment> {
    let fill = || {
        let mut segment = pool.try_take_size(pool.segment_size()).expect("no limit");
        segment.extend_from_slice(&[7; 16_384]);
        segment.freeze()
    };
    core::iter::repeat_with(fill).take(count).collect()
}
