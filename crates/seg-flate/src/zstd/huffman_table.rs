//! The Huffman code of literals.

use super::{
    backward_bits::BackwardBits,
    fse_table::{Code, Frequencies, FseTable},
};
use crate::inflate_error::InflateErrorKind;

/// The longest code (RFC 8878 section 4.2.1).
const CODE_BITS_MAX: u32 = 11;

/// Literals have codes of up to 11 bits, so five can be read after one refill.
const READ_AT_ONCE: usize = (BackwardBits::REFILLED / CODE_BITS_MAX) as usize;

/// Fewer literals are in one stream: four may have no length for the last (RFC 8878, erratum 7297).
const FOUR_STREAMS_MIN: usize = 6;

/// The most weights that are described; one more follows from them.
const WEIGHTS_MAX: usize = 255;

/// The highest accuracy of the FSE code of the weights.
const WEIGHT_ACCURACY_MAX: u32 = 6;

/// What the symbols of that code stand for: the weight itself.
const WEIGHT_CODES: [Code; CODE_BITS_MAX as usize + 1] = {
    let mut codes = [Code { base: 0, extra_bits: 0 }; CODE_BITS_MAX as usize + 1];
    let mut weight = 0;
    while weight <= CODE_BITS_MAX {
        codes[weight as usize].base = weight;
        weight += 1;
    }
    codes
};

/// What some bits of the stream start with.
#[derive(Clone, Copy, Debug)]
struct Literal {
    byte: u8,
    bits: u8,
}

/// The weights of the first bytes; the others have none, and no code.
struct Weights {
    list: [u8; WEIGHTS_MAX + 1],
    len: usize,
}

/// A Huffman code, as a table of what the next bits can be (RFC 8878 section 4.2).
#[derive(Clone, Debug)]
pub(super) struct HuffmanTable {
    literals: [Literal; 1 << CODE_BITS_MAX],
    /// The length of the longest code; 0 when there is none.
    bits: u32,
    weight_table: FseTable,
}

impl HuffmanTable {
    pub(super) const fn new() -> Self {
        Self {
            literals: [Literal { byte: 0, bits: 0 }; 1 << CODE_BITS_MAX],
            bits: 0,
            weight_table: FseTable::new(),
        }
    }

    /// Forgets the code.
    pub(super) const fn reset(&mut self) {
        self.bits = 0;
    }

    /// Returns whether there is no code.
    pub(super) const fn is_empty(&self) -> bool {
        self.bits == 0
    }

    /// Becomes the code that is described at the front of `source`. Returns how many bytes describe it.
    pub(super) fn read(&mut self, source: &[u8]) -> Result<usize, InflateErrorKind> {
        self.reset();
        let (&first, rest) = source.split_first().ok_or(InflateErrorKind::DataCorrupt)?;
        let mut weights = Weights { list: [0; WEIGHTS_MAX + 1], len: 0 };
        let len = match usize::from(first).checked_sub(127) {
            None | Some(0) => {
                let len = usize::from(first);
                let described = rest.get(..len).ok_or(InflateErrorKind::DataCorrupt)?;
                self.read_weights(described, &mut weights)?;
                len
            }
            Some(count) => {
                let len = count.div_ceil(2);
                let described = rest.get(..len).ok_or(InflateErrorKind::DataCorrupt)?;
                let halves = described.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
                halves.take(count).try_for_each(|weight| weights.push(weight))?;
                len
            }
        };
        self.build(&mut weights)?;
        Ok(1 + len)
    }

    /// Reads weights that are FSE coded, by two states in turn (RFC 8878 section 4.2.1.2).
    fn read_weights(
        &mut self,
        source: &[u8],
        weights: &mut Weights,
    ) -> Result<(), InflateErrorKind> {
        let (frequencies, len) =
            Frequencies::read(source, WEIGHT_CODES.len(), WEIGHT_ACCURACY_MAX)?;
        let table = &mut self.weight_table;
        table.build(&frequencies, &WEIGHT_CODES);
        let mut bits = BackwardBits::new(&source[len..]).ok_or(InflateErrorKind::DataCorrupt)?;
        let (mut this, mut other) = (table.start(&mut bits), table.start(&mut bits));
        if bits.is_overdrawn() {
            return Err(InflateErrorKind::DataCorrupt);
        }
        loop {
            weights.push_coded(this.base)?;
            bits.refill();
            this = table.next(this, &mut bits);
            if bits.is_overdrawn() {
                return weights.push_coded(other.base);
            }
            core::mem::swap(&mut this, &mut other);
        }
    }

