//! Symbols with plenty of input and output left.

use core::hint::select_unpredictable;

use super::{
    code::{Codes, DISTANCES_BITS, END, EXCEPTIONAL, LITERAL, LITERALS_BITS, SECOND},
    source::Source,
    window::{CHUNK_BYTES, WINDOW_BYTES, Window},
};

/// The longest match.
const MATCH_BYTES_MAX: usize = 258;
/// Output for what one turn writes: two literals, a match, and what is copied too much.
const OUTPUT_BYTES_MIN: usize = 2 + MATCH_BYTES_MAX + CHUNK_BYTES;
/// Input for what one turn reads.
const INPUT_BYTES_MIN: usize = 16;

/// The most bits after the word of a distance.
const EXTRA_BITS_MAX: u32 = 13;
const LITERALS_MASK: u64 = (1 << LITERALS_BITS) - 1;
const DISTANCES_MASK: u64 = (1 << DISTANCES_BITS) - 1;

/// What is decoded into: `len` bytes of the stream, and spare bytes after them.
pub(super) struct Output<'a> {
    pub(super) bytes: &'a mut [u8],
    pub(super) len: usize,
}

/// Why no more symbols were decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    BlockEnd,
    NeedInput,
    NeedOutput,
    Corrupt,
}

/// Decodes symbols while there is plenty of both; returns why it ended, unless one of them ran short.
pub(super) fn decode(
    source: &mut Source<'_>,
    codes: &Codes,
    window: &Window,
    output: &mut Output<'_>,
) -> Option<Stop> {
    let input_end = source.input.len().checked_sub(INPUT_BYTES_MIN)?;
    let output_end = output.bytes.len().checked_sub(OUTPUT_BYTES_MIN)?;
    if window.len() > 0 && output.len < WINDOW_BYTES {
        let stop =
            turns::<true>(source, codes, window, output, input_end, output_end.min(WINDOW_BYTES));
        if stop.is_some() {
            return stop;
        }
    }
    turns::<false>(source, codes, window, output, input_end, output_end)
}

/// Decodes up to these ends. Matches reach out of the output only where `IS_FAR` says so.
fn turns<const IS_FAR: bool>(
    source: &mut Source<'_>,
    codes: &Codes,
    window: &Window,
    output: &mut Output<'_>,
    input_end: usize,
    output_end: usize,
) -> Option<Stop> {
    if source.at > input_end || output.len > output_end {
        return None;
    }
    let mut input = Input::of(source);
    let (bytes, mut to) = (&mut *output.bytes, output.len);
    let mut entry = input.first_entry(codes);
    let stop = loop {
        if input.at > input_end || to > output_end {
            break None;
        }
        let mut before = input.take(entry);
        if entry & LITERAL != 0 {
            bytes[to] = literal(entry);
            to += 1;
            entry = input.entry(codes);
            before = input.take(entry);
            if entry & LITERAL != 0 {
                bytes[to] = literal(entry);
                to += 1;
                entry = input.entry(codes);
                before = input.take(entry);
                if entry & LITERAL != 0 {
                    bytes[to] = literal(entry);
                    to += 1;
                    entry = input.next_entry(codes);
                    continue;
                }
            }
        }
        if entry & EXCEPTIONAL != 0 {
            if entry & SECOND != 0 {
                entry = codes.literals[second(entry, input.bits)];
                before = input.take(entry);
                if entry & LITERAL != 0 {
                    bytes[to] = literal(entry);
                    to += 1;
                    entry = input.next_entry(codes);
                    continue;
                }
            }
            if entry & EXCEPTIONAL != 0 {
                break Some(if entry & END != 0 { Stop::BlockEnd } else { Stop::Corrupt });
            }
        }
        let len = value(entry, before);
        let Some(distance) = input.distance(codes) else { break Some(Stop::Corrupt) };
        entry = input.next_entry(codes);
        if !copy_short::<IS_FAR>(bytes, window, to, distance, len)
            && !copy_match(bytes, window, to, distance, len)
        {
            break Some(Stop::Corrupt);
        }
        to += len;
    };
    input.put_back(source);
    output.len = to;
    stop
}

/// The input in registers. Looked at without a question: the callers see to it that there is enough.
///
/// Of 56 bits, which there are at the start of a turn, two literals and a length take up to 42 or three literals 33. So
/// there are always enough left to look up an entry before more are looked at, and neither waits for the other.
struct Input<'a> {
    input: &'a [u8],
    at: usize,
    bits: u64,
    /// In the lowest byte, how many bits there are.
    count: u32,
}

impl<'a> Input<'a> {
    const fn of(source: &Source<'a>) -> Self {
        Self { input: source.input, at: source.at, bits: source.bits, count: source.count }
    }

    const fn put_back(self, source: &mut Source<'a>) {
        source.at = self.at;
        source.bits = self.bits;
        source.count = self.count & 0xff;
    }

    /// Looks at more input: at 56 bits at least.
    #[inline(always)]
    fn refill(&mut self) {
        if let Some(word) = self.input.get(self.at..self.at + 8).and_then(|word| word.first_chunk())
        {
            self.bits |= u64::from_le_bytes(*word).wrapping_shl(self.count);
        }
        self.at += 7 - (self.count >> 3 & 7) as usize;
        self.count |= 56;
    }

