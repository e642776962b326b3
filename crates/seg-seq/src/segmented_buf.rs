//! A buffer that grows by segments and is consumed from the front.

use core::{fmt, mem::MaybeUninit};
use std::io;

use bytes::{Buf, Bytes};
use seg_pool::{Exhausted, Pool, Segment, SegmentMut};

use crate::{
    chunk_list::ChunkList,
    sequence::{Sequence, held_bytes, within},
};

/// A growing buffer of pooled segments: filled at the tail, consumed from the front.
///
/// Bytes get in [by copy](Self::try_extend_from_slice), [by link](Self::push) or [by a
/// read](Self::fill_from) into the tail segment; they get out as [`Sequence`]s without a copy,
/// while the tail goes on being filled. No allocation is larger than a segment, and an empty
/// buffer holds none.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use seg_seq::SegmentedBuf;
///
/// # fn main() -> Result<(), seg_pool::Exhausted> {
/// let pool = Pool::new();
/// let mut buffer = SegmentedBuf::new(&pool);
/// buffer.try_extend_from_slice(b"first line\nsecond")?;
/// let line = buffer.split_to(11);
/// buffer.try_extend_from_slice(b" line\n")?;
/// assert_eq!(line, b"first line\n");
/// assert_eq!(buffer.freeze(), b"second line\n");
/// # Ok(())
/// # }
/// ```
pub struct SegmentedBuf {
    pool: Pool,
    /// What is complete.
    list: ChunkList,
    /// What is being filled, behind the list.
    tail: Option<SegmentMut>,
}

