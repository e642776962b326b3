//! A read-only sequence of segments.

use core::{fmt, ops::RangeBounds};
use std::io::IoSlice;

use bytes::Bytes;
use seg_pool::Segment;

use crate::{
    chunk_list::ChunkList,
    chunks::{self, Chunks, Slices},
    range::{self, RangeError},
    reader::Reader,
};

/// Bytes in one or many chunks, read-only and cheap to cut.
///
/// A message of any size without one large allocation. No chunk is empty, and neighbouring parts
/// of one segment are one chunk. Up to 4 chunks lie in the sequence itself; more lie in blocks of
/// 8 KiB that are recycled.
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
#[derive(Clone, Default)]
pub struct Sequence {
    pub(crate) list: ChunkList,
}

impl Sequence {
    /// Creates an empty sequence. Allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.list.bytes()
    }

    /// Returns whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number of chunks.
    #[must_use]
    pub const fn chunk_count(&self) -> usize {
        self.list.len()
    }

    /// Returns the chunks in order, none of them empty.
    #[must_use]
    pub fn chunks(&self) -> Chunks<'_> {
        Chunks::new(&self.list, 0)
    }

    /// Returns the chunks as slices for a vectored write.
    pub fn io_slices(&self) -> impl Iterator<Item = IoSlice<'_>> {
        self.chunks().map(|chunk| IoSlice::new(chunk))
    }

    /// Returns the memory that this sequence keeps from reuse, in bytes: segments with their whole
    /// size, once for neighbouring chunks of the same one.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        held_bytes(&self.list)
    }

    /// Appends a segment without a copy.
    #[inline]
    pub fn push(&mut self, segment: Segment) {
        self.list.push(segment);
    }

    /// Appends the chunks of another sequence without a copy. Cost grows with their number.
    pub fn append(&mut self, mut other: Self) {
        let len = other.len();
        other.list.drain_front(len, |segment| self.list.push(segment));
    }

    /// Returns a part without a copy: one atomic increment a chunk.
    ///
    /// # Panics
    ///
    /// Panics when the range is decreasing or ends beyond [`len`](Self::len).
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<u64>) -> Self {
        self.try_slice(range).unwrap_or_else(range::refuse)
    }

    /// Returns a part without a copy: one atomic increment a chunk.
    ///
    /// # Errors
    ///
    /// [`RangeError`] when the range is decreasing or ends beyond [`len`](Self::len).
    pub fn try_slice(&self, range: impl RangeBounds<u64>) -> Result<Self, RangeError> {
        let (start, end) = range::resolve(&range, self.len())?;
        let (chunk, within) = self.list.locate(start);
        Ok(self.part(chunk, within, end - start).0)
    }

    /// Returns `count` bytes from a place on, and the place behind them. As many are there.
    pub(crate) fn part(&self, chunk: usize, from: usize, count: u64) -> (Self, usize, usize) {
        let (mut index, mut from, mut rest) = (chunk, from, count);
        let mut part = Self::new();
        while rest > 0 {
            let Some(chunk) = self.list.get(index) else { break };
            let until = chunk.segment.len().min(from.saturating_add(within(rest)));
            part.push(chunk.segment.slice(from..until));
            rest -= (until - from) as u64;
            (index, from) =
                if until == chunk.segment.len() { (index + 1, 0) } else { (index, until) };
        }
        (part, index, from)
    }

    /// Splits the first `count` bytes off. Copies nothing.
    ///
    /// # Panics
    ///
    /// Panics when `count` is above [`len`](Self::len).
    #[inline]
    #[must_use = "the split-off front is gone from this sequence"]
    pub fn split_to(&mut self, count: u64) -> Self {
        // Most parts lie in one chunk.
        match self.list.split_first(count) {
            Some(segment) => Self { list: ChunkList::of(segment) },
            None => self.try_split_to(count).unwrap_or_else(range::refuse),
        }
    }

    /// Splits the first `count` bytes off. Copies nothing.
    ///
    /// # Errors
    ///
    /// [`RangeError`] when `count` is above [`len`](Self::len). Nothing changes then.
    pub fn try_split_to(&mut self, count: u64) -> Result<Self, RangeError> {
        range::resolve(&(..count), self.len())?;
        if count == self.len() {
            return Ok(core::mem::take(self));
        }
        let mut front = Self::new();
        self.list.drain_front(count, |segment| front.list.push(segment));
        Ok(front)
    }

    /// Splits the bytes from `at` on off. Copies nothing.
    ///
    /// # Panics
    ///
    /// Panics when `at` is above [`len`](Self::len).
    #[must_use = "the split-off back is gone from this sequence"]
    pub fn split_off(&mut self, at: u64) -> Self {
        self.try_split_off(at).unwrap_or_else(range::refuse)
    }

    /// Splits the bytes from `at` on off. Copies nothing.
    ///
    /// # Errors
    ///
    /// [`RangeError`] when `at` is above [`len`](Self::len). Nothing changes then.
    pub fn try_split_off(&mut self, at: u64) -> Result<Self, RangeError> {
        let back = self.try_slice(at..)?;
        self.list.truncate(at);
        Ok(back)
    }

    /// Shortens the sequence to its first `len` bytes; does nothing when it is shorter.
    pub fn truncate(&mut self, len: u64) {
        self.list.truncate(len);
    }

    /// Drops all bytes, in place: cheaper than a new sequence where one is used again and again.
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
        let mut rest = bytes;
        for slice in self.slices_at(offset) {
            let len = rest.len().min(slice.len());
            let (head, behind) = rest.split_at(len);
            if slice[..len] != *head {
                return false;
            }
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        rest.is_empty()
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

    /// Returns the rest of a chunk, then the chunks behind it.
    pub(crate) fn slices_from(&self, chunk: usize, within: usize) -> Slices<'_> {
        Slices::new(&self.list, chunk, within)
    }

    /// Turns the sequence into [`Bytes`]: without a copy when there is one chunk, by copying all
    /// of it otherwise.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        match self.chunk_count() {
            0 => Bytes::new(),
            1 => {
                let mut only = Segment::new();
                let len = self.len();
                self.list.drain_front(len, |segment| only = segment);
                only.into()
            }
            _ => self.to_vec().into(),
        }
    }

    /// Returns a reader over the sequence, from its first byte.
    #[must_use]
    pub fn as_reader(&self) -> Reader<'_> {
        Reader::borrowed(self)
    }

    /// Turns the sequence into a reader that owns it.
    #[must_use]
    pub fn into_reader(self) -> Reader<'static> {
        Reader::owned(self)
    }
}

pub(crate) fn held_bytes(list: &ChunkList) -> u64 {
    let mut held = 0;
    let mut last: Option<&Segment> = None;
    for chunk in list.iter() {
        if !last.is_some_and(|last| last.shares_segment_with(&chunk.segment)) {
            held += chunk.segment.held_bytes() as u64;
        }
        last = Some(&chunk.segment);
    }
    held
}

/// Converts a count of bytes that lie in memory.
pub(crate) fn within(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl From<Segment> for Sequence {
    fn from(segment: Segment) -> Self {
        if segment.is_empty() {
            return Self::new();
        }
        Self { list: ChunkList::of(segment) }
    }
}

impl Extend<Segment> for Sequence {
    fn extend<I: IntoIterator<Item = Segment>>(&mut self, segments: I) {
        segments.into_iter().for_each(|segment| self.push(segment));
    }
}

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

impl fmt::Debug for Sequence {
    /// Writes the bytes as a list of byte string literals, one a chunk.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.chunks()).finish()
    }
}
