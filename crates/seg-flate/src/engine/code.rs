//! Prefix codes as tables (RFC 1951 section 3.2.2).

/// The longest code word.
const WORD_BITS_MAX: usize = 15;

/// Set in the entry of a literal, whose byte is in bits 16 to 23.
pub(super) const LITERAL: u32 = 1 << 31;
/// Set in entries that are neither literal nor length nor distance.
pub(super) const EXCEPTIONAL: u32 = 1 << 15;
/// Set with [`EXCEPTIONAL`] where a second table follows; it starts at the index in the upper half, and is looked up with as
/// many bits as bits 8 to 11 say.
pub(super) const SECOND: u32 = 1 << 14;
/// Set with [`EXCEPTIONAL`] at the end of a block.
pub(super) const END: u32 = 1 << 13;
// With `EXCEPTIONAL` alone: no code word.

/// Bits that the first table of a code is looked up with.
pub(super) const LITERALS_BITS: u32 = 11;
pub(super) const DISTANCES_BITS: u32 = 8;

/// The most entries that the tables of a complete code need, the second ones included, as zlib's `enough` counts them.
const LITERALS_ENTRIES: usize = 2342;
const DISTANCES_ENTRIES: usize = 402;

/// The two codes of a block.
///
/// An entry holds in its lowest byte how many bits are used up, those that follow the code word included; in bits 8 to 11 the
/// length of the word alone; and in its upper half a literal, or what the bits after the word are added to.
#[derive(Clone)]
pub(super) struct Codes {
    /// Literals, lengths and the end of the block.
    pub(super) literals: [u32; LITERALS_ENTRIES],
    pub(super) distances: [u32; DISTANCES_ENTRIES],
}

/// Lengths that do not make a code.
#[derive(Debug)]
pub(super) struct Invalid;

impl Codes {
    pub(super) const fn new() -> Self {
        Self { literals: [0; LITERALS_ENTRIES], distances: [0; DISTANCES_ENTRIES] }
    }

    /// The codes of section 3.2.6.
    pub(super) fn fixed() -> Self {
        let mut lens = [8; 288 + 32];
        lens[144..256].fill(9);
        lens[256..280].fill(7);
        lens[288..].fill(5);
        let mut codes = Self::new();
        let built = codes.build(&lens, 288);
        debug_assert!(built.is_ok(), "the lengths of the standard make a code");
        codes
    }

    /// Makes the codes whose words are as long as `lens` says, first those of the literals.
    pub(super) fn build(&mut self, lens: &[u8], literals: usize) -> Result<(), Invalid> {
        let (literals, distances) = lens.split_at(literals);
        build(&mut self.literals, LITERALS_BITS, literals, &LITERAL_ENTRIES)?;
        build(&mut self.distances, DISTANCES_BITS, distances, &DISTANCE_ENTRIES)
    }
}

/// What is in the entries of all literals, lengths and the end of a block, but for their words.
static LITERAL_ENTRIES: [u32; 288] = literal_entries();
static DISTANCE_ENTRIES: [u32; 32] = distance_entries();

const fn literal_entries() -> [u32; 288] {
    let mut entries = [EXCEPTIONAL; 288];
    let mut symbol = 0;
    let mut literal = LITERAL;
    while symbol < 256 {
        entries[symbol] = literal;
        literal += 1 << 16;
        symbol += 1;
    }
    entries[256] = EXCEPTIONAL | END;
    // Eight lengths without bits after them, then four each with one more.
    let (mut base, mut extra) = (3, 0);
    while symbol < 284 {
        symbol += 1;
        entries[symbol] = base << 16 | extra;
        base += 1 << extra;
        if symbol >= 264 && symbol % 4 == 0 {
            extra += 1;
        }
    }
    entries[285] = 258 << 16;
    entries
}

const fn distance_entries() -> [u32; 32] {
    let mut entries = [EXCEPTIONAL; 32];
    let (mut base, mut extra, mut symbol) = (1, 0, 0);
    while symbol < 30 {
        entries[symbol] = base << 16 | extra;
        base += 1 << extra;
        if symbol >= 3 && symbol % 2 == 1 {
            extra += 1;
        }
        symbol += 1;
    }
    entries
}

/// How many words of each length a code has.
type Counts = [u32; WORD_BITS_MAX + 1];

