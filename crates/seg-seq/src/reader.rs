//! Reading a sequence like a file.

use core::fmt;
use std::io::{self, BufRead, IoSliceMut, Read, Seek, SeekFrom};

use crate::sequence::{Sequence, within};

/// A [`Read`], [`BufRead`] and [`Seek`] view of a [`Sequence`].
///
/// Copies nothing but what is read, and never flattens: [`fill_buf`](BufRead::fill_buf) is the
/// rest of the current chunk. Seeking is a guess that is verified, then a binary search; reading
/// on never searches. No operation fails but a seek before the start.
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
    position: u64,
    /// The chunk that holds `position`, and where in it; the count of chunks at the end.
    chunk: usize,
    within: usize,
}

#[derive(Clone)]
// An owned sequence stays where the reader is: boxing it would allocate for each reader.
#[allow(clippy::large_enum_variant)]
enum Source<'a> {
    Borrowed(&'a Sequence),
    Owned(Sequence),
}

impl<'a> Reader<'a> {
    pub(crate) const fn borrowed(sequence: &'a Sequence) -> Self {
        Self { sequence: Source::Borrowed(sequence), position: 0, chunk: 0, within: 0 }
    }

    pub(crate) const fn owned(sequence: Sequence) -> Self {
        Self { sequence: Source::Owned(sequence), position: 0, chunk: 0, within: 0 }
    }

    /// Returns the sequence that is read.
    #[must_use]
    pub const fn sequence(&self) -> &Sequence {
        match &self.sequence {
            Source::Borrowed(sequence) => sequence,
            Source::Owned(sequence) => sequence,
        }
    }

    /// Returns the offset of the next byte. It is beyond the length after a seek to there.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Returns the number of bytes between the position and the end.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.sequence().len().saturating_sub(self.position)
    }

    /// Returns the rest of the current chunk; empty at the end only.
    #[must_use]
    pub fn chunk(&self) -> &[u8] {
        match self.sequence().list.get(self.chunk) {
            Some(chunk) => &chunk.segment[self.within..],
            None => &[],
        }
    }

    fn advance(&mut self, count: usize) {
        let rest = self.chunk().len();
        assert!(count <= rest, "consume past the end of the buffer");
        self.position += count as u64;
        if count == rest && count > 0 {
            (self.chunk, self.within) = (self.chunk + 1, 0);
        } else {
            self.within += count;
        }
    }

    fn seek_to(&mut self, position: u64) {
        let list = &self.sequence().list;
        let chunk = list.index_of(position);
        let start = list.get(chunk).map(|chunk| chunk.start - list.start());
        self.within = start.map_or(0, |start| within(position - start));
        self.chunk = chunk;
        self.position = position;
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < target.len() {
            let chunk = self.chunk();
            let len = chunk.len().min(target.len() - count);
            if len == 0 {
                break;
            }
            target[count..count + len].copy_from_slice(&chunk[..len]);
            self.advance(len);
            count += len;
        }
        Ok(count)
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
            self.seek_to(self.sequence().len().max(self.position));
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read(target).map(|_| ())
    }

    fn read_to_end(&mut self, target: &mut Vec<u8>) -> io::Result<usize> {
        let count = within(self.remaining());
        target.try_reserve(count)?;
        loop {
            let chunk = self.chunk();
            let len = chunk.len();
            if len == 0 {
                return Ok(count);
            }
            target.extend_from_slice(chunk);
            self.advance(len);
        }
    }
}

impl BufRead for Reader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.chunk())
    }

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
            SeekFrom::Current(offset) => (self.position, offset),
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
        Ok(self.position)
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("position", &self.position)
            .field("len", &self.sequence().len())
            .finish()
    }
}
