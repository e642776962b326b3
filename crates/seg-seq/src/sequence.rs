//! A read-only sequence of segments.

use core::{fmt, ops::RangeBounds};
use std::io::IoSlice;

use bytes::Bytes;
use seg_pool::{OutOfMemory, Pool, Segment};

use crate::{
    chunk_list::{ChunkList, Source},
    chunks::{self, Chunks, IntoChunks, Slices},
    range::{self, CutError, RangeError},
};

/// Bytes in one or many chunks, read-only and cheap to cut.
///
/// A message of any size without one large allocation. No chunk is empty, and neighbouring parts
/// of one segment are one chunk. As small as a [`Segment`]: a single chunk lies in the sequence itself.
/// More of them are a list, whose blocks are segments: one of 256 B for up to 6 chunks, of 4 KiB for up
/// to 126, of 16 KiB for up to 510, of 64 KiB for up to 2,046, and one of 64 KiB for each 2,047 beyond.
///
/// # Whose memory the list is
///
/// Blocks are taken from the pool of the chunks, on the same budget, and from the [global
/// pool](Pool::global) when no chunk is of a pool. So a pool's limit can refuse a list to grow: then
/// the plain methods panic and their `try_` twins return an error, with everything as it was. What needs
/// no list of several chunks, or makes one shorter, cannot fail.
///
/// # Examples
///
/// ```
/// use seg_seq::Sequence;
/// use seg_pool::Segment;
///
/// let mut sequence: Sequence =
///     [Segment::from_static(b"hel"), Segment::from_static(b"lo world")].into_iter().collect();
/// let hello = sequence.split_to(5);
/// assert_eq!(hello, b"hello");
/// assert_eq!(hello.chunk_count(), 2);
/// assert_eq!(sequence.slice(1..), b"world");
/// ```
#[derive(Default)]
pub struct Sequence {
    pub(crate) list: ChunkList,
}

const _: () = assert!(size_of::<Sequence>() == size_of::<Segment>(), "a list takes no more space");

