//! Chunks that are wholly there, many in one go.

use super::{Decoder, State};
use crate::{
    limits::Limits,
    octet::{NOT_HEX, hex_value},
};

const CRLF: &[u8] = b"\r\n";

/// The end of a chunk and eight octets of a line.
const HEADER_BYTES: usize = 10;

/// A size line of up to six digits and its CRLF, kept to know the next one by its octets.
///
/// Most senders use one chunk size for all of a body. To compare with the line before costs no wait
/// for the memory that the next line lies in: the processor guesses that it is the same and goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownLine {
    /// The octets of the line, the first the lowest, and zeros above them.
    octets: u64,
    mask: u64,
    len: usize,
    size: usize,
}

impl KnownLine {
    /// Matches nothing.
    pub(super) const NONE: Self = Self { octets: 1, mask: 0, len: 0, size: 0 };

    #[inline]
    fn is(&self, octets: [u8; 8]) -> bool {
        u64::from_le_bytes(octets) & self.mask == self.octets
    }

    /// Reads a line from the front of eight octets; `None` when it is longer, has extensions, is
    /// wrong, or is that of the last chunk.
    fn read(octets: [u8; 8], limits: &Limits) -> Option<Self> {
        let (mut size, mut digits) = (0_u32, 0);
        while digits <= 6 {
            let value = hex_value(octets[digits]);
            if value == NOT_HEX {
                break;
            }
            size = size << 4 | u32::from(value);
            digits += 1;
        }
        let is_line = digits > 0 && octets.get(digits..digits + 2) == Some(CRLF);
        let is_allowed = digits <= usize::from(limits.size_digits_max)
            && digits <= limits.size_line_bytes_max
            && u64::from(size) <= limits.chunk_bytes_max;
        if !is_line || !is_allowed || size == 0 {
            return None;
        }
        let len = digits + 2;
        let mask = u64::MAX >> (64 - 8 * len);
        let octets = u64::from_le_bytes(octets) & mask;
        Some(Self { octets, mask, len, size: usize::try_from(size).ok()? })
    }
}

impl Decoder {
    /// Returns whether [`take_whole_chunks`](Self::take_whole_chunks) may find some: the input starts
    /// with a size line, or with the end of the chunk before.
    #[inline]
    pub(crate) const fn is_at_line(&self, input: &[u8]) -> bool {
        matches!(self.state, State::SizeLine | State::DataCr) && input.len() >= 8
    }

    /// Takes chunks from the front of `input` as long as they are wholly there, have no extensions
    /// and `keep` takes their data; [`step`](Self::step) goes on with what comes then, and would
    /// have given the same data.
    ///
    /// `keep` is given the data with its offset in `input`. A chunk that it refuses stays.
    #[inline]
    pub(crate) fn take_whole_chunks<'a>(
        &mut self,
        input: &mut &'a [u8],
        mut keep: impl FnMut(usize, &'a [u8]) -> bool,
    ) {
        let front = *input;
        if matches!(self.state, State::DataCr) && input.starts_with(CRLF) {
            self.skip(input, CRLF.len());
            self.begin_line();
        }
        if !self.is_at_short_line() {
            return;
        }
        let before = front.len() - input.len();
        let whole = *input;
        let (mut at, mut known) = (0, self.known);
        while let Some(&octets) = whole[at..].first_chunk() {
            if !known.is(octets) {
                let Some(line) = KnownLine::read(octets, &self.limits) else { break };
                known = line;
            }
            let start = at + known.len;
            let end = start + known.size;
            let Some(data) = whole.get(start..end) else { break };
            if whole.get(end..end + 2) != Some(CRLF) || !keep(before + start, data) {
                break;
            }
            at = end + 2;
        }
        self.known = known;
        self.skip(input, at);
        if at > 0 {
            self.begin_line();
        }
    }

    /// Takes data from the front of `input`, from chunk to chunk, as long as nothing but short size
    /// lines lies between and `keep` takes it; [`step`](Self::step) goes on with what comes then,
    /// and would have given the same data.
    ///
    /// `keep` is given the offset of the data in `input` and its length. Data that it refuses stays.
    #[inline]
    pub(crate) fn take_runs(
        &mut self,
        input: &mut &[u8],
        mut keep: impl FnMut(usize, usize) -> bool,
    ) {
        let is_inside = matches!(self.state, State::Data | State::DataCr);
        if !is_inside || self.framing_excess_bytes > 0 {
            return;
        }
        let whole = *input;
        let within = |left: u64, at: usize| {
            let there = whole.len() - at;
            usize::try_from(left).map_or(there, |left| left.min(there))
        };
        let mut at = within(self.chunk_left, 0);
        if at > 0 && !keep(0, at) {
            return;
        }
        let (mut known, mut left) = (self.known, self.chunk_left - at as u64);
        while left == 0 {
            // Chunks like the last one, as long as they are wholly there.
            let (header, chunk) = (CRLF.len() + known.len, CRLF.len() + known.len + known.size);
            while whole.len() - at >= chunk.max(HEADER_BYTES) {
                let (end, line) = whole[at..].split_at(CRLF.len());
                let is_known = line.first_chunk().is_some_and(|&octets| known.is(octets));
                if end != CRLF || !is_known || !keep(at + header, known.size) {
                    break;
                }
                at += chunk;
            }
            let Some((CRLF, line)) = whole[at..].split_at_checked(CRLF.len()) else { break };
            let Some(&octets) = line.first_chunk() else { break };
            if !known.is(octets) {
                let Some(line) = KnownLine::read(octets, &self.limits) else { break };
                known = line;
                continue;
            }
            let start = at + header;
            let count = within(known.size as u64, start);
            if count == known.size || (count > 0 && !keep(start, count)) {
                break;
            }
            at = start + count;
            left = (known.size - count) as u64;
        }
        if at > 0 {
            self.known = known;
            self.skip(input, at);
            self.begin_line();
            self.chunk_left = left;
            self.state = if left > 0 { State::Data } else { State::DataCr };
        }
    }

    /// Takes a short size line without extensions from the front of `input`, and returns whether
    /// there was one; not that of the last chunk.
    pub(super) fn take_short_line(&mut self, input: &mut &[u8]) -> bool {
        let Some(&octets) = input.first_chunk().filter(|_| self.is_at_short_line()) else {
            return false;
        };
        if !self.known.is(octets) {
            let Some(line) = KnownLine::read(octets, &self.limits) else { return false };
            self.known = line;
        }
        self.skip(input, self.known.len);
        self.chunk_left = self.known.size as u64;
        self.state = State::Data;
        true
    }

    /// Whether a size line starts here that, if it is short, raises no excess and leaves one of zero
    /// as it is.
    fn is_at_short_line(&self) -> bool {
        matches!(self.state, State::SizeLine)
            && self.line.len() == 0
            && self.framing_excess_bytes == 0
    }
}
