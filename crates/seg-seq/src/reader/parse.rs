//! What parsers read: values, parts and places. Whatever fails moves nothing.

use seg_pool::OutOfMemory;

use super::{ReadError, ReadErrorKind, Reader};
use crate::{
    chunks, find,
    sequence::{Sequence, within},
};

/// Bytes of the longest LEB128 encoding of 64 bits.
const LEB128_BYTES_MAX: usize = 10;

/// A place to come back to, from [`Reader::checkpoint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    position: u64,
    chunk: usize,
}

/// Parsing.
///
/// # Examples
///
/// ```
/// use seg_pool::Segment;
/// use seg_seq::{ReadErrorKind, Sequence};
///
/// # fn main() -> Result<(), seg_seq::ReadError> {
/// // A length of two bytes, then so many bytes: cut anywhere, and not complete yet.
/// let sequence: Sequence =
///     [&b"\x00"[..], b"\x05he", b"llo\x00\x09wor"].map(Segment::from_static).into_iter().collect();
/// let mut reader = sequence.as_reader();
/// let len = reader.read_u16_be()?;
/// assert_eq!(reader.take_sequence(len.into())?, b"hello");
///
/// let start = reader.checkpoint();
/// let len = reader.read_u16_be()?;
/// let missing = reader.take_sequence(len.into()).map_err(|error| error.kind());
/// assert_eq!(missing, Err(ReadErrorKind::UnexpectedEnd));
/// reader.rewind_to(start);
/// assert_eq!(reader.position(), 7);
/// # Ok(())
/// # }
/// ```
impl Reader<'_> {
    /// Reads `N` bytes: for integers of other sizes and signs, with their `from_be_bytes`.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when there are fewer.
    #[inline]
    pub fn read_array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        if let Some(&array) = self.rest.first_chunk::<N>() {
            self.advance(N);
            return Ok(array);
        }
        self.read_array_across()
    }

    fn read_array_across<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let array = self.peek_array().ok_or_else(|| self.unexpected_end())?;
        self.skip_ahead(N as u64);
        Ok(array)
    }

    /// Reads a byte.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] at the end.
    #[inline]
    pub fn read_u8(&mut self) -> Result<u8, ReadError> {
        self.read_array().map(|[byte]| byte)
    }

    /// Reads 2 bytes as an integer, the most significant one first.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when there are fewer.
    #[inline]
    pub fn read_u16_be(&mut self) -> Result<u16, ReadError> {
        self.read_array().map(u16::from_be_bytes)
    }

    /// Reads 2 bytes as an integer, the least significant one first.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when there are fewer.
    #[inline]
    pub fn read_u16_le(&mut self) -> Result<u16, ReadError> {
        self.read_array().map(u16::from_le_bytes)
    }

    /// Reads 4 bytes as an integer, the most significant one first.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when there are fewer.
    #[inline]
    pub fn read_u32_be(&mut self) -> Result<u32, ReadError> {
        self.read_array().map(u32::from_be_bytes)
    }

    /// Reads 4 bytes as an integer, the least significant one first.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when there are fewer.
    #[inline]
    pub fn read_u32_le(&mut self) -> Result<u32, ReadError> {
        self.read_array().map(u32::from_le_bytes)
    }

    /// Reads 8 bytes as an integer, the most significant one first.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when there are fewer.
    #[inline]
    pub fn read_u64_be(&mut self) -> Result<u64, ReadError> {
        self.read_array().map(u64::from_be_bytes)
    }

    /// Reads 8 bytes as an integer, the least significant one first.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when there are fewer.
    #[inline]
    pub fn read_u64_le(&mut self) -> Result<u64, ReadError> {
        self.read_array().map(u64::from_le_bytes)
    }

    /// Reads an unsigned LEB128 integer of at most 64 bits: 7 bits a byte, the least significant
    /// ones first. Encodings longer than needed are read, up to 10 bytes.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when the last byte is not there yet,
    /// [`ReadErrorKind::VarintOverflow`] when the value needs more than 64 bits, or has no end
    /// within 10 bytes.
    pub fn read_uleb128(&mut self) -> Result<u64, ReadError> {
        let mut bytes = [0; LEB128_BYTES_MAX];
        let count = self.peek(&mut bytes);
        let mut value = 0;
        for (index, byte) in bytes[..count].iter().enumerate() {
            let bits = u64::from(byte & 0x7f);
            let shift = 7 * index;
            if bits << shift >> shift != bits {
                return Err(self.varint_overflow());
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                self.skip_ahead(index as u64 + 1);
                return Ok(value);
            }
        }
        Err(if count == bytes.len() { self.varint_overflow() } else { self.unexpected_end() })
    }

    /// Reads a variable-length integer of 1, 2, 4 or 8 bytes, below 2^62 (RFC 9000, section 16).
    /// Encodings longer than needed are read, as there.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when there are fewer bytes than the first one says.
    pub fn read_quic_varint(&mut self) -> Result<u64, ReadError> {
        let mut bytes = [0; 8];
        let count = self.peek(&mut bytes);
        let len = 1 << (bytes[0] >> 6);
        if count < len {
            return Err(self.unexpected_end());
        }
        bytes[0] &= 0x3f;
        self.skip_ahead(len as u64);
        Ok(u64::from_be_bytes(bytes) >> (64 - 8 * len))
    }

    /// Copies what comes next into `target`, as far as it goes, and returns how many bytes those
    /// were. Moves nothing.
    pub fn peek(&self, target: &mut [u8]) -> usize {
        chunks::fill(target, self.slices())
    }

    /// Returns the next `N` bytes without moving; `None` when there are fewer.
    #[must_use]
    pub fn peek_array<const N: usize>(&self) -> Option<[u8; N]> {
        let mut array = [0; N];
        (self.peek(&mut array) == N).then_some(array)
    }

    /// Returns the next byte without moving; `None` at the end.
    #[inline]
    #[must_use]
    pub fn peek_u8(&self) -> Option<u8> {
        self.chunk().first().copied()
    }

    /// Returns whether `bytes` come next, however they are cut. Moves nothing.
    #[must_use]
    pub fn starts_with(&self, bytes: &[u8]) -> bool {
        chunks::starts_with(self.slices(), bytes)
    }

    /// Moves over `bytes` if they come next, and returns whether they did.
    #[must_use = "nothing is moved over when the bytes are others"]
    pub fn skip_prefix(&mut self, bytes: &[u8]) -> bool {
        let found = self.starts_with(bytes);
        if found {
            self.skip_ahead(bytes.len() as u64);
        }
        found
    }

    /// Moves over `count` bytes.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when there are fewer.
    #[inline]
    pub fn skip(&mut self, count: u64) -> Result<(), ReadError> {
        if count < self.rest.len() as u64 {
            self.advance(within(count));
            return Ok(());
        }
        self.skip_across(count)
    }

    fn skip_across(&mut self, count: u64) -> Result<(), ReadError> {
        if count > self.remaining() {
            return Err(self.unexpected_end());
        }
        if count <= self.chunk().len() as u64 {
            self.skip_ahead(count);
        } else {
            self.seek_to(self.position() + count);
        }
        Ok(())
    }

    /// Reads `count` bytes as a sequence, without a copy: one atomic increment a chunk.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when there are fewer, [`ReadErrorKind::OutOfMemory`] when they
    /// lie in several chunks and the pool has no block for their list.
    pub fn take_sequence(&mut self, count: u64) -> Result<Sequence, ReadError> {
        if count > self.remaining() {
            return Err(self.unexpected_end());
        }
        if count == 0 {
            return Ok(Sequence::new());
        }
        let part = self.sequence().try_part(self.chunk, self.within(), count);
        let (part, chunk) = part.map_err(|error| self.out_of_memory(error))?;
        self.enter(self.position() + count, chunk);
        Ok(part)
    }

    /// Reads all bytes up to the next `byte` and with it, without a copy.
    ///
    /// # Errors
    ///
    /// [`ReadErrorKind::UnexpectedEnd`] when there is no such byte, [`ReadErrorKind::OutOfMemory`] as
    /// for [`take_sequence`](Self::take_sequence).
    pub fn take_until(&mut self, byte: u8) -> Result<Sequence, ReadError> {
        let end = self.position_of(byte).ok_or_else(|| self.unexpected_end())?;
        self.take_sequence(end + 1 - self.position())
    }

    /// Returns the offset of the next byte that equals `byte`, from the start of the sequence.
    #[must_use]
    pub fn position_of(&self, byte: u8) -> Option<u64> {
        find::position(self.slices(), byte).map(|distance| self.position() + distance)
    }

    /// Returns the offset of the next occurrence of `needle`, from the start of the sequence.
    ///
    /// As [`Sequence::find`].
    #[must_use]
    pub fn find(&self, needle: &[u8]) -> Option<u64> {
        find::find(self.sequence(), self.position(), needle)
    }

    /// Returns the place of the next byte. Costs nothing, nor does going back there.
    #[inline]
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        Checkpoint { position: self.position(), chunk: self.chunk }
    }

    /// Goes to a place where this reader, or another one of the same bytes, has been.
    pub fn rewind_to(&mut self, checkpoint: Checkpoint) {
        let Checkpoint { position, chunk } = checkpoint;
        let list = &self.sequence().list;
        let distance = position.checked_sub(list.start_of(chunk));
        if list.get(chunk).zip(distance).is_some_and(|(chunk, at)| at < chunk.len() as u64) {
            self.enter(position, chunk);
        } else {
            self.seek_to(position);
        }
    }

    #[cold]
    const fn unexpected_end(&self) -> ReadError {
        ReadError::new(ReadErrorKind::UnexpectedEnd, self.position())
    }

    #[cold]
    const fn out_of_memory(&self, error: OutOfMemory) -> ReadError {
        ReadError::new(ReadErrorKind::OutOfMemory(error), self.position())
    }

    #[cold]
    const fn varint_overflow(&self) -> ReadError {
        ReadError::new(ReadErrorKind::VarintOverflow, self.position())
    }
}