impl SegmentedBuf {
    /// Creates an empty buffer that takes its segments from `pool`. Takes none yet.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone(), list: ChunkList::default(), tail: None }
    }

    /// Returns the pool that segments are taken from.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns the number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.list.bytes() + self.tail_len() as u64
    }

    /// Returns whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.tail_len() == 0
    }

    /// Returns the memory that this buffer keeps from reuse, in bytes: segments with their whole
    /// size, once for neighbouring chunks of the same one.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        let last = self.list.len().checked_sub(1).and_then(|index| self.list.get(index));
        let is_counted =
            |tail: &&SegmentMut| last.is_some_and(|last| tail.shares_segment_with(&last.segment));
        let tail = self.tail.as_ref().filter(|tail| !is_counted(tail));
        held_bytes(&self.list) + tail.map_or(0, |tail| tail.held_bytes() as u64)
    }

    /// Appends `bytes`, copying them.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when the pool has too few segments; nothing is appended then.
    pub fn try_extend_from_slice(&mut self, bytes: &[u8]) -> Result<(), Exhausted> {
        let spare = self.tail.as_ref().map_or(0, SegmentMut::spare_len);
        let (head, mut rest) = bytes.split_at(bytes.len().min(spare));
        // What does not fit into the tail is gathered first, as it is all or nothing.
        let mut full = ChunkList::default();
        let mut last = None;
        while !rest.is_empty() {
            let mut segment = self.pool.try_take_segment()?;
            rest = &rest[segment.fill_from_slice(rest)..];
            if let Some(previous) = last.replace(segment) {
                full.push(previous.freeze());
            }
        }
        if let Some(tail) = &mut self.tail {
            tail.fill_from_slice(head);
        }
        if last.is_some() {
            self.seal();
            let len = full.bytes();
            full.drain_front(len, |segment| self.list.push(segment));
            self.tail = last;
        }
        Ok(())
    }

    /// Appends `bytes`, copying them.
    ///
    /// # Panics
    ///
    /// Panics when the pool is exhausted.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        if let Err(error) = self.try_extend_from_slice(bytes) {
            panic!("{error}");
        }
    }

    /// Appends a segment without a copy. The next part of the last chunk's segment joins it; an
    /// empty one vanishes.
    ///
    /// What is left of the tail segment stays behind and is not filled any more.
    pub fn push(&mut self, segment: Segment) {
        if !segment.is_empty() {
            self.seal();
            self.list.push(segment);
        }
    }

    /// Appends [`Bytes`] without a copy. Allocates 128 bytes for their count.
    pub fn push_bytes(&mut self, bytes: Bytes) {
        self.push(Segment::from(bytes));
    }

    /// Appends the chunks of a sequence without a copy. Cost grows with their number.
    pub fn append(&mut self, sequence: Sequence) {
        if !sequence.is_empty() {
            self.seal();
            let mut sequence = sequence;
            let len = sequence.len();
            sequence.list.drain_front(len, |segment| self.list.push(segment));
        }
    }

    /// Returns the unfilled rest of the tail segment, at least one byte, taking a new segment when
    /// the old one is full. The bytes may be uninitialised.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when a new segment is needed and the pool has none.
    pub fn try_spare_mut(&mut self) -> Result<&mut [MaybeUninit<u8>], Exhausted> {
        self.try_tail().map(SegmentMut::spare_capacity_mut)
    }

    /// Counts the next `count` spare bytes as filled.
    ///
    /// # Safety
    ///
    /// The first `count` bytes of [`try_spare_mut`](Self::try_spare_mut) are initialised.
    ///
    /// # Panics
    ///
    /// Panics when `count` is above the length of that slice.
    pub unsafe fn advance_mut(&mut self, count: usize) {
        match &mut self.tail {
            // SAFETY: the caller's promise is the same.
            Some(tail) => unsafe { tail.advance_mut(count) },
            None => assert!(count == 0, "advance past the end of the segment"),
        }
    }

    /// Returns the unfilled rest of the tail segment, at least one byte, with every byte
    /// initialised: each at most once in the life of a segment.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when a new segment is needed and the pool has none.
    pub fn try_spare_initialized_mut(&mut self) -> Result<&mut [u8], Exhausted> {
        self.try_tail().map(SegmentMut::spare_initialized_mut)
    }

    /// Counts the next `count` bytes of
    /// [`try_spare_initialized_mut`](Self::try_spare_initialized_mut) as filled.
    ///
    /// # Panics
    ///
    /// Panics when `count` is above the length of that slice.
    pub fn advance_initialized(&mut self, count: usize) {
        match &mut self.tail {
            Some(tail) => tail.advance_initialized(count),
            None => assert!(count == 0, "advance past the end of the segment"),
        }
    }

    /// Reads once into the tail segment and returns how many bytes came; 0 means the end of the
    /// stream. A segment that nothing came into goes back to the pool.
    ///
    /// # Errors
    ///
    /// Those of `reader`, and [`Exhausted`] in an error of kind `OutOfMemory`. Nothing is appended
    /// then.
    pub fn fill_from(&mut self, reader: &mut (impl io::Read + ?Sized)) -> io::Result<usize> {
        let tail = self.try_tail().map_err(out_of_memory)?;
        let read = tail.read_from(reader);
        if tail.is_empty() {
            self.tail = None;
        }
        read
    }

    /// Splits the first `count` bytes off. Copies nothing; the tail goes on being filled.
    ///
    /// # Panics
    ///
    /// Panics when `count` is above [`len`](Self::len).
    #[must_use = "the split-off front is gone from this buffer"]
    pub fn split_to(&mut self, count: u64) -> Sequence {
        assert!(count <= self.len(), "split at {count}, beyond the length of {}", self.len());
        let mut front = Sequence::new();
        let listed = self.list.bytes();
        if count >= listed {
            core::mem::swap(&mut front.list, &mut self.list);
            if let Some(tail) = &mut self.tail {
                front.push(tail.split_to(within(count - listed)).freeze());
            }
            self.drop_full_tail();
        } else {
            self.list.drain_front(count, |segment| front.list.push(segment));
        }
        front
    }

    /// Takes everything out, leaving an empty buffer that goes on filling the same tail segment.
    #[must_use = "the bytes are gone from this buffer"]
    pub fn split(&mut self) -> Sequence {
        self.split_to(self.len())
    }

    /// Returns all bytes as a sequence and keeps them. One atomic increment a chunk.
    #[must_use]
    pub fn sequence(&mut self) -> Sequence {
        self.publish();
        Sequence { list: self.list.clone() }
    }

    /// Turns the buffer into a sequence of all its bytes.
    #[must_use]
    pub fn freeze(mut self) -> Sequence {
        self.seal();
        Sequence { list: core::mem::take(&mut self.list) }
    }

    /// Shortens the buffer to its first `len` bytes; does nothing when it is shorter.
    pub fn truncate(&mut self, len: u64) {
        let listed = self.list.bytes();
        if len >= listed {
            if let Some(tail) = &mut self.tail {
                tail.truncate(within(len - listed));
            }
        } else {
            self.tail = None;
            self.list.truncate(len);
        }
    }

    /// Drops all bytes and gives every segment back to its pool.
    pub fn clear(&mut self) {
        self.list = ChunkList::default();
        self.tail = None;
    }

    /// Drops all bytes, but keeps the tail segment for the next ones when it is unshared.
    pub fn reset(&mut self) {
        self.list = ChunkList::default();
        match &mut self.tail {
            Some(tail) if tail.capacity() == tail.held_bytes() => tail.clear(),
            _ => self.tail = None,
        }
    }

    fn tail_len(&self) -> usize {
        self.tail.as_ref().map_or(0, SegmentMut::len)
    }

    /// Returns a tail with at least one spare byte.
    fn try_tail(&mut self) -> Result<&mut SegmentMut, Exhausted> {
        if self.tail.as_ref().is_none_or(|tail| tail.spare_len() == 0) {
            let fresh = self.pool.try_take_segment()?;
            self.seal();
            self.tail = Some(fresh);
        }
        let Some(tail) = &mut self.tail else { unreachable!("set above") };
        Ok(tail)
    }

    /// Moves the filled part of the tail into the list, where it can be shared.
    fn publish(&mut self) {
        if let Some(tail) = &mut self.tail {
            let filled = tail.split_to(tail.len());
            self.list.push(filled.freeze());
        }
        self.drop_full_tail();
    }

    /// Moves the tail into the list, giving up its spare part.
    fn seal(&mut self) {
        if let Some(tail) = self.tail.take() {
            self.list.push(tail.freeze());
        }
    }

    fn drop_full_tail(&mut self) {
        if self.tail.as_ref().is_some_and(|tail| tail.capacity() == 0) {
            self.tail = None;
        }
    }
}

