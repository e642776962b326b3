//! Which two bytes must not follow each other in UTF-8.
//!
//! Three lookups tell it for a pair: the high half of the first byte, its low six bits, and the
//! high half of the second byte each stand for a set of rules; a rule that is in all three is broken
//! (after John Keiser and Daniel Lemire, "Validating UTF-8 in less than one instruction per byte",
//! 2021). What pairs cannot tell, whether a third and a fourth byte are there, goes through
//! [`TWO_CONTINUATIONS`].

use core::ops::RangeInclusive;

/// Set for a continuation after a continuation: right where a longer character goes on, and wrong
/// everywhere else.
pub(super) const TWO_CONTINUATIONS: u8 = 0x80;

const LEAD: RangeInclusive<u8> = 0xc0..=0xff;
const ASCII: RangeInclusive<u8> = 0x00..=0x7f;
const CONTINUATION: RangeInclusive<u8> = 0x80..=0xbf;

/// The rules: a bit, the first bytes and the second bytes (Unicode 16.0, table 3-7, the other way
/// round). Where a bit stands twice, its first or its second bytes are the same in both.
const RULES: [(u8, RangeInclusive<u8>, RangeInclusive<u8>); 10] = [
    // A character that stops short.
    (0x01, LEAD, ASCII),
    (0x01, LEAD, LEAD),
    // A character that never began.
    (0x02, ASCII, CONTINUATION),
    // Longer than its code point needs.
    (0x04, 0xc0..=0xc1, CONTINUATION),
    (0x08, 0xe0..=0xe0, 0x80..=0x9f),
    (0x20, 0xf0..=0xf0, 0x80..=0x8f),
    // Half of a pair of UTF-16.
    (0x10, 0xed..=0xed, 0xa0..=0xbf),
    // Above the last code point.
    (0x20, 0xf5..=0xff, 0x80..=0x8f),
    (0x40, 0xf4..=0xff, 0x90..=0xbf),
    (TWO_CONTINUATIONS, CONTINUATION, CONTINUATION),
];

/// The rules of a first byte by its high half, in each quarter.
pub(super) const FIRST_HIGH: [u8; 64] = tables().0;

/// The rules of a first byte by its low six bits.
pub(super) const FIRST_LOW: [u8; 64] = tables().1;

/// The rules of a second byte by its high half, in each quarter.
pub(super) const SECOND_HIGH: [u8; 64] = tables().2;

const fn tables() -> ([u8; 64], [u8; 64], [u8; 64]) {
    let (mut first_high, mut first_low, mut second_high) = ([0; 64], [0; 64], [0; 64]);
    let mut byte = 0_usize;
    while byte < 256 {
        let mut rule = 0;
        while rule < RULES.len() {
            let (bit, first, second) = &RULES[rule];
            let mut quarter = byte >> 4;
            while quarter < 64 {
                if holds(first, byte) {
                    first_high[quarter] |= *bit;
                }
                if holds(second, byte) {
                    second_high[quarter] |= *bit;
                }
                quarter += 16;
            }
            if holds(first, byte) {
                first_low[byte & 63] |= *bit;
            }
            rule += 1;
        }
        byte += 1;
    }
    (first_high, first_low, second_high)
}

const fn holds(range: &RangeInclusive<u8>, byte: usize) -> bool {
    *range.start() as usize <= byte && byte <= *range.end() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What may stand between the bytes of a pair and the ends of the text, so that only the pair can
    /// be wrong.
    fn may_stand(first: u8, second: u8) -> bool {
        let fronts: [&[u8]; 4] = [b"", b"\xc2", b"\xe1", b"\xf1"];
        let middles: [&[u8]; 3] = [b"", b"\x80", b"\x80\x80"];
        let ends: [&[u8]; 6] =
            [b"", b"\x80", b"\x80\x80", b"\x80\x80\x80", b"\xa0\x80", b"\x90\x80\x80"];
        fronts.iter().any(|front| {
            middles.iter().any(|middle| {
                ends.iter().any(|end| {
                    let text = [*front, middle, &[first, second], end].concat();
                    core::str::from_utf8(&text).is_ok()
                })
            })
        })
    }

    #[test]
    fn a_pair_is_refused_when_no_text_has_it() {
        let step = if cfg!(miri) { 13 } else { 1 };
        for first in (0..=u8::MAX).step_by(step) {
            // Bytes that stand nowhere are refused with any byte after them.
            let stands = |byte: &u8| !matches!(byte, 0xc0..=0xc1 | 0xf5..=0xff);
            for second in (0..=u8::MAX).step_by(step).filter(stands) {
                let broken = FIRST_HIGH[usize::from(first >> 4)]
                    & FIRST_LOW[usize::from(first & 63)]
                    & SECOND_HIGH[usize::from(second >> 4)];
                let is_refused = broken & !TWO_CONTINUATIONS != 0;
                assert_eq!(is_refused, !may_stand(first, second), "{first:x} {second:x}");
                let are_continuations = [first, second].iter().all(|byte| byte >> 6 == 0b10);
                assert_eq!(broken & TWO_CONTINUATIONS != 0, are_continuations);
            }
        }
    }
}
