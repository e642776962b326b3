//! How much memory a read is given.

use bytes::Buf as _;
use seg_pool::{Pool, SegmentMut, SegmentSize, TakeError};

/// What stays unused at the front of a segment that is longer than usual: a line of the cache.
///
/// A long body fills one segment after the other. Without this, its bytes would lie at the same places of
/// their pages in the segments and in the buffers of the sockets on both sides, but for the few bytes of heads
/// and size lines. On AMD Zen 3 the string instruction, by which systems copy, takes up to thirty times as
/// long where the target lies 1 to 63 bytes after the source, modulo a page. With this, the distance is
/// another one for each segment.
const LEAD_BYTES: usize = 64;

/// Segments that one read may go into, each of the largest size.
pub(super) const SEGMENTS_MAX: usize = 8;

const SEGMENT_BYTES: usize = SegmentSize::MAX.bytes();

/// So much has to come full in a row before a read is given more than one segment: a peer that does not read what it is
/// passed on to takes about that much, into the buffers of sockets.
const FULL_BYTES: usize = 4 << 20;

/// What the next read is given: doubled when all of it comes full, halved when two reads in a row leave three quarters
/// of it free.
///
/// A socket that has much waiting is so read in few calls, and one that has little holds little.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadSize {
    least: usize,
    /// A power of two: one segment, or so many of the largest size.
    bytes: usize,
    most: usize,
    /// Short reads in a row.
    short: u8,
    /// Bytes that came full in a row, while segments were of the largest size.
    full_bytes: usize,
}

impl ReadSize {
    pub(super) const fn new(least: SegmentSize) -> Self {
        let bytes = least.bytes();
        Self { least: bytes, bytes, most: SEGMENT_BYTES, short: 0, full_bytes: 0 }
    }

    /// Lets reads go into several segments.
    pub(super) const fn allow_several(&mut self) {
        self.most = SEGMENTS_MAX * SEGMENT_BYTES;
    }

    /// Returns how many segments the next read is given.
    pub(super) const fn segments(self) -> usize {
        self.bytes.div_ceil(SEGMENT_BYTES)
    }

    /// Takes a segment to read into.
    pub(super) fn take(self, pool: &Pool) -> Result<SegmentMut, TakeError> {
        let mut segment = pool.try_take(self.bytes.min(SEGMENT_BYTES))?;
        if segment.capacity() > SegmentSize::default().bytes() {
            segment.extend_from_slice(&[0; LEAD_BYTES]);
            segment.advance(LEAD_BYTES);
        }
        Ok(segment)
    }

    /// Takes in that a read filled `len` bytes and left `spare`.
    pub(super) fn record(&mut self, len: usize, spare: usize) {
        // With several segments, the first may be the rest of one.
        let is_whole = self.segments() > 1 || len + spare + LEAD_BYTES >= self.bytes;
        let is_full = spare == 0 && is_whole;
        self.short = if is_whole && !is_full && len < self.bytes / 4 { self.short + 1 } else { 0 };
        self.full_bytes = if is_full { self.full_bytes + len } else { 0 };
        self.bytes = match self.bytes {
            bytes if is_full && (bytes < SEGMENT_BYTES || self.full_bytes >= FULL_BYTES) => {
                (bytes * 2).min(self.most)
            }
            bytes if self.short >= 2 => (bytes / 2).max(self.least),
            _ => return,
        };
        (self.short, self.full_bytes) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: usize = 1 << 10;

    #[test]
    fn full_reads_make_it_larger_and_short_ones_smaller_within_its_bounds() {
        let mut size = ReadSize::new(SegmentSize::K16);
        for (len, spare, expected) in [
            (16 * K, 0, 32 * K),
            // What is left of a segment may come full for no reason.
            (K, 0, 32 * K),
            (32 * K - LEAD_BYTES, 0, 64 * K),
            (64 * K - LEAD_BYTES, 0, 64 * K),
            (100, 64 * K - 100, 64 * K),
            (100, 64 * K - 100, 32 * K),
            (9 * K, 23 * K, 32 * K),
            (100, 32 * K - 100, 32 * K),
            (100, 32 * K - 100, 16 * K),
            (100, 16 * K - 100, 16 * K),
            (100, 16 * K - 100, 16 * K),
        ] {
            size.record(len, spare);
            assert_eq!(size.bytes, expected, "{len} and {spare}");
        }
    }

    #[test]
    fn reads_go_into_several_segments_once_enough_came_full_in_a_row() {
        for (several, most) in [(false, 1), (true, SEGMENTS_MAX)] {
            let mut size = ReadSize::new(SegmentSize::MAX);
            if several {
                size.allow_several();
            }
            let mut full_bytes = 0;
            // A read that does not come full begins the row anew.
            for (count, spare) in [(FULL_BYTES / SEGMENT_BYTES - 1, 0), (1, 1), (1 << 10, 0)] {
                for _ in 0..count {
                    let segments = size.segments();
                    let len = segments * SEGMENT_BYTES - spare;
                    size.record(len, spare);
                    full_bytes = if spare == 0 { full_bytes + len } else { 0 };
                    if size.segments() > segments {
                        assert_eq!(size.segments(), segments * 2);
                        assert!(full_bytes >= FULL_BYTES, "{full_bytes}");
                        full_bytes = 0;
                    }
                }
            }
            assert_eq!(size.segments(), most);
            for _ in 0..10 {
                size.record(1, size.segments() * SEGMENT_BYTES - 1);
            }
            assert_eq!((size.segments(), size.bytes), (1, SEGMENT_BYTES));
        }
    }
}
