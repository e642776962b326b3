//! Tables of finite state entropy codes.

use super::backward_bits::BackwardBits;
use crate::inflate_error::InflateErrorKind;

/// The most states: literal and match lengths have accuracies of up to 9 bits.
const STATES_MAX: usize = 1 << 9;

/// The most symbols: the codes of match lengths.
pub(super) const SYMBOLS_MAX: usize = 53;

/// The lowest accuracy that a description can have (RFC 8878 section 4.1.1).
const ACCURACY_MIN: u32 = 5;

/// What a symbol stands for: a number, and how many bits of the stream are added to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) base: u32,
    pub(super) extra_bits: u8,
}

/// One state: what it stands for, and how the next one is found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry {
    /// That of its code, which lies here as well so that both are one load.
    pub(super) base: u32,
    next_base: u16,
    pub(super) extra_bits: u8,
    /// The bits of the stream that are added to `next_base`.
    next_bits: u8,
}

/// How often each symbol is, in states; -1 is less than one.
#[derive(Clone, Debug)]
pub(super) struct Frequencies {
    pub(super) counts: [i16; SYMBOLS_MAX],
    /// The number of states, as a power of two.
    pub(super) accuracy: u32,
}

/// The decoding table of one FSE code (RFC 8878 section 4.1).
#[derive(Clone, Debug)]
pub(super) struct FseTable {
    entries: [Entry; STATES_MAX],
    accuracy: u32,
}

impl Frequencies {
    /// Reads a description of up to `symbols` frequencies. Returns how many bytes it has as well.
    pub(super) fn read(
        source: &[u8],
        symbols: usize,
        accuracy_max: u32,
    ) -> Result<(Self, usize), InflateErrorKind> {
        let mut at = 0;
        let accuracy = ACCURACY_MIN + bits_at(source, &mut at, 4);
        if accuracy > accuracy_max {
            return Err(InflateErrorKind::DataCorrupt);
        }
        let mut counts = [0; SYMBOLS_MAX];
        let (mut symbol, mut left) = (0, 1_u32 << accuracy);
        while left > 0 && symbol < symbols {
            // What is left and one more: so many values are possible, the lower ones a bit shorter.
            let most = left + 1;
            let len = u32::BITS - most.leading_zeros();
            let short_values = (1 << len) - 1 - most;
            let short_mask = (1 << (len - 1)) - 1;
            let mut value = bits_at(source, &mut at, len);
            if value & short_mask < short_values {
                value &= short_mask;
                at -= 1;
            } else if value > short_mask {
                value -= short_values;
            }
            // 0 is for less than one, and takes a state all the same.
            left = left.checked_sub(value.abs_diff(1)).ok_or(InflateErrorKind::DataCorrupt)?;
            counts[symbol] = i16::try_from(value).map_err(|_| InflateErrorKind::DataCorrupt)? - 1;
            symbol += 1;
            if value == 1 {
                loop {
                    let zeros = bits_at(source, &mut at, 2);
                    symbol += zeros as usize;
                    if zeros < 3 || symbol > symbols {
                        break;
                    }
                }
            }
        }
        let bytes = at.div_ceil(8);
        if left > 0 || symbol > symbols || bytes > source.len() {
            return Err(InflateErrorKind::DataCorrupt);
        }
        Ok((Self { counts, accuracy }, bytes))
    }
}

/// Reads `len` bits, at most 16, at a bit from the start; zeros behind the end.
fn bits_at(source: &[u8], at: &mut usize, len: u32) -> u32 {
    let byte = |index| u32::from(source.get(index).copied().unwrap_or(0));
    let index = *at / 8;
    let bits = (byte(index) | byte(index + 1) << 8 | byte(index + 2) << 16) >> (*at % 8);
    *at += len as usize;
    bits & ((1 << len) - 1)
}

impl Entry {
    const fn new(Code { base, extra_bits }: Code, next_bits: u8, next_base: u16) -> Self {
        Self { base, next_base, extra_bits, next_bits }
    }
}

impl FseTable {
    pub(super) const fn new() -> Self {
        let nothing = Code { base: 0, extra_bits: 0 };
        Self { entries: [Entry::new(nothing, 0, 0); STATES_MAX], accuracy: 0 }
    }

