//! Chunks that are wholly there, many in one go.

use super::{Decoder, Limits, State};
use crate::octet::{NOT_HEX, hex_value};

const CRLF: &[u8] = b"\r\n";

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
        input.len() >= 8 && matches!(self.state, State::SizeLine | State::DataCr)
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

    /// Takes octets of data, which are no more than the [current chunk owes](Self::chunk_left).
    #[inline]
    pub(crate) const fn take_data_octets(&mut self, count: usize) {
        self.offset += count as u64;
        self.chunk_left -= count as u64;
        if self.chunk_left == 0 {
            self.state = State::DataCr;
        }
    }

    /// Takes the end of a chunk and the size line behind it from the front of `input`, if the line is
    /// short, has no extensions and announces at least `size_min`, and returns the number of their
    /// octets. [`step`](Self::step) would have taken them as well.
    #[inline]
    pub(crate) fn take_line_between(&mut self, input: &[u8], size_min: usize) -> Option<usize> {
        if !matches!(self.state, State::DataCr) || self.line_between(input)? < size_min {
            return None;
        }
        let count = CRLF.len() + self.known.len;
        self.offset += count as u64;
        self.chunk_left = self.known.size as u64;
        self.state = State::Data;
        Some(count)
    }

    /// Returns how much data of the next chunk follows the end of this one and a short size line at
    /// the front of `input`.
    pub(crate) fn data_behind_line(&mut self, input: &[u8]) -> usize {
        let size = self.line_between(input).unwrap_or(0);
        size.min(input.len().saturating_sub(CRLF.len() + self.known.len))
    }

    /// Reads the end of a chunk and a short size line, which is known then, and returns its size.
    #[inline]
    fn line_between(&mut self, input: &[u8]) -> Option<usize> {
        debug_assert!(self.extensions.is_none(), "those of the line before are not forgotten");
        let (end, line) = input.split_first_chunk::<2>()?;
        let &octets = line.first_chunk()?;
        if end != CRLF || self.framing_excess_bytes > 0 {
            return None;
        }
        if !self.known.is(octets) {
            self.known = KnownLine::read(octets, &self.limits)?;
        }
        Some(self.known.size)
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
