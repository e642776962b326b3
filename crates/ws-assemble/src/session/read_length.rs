//! How long a segment the next read is given.

use seg_pool::SegmentSize;

/// How many segments of the pool's own size a long read is at most.
const LONG_READ: usize = 4;

/// Long reads that follow a hint: what is left of a flight of messages, and the next flight.
const TRIES: u8 = 2;

/// Hints until long reads are tried again that brought no more.
const PAUSE: u8 = 64;

/// What the last reads say about the next one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReadLength {
    /// Whether the last read filled its segment: more was there.
    is_full: bool,
    /// Whether the last read brought more than a usual segment holds.
    is_long: bool,
    /// Long reads that are still to be tried.
    tries: u8,
    /// Hints until the next try.
    pause: u8,
}

impl ReadLength {
    /// Learns from a read that brought `count` bytes. It hints at more when it filled its segment, and
    /// when it `ends_long_frame`, which no usual segment holds: the next one may be as long, and come in
    /// one read.
    pub(super) fn note(
        &mut self,
        count: usize,
        is_full: bool,
        ends_long_frame: bool,
        usual: SegmentSize,
    ) {
        self.is_full = is_full;
        self.is_long = count > usual.bytes();
        if self.is_long {
            (self.tries, self.pause) = (0, 0);
        } else if self.tries > 0 {
            self.tries -= 1;
            self.pause = PAUSE;
        } else if is_full || ends_long_frame {
            match self.pause.checked_sub(1) {
                Some(pause) => self.pause = pause,
                None => self.tries = TRIES,
            }
        }
    }

    /// Returns how long a segment to read into, when `left` bytes of the frame that is coming are
    /// missing: a longer one than usual only as reads brought much. Nothing is taken for an
    /// announcement.
    pub(super) fn size(self, left: u64, usual: SegmentSize) -> SegmentSize {
        let long = LONG_READ * usual.bytes();
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let len = if self.is_long || self.tries > 0 {
            long
        } else if self.is_full && left > usual.bytes() {
            left.min(long)
        } else {
            return usual;
        };
        SegmentSize::fitting(len.min(SegmentSize::MAX.bytes())).unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flights_longer_than_a_segment_come_in_one_read_from_the_second_on() {
        let (mut next, usual) = (ReadLength::default(), SegmentSize::K16);
        let mut reads = Vec::new();
        for _ in 0..3 {
            let mut flight = 17_000;
            while flight > 0 {
                let space = next.size(0, usual).bytes();
                let count = space.min(flight);
                reads.push((space, count));
                next.note(count, count == space, false, usual);
                flight -= count;
            }
        }
        let long = 65_536;
        assert_eq!(reads, [(16_384, 16_384), (long, 616), (long, 17_000), (long, 17_000)]);
    }

    #[test]
    fn a_stream_that_brings_no_more_is_seldom_given_more_space() {
        for ends_long_frame in [false, true] {
            let (mut next, usual) = (ReadLength::default(), SegmentSize::K16);
            let mut long = 0;
            for _ in 0..10_000 {
                let space = next.size(0, usual).bytes();
                long += usize::from(space > 16_384);
                next.note(16_384, space == 16_384, ends_long_frame, usual);
            }
            assert_eq!(long, 300, "two of 67");
        }
    }
}
