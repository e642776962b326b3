//! The codes that a block brings (RFC 1951 section 3.2.7).

use super::{
    code::{Codes, Invalid},
    source::Source,
};

const LITERALS_MIN: usize = 257;
const LITERALS_MAX: usize = 286;
const DISTANCES_MAX: usize = 30;
/// Lengths of words of the code that the other two are written in.
const CODE_LENGTHS_MAX: usize = 19;
const CODE_LENGTHS_ORDER: [u8; CODE_LENGTHS_MAX] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// The longest word of that code.
const WORD_BITS_MAX: usize = 7;
const END_OF_BLOCK: usize = 256;

/// The lengths of a block's words, as far as they are read.
#[derive(Clone)]
pub(super) struct BlockCodes {
    step: Step,
    literals: usize,
    /// Literals and distances.
    all: usize,
    code_lengths: usize,
    lens: [u8; LITERALS_MAX + DISTANCES_MAX],
    /// Symbols by the words of their code, in the upper bits, and how long the word is in the lower three.
    table: [u8; 1 << WORD_BITS_MAX],
}

#[derive(Clone, Copy)]
enum Step {
    Counts,
    /// So many lengths of the first code are read.
    First(usize),
    /// So many lengths of the two codes are read.
    Both(usize),
}

impl BlockCodes {
    pub(super) const fn new() -> Self {
        Self {
            step: Step::Counts,
            literals: 0,
            all: 0,
            code_lengths: 0,
            lens: [0; LITERALS_MAX + DISTANCES_MAX],
            table: [0; 1 << WORD_BITS_MAX],
        }
    }

    /// Begins with a block.
    pub(super) const fn start(&mut self) {
        self.step = Step::Counts;
    }

    /// Reads on, and makes the codes when all is there; returns whether it was.
    pub(super) fn read(
        &mut self,
        source: &mut Source<'_>,
        codes: &mut Codes,
    ) -> Result<bool, Invalid> {
        if matches!(self.step, Step::Counts) {
            if !source.has(14) {
                return Ok(false);
            }
            self.literals = LITERALS_MIN + source.take(5) as usize;
            let distances = 1 + source.take(5) as usize;
            self.code_lengths = 4 + source.take(4) as usize;
            if self.literals > LITERALS_MAX || distances > DISTANCES_MAX {
                return Err(Invalid);
            }
            self.all = self.literals + distances;
            self.lens[..CODE_LENGTHS_MAX].fill(0);
            self.step = Step::First(0);
        }
        if let Step::First(mut count) = self.step {
            while count < self.code_lengths {
                if !source.has(3) {
                    self.step = Step::First(count);
                    return Ok(false);
                }
                #[expect(clippy::cast_possible_truncation, reason = "three bits")]
                let len = source.take(3) as u8;
                self.lens[usize::from(CODE_LENGTHS_ORDER[count])] = len;
                count += 1;
            }
            self.make_table()?;
            self.step = Step::Both(0);
        }
        if !self.read_both(source)? {
            return Ok(false);
        }
        if self.lens[END_OF_BLOCK] == 0 {
            return Err(Invalid);
        }
        codes.build(&self.lens[..self.all], self.literals)?;
        Ok(true)
    }

    /// Reads the lengths of the words of both codes.
    fn read_both(&mut self, source: &mut Source<'_>) -> Result<bool, Invalid> {
        let Step::Both(mut count) = self.step else { return Ok(true) };
        while count < self.all {
            // A word and the longest count after it. Fewer may do at the input's end.
            if source.count < 14 {
                source.refill();
            }
            let entry = self.table[(source.bits & 0x7f) as usize];
            let (symbol, word_bits) = (entry >> 3, u32::from(entry & 7));
            if symbol < 16 && source.count >= word_bits {
                source.skip(word_bits);
                self.lens[count] = symbol;
                count += 1;
                continue;
            }
            let (extra_bits, repeats_min) = match symbol {
                ..16 => (0, 1),
                16 => (2, 3),
                17 => (3, 3),
                _ => (7, 11),
            };
            if source.count < word_bits + extra_bits {
                self.step = Step::Both(count);
                return Ok(false);
            }
            source.skip(word_bits);
            let end = count + repeats_min + source.take(extra_bits) as usize;
            let len = match symbol {
                16 => *self.lens[..count].last().ok_or(Invalid)?,
                _ => 0,
            };
            if end > self.all {
                return Err(Invalid);
            }
            self.lens[count..end].fill(len);
            count = end;
        }
        Ok(true)
    }

    /// Makes the table of the first code, which must be complete.
    fn make_table(&mut self) -> Result<(), Invalid> {
        let lens = &self.lens[..CODE_LENGTHS_MAX];
        let mut counts = [0_u32; WORD_BITS_MAX + 1];
        lens.iter().for_each(|&len| counts[usize::from(len)] += 1);
        // The first word of each length, counted in the longest ones.
        let mut words = [0_u32; WORD_BITS_MAX + 2];
        for len in 1..=WORD_BITS_MAX {
            words[len + 1] = words[len] + (counts[len] << (WORD_BITS_MAX - len));
        }
        if words[WORD_BITS_MAX + 1] != 1 << WORD_BITS_MAX {
            return Err(Invalid);
        }
        for (symbol, &len) in (0_u8..).zip(lens) {
            if len > 0 {
                let word = &mut words[usize::from(len)];
                // Words are read from their highest bit on, which is the lowest in the input.
                let first = (word.reverse_bits() >> (u32::BITS - 7)) as usize;
                *word += 1 << (WORD_BITS_MAX - usize::from(len));
                let places = self.table[first..].iter_mut().step_by(1 << len);
                places.for_each(|place| *place = symbol << 3 | len);
            }
        }
        Ok(())
    }
}
