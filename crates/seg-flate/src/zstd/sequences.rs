//! The sequences of a block: literals, and what was there before, in turn.

use super::{
    backward_bits::BackwardBits,
    fse_table::{Entry, Frequencies, FseTable},
    length_codes::{Alphabet, LITERAL_LENGTHS, MATCH_LENGTHS, OFFSETS},
    window::Window,
};
use crate::inflate_error::InflateErrorKind;

/// The distances that are repeated before there were any (RFC 8878 section 3.1.1.5).
const FIRST_DISTANCES: [u32; 3] = [1, 4, 8];

/// What one block leaves to the next one of its frame.
#[derive(Clone, Debug)]
pub(super) struct Sequences {
    literal_lengths: Symbols,
    offsets: Symbols,
    match_lengths: Symbols,
    /// The last three distances, the last one first.
    distances: [u32; 3],
}

/// One of the three codes.
#[derive(Clone, Debug)]
struct Symbols {
    alphabet: &'static Alphabet,
    table: FseTable,
    state: State,
}

/// What is in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing of this frame; of another one may be the usual frequencies.
    Unset,
    UnsetUsual,
    Usual,
    Own,
}

impl Symbols {
    const fn new(alphabet: &'static Alphabet) -> Self {
        Self { alphabet, table: FseTable::new(), state: State::Unset }
    }

    const fn reset(&mut self) {
        self.state = match self.state {
            State::Usual | State::UnsetUsual => State::UnsetUsual,
            State::Own | State::Unset => State::Unset,
        };
    }

    /// Sets the table as `mode` says, whose description is taken from the front of `source`.
    fn read(&mut self, mode: u8, source: &mut &[u8]) -> Result<(), InflateErrorKind> {
        let corrupt = InflateErrorKind::DataCorrupt;
        let Alphabet { codes, accuracy_max, ref usual } = *self.alphabet;
        self.state = match (mode, self.state) {
            (0, State::Usual | State::UnsetUsual) => State::Usual,
            (0, _) => {
                self.table.build(usual, codes);
                State::Usual
            }
            (1, _) => {
                let (&symbol, rest) = source.split_first().ok_or(corrupt)?;
                self.table.repeat(*codes.get(usize::from(symbol)).ok_or(corrupt)?);
                *source = rest;
                State::Own
            }
            (2, _) => {
                let (frequencies, len) = Frequencies::read(source, codes.len(), accuracy_max)?;
                self.table.build(&frequencies, codes);
                *source = &source[len..];
                State::Own
            }
            (_, State::Unset | State::UnsetUsual) => return Err(corrupt),
            (_, again) => again,
        };
        Ok(())
    }
}

/// How many sequences there are and the modes of their codes, at the front of `section` (RFC 8878
/// section 3.1.1.3.2.1). Without sequences there are no modes, also when the count has two bytes.
fn read_header(section: &mut &[u8]) -> Option<(usize, u8)> {
    let (count, rest) = match **section {
        [255, low, high, ref rest @ ..] => {
            (usize::from(u16::from_le_bytes([low, high])) + 0x7f00, rest)
        }
        [high @ 128..=254, low, ref rest @ ..] => {
            (usize::from(high - 128) << 8 | usize::from(low), rest)
        }
        [count @ 0..=127, ref rest @ ..] => (usize::from(count), rest),
        _ => return None,
    };
    if count == 0 {
        *section = rest;
        return Some((0, 0));
    }
    let (&modes, rest) = rest.split_first()?;
    *section = rest;
    // The two lowest bits are reserved.
    (modes & 3 == 0).then_some((count, modes))
}

impl Sequences {
    pub(super) const fn new() -> Self {
        Self {
            literal_lengths: Symbols::new(&LITERAL_LENGTHS),
            offsets: Symbols::new(&OFFSETS),
            match_lengths: Symbols::new(&MATCH_LENGTHS),
            distances: FIRST_DISTANCES,
        }
    }

    /// Becomes as it is at the start of a frame.
    pub(super) const fn reset(&mut self) {
        self.literal_lengths.reset();
        self.offsets.reset();
        self.match_lengths.reset();
        self.distances = FIRST_DISTANCES;
    }

    /// Writes what the sequences in `section` make of the literals: at most `output_max` bytes,
    /// looked at before each is written.
    pub(super) fn decode(
        &mut self,
        mut section: &[u8],
        literals: &[u8],
        output_max: usize,
        window: &mut Window,
    ) -> Result<(), InflateErrorKind> {
        let corrupt = InflateErrorKind::DataCorrupt;
        let (count, modes) = read_header(&mut section).ok_or(corrupt)?;
        let rest = if count == 0 {
            if !section.is_empty() {
                return Err(corrupt);
            }
            (literals, output_max)
        } else {
            self.literal_lengths.read(modes >> 6, &mut section)?;
            self.offsets.read(modes >> 4 & 3, &mut section)?;
            self.match_lengths.read(modes >> 2 & 3, &mut section)?;
            self.execute(count, section, (literals, output_max), window)?
        };
        if rest.0.len() > rest.1 {
            return Err(corrupt);
        }
        window.extend_long(rest.0);
        Ok(())
    }