    /// Becomes the table of these frequencies, which fill all states.
    ///
    /// # Panics
    ///
    /// If `codes` are fewer than the symbols that are there.
    pub(super) fn build(&mut self, frequencies: &Frequencies, codes: &[Code]) {
        let states = 1 << frequencies.accuracy;
        let mask = states - 1;
        self.accuracy = frequencies.accuracy;
        // Which symbol each state has. The rare ones lie at the end, the others are spread.
        let mut symbols = [0_u8; STATES_MAX];
        let mut spread_end = states;
        let mut next = [0_u16; SYMBOLS_MAX];
        let step = (states >> 1) + (states >> 3) + 3;
        for (symbol, &count) in (0_u8..).zip(&frequencies.counts) {
            next[usize::from(symbol)] = count.unsigned_abs();
            if count < 0 {
                spread_end -= 1;
                symbols[spread_end] = symbol;
            }
        }
        let mut at = 0;
        for (symbol, &count) in (0_u8..).zip(&frequencies.counts) {
            for _ in 0..count {
                symbols[at] = symbol;
                at = (at + step) & mask;
                while at >= spread_end {
                    at = (at + step) & mask;
                }
            }
        }
        // The n-th state of a symbol that has c of them is found as the (c + n)-th.
        for (entry, &symbol) in self.entries[..states].iter_mut().zip(&symbols) {
            let index = usize::from(symbol);
            let number = next[index];
            next[index] += 1;
            let bits = frequencies.accuracy - number.ilog2();
            let next_base = (usize::from(number) << bits) - states;
            *entry = Entry::new(
                codes[index],
                u8::try_from(bits).unwrap_or(0),
                u16::try_from(next_base).unwrap_or(0),
            );
        }
    }

    /// Becomes the table of one code that needs no bits.
    pub(super) fn repeat(&mut self, code: Code) {
        self.accuracy = 0;
        self.entries[0] = Entry::new(code, 0, 0);
    }

    /// Reads the first state.
    pub(super) fn start(&self, bits: &mut BackwardBits<'_>) -> &Entry {
        &self.entries[bits.read(self.accuracy) as usize % STATES_MAX]
    }

    /// Reads the state behind this one; up to 9 bits.
    #[inline(always)]
    pub(super) fn next(&self, entry: &Entry, bits: &mut BackwardBits<'_>) -> &Entry {
        let state = u32::from(entry.next_base) + bits.read(u32::from(entry.next_bits));
        &self.entries[state as usize % STATES_MAX]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_read_to_its_last_byte() {
        // An accuracy of 5, and one symbol that has all states: 33, which is 63 without the short
        // values.
        let (frequencies, bytes) = Frequencies::read(&[0xf0, 0x03, 0xff], 36, 9).expect("right");
        assert_eq!((frequencies.accuracy, frequencies.counts[0], bytes), (5, 32, 2));
        assert!(frequencies.counts[1..].iter().all(|&count| count == 0));
        for (wire, symbols, accuracy_max) in [
            (&[][..], 36, 9),
            (&[0xf0], 36, 9),
            // Zeros without end, and too high an accuracy.
            (&[0x10, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 36, 9),
            (&[0xf5, 0x03], 36, 9),
        ] {
            let read = Frequencies::read(wire, symbols, accuracy_max);
            assert!(matches!(read, Err(InflateErrorKind::DataCorrupt)), "{wire:?}");
        }
    }

    #[test]
    fn every_state_is_reached_by_its_symbol_as_often_as_it_is_frequent() {
        let mut counts = [0; SYMBOLS_MAX];
        counts[..5].copy_from_slice(&[20, -1, 7, 0, 4]);
        let codes = [5, 6, 7, 8, 9].map(|base| Code { base, extra_bits: 0 });
        let mut table = FseTable::new();
        table.build(&Frequencies { counts, accuracy: 5 }, &codes);
        let times = |base| table.entries[..32].iter().filter(|e| e.base == base).count();
        assert_eq!([5, 6, 7, 8, 9].map(times), [20, 1, 7, 0, 4]);
        for base in [5, 6, 7, 9] {
            // The ranges of what may follow cover all states once.
            let mut covered = [0; 32];
            for entry in table.entries[..32].iter().filter(|entry| entry.base == base) {
                let from = usize::from(entry.next_base);
                covered[from..from + (1 << entry.next_bits)].iter_mut().for_each(|n| *n += 1);
            }
            assert_eq!(covered, [1; 32], "{base}");
        }
    }
}
