//! What the codes of sequences stand for, and how frequent they are when nothing is said.

use super::fse_table::{Code, Frequencies, SYMBOLS_MAX};

/// One of the three codes of a sequence.
#[derive(Debug)]
pub(super) struct Alphabet {
    pub(super) codes: &'static [Code],
    /// The highest accuracy that a description may have.
    pub(super) accuracy_max: u32,
    /// The frequencies when there is no description.
    pub(super) usual: Frequencies,
}

/// Literal lengths (RFC 8878 sections 3.1.1.3.2.1.1 and 3.1.1.3.2.2.1).
pub(super) static LITERAL_LENGTHS: Alphabet = Alphabet {
    codes: &ranges::<36>(
        0,
        16,
        &[1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ),
    accuracy_max: 9,
    usual: frequencies(
        6,
        &[
            4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1,
            1, 1, 1, -1, -1, -1, -1,
        ],
    ),
};

/// Match lengths (RFC 8878 sections 3.1.1.3.2.1.1 and 3.1.1.3.2.2.2).
pub(super) static MATCH_LENGTHS: Alphabet = Alphabet {
    codes: &ranges::<53>(
        3,
        32,
        &[1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ),
    accuracy_max: 9,
    usual: frequencies(
        6,
        &[
            1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
            1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
        ],
    ),
};

/// Offsets: the code is the number of bits below the highest one (RFC 8878 sections 3.1.1.3.2.1.1 and
/// 3.1.1.3.2.2.3).
pub(super) static OFFSETS: Alphabet = Alphabet {
    codes: &powers(),
    accuracy_max: 8,
    usual: frequencies(
        5,
        &[
            1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1,
            -1,
        ],
    ),
};

/// Codes for all numbers from `first` on: `single` of them for one number each, then for ranges.
const fn ranges<const N: usize>(first: u32, single: usize, extra_bits: &[u8]) -> [Code; N] {
    assert!(single + extra_bits.len() == N);
    let mut codes = [Code { base: 0, extra_bits: 0 }; N];
    let (mut index, mut base) = (0, first);
    while index < N {
        let bits = if index < single { 0 } else { extra_bits[index - single] };
        codes[index] = Code { base, extra_bits: bits };
        base += 1 << bits;
        index += 1;
    }
    codes
}

const fn powers() -> [Code; 32] {
    let mut codes = [Code { base: 1, extra_bits: 0 }; 32];
    let mut bits: u8 = 1;
    while bits < 32 {
        codes[bits as usize] = Code { base: 1 << bits, extra_bits: bits };
        bits += 1;
    }
    codes
}

const fn frequencies(accuracy: u32, given: &[i16]) -> Frequencies {
    let mut counts = [0; SYMBOLS_MAX];
    let mut index = 0;
    while index < given.len() {
        counts[index] = given[index];
        index += 1;
    }
    Frequencies { counts, accuracy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_the_numbers_of_the_format() {
        let numbers = |alphabet: &Alphabet, code: usize| {
            (alphabet.codes[code].base, alphabet.codes[code].extra_bits)
        };
        for (code, base, bits) in
            [(15, 15, 0), (16, 16, 1), (20, 24, 2), (25, 64, 6), (35, 65_536, 16)]
        {
            assert_eq!(numbers(&LITERAL_LENGTHS, code), (base, bits));
        }
        for (code, base, bits) in
            [(0, 3, 0), (31, 34, 0), (32, 35, 1), (43, 131, 7), (52, 65_539, 16)]
        {
            assert_eq!(numbers(&MATCH_LENGTHS, code), (base, bits));
        }
        for (code, base, bits) in [(0, 1, 0), (1, 2, 1), (31, 1 << 31, 31)] {
            assert_eq!(numbers(&OFFSETS, code), (base, bits));
        }
        for alphabet in [&LITERAL_LENGTHS, &MATCH_LENGTHS, &OFFSETS] {
            let states: u16 = alphabet.usual.counts.iter().map(|count| count.unsigned_abs()).sum();
            assert_eq!(u32::from(states), 1 << alphabet.usual.accuracy);
        }
    }
}