    /// Reads and executes `count` sequences, at least one. Returns the literals that are left, and
    /// how much output.
    fn execute<'a>(
        &mut self,
        count: usize,
        stream: &[u8],
        (mut literals, mut left): (&'a [u8], usize),
        window: &mut Window,
    ) -> Result<(&'a [u8], usize), InflateErrorKind> {
        let corrupt = InflateErrorKind::DataCorrupt;
        let mut bits = BackwardBits::new(stream).ok_or(corrupt)?;
        let (literal_lengths, offsets, match_lengths) =
            (&self.literal_lengths.table, &self.offsets.table, &self.match_lengths.table);
        let mut literal_length = literal_lengths.start(&mut bits);
        let mut offset = offsets.start(&mut bits);
        let mut match_length = match_lengths.start(&mut bits);
        let mut distances = self.distances;
        for index in 1..=count {
            // Up to 31 and 16 bits, then up to 16, 9, 9 and 8.
            bits.refill();
            let offset_value = value(offset, &mut bits);
            let match_bytes = value(match_length, &mut bits) as usize;
            bits.refill();
            let literal_bytes = value(literal_length, &mut bits) as usize;
            if index < count {
                literal_length = literal_lengths.next(literal_length, &mut bits);
                match_length = match_lengths.next(match_length, &mut bits);
                offset = offsets.next(offset, &mut bits);
            }
            let distance = distance(offset_value, literal_bytes == 0, &mut distances);
            let Some((front, behind)) = literals.split_at_checked(literal_bytes) else {
                return Err(corrupt);
            };
            left = left.checked_sub(literal_bytes + match_bytes).ok_or(corrupt)?;
            window.extend(front, literals);
            literals = behind;
            if bits.is_overdrawn() || !window.copy(distance as usize, match_bytes) {
                return Err(corrupt);
            }
        }
        bits.refill();
        if !bits.is_used_up() {
            return Err(corrupt);
        }
        self.distances = distances;
        Ok((literals, left))
    }
}

/// Reads what is added to the number of a code.
#[inline(always)]
fn value(entry: &Entry, bits: &mut BackwardBits<'_>) -> u32 {
    entry.base + bits.read(u32::from(entry.extra_bits))
}

/// Returns the distance that an offset value stands for: one of the last three, or a new one; 0 is
/// none. Notes it as the last one (RFC 8878 section 3.1.1.5).
#[inline(always)]
fn distance(value: u32, is_without_literals: bool, last: &mut [u32; 3]) -> u32 {
    if value > 3 {
        *last = [value - 3, last[0], last[1]];
        return last[0];
    }
    // Right behind another copy the last distance would only have made that one longer.
    match value + u32::from(is_without_literals) {
        1 => {}
        2 => *last = [last[1], last[0], last[2]],
        3 => *last = [last[2], last[0], last[1]],
        _ => *last = [last[0] - 1, last[0], last[1]],
    }
    last[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_repeated_as_the_format_says() {
        // RFC 8878 section 3.1.1.5, one row after the other.
        let mut last = FIRST_DISTANCES;
        for (value, is_without_literals, expected) in [
            (1114, false, [1111, 1, 4]),
            (1, false, [1111, 1, 4]),
            (2225, false, [2222, 1111, 1]),
            (1114, false, [1111, 2222, 1111]),
            (3336, false, [3333, 1111, 2222]),
            (2, false, [1111, 3333, 2222]),
            (3, false, [2222, 1111, 3333]),
            (3, true, [2221, 2222, 1111]),
            (1, true, [2222, 2221, 1111]),
        ] {
            assert_eq!(distance(value, is_without_literals, &mut last), expected[0]);
            assert_eq!(last, expected);
        }
    }

    #[test]
    fn counts_have_one_to_three_bytes() {
        for (wire, expected) in [
            (&[0][..], Some((0, 0))),
            (&[128, 0], Some((0, 0))),
            (&[1, 0x54], Some((1, 0x54))),
            (&[127, 0], Some((127, 0))),
            (&[128, 128, 0], Some((128, 0))),
            (&[254, 255, 0], Some((0x7eff, 0))),
            (&[255, 0, 0, 0], Some((0x7f00, 0))),
            (&[255, 255, 255, 0], Some((0x17eff, 0))),
            (&[1, 1], None),
            (&[1, 2], None),
        ] {
            assert_eq!(read_header(&mut &wire[..]), expected, "{wire:?}");
            assert_eq!(read_header(&mut &wire[..wire.len() - 1]), None, "{wire:?}");
        }
    }
}