/// Fills the tables of a code: `symbols` holds what is in the entry of each symbol, `lens` how long its word is.
///
/// The order is that of the words read backwards, as they come in the input: a table for words of one bit more is the one so far
/// twice.
fn build(table: &mut [u32], first_bits: u32, lens: &[u8], symbols: &[u32]) -> Result<(), Invalid> {
    let mut counts: Counts = [0; WORD_BITS_MAX + 1];
    present(lens).for_each(|(_, len)| counts[len] += 1);
    let (sorted, used) = sort(lens, &counts);
    if used > 1 << WORD_BITS_MAX {
        return Err(Invalid);
    }
    if used < 1 << WORD_BITS_MAX {
        return build_incomplete(&mut table[..1 << first_bits], &counts, sorted[0], symbols);
    }
    let entry = |symbol: u16, len: u32| symbols[usize::from(symbol)] + len * 0x101;
    // Of the first table, `end` entries are filled; `second` is the last second one.
    let (mut word, mut len, mut end) = (0, 0, 1);
    let (mut prefix, mut second) = (usize::MAX, 0..1_usize << first_bits);
    for &symbol in &sorted {
        while counts[len as usize] == 0 {
            len += 1;
            if len <= first_bits {
                table.copy_within(..end, end);
                end *= 2;
            }
        }
        if len <= first_bits {
            table[word] = entry(symbol, len);
        } else {
            let low = word & ((1 << first_bits) - 1);
            if low != prefix {
                prefix = low;
                let bits = second_bits(first_bits, len, &counts);
                second = second.end..second.end + (1 << bits);
                #[expect(clippy::cast_possible_truncation, reason = "tables are short")]
                let start = second.start as u32;
                table[low] = start << 16 | EXCEPTIONAL | SECOND | bits << 8 | first_bits;
            }
            let entry = entry(symbol, len - first_bits);
            let places = table[second.clone()][word >> first_bits..].iter_mut();
            places.step_by(1 << (len - first_bits)).for_each(|place| *place = entry);
        }
        counts[len as usize] -= 1;
        // The next word of this length, read backwards: the highest zero becomes a one.
        let zeroes = !word & ((1 << len) - 1);
        if zeroes == 0 {
            break;
        }
        let bit = 1 << zeroes.ilog2();
        word = word & (bit - 1) | bit;
    }
    while end < 1 << first_bits {
        table.copy_within(..end, end);
        end *= 2;
    }
    Ok(())
}

/// Returns the symbols that have a word, and how long it is. Most have none, and many such follow one another.
fn present(lens: &[u8]) -> impl Iterator<Item = (u16, usize)> {
    let eights = (0_u16..).step_by(8).zip(lens.chunks(8));
    let some = eights.filter(|(_, lens)| **lens != [0; 8]);
    some.flat_map(|(first, lens)| (first..).zip(lens))
        .filter(|(_, len)| **len > 0)
        .map(|(symbol, len)| (symbol, usize::from(*len)))
}

/// Orders the symbols by the lengths of their words, and adds up how much of all words of the longest length they take.
fn sort(lens: &[u8], counts: &Counts) -> ([u16; 288], u32) {
    let mut offsets = [0_usize; WORD_BITS_MAX + 2];
    let mut used = 0;
    for len in 1..=WORD_BITS_MAX {
        offsets[len + 1] = offsets[len] + counts[len] as usize;
        used += counts[len] << (WORD_BITS_MAX - len);
    }
    let mut sorted = [0; 288];
    for (symbol, len) in present(lens) {
        let offset = &mut offsets[len];
        sorted[*offset] = symbol;
        *offset += 1;
    }
    (sorted, used)
}

/// Returns how many bits a second table needs that begins with the words of a length that are left.
fn second_bits(first_bits: u32, len: u32, counts: &Counts) -> u32 {
    let mut bits = len - first_bits;
    let mut used = counts[len as usize];
    while used < 1 << bits {
        bits += 1;
        used = 2 * used + counts[(first_bits + bits) as usize];
    }
    bits
}

/// Fills the table of a code that has no word, or one of one bit. Section 3.2.7 allows that for distances; zlib also accepts it
/// for literals, of which the end of the block is one then. No other code may lack words.
fn build_incomplete(
    table: &mut [u32],
    counts: &Counts,
    symbol: u16,
    symbols: &[u32],
) -> Result<(), Invalid> {
    table.fill(EXCEPTIONAL + 0x101);
    match (counts[1], counts[2..].iter().sum()) {
        (0, 0) => Ok(()),
        (1, 0) => {
            let entry = symbols[usize::from(symbol)] + 0x101;
            table.iter_mut().step_by(2).for_each(|place| *place = entry);
            Ok(())
        }
        _ => Err(Invalid),
    }
}