impl Sequence {
    /// Creates an empty sequence. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { list: ChunkList::EMPTY }
    }

    /// Returns the number of bytes.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.list.bytes()
    }

    /// Returns whether there are no bytes.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number of chunks.
    #[inline]
    #[must_use]
    pub const fn chunk_count(&self) -> usize {
        self.list.len()
    }

    /// Returns the chunks in order, none of them empty.
    #[must_use]
    pub const fn chunks(&self) -> Chunks<'_> {
        Chunks::new(&self.list, 0)
    }

    /// Returns the chunks as slices for a vectored write.
    pub fn io_slices(&self) -> impl Iterator<Item = IoSlice<'_>> {
        self.chunks().map(|chunk| IoSlice::new(chunk))
    }

    /// Returns the memory that this sequence keeps from reuse, in bytes: segments with their whole
    /// size, once for neighbouring chunks of the same one, and the blocks of the list.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.list.chunk_bytes() + self.list.block_bytes()
    }

    /// Returns the size of the list's blocks, in bytes; 0 for one chunk. A part of
    /// [`held_bytes`](Self::held_bytes) that costs nothing to know.
    #[inline]
    #[must_use]
    pub fn list_bytes(&self) -> u64 {
        self.list.block_bytes()
    }

    /// Appends a segment without a copy.
    ///
    /// # Panics
    ///
    /// Panics when the list needs a block and the pool has none: see [`try_push`](Self::try_push).
    #[inline]
    pub fn push(&mut self, segment: Segment) {
        if let Err(segment) = self.list.push_fast(segment) {
            self.push_rare(segment);
        }
    }

    #[inline(never)]
    fn push_rare(&mut self, mut segment: Segment) {
        self.try_push(&mut segment).unwrap_or_else(range::refuse);
    }

    /// Appends a segment without a copy, and leaves an empty one.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the list needs a block and the pool has none; the segment is where it was.
    #[inline]
    pub fn try_push(&mut self, segment: &mut Segment) -> Result<(), OutOfMemory> {
        self.list.try_push(segment, None)
    }

    /// Makes slots in the list, so that as many chunks can be pushed without an error. Blocks that are
    /// needed are taken from `pool`; when they suffice already nothing is done.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the pool has too few blocks; nothing changes then.
    #[inline]
    pub fn try_reserve(&mut self, chunk_count: usize, pool: &Pool) -> Result<(), OutOfMemory> {
        if chunk_count <= self.list.spare() {
            return Ok(());
        }
        self.list.try_reserve(chunk_count, Source::Pool(pool))
    }

    /// Appends the chunks of another sequence without a copy. Cost grows with their number.
    ///
    /// # Panics
    ///
    /// Panics when the list needs a block and the pool has none: see [`try_append`](Self::try_append).
    pub fn append(&mut self, mut other: Self) {
        self.try_append(&mut other).unwrap_or_else(range::refuse);
    }

    /// Appends the chunks of another sequence without a copy, and leaves an empty one. Cost grows with
    /// their number.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the list needs blocks and the pool has too few; both are as before.
    pub fn try_append(&mut self, other: &mut Self) -> Result<(), OutOfMemory> {
        self.list.try_append(&mut other.list, None)
    }

    /// Returns a part without a copy: one atomic increment a chunk.
    ///
    /// # Panics
    ///
    /// Panics when the range is decreasing or ends beyond [`len`](Self::len), or when the part has
    /// several chunks and the pool has no block for their list.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<u64>) -> Self {
        self.try_slice(range).unwrap_or_else(range::refuse)
    }

    /// Returns a part without a copy: one atomic increment a chunk.
    ///
    /// # Errors
    ///
    /// [`CutError::Range`] when the range is decreasing or ends beyond [`len`](Self::len),
    /// [`CutError::OutOfMemory`] when the part has several chunks and the pool has no block for their
    /// list.
    pub fn try_slice(&self, range: impl RangeBounds<u64>) -> Result<Self, CutError> {
        let (start, end) = range::resolve(&range, self.len())?;
        if start == end {
            return Ok(Self::new());
        }
        let (chunk, within) = self.list.locate(start);
        Ok(self.try_part(chunk, within, end - start)?.0)
    }

    /// Returns `count` bytes from a place on, which are there, and the chunk of the byte after them.
    pub(crate) fn try_part(
        &self,
        chunk: usize,
        from: usize,
        count: u64,
    ) -> Result<(Self, usize), OutOfMemory> {
        let (list, chunk) = self.list.try_part(chunk, from, count)?;
        Ok((Self { list }, chunk))
    }

    /// Clones the sequence, as `clone` does: one atomic increment a chunk.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when there are several chunks and the pool has no block for their list.
    pub fn try_clone(&self) -> Result<Self, OutOfMemory> {
        Ok(Self { list: self.list.try_clone(None)? })
    }

    /// Splits the first `count` bytes off. Copies nothing.
    ///
    /// # Panics
    ///
    /// Panics when `count` is above [`len`](Self::len), or where
    /// [`try_split_to`](Self::try_split_to) finds no memory.
    #[inline]
    #[must_use = "the split-off front is gone from this sequence"]
    pub fn split_to(&mut self, count: u64) -> Self {
        // Most parts lie in one chunk.
        match self.list.split_first(count) {
            Some(segment) => segment.into(),
            None => self.try_split_to(count).unwrap_or_else(range::refuse),
        }
    }

    /// Splits the first `count` bytes off. Copies nothing.
    ///
    /// # Errors
    ///
    /// [`CutError::Range`] when `count` is above [`len`](Self::len). [`CutError::OutOfMemory`] when a
    /// front of several chunks, which is not the whole, needs a list and the pool has no block for it.
    /// Nothing changes then.
    pub fn try_split_to(&mut self, count: u64) -> Result<Self, CutError> {
        range::resolve(&(..count), self.len())?;
        Ok(Self { list: self.list.try_split_to(count, None)? })
    }

    /// Splits the bytes from `at` on off. Copies nothing.
    ///
    /// # Panics
    ///
    /// Panics when `at` is above [`len`](Self::len), or where
    /// [`try_split_off`](Self::try_split_off) finds no memory.
    #[must_use = "the split-off back is gone from this sequence"]
    pub fn split_off(&mut self, at: u64) -> Self {
        self.try_split_off(at).unwrap_or_else(range::refuse)
    }

    /// Splits the bytes from `at` on off. Copies nothing.
    ///
    /// # Errors
    ///
    /// [`CutError::Range`] when `at` is above [`len`](Self::len). [`CutError::OutOfMemory`] when a
    /// back of several chunks, which is not the whole, needs a list and the pool has no block for it.
    /// Nothing changes then.
    pub fn try_split_off(&mut self, at: u64) -> Result<Self, CutError> {
        if at == 0 {
            return Ok(core::mem::take(self));
        }
        let back = self.try_slice(at..)?;
        self.list.truncate(at);
        Ok(back)
    }

    /// Shortens the sequence to its first `len` bytes; does nothing when it is shorter.
    pub fn truncate(&mut self, len: u64) {
        self.list.truncate(len);
    }

    /// Drops all bytes, and gives the blocks of the list back.
    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// Returns whether the sequence starts with `prefix`, however it is cut.
    #[must_use]
    pub fn starts_with(&self, prefix: &[u8]) -> bool {
        self.has_at(0, prefix)
    }

    /// Returns whether the sequence ends with `suffix`, however it is cut.
    #[must_use]
    pub fn ends_with(&self, suffix: &[u8]) -> bool {
        self.len().checked_sub(suffix.len() as u64).is_some_and(|start| self.has_at(start, suffix))
    }

    /// Returns whether `bytes` lie at an offset.
    pub(crate) fn has_at(&self, offset: u64, bytes: &[u8]) -> bool {
        chunks::starts_with(self.slices_at(offset), bytes)
    }

    /// Copies all bytes into one `Vec`.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut vec = Vec::with_capacity(within(self.len()));
        for chunk in self.chunks() {
            vec.extend_from_slice(chunk);
        }
        vec
    }

    /// Copies the bytes of a range into `target`, which is as long. Allocates nothing.
    ///
    /// # Panics
    ///
    /// Panics when the range is decreasing or ends beyond [`len`](Self::len), or when `target` is
    /// not as long as it.
    pub fn copy_range(&self, range: impl RangeBounds<u64>, target: &mut [u8]) {
        self.try_copy_range(range, target).unwrap_or_else(range::refuse);
    }

    /// Copies the bytes of a range into `target`, which is as long. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`RangeError`] when the range is decreasing or ends beyond [`len`](Self::len), or when
    /// `target` is not as long as it. Nothing is copied then.
    pub fn try_copy_range(
        &self,
        range: impl RangeBounds<u64>,
        target: &mut [u8],
    ) -> Result<(), RangeError> {
        let (start, end) = range::resolve(&range, self.len())?;
        range::same_len(start, end, target.len())?;
        chunks::fill(target, self.slices_at(start));
        Ok(())
    }

    /// Returns the bytes from an offset on, slice by slice; none from the end on.
    pub(crate) fn slices_at(&self, offset: u64) -> Slices<'_> {
        let (chunk, within) = self.list.locate(offset);
        self.slices_from(chunk, within)
    }

    /// Returns the rest of a chunk, then the chunks after it.
    pub(crate) const fn slices_from(&self, chunk: usize, within: usize) -> Slices<'_> {
        Slices::new(&self.list, chunk, within)
    }

    /// Turns the sequence into [`Bytes`]: without a copy when there is one chunk, by copying all
    /// of it otherwise.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        match self.chunk_count() {
            0 | 1 => self.list.pop_front().unwrap_or_default().into(),
            _ => self.to_vec().into(),
        }
    }
}

