//! A buffer that grows by segments and is consumed from the front.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{fmt, ops::Range};
use std::io::IoSlice;

use bytes::{Buf as _, Bytes, buf::UninitSlice};
use seg_pool::{OutOfMemory, Pool, Segment, SegmentMut};

use crate::{
    chunk_list::{ChunkList, Source},
    chunks::{self, Slices},
    range::{self, CutError},
    sequence::{Sequence, within},
};

/// The part of a full tail segment that may be unread so that it moves to the front of the next one.
///
/// To copy a sixteenth of a segment, 1 KiB of 16 KiB, costs less than the chunk of a list that it would
/// be otherwise. And the message that starts with it is in one piece.
const MOVED_PART: usize = 16;

/// A growing buffer of pooled segments: filled at the tail, consumed from the front.
///
/// Bytes get in [by copy](Self::try_extend_from_slice), [by link](Self::try_push) or [by a
/// read](Self::fill_from) into the tail segment; they get out as [`Sequence`]s without a copy,
/// while the tail goes on being filled. Where a segment is full and at most a sixteenth of it is still
/// unread, that rest is copied to the front of the next one, or of the same one when nobody else has a
/// part of it. Segments have the pool's
/// [segment size](seg_pool::PoolBuilder::segment_size): a budget below it can give none. No
/// allocation is larger than a segment, and an empty buffer holds none. A list of several chunks lies
/// in segments of the same pool, so everything that adds chunks can be refused memory: the plain
/// methods panic then, and their `try_` twins return an error, with everything as it was.
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
///
/// # Invariants
///
/// - While there is a tail, the list has a spare slot for it, or ends with the part of its segment that
///   lies before it, which it joins. So the tail can always be moved there.
pub struct SegmentedBuf {
    pool: Pool,
    /// What is complete.
    pub(crate) list: ChunkList,
    /// What is being filled, after the list.
    tail: Option<SegmentMut>,
    /// What segments hold beyond what is in the list of them, since the list was last empty.
    pub(crate) waste_bytes: u64,
}