/// Wraps [`Exhausted`] for std's I/O traits.
pub(crate) fn out_of_memory(error: Exhausted) -> io::Error {
    io::Error::new(io::ErrorKind::OutOfMemory, error)
}

impl io::Write for SegmentedBuf {
    /// Appends `bytes`, copying them; fewer than all when the pool runs out on the way.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < bytes.len() {
            match self.try_tail() {
                Ok(tail) => count += tail.fill_from_slice(&bytes[count..]),
                Err(error) if count == 0 => return Err(out_of_memory(error)),
                Err(_) => break,
            }
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Buf for SegmentedBuf {
    fn remaining(&self) -> usize {
        within(self.len())
    }

    fn chunk(&self) -> &[u8] {
        match self.list.get(0) {
            Some(chunk) => &chunk.segment,
            None => self.tail.as_deref().unwrap_or_default(),
        }
    }

    fn advance(&mut self, count: usize) {
        drop(self.split_to(count as u64));
    }

    fn copy_to_bytes(&mut self, len: usize) -> Bytes {
        self.split_to(len as u64).into_bytes()
    }
}

impl fmt::Debug for SegmentedBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentedBuf")
            .field("len", &self.len())
            .field("chunks", &(self.list.len() + usize::from(self.tail_len() > 0)))
            .field("held_bytes", &self.held_bytes())
            .finish()
    }
}