    /// Uses up the bits of an entry; returns what there was before.
    #[inline(always)]
    const fn take(&mut self, entry: u32) -> u64 {
        let before = self.bits;
        self.bits = before.wrapping_shr(entry);
        self.count = self.count.wrapping_sub(entry);
        before
    }

    #[inline(always)]
    fn first_entry(&mut self, codes: &Codes) -> u32 {
        self.refill();
        self.entry(codes)
    }

    #[inline(always)]
    const fn entry(&self, codes: &Codes) -> u32 {
        codes.literals[(self.bits & LITERALS_MASK) as usize]
    }

    #[inline(always)]
    fn next_entry(&mut self, codes: &Codes) -> u32 {
        let entry = self.entry(codes);
        self.refill();
        entry
    }

    /// Reads a distance; leaves enough bits for an entry.
    #[inline(always)]
    fn distance(&mut self, codes: &Codes) -> Option<usize> {
        let mut entry = codes.distances[(self.bits & DISTANCES_MASK) as usize];
        if self.count & 0xff < DISTANCES_BITS + EXTRA_BITS_MAX + LITERALS_BITS {
            self.refill();
        }
        let mut before = self.take(entry);
        if entry & EXCEPTIONAL != 0 {
            if entry & SECOND != 0 {
                self.refill();
                entry = codes.distances[second(entry, self.bits)];
                before = self.take(entry);
            }
            if entry & EXCEPTIONAL != 0 {
                return None;
            }
        }
        Some(value(entry, before))
    }
}

/// Copies a match of a chunk at most that does not reach into itself; returns whether it was one.
#[inline(always)]
fn copy_short<const IS_FAR: bool>(
    bytes: &mut [u8],
    window: &Window,
    to: usize,
    distance: usize,
    len: usize,
) -> bool {
    // Where it starts, how many bytes are there in one piece, and in what.
    let (mut from, mut whole, mut lies_in) = (to.wrapping_sub(distance), distance, &*bytes);
    if IS_FAR {
        if distance > to + window.len() {
            return false;
        }
        // Where a match lies is hard to foretell near the start of the output: no branch.
        let is_near = distance <= to;
        from = from.wrapping_add(select_unpredictable(is_near, 0, window.end()));
        whole -= select_unpredictable(is_near, 0, to);
        lies_in = select_unpredictable(is_near, lies_in, window.padded());
    }
    let chunk: Option<&[u8; CHUNK_BYTES]> = lies_in.get(from..).and_then(|from| from.first_chunk());
    if let (true, Some(&chunk)) = (len <= whole.min(CHUNK_BYTES), chunk)
        && let Some(place) = bytes[to..].first_chunk_mut()
    {
        *place = chunk;
        return true;
    }
    false
}

/// Returns the literal that an entry holds.
#[expect(clippy::cast_possible_truncation, reason = "the flag above it is left out")]
pub(super) const fn literal(entry: u32) -> u8 {
    (entry >> 16) as u8
}

/// Returns the number that an entry and the bits after its word say; `before` starts with the word.
#[expect(clippy::cast_possible_truncation, reason = "at most 28 bits are left")]
pub(super) const fn value(entry: u32, before: u64) -> usize {
    let bits = before & (1_u64.wrapping_shl(entry) - 1);
    (entry >> 16) as usize + bits.wrapping_shr(entry >> 8 & 15) as usize
}

/// Returns the index in the second table that an entry of the first one names.
#[expect(clippy::cast_possible_truncation, reason = "at most 15 bits are left")]
pub(super) const fn second(entry: u32, bits: u64) -> usize {
    (entry >> 16) as usize + (bits & ((1 << (entry >> 8 & 15)) - 1)) as usize
}

/// Copies a match wherever it lies; may write up to a chunk after it. Returns whether there is such a match.
#[inline(never)]
fn copy_match(
    bytes: &mut [u8],
    window: &Window,
    mut to: usize,
    distance: usize,
    len: usize,
) -> bool {
    let end = to + len;
    if distance > to {
        let back = distance - to;
        if back > window.len() {
            return false;
        }
        to += window.copy(back, &mut bytes[to..end]);
        if to == end {
            return true;
        }
    }
    let from = to - distance;
    if distance >= CHUNK_BYTES {
        copy_chunks::<CHUNK_BYTES>(&mut bytes[from..], distance, end - to);
    } else if distance == 1 {
        let byte = bytes[from];
        bytes[to..end].fill(byte);
    } else if distance >= 8 {
        copy_chunks::<8>(&mut bytes[from..], distance, end - to);
    } else {
        copy(bytes, to, distance, end - to);
    }
    true
}

fn copy_chunks<const BYTES: usize>(bytes: &mut [u8], distance: usize, len: usize) {
    let mut at = 0;
    while at < len {
        let Some(&chunk) = bytes[at..].first_chunk::<BYTES>() else { return };
        let Some(place) = bytes[at + distance..].first_chunk_mut() else { return };
        *place = chunk;
        at += BYTES;
    }
}

/// Copies a match within `bytes`, and nothing after it.
pub(super) fn copy(bytes: &mut [u8], to: usize, distance: usize, len: usize) {
    let (from, end) = (to - distance, to + len);
    let mut at = to;
    while at < end {
        let part = (at - from).min(end - at);
        bytes.copy_within(from..from + part, at);
        at += part;
    }
}