    /// Makes the table of the weights: a weight is as many bits less than one more than the longest
    /// code, and the last one fills up what the others leave.
    fn build(&mut self, weights: &mut Weights) -> Result<(), InflateErrorKind> {
        let share = |weight: &u8| 1_u32 << weight >> 1;
        let sum: u32 = weights.list[..weights.len].iter().map(share).sum();
        let bits = sum.checked_ilog2().ok_or(InflateErrorKind::DataCorrupt)? + 1;
        let left = (1 << bits.min(CODE_BITS_MAX)) - sum.min(1 << CODE_BITS_MAX);
        if bits > CODE_BITS_MAX || !left.is_power_of_two() {
            return Err(InflateErrorKind::DataCorrupt);
        }
        weights.push(u8::try_from(left.ilog2() + 1).unwrap_or(u8::MAX))?;
        // Two codes at least are of the longest; the reference decoder checks it, too.
        if weights.list.iter().filter(|&&weight| weight == 1).count() < 2 {
            return Err(InflateErrorKind::DataCorrupt);
        }
        // The longest codes come first in the table, and of the same length those of lower bytes.
        let mut starts = [0; CODE_BITS_MAX as usize + 2];
        for &weight in weights.list.iter().filter(|&&weight| weight > 0) {
            starts[usize::from(weight) + 1] += 1 << (weight - 1);
        }
        for weight in 1..starts.len() {
            starts[weight] += starts[weight - 1];
        }
        let longest = u8::try_from(bits + 1).unwrap_or(0);
        for (byte, &weight) in
            (0_u8..=u8::MAX).zip(&weights.list).filter(|(_, weight)| **weight > 0)
        {
            let start = &mut starts[usize::from(weight)];
            let end = *start + (1 << (weight - 1));
            self.literals[*start..end].fill(Literal { byte, bits: longest - weight });
            *start = end;
        }
        self.bits = bits;
        Ok(())
    }

    /// Fills `output` from one stream, which is used up by that.
    pub(super) fn decode(&self, source: &[u8], output: &mut [u8]) -> Result<(), InflateErrorKind> {
        let mut bits = BackwardBits::new(source).ok_or(InflateErrorKind::DataCorrupt)?;
        self.decode_rest(&mut bits, output)
    }

    /// Fills four parts of `output` from four streams: the first three are of the same length, the
    /// last is not longer.
    pub(super) fn decode_four(
        &self,
        sources: [&[u8]; 4],
        output: &mut [u8],
    ) -> Result<(), InflateErrorKind> {
        if output.len() < FOUR_STREAMS_MIN {
            return Err(InflateErrorKind::DataCorrupt);
        }
        let part = output.len().div_ceil(4);
        let (one, rest) = output.split_at_mut(part);
        let (two, rest) = rest.split_at_mut(part);
        let (three, four) = rest.split_at_mut(part);
        let start = |source| BackwardBits::new(source).ok_or(InflateErrorKind::DataCorrupt);
        let [mut a, mut b, mut c, mut d] =
            [start(sources[0])?, start(sources[1])?, start(sources[2])?, start(sources[3])?];
        // All four at once: none has to wait for another.
        let whole = four.len() / READ_AT_ONCE;
        let mut parts = (
            one.as_chunks_mut::<READ_AT_ONCE>().0.iter_mut(),
            two.as_chunks_mut::<READ_AT_ONCE>().0.iter_mut(),
            three.as_chunks_mut::<READ_AT_ONCE>().0.iter_mut(),
            four.as_chunks_mut::<READ_AT_ONCE>().0.iter_mut(),
        );
        while let (Some(one), Some(two), Some(three), Some(four)) =
            (parts.0.next(), parts.1.next(), parts.2.next(), parts.3.next())
        {
            a.refill();
            b.refill();
            c.refill();
            d.refill();
            for index in 0..READ_AT_ONCE {
                one[index] = self.literal(&mut a);
                two[index] = self.literal(&mut b);
                three[index] = self.literal(&mut c);
                four[index] = self.literal(&mut d);
            }
        }
        for (mut bits, part) in [(a, one), (b, two), (c, three), (d, four)] {
            self.decode_rest(&mut bits, &mut part[whole * READ_AT_ONCE..])?;
        }
        Ok(())
    }

