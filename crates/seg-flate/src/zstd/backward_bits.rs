//! Bits that are read from the end of their bytes.

/// A bitstream as Huffman and FSE coding write it: the last bit written is the first one read (RFC
/// 8878 section 4.1).
///
/// Reading never fails: in front of the first byte there are zeros, and
/// [`is_overdrawn`](Self::is_overdrawn) tells that some were read.
///
/// # Invariants
///
/// ```text
///  source   0 ······ unread ······· source.len()
///           [ not held ]           [ held or read ]
///
///  held     the next bits, the first one on top; held_len of them count. What lies below is of the
///           bytes in front of `unread` and changes nothing when it is added once more.
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct BackwardBits<'a> {
    source: &'a [u8],
    unread: usize,
    held: u64,
    /// At most 63; wrapped around below zero when more was read than there is.
    held_len: u32,
}

impl<'a> BackwardBits<'a> {
    /// The bits that can be read after a [`refill`](Self::refill) before another one.
    pub(super) const REFILLED: u32 = 56;

    /// Starts behind the mark, the highest bit that is set in the last byte; `None` without one.
    pub(super) fn new(source: &'a [u8]) -> Option<Self> {
        let &last = source.last()?;
        if last == 0 {
            return None;
        }
        let mut bits = Self { source, unread: source.len(), held: 0, held_len: 0 };
        bits.refill();
        bits.skip(last.leading_zeros() + 1);
        Some(bits)
    }

    /// Holds at least [`REFILLED`](Self::REFILLED) bits, or all there are.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        match self.source.get(..self.unread).and_then(|front| front.last_chunk()) {
            Some(&word) => {
                self.held |= u64::from_le_bytes(word) >> self.held_len;
                let bytes = (63 - self.held_len) / 8;
                self.unread -= bytes as usize;
                self.held_len += 8 * bytes;
            }
            None => self.refill_last(),
        }
    }

    /// Holds as much as it can of the first bytes.
    fn refill_last(&mut self) {
        while self.held_len < Self::REFILLED && self.unread > 0 {
            self.unread -= 1;
            let byte = u64::from(self.source[self.unread]);
            self.held |= byte << (Self::REFILLED - self.held_len);
            self.held_len += 8;
        }
    }

    /// Returns the next `count` bits, at most 56, and leaves them.
    #[inline(always)]
    pub(super) const fn peek(&self, count: u32) -> u64 {
        // In two steps, because there may be no bits to return.
        self.held >> 1 >> (63 - count)
    }

    /// Leaves `count` bits behind, at most 56.
    #[inline(always)]
    pub(super) const fn skip(&mut self, count: u32) {
        self.held <<= count;
        self.held_len = self.held_len.wrapping_sub(count);
    }

    /// Reads `count` bits, at most 32.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits")]
    pub(super) const fn read(&mut self, count: u32) -> u32 {
        let bits = self.peek(count) as u32;
        self.skip(count);
        bits
    }

    /// Returns whether more was read than there is.
    pub(super) const fn is_overdrawn(&self) -> bool {
        self.held_len > u64::BITS
    }

    /// Returns whether everything was read, and no more.
    pub(super) const fn is_used_up(&self) -> bool {
        self.unread == 0 && self.held_len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_from_the_end_behind_the_mark() {
        let mut bits = BackwardBits::new(&[0b1010_0101, 0b0000_1110]).expect("a mark");
        assert_eq!((bits.read(2), bits.read(0), bits.read(3)), (0b11, 0, 0b010));
        assert_eq!((bits.read(4), bits.peek(4), bits.is_used_up()), (0b1001, 0b0100, false));
        bits.skip(2);
        assert_eq!((bits.is_used_up(), bits.is_overdrawn()), (true, false));
        bits.skip(1);
        assert_eq!((bits.is_used_up(), bits.is_overdrawn()), (false, true));
    }

    #[test]
    fn there_is_no_stream_without_a_mark() {
        assert!(BackwardBits::new(&[]).is_none());
        assert!(BackwardBits::new(&[0xff, 0]).is_none());
        assert!(BackwardBits::new(&[1]).is_some_and(|bits| bits.is_used_up()));
    }

    #[test]
    fn the_end_is_noticed_whatever_the_length_of_reads() {
        let source: Vec<u8> = (1..=40).collect();
        let total = 40 * 8 - 3;
        for len in 1..=32 {
            let mut bits = BackwardBits::new(&source).expect("a mark");
            let mut plain = String::new();
            for _ in 0..total / len {
                bits.refill();
                plain += &format!("{:0len$b}", bits.read(u32::try_from(len).expect("few")));
                assert!(!bits.is_overdrawn());
            }
            let all: String = source.iter().rev().map(|byte| format!("{byte:08b}")).collect();
            assert_eq!(plain, all[3..3 + total / len * len]);
            assert_eq!(bits.is_used_up(), total % len == 0);
            for _ in 0..100 {
                bits.refill();
                bits.skip(32);
                assert!(bits.is_overdrawn() && !bits.is_used_up());
                bits.refill();
            }
        }
    }
}