/// Converts a count of bytes that lie in memory.
pub(crate) fn within(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl From<Segment> for Sequence {
    #[inline]
    fn from(segment: Segment) -> Self {
        Self { list: ChunkList::One(segment) }
    }
}

impl From<Bytes> for Sequence {
    /// Adopts the bytes without a copy. Allocates 128 bytes for the count.
    fn from(bytes: Bytes) -> Self {
        Segment::from(bytes).into()
    }
}

impl From<Vec<u8>> for Sequence {
    /// Adopts the bytes without a copy, as those of [`Bytes`] are.
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl Clone for Sequence {
    /// Clones the list and no bytes: one atomic increment a chunk.
    ///
    /// # Panics
    ///
    /// Panics when there are several chunks and the pool has no block for their list: see
    /// [`try_clone`](Self::try_clone).
    fn clone(&self) -> Self {
        self.try_clone().unwrap_or_else(range::refuse)
    }
}

/// Panics where [`Sequence::push`] does.
impl Extend<Segment> for Sequence {
    fn extend<I: IntoIterator<Item = Segment>>(&mut self, segments: I) {
        segments.into_iter().for_each(|segment| self.push(segment));
    }
}

/// Panics where [`Sequence::push`] does.
impl FromIterator<Segment> for Sequence {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        let mut sequence = Self::new();
        sequence.extend(segments);
        sequence
    }
}

impl<'a> IntoIterator for &'a Sequence {
    type Item = &'a Segment;
    type IntoIter = Chunks<'a>;

    fn into_iter(self) -> Chunks<'a> {
        self.chunks()
    }
}

impl IntoIterator for Sequence {
    type Item = Segment;
    type IntoIter = IntoChunks;

    fn into_iter(self) -> IntoChunks {
        IntoChunks::new(self.list)
    }
}

impl fmt::Debug for Sequence {
    /// Writes the bytes as a list of byte string literals, one a chunk.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.chunks()).finish()
    }
}
