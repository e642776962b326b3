//! Numbers that look random and come again with the same seed.

/// A xorshift generator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        // No seed is the state that stays zero, and neighbours start far apart.
        Self((seed.wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Returns a number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.next() >> 33) % end as u64).unwrap_or_default()
    }

    /// Returns whether one of so many cases is this one.
    pub(super) fn one_in(&mut self, cases: usize) -> bool {
        self.below(cases) == 0
    }

    /// Returns up to so many bytes, mostly few, that compress.
    pub(super) fn bytes(&mut self, end: usize) -> Vec<u8> {
        let end = [40, 300, 3_000, end][self.below(4)].min(end);
        let (len, start) = (self.below(end), self.below(251));
        (0..=250).cycle().skip(start).take(len).collect()
    }
}
