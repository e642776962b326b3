//! How much memory a read is given.

use bytes::Buf as _;
use seg_pool::{SegmentMut, SegmentSize};

/// What stays unused at the front of a segment that is longer than usual: a line of the cache.
///
/// A long body fills one segment after the other. Without this, its bytes would lie at the same places of
/// their pages in the segments and in the buffers of the sockets on both sides, but for the few bytes of heads
/// and size lines. On AMD Zen 3 the string instruction, by which systems copy, takes up to thirty times as
/// long where the target lies 1 to 63 bytes after the source, modulo a page. With this, the distance is
/// another one for each segment.
const LEAD_BYTES: usize = 64;

/// The size of the next segment to read into: doubled when a whole one comes full, halved when two
/// reads in a row leave three quarters of one free.
///
/// A socket that has much waiting is so read in few calls, and one that has little holds little.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadSize {
    least: SegmentSize,
    size: SegmentSize,
    /// Short reads in a row.
    short: u8,
}

impl ReadSize {
    pub(super) const fn new(least: SegmentSize) -> Self {
        Self { least, size: least, short: 0 }
    }

    pub(super) const fn size(self) -> SegmentSize {
        self.size
    }

    /// Makes a new segment ready to be read into.
    pub(super) fn prepare(segment: &mut SegmentMut) {
        if segment.capacity() > SegmentSize::default().bytes() {
            segment.extend_from_slice(&[0; LEAD_BYTES]);
            segment.advance(LEAD_BYTES);
        }
    }

    /// Takes in that a read filled `len` bytes and left `spare`.
    pub(super) fn record(&mut self, len: usize, spare: usize) {
        let is_whole = len + spare + LEAD_BYTES >= self.size.bytes();
        self.short = if is_whole && len < self.size.bytes() / 4 { self.short + 1 } else { 0 };
        let next = match (spare, is_whole) {
            (0, true) => self.size.bytes() * 2,
            _ if self.short >= 2 => self.size.bytes() / 2,
            _ => return,
        };
        self.short = 0;
        self.size = SegmentSize::exact(next).unwrap_or(self.size).max(self.least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_reads_make_it_larger_and_short_ones_smaller_within_its_bounds() {
        let mut size = ReadSize::new(SegmentSize::K16);
        for (len, spare, expected) in [
            (16 << 10, 0, SegmentSize::K32),
            // What is left of a segment may come full for no reason.
            (1 << 10, 0, SegmentSize::K32),
            ((32 << 10) - LEAD_BYTES, 0, SegmentSize::K64),
            ((64 << 10) - LEAD_BYTES, 0, SegmentSize::K64),
            (100, (64 << 10) - 100, SegmentSize::K64),
            (100, (64 << 10) - 100, SegmentSize::K32),
            (9 << 10, 23 << 10, SegmentSize::K32),
            (100, (32 << 10) - 100, SegmentSize::K32),
            (100, (32 << 10) - 100, SegmentSize::K16),
            (100, (16 << 10) - 100, SegmentSize::K16),
            (100, (16 << 10) - 100, SegmentSize::K16),
        ] {
            size.record(len, spare);
            assert_eq!(size.size(), expected, "{len} and {spare}");
        }
    }
}
