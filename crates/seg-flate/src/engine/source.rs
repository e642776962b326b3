//! Input, bit by bit.

/// The input of one call, after the bits that earlier calls left.
///
/// ```text
///  input   ········ at ▶│ not looked at
///              ◀─ bits ─┘   count of them are not used yet, the next one lowest
/// ```
///
/// Bits above `count` are those of the input that follow, or zero.
pub(super) struct Source<'a> {
    pub(super) input: &'a [u8],
    pub(super) at: usize,
    pub(super) bits: u64,
    pub(super) count: u32,
}

/// Bits that one call leaves for the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Left {
    bits: u64,
    count: u32,
}

impl<'a> Source<'a> {
    pub(super) const fn new(left: Left, input: &'a [u8]) -> Self {
        Self { input, at: 0, bits: left.bits, count: left.count }
    }

    /// Looks at more input: at 56 bits at least, or at all there is.
    pub(super) fn refill(&mut self) {
        if let Some(word) = self.input[self.at..].first_chunk() {
            self.bits |= u64::from_le_bytes(*word) << self.count;
            self.at += (63 - self.count as usize) / 8;
            self.count |= 56;
            return;
        }
        while let (true, Some(&byte)) = (self.count < 56, self.input.get(self.at)) {
            self.bits |= u64::from(byte) << self.count;
            self.at += 1;
            self.count += 8;
        }
    }

    /// Returns whether so many bits are there, at most 56.
    pub(super) fn has(&mut self, count: u32) -> bool {
        if self.count < count {
            self.refill();
        }
        self.count >= count
    }

    /// Drops bits that [are there](Self::has).
    pub(super) const fn skip(&mut self, count: u32) {
        self.bits >>= count;
        self.count -= count;
    }

    /// Takes up to 32 bits that [are there](Self::has).
    #[expect(clippy::cast_possible_truncation, reason = "no more than 32 bits are left")]
    pub(super) const fn take(&mut self, count: u32) -> u32 {
        let taken = self.bits & ((1 << count) - 1);
        self.skip(count);
        taken as u32
    }

    /// Drops the rest of a byte.
    pub(super) const fn align(&mut self) {
        self.skip(self.count % 8);
    }

    /// Looks at whole bytes of this call's input that are not used as if for the first time.
    pub(super) fn give_back(&mut self) {
        let bytes = self.at.min(self.count as usize / 8);
        self.at -= bytes;
        #[expect(clippy::cast_possible_truncation, reason = "at most 8")]
        let count = self.count - 8 * bytes as u32;
        self.count = count;
        self.bits &= (1 << count) - 1;
    }

    /// Returns the bits that are left for the next call.
    pub(super) const fn left(&self) -> Left {
        Left { bits: self.bits & ((1 << self.count) - 1), count: self.count }
    }
}
