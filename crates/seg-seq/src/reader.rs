//! Reading a sequence like a file.

mod error;
mod parse;

use core::fmt;
use std::io::{self, BufRead, IoSliceMut, Read, Seek, SeekFrom};

pub use error::{ReadError, ReadErrorKind};
pub use parse::Checkpoint;

use crate::{
    chunks::{self, Slices},
    sequence::{Sequence, within},
};

/// A [`Read`], [`BufRead`] and [`Seek`] view of a [`Sequence`].
///
/// Copies nothing but what is read, and never flattens: [`fill_buf`](BufRead::fill_buf) is the
/// rest of the current chunk. Seeking is a guess that is verified, then a binary search; reading
/// on never searches. Of std's operations, none fails but a seek before the start, and reading
/// exactly more than there is.
///
/// Parsers have operations of their own, which fail without moving: integers
/// ([`read_u16_be`](Self::read_u16_be) and others), varints, parts [that are not
/// copied](Self::take_until), [peeking](Self::peek) and [checkpoints](Self::checkpoint). With the
/// feature `tokio` the reader has tokio's traits, too; they never wait.
///
/// # Examples
///
/// ```
/// use std::io::{BufRead, Read, Seek, SeekFrom};
/// use seg_pool::Segment;
/// use seg_seq::Sequence;
///
/// # fn main() -> std::io::Result<()> {
/// let sequence: Sequence =
///     [Segment::from_static(b"one\ntw"), Segment::from_static(b"o\n")].into_iter().collect();
/// let mut reader = sequence.as_reader();
/// let mut line = String::new();
/// reader.seek(SeekFrom::Start(4))?;
/// reader.read_line(&mut line)?;
/// assert_eq!(line, "two\n");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Reader<'a> {
    sequence: Source<'a>,
    /// The chunk that holds the next byte; the count of chunks at the end.
    chunk: usize,
    /// The rest of that chunk, so that it need not be looked up. Always empty in a reader that
    /// owns its sequence.
    rest: &'a [u8],
    /// Offset of the end of `rest`, so that reading a byte moves nothing else.
    rest_end: u64,
}

#[derive(Clone)]
enum Source<'a> {
    Borrowed(&'a Sequence),
    Owned(Sequence),
}

impl Sequence {
    /// Returns a reader over the sequence, from its first byte.
    #[must_use]
    pub fn as_reader(&self) -> Reader<'_> {
        Reader::new(Source::Borrowed(self))
    }

    /// Turns the sequence into a reader that owns it.
    #[must_use]
    pub fn into_reader(self) -> Reader<'static> {
        Reader::new(Source::Owned(self))
    }
}

impl<'a> Reader<'a> {
    fn new(sequence: Source<'a>) -> Self {
        let mut reader = Self { sequence, chunk: 0, rest: &[], rest_end: 0 };
        reader.enter(0, 0);
        reader
    }

    /// Returns the sequence that is read.
    #[inline]
    #[must_use]
    pub const fn sequence(&self) -> &Sequence {
        match &self.sequence {
            Source::Borrowed(sequence) => sequence,
            Source::Owned(sequence) => sequence,
        }
    }