    /// Fills `output` with all that is left of a stream.
    fn decode_rest(
        &self,
        bits: &mut BackwardBits<'_>,
        output: &mut [u8],
    ) -> Result<(), InflateErrorKind> {
        for group in output.chunks_mut(READ_AT_ONCE) {
            bits.refill();
            for byte in group {
                *byte = self.literal(bits);
            }
        }
        bits.refill();
        if bits.is_used_up() { Ok(()) } else { Err(InflateErrorKind::DataCorrupt) }
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "at most 11 bits")]
    fn literal(&self, bits: &mut BackwardBits<'_>) -> u8 {
        let Literal { byte, bits: len } =
            self.literals[bits.peek(self.bits) as usize % (1 << CODE_BITS_MAX)];
        bits.skip(u32::from(len));
        byte
    }
}

impl Weights {
    fn push(&mut self, weight: u8) -> Result<(), InflateErrorKind> {
        let slot = self.list.get_mut(self.len).filter(|_| u32::from(weight) <= CODE_BITS_MAX);
        *slot.ok_or(InflateErrorKind::DataCorrupt)? = weight;
        self.len += 1;
        Ok(())
    }

    /// Adds a weight that was FSE coded; the last one of all follows from the others.
    fn push_coded(&mut self, weight: u32) -> Result<(), InflateErrorKind> {
        if self.len == WEIGHTS_MAX {
            return Err(InflateErrorKind::DataCorrupt);
        }
        self.push(u8::try_from(weight).unwrap_or(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 8878 section 4.2.1.3: weights of six bytes.
    const WEIGHTS: &[u8] = &[127 + 5, 0x43, 0x20, 0x10];

    #[test]
    fn the_last_weight_follows_from_the_others_and_codes_are_ordered_by_weight() {
        let mut table = HuffmanTable::new();
        assert_eq!(table.read(WEIGHTS), Ok(4));
        assert_eq!(table.bits, 4);
        // 4: 0000, 5: 0001, 2: 001, 1: 01, 0: 1
        let codes = [(0, 1, 4), (1, 1, 4), (2, 2, 4)];
        for (at, states, len) in codes {
            assert!(table.literals[at..at + states].iter().all(|l| usize::from(l.bits) <= len));
        }
        let bytes: Vec<u8> = table.literals[..16].iter().map(|literal| literal.byte).collect();
        assert_eq!(bytes, [4, 5, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        // The mark, then 1 01 001 0000: the bytes 0, 1, 2, 4.
        let mut output = [9; 4];
        assert_eq!(table.decode(&[0b1001_0000, 0b0000_0110], &mut output), Ok(()));
        assert_eq!(output, [0, 1, 2, 4]);
        for len in [3, 5] {
            let result = table.decode(&[0b1001_0000, 0b0000_0110], &mut vec![0; len]);
            assert_eq!(result, Err(InflateErrorKind::DataCorrupt));
        }
    }

    #[test]
    fn weights_that_make_no_code_are_refused() {
        for weights in [
            &[][..],
            &[128],
            // None at all, one code alone, too long, and nothing to fill the rest with.
            &[128, 0],
            &[129, 0x50, 0x00],
            &[128, 0xc0],
            &[130, 0x14, 0x20],
        ] {
            let mut table = HuffmanTable::new();
            assert_eq!(table.read(weights), Err(InflateErrorKind::DataCorrupt), "{weights:?}");
            assert!(table.is_empty());
        }
    }
}
