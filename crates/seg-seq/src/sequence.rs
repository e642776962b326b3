//! A read-only sequence of segments.

use core::{
    fmt,
    ops::{Bound, RangeBounds},
};
use std::io::IoSlice;

use bytes::{Buf, Bytes};
use seg_pool::Segment;

use crate::{chunk_list::ChunkList, reader::Reader};

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
        Chunks { list: &self.list, range: 0..self.list.len() }
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
        let (start, end) = self.bounds(&range);
        let mut slice = Self::new();
        let (mut index, mut at) = (self.list.index_of(start), start);
        let base = self.list.start();
        while at < end {
            let Some(chunk) = self.list.get(index) else { break };
            let offset = chunk.start - base;
            let until = end.min(chunk.end() - base);
            slice.push(chunk.segment.slice(within(at - offset)..within(until - offset)));
            (index, at) = (index + 1, until);
        }
        slice
    }

    /// Splits the first `count` bytes off. Copies nothing.
    ///
    /// # Panics
    ///
    /// Panics when `count` is above [`len`](Self::len).
    #[must_use = "the split-off front is gone from this sequence"]
    pub fn split_to(&mut self, count: u64) -> Self {
        assert!(count <= self.len(), "split at {count}, beyond the length of {}", self.len());
        if count == self.len() {
            return core::mem::take(self);
        }
        let mut front = Self::new();
        self.list.drain_front(count, |segment| front.list.push(segment));
        front
    }

    /// Splits the bytes from `at` on off. Copies nothing.
    ///
    /// # Panics
    ///
    /// Panics when `at` is above [`len`](Self::len).
    #[must_use = "the split-off back is gone from this sequence"]
    pub fn split_off(&mut self, at: u64) -> Self {
        let back = self.slice(at..);
        self.list.truncate(at);
        back
    }

    /// Shortens the sequence to its first `len` bytes; does nothing when it is shorter.
    pub fn truncate(&mut self, len: u64) {
        self.list.truncate(len);
    }

    /// Returns whether the sequence starts with `prefix`, however it is cut.
    #[must_use]
    pub fn starts_with(&self, prefix: &[u8]) -> bool {
        let mut rest = prefix;
        for chunk in self.chunks() {
            let len = rest.len().min(chunk.len());
            let (head, tail) = rest.split_at(len);
            if chunk[..len] != *head {
                return false;
            }
            rest = tail;
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

    fn bounds(&self, range: &impl RangeBounds<u64>) -> (u64, u64) {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&before) => before.checked_add(1).expect("range start overflows"),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.checked_add(1).expect("range end overflows"),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => self.len(),
        };
        assert!(start <= end, "range starts at {start} but ends at {end}");
        assert!(end <= self.len(), "range ends at {end}, beyond the length of {}", self.len());
        (start, end)
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

impl Buf for Sequence {
    fn remaining(&self) -> usize {
        within(self.len())
    }

    fn chunk(&self) -> &[u8] {
        self.list.get(0).map_or(&[], |chunk| &chunk.segment)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut count = 0;
        for (slot, slice) in slices.iter_mut().zip(self.io_slices()) {
            *slot = slice;
            count += 1;
        }
        count
    }

    fn advance(&mut self, count: usize) {
        assert!(count as u64 <= self.len(), "advance past the end of the sequence");
        self.list.drain_front(count as u64, drop);
    }

    fn copy_to_bytes(&mut self, len: usize) -> Bytes {
        self.split_to(len as u64).into_bytes()
    }
}

impl From<Segment> for Sequence {
    fn from(segment: Segment) -> Self {
        let mut sequence = Self::new();
        sequence.push(segment);
        sequence
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

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Sequence {
    /// Compares the bytes, however they are cut.
    fn eq(&self, other: &T) -> bool {
        let other = other.as_ref();
        self.len() == other.len() as u64 && self.starts_with(other)
    }
}

impl PartialEq for Sequence {
    /// Compares the bytes, however they are cut.
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        let (mut ours, mut theirs): (&[u8], &[u8]) = (&[], &[]);
        let (mut our_chunks, mut their_chunks) = (self.chunks(), other.chunks());
        loop {
            if ours.is_empty() {
                ours = our_chunks.next().map_or(&[], |chunk| chunk);
            }
            if theirs.is_empty() {
                theirs = their_chunks.next().map_or(&[], |chunk| chunk);
            }
            let len = ours.len().min(theirs.len());
            if len == 0 {
                return true;
            }
            if ours[..len] != theirs[..len] {
                return false;
            }
            (ours, theirs) = (&ours[len..], &theirs[len..]);
        }
    }
}

impl Eq for Sequence {}

impl fmt::Debug for Sequence {
    /// Writes the bytes as a list of byte string literals, one a chunk.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.chunks()).finish()
    }
}

/// The chunks of a [`Sequence`], from [`Sequence::chunks`].
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    list: &'a ChunkList,
    range: core::ops::Range<usize>,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a Segment;

    fn next(&mut self) -> Option<&'a Segment> {
        self.range.next().and_then(|index| self.list.get(index)).map(|chunk| &chunk.segment)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl DoubleEndedIterator for Chunks<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.range.next_back().and_then(|index| self.list.get(index)).map(|chunk| &chunk.segment)
    }
}

impl ExactSizeIterator for Chunks<'_> {}