    /// Returns the offset of the next byte. It is beyond the length after a seek to there.
    #[inline]
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.rest_end - self.rest.len() as u64
    }

    /// Returns the number of bytes between the position and the end.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.sequence().len().saturating_sub(self.position())
    }

    /// Returns the rest of the current chunk; empty at the end only.
    #[inline]
    #[must_use]
    pub fn chunk(&self) -> &[u8] {
        if self.rest.is_empty() { self.look_up() } else { self.rest }
    }

    fn look_up(&self) -> &[u8] {
        match self.sequence().list.get(self.chunk) {
            Some(chunk) => &chunk[self.within()..],
            None => &[],
        }
    }

    /// Returns where in its chunk the next byte lies; 0 at the end.
    fn within(&self) -> usize {
        within(self.position().saturating_sub(self.sequence().list.start_of(self.chunk)))
    }

    /// Goes to a position, which lies in this chunk or, when there is no such chunk, at the end or beyond
    /// it.
    fn enter(&mut self, position: u64, chunk: usize) {
        (self.chunk, self.rest, self.rest_end) = (chunk, &[], position);
        if let Source::Borrowed(sequence) = self.sequence
            && let Some(segment) = sequence.list.get(chunk)
        {
            self.rest = &segment[self.within()..];
            self.rest_end += self.rest.len() as u64;
        }
    }

    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        match self.rest.get(count..) {
            Some(rest) if !rest.is_empty() => self.rest = rest,
            _ => self.advance_rare(count),
        }
    }

    /// Moves to the end of the current chunk, or within one that is looked up each time.
    fn advance_rare(&mut self, count: usize) {
        let len = self.chunk().len();
        assert!(count <= len, "consume past the end of the buffer");
        if count > 0 {
            self.enter(self.position() + count as u64, self.chunk + usize::from(count == len));
        }
    }

    /// Returns what comes next, slice by slice.
    pub(crate) fn slices(&self) -> Slices<'_> {
        self.sequence().slices_from(self.chunk, self.within())
    }

    /// Reads into `target` as far as there are bytes, and returns how many those were.
    #[inline]
    pub(crate) fn fill(&mut self, target: &mut [u8]) -> usize {
        match self.rest.split_at_checked(target.len()) {
            Some((head, rest)) if !rest.is_empty() => {
                target.copy_from_slice(head);
                self.rest = rest;
                target.len()
            }
            _ => self.fill_across(target),
        }
    }

    #[inline(never)]
    fn fill_across(&mut self, target: &mut [u8]) -> usize {
        let count = chunks::fill(target, self.slices());
        self.skip_ahead(count as u64);
        count
    }

    /// Moves over bytes that are there, chunk by chunk.
    fn skip_ahead(&mut self, count: u64) {
        let mut rest = count;
        while rest > 0 {
            let len = self.chunk().len().min(within(rest));
            self.advance(len);
            rest -= len as u64;
        }
    }

    fn seek_to(&mut self, position: u64) {
        let (chunk, _) = self.sequence().list.locate(position);
        self.enter(position, chunk);
    }
}

impl Read for Reader<'_> {
    #[inline]
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        // Parsers read byte by byte.
        if let ([target], [byte, rest @ ..]) = (&mut *target, self.rest)
            && !rest.is_empty()
        {
            *target = *byte;
            self.rest = rest;
            return Ok(1);
        }
        Ok(self.fill(target))
    }

    fn read_vectored(&mut self, targets: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let mut count = 0;
        for target in targets {
            count += self.read(target)?;
        }
        Ok(count)
    }

    fn read_exact(&mut self, target: &mut [u8]) -> io::Result<()> {
        if target.len() as u64 > self.remaining() {
            self.seek_to(self.sequence().len().max(self.position()));
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read(target).map(|_| ())
    }

    fn read_to_end(&mut self, target: &mut Vec<u8>) -> io::Result<usize> {
        let count = within(self.remaining());
        target.try_reserve(count)?;
        for slice in self.slices() {
            target.extend_from_slice(slice);
        }
        if count > 0 {
            self.seek_to(self.sequence().len());
        }
        Ok(count)
    }

    /// Appends all that is left. What is not UTF-8 has been read, and `target` is as before.
    fn read_to_string(&mut self, target: &mut String) -> io::Result<usize> {
        let mut bytes = core::mem::take(target).into_bytes();
        let before = bytes.len();
        let result = self.read_to_end(&mut bytes);
        let (bytes, result) = match String::from_utf8(bytes) {
            Ok(text) => {
                *target = text;
                return result;
            }
            Err(error) => (error.into_bytes(), Err(io::ErrorKind::InvalidData.into())),
        };
        // What was there before is text.
        let text = String::from_utf8_lossy(&bytes[..before]).into_owned();
        *target = text;
        result
    }
}

impl BufRead for Reader<'_> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.chunk())
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        self.advance(count);
    }
}

impl Seek for Reader<'_> {
    /// Moves the position. Beyond the end is allowed, as for files: reads give nothing there.
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let (base, offset) = match target {
            SeekFrom::Start(position) => (position, 0),
            SeekFrom::End(offset) => (self.sequence().len(), offset),
            SeekFrom::Current(offset) => (self.position(), offset),
        };
        let Some(position) = base.checked_add_signed(offset) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "invalid seek to a negative or overflowing position",
            ));
        };
        self.seek_to(position);
        Ok(position)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.position())
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("position", &self.position())
            .field("len", &self.sequence().len())
            .finish()
    }
}
