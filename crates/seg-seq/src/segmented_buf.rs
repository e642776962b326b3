//! A buffer that grows by segments and is consumed from the front.

use core::fmt;

use bytes::{Buf as _, Bytes, buf::UninitSlice};
use seg_pool::{OutOfMemory, Pool, Segment, SegmentMut};

use crate::{
    chunk_list::ChunkList,
    range::{self, RangeError},
    sequence::{Sequence, held_bytes, within},
};

/// A growing buffer of pooled segments: filled at the tail, consumed from the front.
///
/// Bytes get in [by copy](Self::try_extend_from_slice), [by link](Self::push) or [by a
/// read](Self::fill_from) into the tail segment; they get out as [`Sequence`]s without a copy,
/// while the tail goes on being filled. Segments have the pool's
/// [segment size](seg_pool::PoolBuilder::segment_size): a budget below it can give none. No
/// allocation is larger than a segment, and an empty buffer holds none.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use seg_seq::SegmentedBuf;
///
/// # fn main() -> Result<(), seg_pool::OutOfMemory> {
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
    pub(crate) list: ChunkList,
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
    /// [`OutOfMemory`] when the pool has too few segments; nothing is appended then.
    #[inline]
    pub fn try_extend_from_slice(&mut self, bytes: &[u8]) -> Result<(), OutOfMemory> {
        match &mut self.tail {
            Some(tail) if bytes.len() <= tail.spare_len() => {
                tail.extend_from_slice(bytes);
                Ok(())
            }
            _ => self.extend_by_segments(bytes),
        }
    }

    fn extend_by_segments(&mut self, bytes: &[u8]) -> Result<(), OutOfMemory> {
        if bytes.is_empty() {
            return Ok(());
        }
        let spare = self.tail.as_ref().map_or(0, SegmentMut::spare_len);
        let (head, rest) = bytes.split_at(bytes.len().min(spare));
        // What does not fit into the tail is gathered first, as it is all or nothing.
        let mut last = self.pool.try_take_size(self.pool.segment_size())?;
        let count = last.fill_from_slice(rest);
        let full = if count < rest.len() {
            Some(self.fill_segments(&mut last, &rest[count..])?)
        } else {
            None
        };
        if let Some(tail) = &mut self.tail {
            tail.fill_from_slice(head);
        }
        self.seal();
        if let Some(mut full) = full {
            let len = full.bytes();
            full.drain_front(len, |segment| self.list.push(segment));
        }
        self.tail = Some(last);
        Ok(())
    }

    /// Fills segments behind `last`, which is the last one of them then; returns those before it.
    fn fill_segments(&self, last: &mut SegmentMut, bytes: &[u8]) -> Result<ChunkList, OutOfMemory> {
        let (mut full, mut rest) = (ChunkList::default(), bytes);
        while !rest.is_empty() {
            let mut segment = self.pool.try_take_size(self.pool.segment_size())?;
            rest = &rest[segment.fill_from_slice(rest)..];
            full.push(core::mem::replace(last, segment).freeze());
        }
        Ok(full)
    }

    /// Appends `bytes`, copying them.
    ///
    /// # Panics
    ///
    /// Panics when the pool is exhausted.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        if let Err(error) = self.try_extend_from_slice(bytes) {
            panic!("{error}");
        }
    }

    /// Appends a segment without a copy, however short:
    /// [`try_push_or_copy`](Self::try_push_or_copy) chooses. One that goes on where the last chunk
    /// ends, in the same segment, joins that chunk; an empty one vanishes.
    ///
    /// What is left of the tail segment is filled with the next bytes that are copied.
    #[inline]
    pub fn push(&mut self, segment: Segment) {
        if segment.is_empty() {
            return;
        }
        if self.tail.is_some() {
            self.publish();
        }
        self.list.push(segment);
    }

    /// Appends what an exclusive segment holds, and fills its spare part next.
    ///
    /// For those who take segments themselves, say to wait for them
    /// ([`take_async`](seg_pool::Pool::take_async)). What was spare in the old tail
    /// stays unused until its segment goes back.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn read(mut socket: &[u8], buffer: &mut seg_seq::SegmentedBuf) -> Result<(), Box<dyn std::error::Error>> {
    /// if buffer.spare_len() == 0 {
    ///     let segment = buffer.pool().take_async(16_384).await?;
    ///     buffer.push_mut(segment);
    /// }
    /// buffer.fill_from(&mut socket)?; // there is room: it takes no segment
    /// # Ok(())
    /// # }
    /// ```
    pub fn push_mut(&mut self, segment: SegmentMut) {
        self.start_tail(segment);
    }

    /// Returns the bytes that can be filled before another segment is needed.
    #[must_use]
    pub fn spare_len(&self) -> usize {
        self.tail.as_ref().map_or(0, SegmentMut::spare_len)
    }

    /// Appends [`Bytes`] without a copy. Allocates 128 bytes for their count.
    pub fn push_bytes(&mut self, bytes: Bytes) {
        self.push(Segment::from(bytes));
    }

    /// Appends the chunks of a sequence without a copy. Cost grows with their number.
    pub fn append(&mut self, sequence: Sequence) {
        if !sequence.is_empty() {
            self.publish();
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
    /// [`OutOfMemory`] when a new segment is needed and the pool has none.
    pub fn try_spare_mut(&mut self) -> Result<&mut UninitSlice, OutOfMemory> {
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
    /// [`OutOfMemory`] when a new segment is needed and the pool has none.
    pub fn try_spare_initialized_mut(&mut self) -> Result<&mut [u8], OutOfMemory> {
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

    /// Splits the first `count` bytes off. Copies nothing; the tail goes on being filled.
    ///
    /// # Panics
    ///
    /// Panics when `count` is above [`len`](Self::len).
    #[must_use = "the split-off front is gone from this buffer"]
    pub fn split_to(&mut self, count: u64) -> Sequence {
        self.try_split_to(count).unwrap_or_else(range::refuse)
    }

    /// Splits the first `count` bytes off. Copies nothing; the tail goes on being filled.
    ///
    /// # Errors
    ///
    /// [`RangeError`] when `count` is above [`len`](Self::len). Nothing changes then.
    pub fn try_split_to(&mut self, count: u64) -> Result<Sequence, RangeError> {
        range::resolve(&(..count), self.len())?;
        let mut front = Sequence::new();
        let listed = self.list.bytes();
        if count >= listed {
            core::mem::swap(&mut front.list, &mut self.list);
            if let Some(tail) = self.tail.as_mut().filter(|_| count > listed) {
                front.push(tail.split_to(within(count - listed)).freeze());
            }
            self.drop_full_tail();
        } else {
            self.list.drain_front(count, |segment| front.list.push(segment));
        }
        Ok(front)
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

    /// Drops all bytes, but keeps the tail segment for the next ones when nobody else has a part of
    /// it.
    pub fn reset(&mut self) {
        self.list = ChunkList::default();
        if let Some(tail) = &mut self.tail {
            tail.clear();
            if !tail.try_reclaim() {
                self.tail = None;
            }
        }
    }

    /// Drops the first `count` bytes.
    pub(crate) fn consume(&mut self, count: u64) {
        assert!(count <= self.len(), "advance past the end of the buffer");
        let listed = self.list.bytes();
        self.list.advance(count.min(listed));
        if count > listed
            && let Some(tail) = &mut self.tail
        {
            tail.advance(within(count - listed));
        }
        self.drop_full_tail();
    }

    /// Returns the first chunk, or what the tail holds when there is none.
    pub(crate) fn first_slice(&self) -> &[u8] {
        match self.list.get(0) {
            Some(chunk) => &chunk.segment,
            None => self.tail.as_deref().unwrap_or_default(),
        }
    }

    /// Returns the chunks, then what the tail holds, if anything.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let tail = self.tail.as_deref().filter(|tail| !tail.is_empty());
        self.list.iter().map(|chunk| &*chunk.segment).chain(tail)
    }

    pub(crate) fn tail_len(&self) -> usize {
        self.tail.as_ref().map_or(0, SegmentMut::len)
    }

    /// Replaces the tail, which is complete.
    pub(crate) fn start_tail(&mut self, tail: SegmentMut) {
        self.seal();
        self.tail = Some(tail);
    }

    /// Gives an empty tail back to the pool.
    pub(crate) fn drop_empty_tail(&mut self) {
        if self.tail.as_ref().is_some_and(SegmentMut::is_empty) {
            self.tail = None;
        }
    }

    /// Returns a tail with at least one spare byte.
    pub(crate) fn try_tail(&mut self) -> Result<&mut SegmentMut, OutOfMemory> {
        if self.tail.as_ref().is_none_or(|tail| tail.spare_len() == 0) {
            let fresh = self.pool.try_take_size(self.pool.segment_size())?;
            self.start_tail(fresh);
        }
        let Some(tail) = &mut self.tail else { unreachable!("set above") };
        Ok(tail)
    }

    /// Moves the filled part of the tail into the list, where it can be shared. The spare part
    /// stays the tail.
    fn publish(&mut self) {
        match &mut self.tail {
            Some(tail) if tail.spare_len() == 0 => self.seal(),
            Some(tail) if !tail.is_empty() => {
                let filled = tail.split_to(tail.len());
                self.list.push(filled.freeze());
            }
            _ => {}
        }
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

impl fmt::Debug for SegmentedBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentedBuf")
            .field("len", &self.len())
            .field("chunks", &(self.list.len() + usize::from(self.tail_len() > 0)))
            .field("held_bytes", &self.held_bytes())
            .finish()
    }
}