impl SegmentedBuf {
    /// Creates an empty buffer that takes its segments from `pool`. Takes none yet.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone(), list: ChunkList::EMPTY, tail: None, waste_bytes: 0 }
    }

    /// Returns the pool that segments are taken from.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns the number of bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> u64 {
        self.list.bytes() + self.tail_len() as u64
    }

    /// Returns whether there are no bytes.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.tail_len() == 0
    }

    /// Returns the memory that this buffer keeps from reuse, in bytes: segments with their whole
    /// size, once for neighbouring chunks of the same one, and the blocks of the list.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        let is_counted = |tail: &&SegmentMut| {
            self.list.last().is_some_and(|last| tail.shares_segment_with(last))
        };
        let tail = self.tail.as_ref().filter(|tail| !is_counted(tail));
        let tail = tail.map_or(0, |tail| tail.held_bytes() as u64);
        self.list.chunk_bytes() + self.list.block_bytes() + tail
    }

    /// Returns what [`held_bytes`](Self::held_bytes) does, from counts and not by a walk through the list:
    /// for a buffer that is filled by [`link_or_copy`](Self::link_or_copy) and by copies, and emptied as
    /// a whole. A segment counts once however its parts and others alternate, and twice when several
    /// other segments lie between them.
    #[inline]
    #[must_use]
    pub fn held_bytes_bound(&self) -> u64 {
        self.len() + self.waste_bytes + self.spare_len() as u64 + self.list.block_bytes()
    }

    /// Returns whether one of the last few chunks lies in the segment of another one: then a link to that
    /// holds no more memory.
    #[must_use]
    pub fn shares_segment_with(&self, segment: &Segment) -> bool {
        self.is_recent(segment)
    }

    /// Returns whether the last bytes were copied, so that a copy of the next ones joins their chunk.
    #[inline]
    #[must_use]
    pub fn ends_with_copy(&self) -> bool {
        self.tail_len() > 0
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

    #[inline(never)]
    fn extend_by_segments(&mut self, bytes: &[u8]) -> Result<(), OutOfMemory> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (head, rest) = bytes.split_at(bytes.len().min(self.spare_len()));
        // What does not fit into the tail is gathered first, as it is all or nothing.
        let mut last = self.pool.try_take_size(self.pool.segment_size())?;
        let rest = &rest[last.fill_from_slice(rest)..];
        let mut full =
            if rest.is_empty() { ChunkList::EMPTY } else { self.fill_segments(&mut last, rest)? };
        self.try_slots(full.len() + 1 + usize::from(self.tail.is_some()))?;
        if let Some(tail) = &mut self.tail {
            tail.fill_from_slice(head);
        }
        self.seal();
        while let Some(segment) = full.pop_front() {
            self.list.put(segment);
        }
        self.tail = Some(last);
        Ok(())
    }

    /// Fills segments after `last`, which is the last one of them then; returns those before it.
    fn fill_segments(&self, last: &mut SegmentMut, bytes: &[u8]) -> Result<ChunkList, OutOfMemory> {
        let count = bytes.len().div_ceil(last.capacity());
        let (mut full, mut rest) = (ChunkList::with_slots(count, &self.pool)?, bytes);
        while !rest.is_empty() {
            let mut segment = self.pool.try_take_size(self.pool.segment_size())?;
            rest = &rest[segment.fill_from_slice(rest)..];
            full.put(core::mem::replace(last, segment).freeze());
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
        self.try_extend_from_slice(bytes).unwrap_or_else(range::refuse);
    }

    /// Appends a segment without a copy, however short.
    ///
    /// # Panics
    ///
    /// Panics when the list needs a block and the pool has none: see [`try_push`](Self::try_push).
    #[inline]
    pub fn push(&mut self, segment: Segment) {
        let pushed = if self.tail.is_none() { self.list.push_fast(segment) } else { Err(segment) };
        if let Err(segment) = pushed {
            self.push_rare(segment);
        }
    }

    #[inline(never)]
    fn push_rare(&mut self, mut segment: Segment) {
        self.try_push(&mut segment).unwrap_or_else(range::refuse);
    }

    /// Appends a segment without a copy, however short, and leaves an empty one:
    /// [`link_or_copy`](Self::link_or_copy) chooses. One that goes on where the last chunk ends, in
    /// the same segment, joins that chunk; an empty one vanishes.
    ///
    /// What is left of the tail segment is filled with the next bytes that are copied.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the list needs a block and the pool has none; the segment is where it was.
    #[inline]
    pub fn try_push(&mut self, segment: &mut Segment) -> Result<(), OutOfMemory> {
        if self.tail.is_some() && !segment.is_empty() {
            self.try_publish(1)?;
        }
        self.list.try_push(segment, Some(&self.pool))
    }

    /// Makes slots in the list, so that as many chunks can be pushed without an error, before or after
    /// what is copied into the tail segment.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the list needs blocks and the pool has too few; nothing changes then.
    #[inline]
    pub fn try_reserve(&mut self, chunk_count: usize) -> Result<(), OutOfMemory> {
        // The tail becomes a chunk before them, and the rest of it one after them.
        let slots = chunk_count + 2 * usize::from(self.tail.is_some());
        if slots <= self.list.spare() { Ok(()) } else { self.try_slots(slots) }
    }

    /// Appends what an exclusive segment holds, and fills its spare part next.
    ///
    /// # Panics
    ///
    /// Panics when the list needs a block and the pool has none: see
    /// [`try_push_mut`](Self::try_push_mut).
    pub fn push_mut(&mut self, segment: SegmentMut) {
        self.try_push_mut(segment).unwrap_or_else(|(_, error)| range::refuse(error));
    }

    /// Appends what an exclusive segment holds, and fills its spare part next.
    ///
    /// For those who take segments themselves, say to wait for them
    /// ([`take_async`](seg_pool::Pool::take_async)). What was spare in the old tail
    /// stays unused until its segment goes back.
    ///
    /// # Errors
    ///
    /// The segment, and [`OutOfMemory`], when the list needs a block and the pool has none.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn read(mut socket: &[u8], buffer: &mut seg_seq::SegmentedBuf) -> Result<(), Box<dyn std::error::Error>> {
    /// if buffer.spare_len() == 0 {
    ///     let segment = buffer.pool().take_async(16_384).await?;
    ///     buffer.try_push_mut(segment).map_err(|(_, error)| error)?;
    /// }
    /// buffer.fill_from(&mut socket)?; // the tail has spare capacity: no segment is taken
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_push_mut(&mut self, segment: SegmentMut) -> Result<(), (SegmentMut, OutOfMemory)> {
        match self.try_slots(1 + usize::from(self.tail.is_some())) {
            Ok(()) => {
                self.seal();
                self.tail = Some(segment);
                Ok(())
            }
            Err(error) => Err((segment, error)),
        }
    }

    /// Returns the bytes that can be filled before another segment is needed.
    #[inline]
    #[must_use]
    pub fn spare_len(&self) -> usize {
        self.tail.as_ref().map_or(0, SegmentMut::spare_len)
    }

    /// Appends [`Bytes`] without a copy. Allocates 128 bytes for their count.
    ///
    /// # Panics
    ///
    /// Panics where [`push`](Self::push) does.
    pub fn push_bytes(&mut self, bytes: Bytes) {
        self.push(Segment::from(bytes));
    }

    /// Appends the chunks of a sequence without a copy. Cost grows with their number.
    ///
    /// # Panics
    ///
    /// Panics when the list needs a block and the pool has none: see [`try_append`](Self::try_append).
    pub fn append(&mut self, mut sequence: Sequence) {
        self.try_append(&mut sequence).unwrap_or_else(range::refuse);
    }

    /// Appends the chunks of a sequence without a copy, and leaves an empty one. Cost grows with their
    /// number.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the list needs blocks and the pool has too few. The bytes of both are as
    /// before then.
    pub fn try_append(&mut self, sequence: &mut Sequence) -> Result<(), OutOfMemory> {
        let Some(tail) = self.tail.as_ref().filter(|_| !sequence.is_empty()) else {
            return self.list.try_append(&mut sequence.list, Some(&self.pool));
        };
        if self.list.is_empty() && tail.is_empty() {
            // The list becomes this buffer's, and needs a slot for the tail.
            sequence.list.try_reserve(1, Source::Pool(&self.pool))?;
        } else {
            self.try_publish(sequence.chunk_count())?;
        }
        self.list.try_append(&mut sequence.list, Some(&self.pool))
    }

    /// Returns the unfilled rest of the tail segment, at least one byte, taking a new segment when
    /// the old one is full. The bytes may be uninitialised.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when a new segment is needed and the pool has none.
    #[inline]
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
    #[inline]
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
    #[inline]
    pub fn try_spare_initialized_mut(&mut self) -> Result<&mut [u8], OutOfMemory> {
        self.try_tail().map(SegmentMut::spare_initialized_mut)
    }

    /// Counts the next `count` bytes of
    /// [`try_spare_initialized_mut`](Self::try_spare_initialized_mut) as filled.
    ///
    /// # Panics
    ///
    /// Panics when `count` is above the length of that slice.
    #[inline]
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
    /// Panics when `count` is above [`len`](Self::len), or where
    /// [`try_split_to`](Self::try_split_to) finds no memory.
    #[inline(always)]
    #[must_use = "the split-off front is gone from this buffer"]
    pub fn split_to(&mut self, count: u64) -> Sequence {
        self.split_range(0..count)
    }

    /// Splits the bytes of a range off and drops those before it: a header that has been read, and the message
    /// after it. Copies nothing; the tail goes on being filled.
    ///
    /// # Panics
    ///
    /// Panics when the range ends after [`len`](Self::len) or before its start, or where
    /// [`try_split_range`](Self::try_split_range) finds no memory.
    #[inline(always)]
    #[must_use = "the split-off range is gone from this buffer"]
    pub fn split_range(&mut self, range: Range<u64>) -> Sequence {
        // Inlined always, and the short way calls nothing that returns a sequence: so the compiler writes the
        // result just once. Each move of it right after the write would wait for its stores.
        if self.list.is_empty()
            && let Some(segment) = self.split_tail(range.clone())
        {
            return segment.into();
        }
        self.split_range_rare(range)
    }

    #[inline(never)]
    fn split_range_rare(&mut self, range: Range<u64>) -> Sequence {
        self.try_split_range(range).unwrap_or_else(range::refuse)
    }

    /// Splits the bytes of a range off and drops those before it, as [`split_range`](Self::split_range) does.
    ///
    /// # Errors
    ///
    /// [`CutError::Range`] when the range ends after [`len`](Self::len) or before its start.
    /// [`CutError::OutOfMemory`] as from [`try_split_to`](Self::try_split_to). Nothing changes then.
    pub fn try_split_range(&mut self, range: Range<u64>) -> Result<Sequence, CutError> {
        range::resolve(&range, self.len())?;
        let Range { start, end } = range;
        if let Some(mut segment) = self.split_segment(end) {
            segment.advance(within(start));
            return Ok(segment.into());
        }
        let mut front = self.try_split_to(end)?;
        front.list.advance(start);
        Ok(front)
    }

    /// Splits the first `count` bytes off. Copies nothing; the tail goes on being filled.
    ///
    /// # Errors
    ///
    /// [`CutError::Range`] when `count` is above [`len`](Self::len). [`CutError::OutOfMemory`] when
    /// the front has several chunks, and others stay, and the pool has no block for the second list.
    /// Nothing changes then.
    pub fn try_split_to(&mut self, count: u64) -> Result<Sequence, CutError> {
        range::resolve(&(..count), self.len())?;
        let listed = self.list.bytes();
        if count < listed {
            return Ok(Sequence { list: self.list.try_split_to(count, Some(&self.pool))? });
        }
        let mut list = core::mem::take(&mut self.list);
        self.waste_bytes = 0;
        if let Some(tail) = self.tail.as_mut().filter(|_| count > listed) {
            list.put(tail.freeze_range(0..within(count - listed)));
        }
        self.drop_full_tail();
        Ok(Sequence { list })
    }

    /// Splits the first `count` bytes off when they lie in one chunk, and are not none: the cheapest way
    /// to take a short message out. `None` when there are fewer bytes, or when they are cut:
    /// [`try_split_to`](Self::try_split_to) takes those.
    #[inline]
    pub fn split_segment(&mut self, count: u64) -> Option<Segment> {
        if self.list.is_empty() {
            self.split_tail(0..count)
        } else if count > 0 {
            self.list.split_first(count)
        } else {
            None
        }
    }

    /// Splits a range off the tail and drops what lies before it, when the tail has it and it is not empty.
    #[inline(always)]
    fn split_tail(&mut self, range: Range<u64>) -> Option<Segment> {
        let Range { start, end } = range;
        let tail = self.tail.as_mut().filter(|tail| start < end && end <= tail.len() as u64)?;
        let front = tail.freeze_range(within(start)..within(end));
        if tail.capacity() == 0 {
            self.tail = None;
        }
        Some(front)
    }

    /// Takes everything out, leaving an empty buffer that goes on filling the same tail segment.
    #[must_use = "the bytes are gone from this buffer"]
    pub fn split(&mut self) -> Sequence {
        self.publish();
        self.waste_bytes = 0;
        Sequence { list: core::mem::take(&mut self.list) }
    }

    /// Returns all bytes as a sequence and keeps them. One atomic increment a chunk.
    ///
    /// # Panics
    ///
    /// Panics when there are several chunks and the pool has no block for their second list: see
    /// [`try_sequence`](Self::try_sequence).
    #[must_use]
    pub fn sequence(&mut self) -> Sequence {
        self.try_sequence().unwrap_or_else(range::refuse)
    }

    /// Returns all bytes as a sequence and keeps them. One atomic increment a chunk.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when there are several chunks and the pool has no block for their second list.
    pub fn try_sequence(&mut self) -> Result<Sequence, OutOfMemory> {
        self.publish();
        Ok(Sequence { list: self.list.try_clone(Some(&self.pool))? })
    }

    /// Returns the first chunk and keeps it; `None` when there are no bytes. One atomic increment.
    #[must_use]
    pub fn first_segment(&mut self) -> Option<Segment> {
        if self.list.is_empty() {
            self.publish();
        }
        self.list.first().cloned()
    }

    /// Turns the buffer into a sequence of all its bytes.
    #[must_use]
    pub fn freeze(mut self) -> Sequence {
        self.seal();
        Sequence { list: self.list }
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
        self.list.clear();
        self.waste_bytes = 0;
        self.tail = None;
    }

    /// Drops all bytes, but keeps the tail segment for the next ones when nobody else has a part of
    /// it.
    pub fn reset(&mut self) {
        self.list.clear();
        self.waste_bytes = 0;
        if let Some(tail) = &mut self.tail {
            tail.clear();
            if !tail.try_reclaim() {
                self.tail = None;
            }
        }
    }

    /// Returns the first `N` bytes without moving; `None` when there are fewer.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Pool;
    /// use seg_seq::{SegmentedBuf, Sequence};
    ///
    /// /// Takes a message out that has its length before it, when all of it is there.
    /// fn message(received: &mut SegmentedBuf) -> Option<Sequence> {
    ///     let len = u64::from(u32::from_be_bytes(received.peek()?));
    ///     (received.len() >= 4 + len).then(|| received.split_range(4..4 + len))
    /// }
    ///
    /// let mut received = SegmentedBuf::new(&Pool::new());
    /// received.extend_from_slice(b"\0\0\0\x05hel");
    /// assert_eq!(message(&mut received), None);
    /// received.extend_from_slice(b"lo\0");
    /// assert_eq!(message(&mut received), Some(Sequence::from(b"hello".to_vec())));
    /// assert_eq!(received.len(), 1);
    /// ```
    #[inline]
    #[must_use]
    pub fn peek<const N: usize>(&self) -> Option<[u8; N]> {
        self.first_slice().first_chunk().copied().or_else(|| self.peek_across())
    }

    #[inline(never)]
    fn peek_across<const N: usize>(&self) -> Option<[u8; N]> {
        let mut array = [0; N];
        (chunks::fill(&mut array, self.slices()) == N).then_some(array)
    }

    /// Drops the first `count` bytes.
    #[inline]
    pub(crate) fn consume(&mut self, count: u64) {
        match (&mut self.list, &mut self.tail) {
            (ChunkList::One(first), _) if count < first.len() as u64 => {
                first.advance(within(count));
            }
            (ChunkList::One(first), Some(tail))
                if first.is_empty() && count < tail.len() as u64 =>
            {
                tail.advance(within(count));
            }
            _ => self.consume_rare(count),
        }
    }

    #[inline(never)]
    fn consume_rare(&mut self, count: u64) {
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
    #[inline]
    pub(crate) fn first_slice(&self) -> &[u8] {
        match self.list.first() {
            Some(segment) => segment,
            None => self.tail.as_deref().unwrap_or_default(),
        }
    }

    /// Returns the bytes as slices for a vectored write.
    pub fn io_slices(&self) -> impl Iterator<Item = IoSlice<'_>> {
        self.slices().map(IoSlice::new)
    }

    /// Returns the chunks, then what the tail holds, if anything.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.slices_at(0)
    }

    /// Returns the bytes from an offset on, slice by slice; none from the end on.
    pub(crate) fn slices_at(&self, offset: u64) -> impl Iterator<Item = &[u8]> {
        let (chunk, within_chunk) = self.list.locate(offset);
        let skip = within(offset.saturating_sub(self.list.bytes()));
        let tail = self.tail.as_deref().and_then(|tail| tail.get(skip..));
        let tail = tail.filter(|tail| !tail.is_empty());
        Slices::new(&self.list, chunk, within_chunk).chain(tail)
    }

    #[inline]
    pub(crate) fn tail_len(&self) -> usize {
        self.tail.as_ref().map_or(0, SegmentMut::len)
    }

    pub(crate) const fn tail_mut(&mut self) -> Option<&mut SegmentMut> {
        self.tail.as_mut()
    }

    /// Makes slots for `count` segments that become the tail, one after the other.
    pub(crate) fn try_reserve_tails(&mut self, count: usize) -> Result<(), OutOfMemory> {
        self.try_slots(count + usize::from(self.tail.is_some()))
    }

    /// Replaces the tail, which is complete. There is a slot for the new one.
    pub(crate) fn start_tail(&mut self, tail: SegmentMut) {
        self.seal();
        self.tail = Some(tail);
    }

    /// Gives an empty tail back to the pool, and slots that nothing came into.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if self.tail.as_ref().is_some_and(SegmentMut::is_empty) {
            self.tail = None;
        }
        self.list.settle(self.tail.is_some().into());
    }

    /// Returns a tail with at least one spare byte.
    #[inline]
    pub(crate) fn try_tail(&mut self) -> Result<&mut SegmentMut, OutOfMemory> {
        self.try_tail_of(1)
    }

    /// Returns a tail with at least so many spare bytes, which a segment has.
    #[inline]
    pub(crate) fn try_tail_of(&mut self, spare: usize) -> Result<&mut SegmentMut, OutOfMemory> {
        if self.spare_len() < spare {
            self.try_fresh_tail(spare)?;
        }
        let Some(tail) = &mut self.tail else { unreachable!("it has spare bytes") };
        Ok(tail)
    }

    fn try_fresh_tail(&mut self, spare: usize) -> Result<(), OutOfMemory> {
        let is_moved = |tail: &&mut SegmentMut| tail.len() <= tail.held_bytes() / MOVED_PART;
        let mut moved = self.tail.as_mut().filter(|_| self.list.is_empty()).filter(is_moved);
        if let Some(tail) = &mut moved
            && tail.try_reclaim()
            && spare <= tail.spare_len()
        {
            return Ok(());
        }
        let mut fresh = self.pool.try_take_size(self.pool.segment_size())?;
        match moved {
            Some(tail) if spare <= fresh.capacity().saturating_sub(tail.len()) => {
                fresh.extend_from_slice(tail);
                *tail = fresh;
                Ok(())
            }
            _ => self.try_push_mut(fresh).map_err(|(_, error)| error),
        }
    }

    /// Makes slots in the list.
    #[inline]
    fn try_slots(&mut self, count: usize) -> Result<(), OutOfMemory> {
        if count <= self.list.spare() {
            return Ok(());
        }
        self.list.try_reserve(count, Source::Pool(&self.pool))
    }

    /// Returns whether there is a slot for a chunk, beside that of the tail, which holds nothing.
    #[inline]
    pub(crate) fn has_slot(&self) -> bool {
        self.list.spare() > usize::from(self.tail.is_some())
    }

    /// Makes slots for chunks that follow all bytes so far.
    pub(crate) fn try_reserve_chunks(&mut self, count: usize) -> Result<(), OutOfMemory> {
        if self.tail.is_some() { self.try_publish(count) } else { self.try_slots(count) }
    }

    /// Moves the filled part of the tail into the list, where it can be shared, and makes slots for
    /// `additional` chunks that come next, and for the spare part, which stays the tail.
    fn try_publish(&mut self, additional: usize) -> Result<(), OutOfMemory> {
        let Some(tail) = &self.tail else { return Ok(()) };
        let slots = additional + usize::from(!tail.is_empty()) + usize::from(tail.spare_len() > 0);
        self.try_slots(slots)?;
        self.publish();
        Ok(())
    }

    /// Moves the filled part of the tail into the list. The spare part stays the tail.
    fn publish(&mut self) {
        match &mut self.tail {
            Some(tail) if tail.spare_len() == 0 => self.seal(),
            Some(tail) if !tail.is_empty() => {
                let len = tail.len();
                self.list.put(tail.freeze_range(0..len));
            }
            _ => {}
        }
    }

    /// Moves the tail into the list, giving up its spare part.
    fn seal(&mut self) {
        let Some(tail) = self.tail.take() else { return };
        if !tail.is_empty() || self.is_recent(&tail) {
            self.waste_bytes += tail.spare_len() as u64;
        }
        if !tail.is_empty() {
            self.list.put(tail.freeze());
        }
    }

    fn drop_full_tail(&mut self) {
        if self.tail.as_ref().is_some_and(|tail| tail.capacity() == 0) {
            self.tail = None;
        }
    }
}

/// Copies the bytes.
///
/// # Panics
///
/// Panics when the pool is exhausted.
impl Extend<u8> for SegmentedBuf {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        let mut bytes = bytes.into_iter();
        loop {
            // Gathered in runs: a call for each byte takes six times as many instructions.
            let (mut run, mut len) = ([0; 64], 0);
            bytes.by_ref().take(run.len()).for_each(|byte| {
                run[len] = byte;
                len += 1;
            });
            self.extend_from_slice(&run[..len]);
            if len < run.len() {
                break;
            }
        }
    }
}

/// As for bytes by value.
impl<'a> Extend<&'a u8> for SegmentedBuf {
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, bytes: I) {
        self.extend(bytes.into_iter().copied());
    }
}

impl fmt::Write for SegmentedBuf {
    /// Appends the text, copying it.
    ///
    /// # Errors
    ///
    /// When the pool has too few segments; nothing is appended then.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.try_extend_from_slice(text.as_bytes()).map_err(|_| fmt::Error)
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
