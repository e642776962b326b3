//! The chunks of a sequence, one after the other, and what lies in them.

use core::{iter::FusedIterator, ops::Range};

use seg_pool::Segment;

use crate::chunk_list::ChunkList;

/// The chunks of a [`Sequence`](crate::Sequence), from [`Sequence::chunks`](crate::Sequence::chunks).
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    list: &'a ChunkList,
    range: Range<usize>,
}

impl<'a> Chunks<'a> {
    #[inline]
    pub(crate) const fn new(list: &'a ChunkList, first: usize) -> Self {
        Self { list, range: first..list.len() }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a Segment;

    #[inline]
    fn next(&mut self) -> Option<&'a Segment> {
        self.range.next().and_then(|index| self.list.get(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl DoubleEndedIterator for Chunks<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.range.next_back().and_then(|index| self.list.get(index))
    }
}

impl ExactSizeIterator for Chunks<'_> {}

impl FusedIterator for Chunks<'_> {}

/// The chunks of a [`Sequence`](crate::Sequence) by value, from its `into_iter`. Those that are not
/// taken are dropped with it.
#[derive(Debug)]
pub struct IntoChunks {
    list: ChunkList,
}

impl IntoChunks {
    pub(crate) const fn new(list: ChunkList) -> Self {
        Self { list }
    }
}

impl Iterator for IntoChunks {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        self.list.pop_front()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.list.len(), Some(self.list.len()))
    }
}

impl ExactSizeIterator for IntoChunks {}

impl FusedIterator for IntoChunks {}

/// What lies after a place in a [`Sequence`](crate::Sequence), slice by slice.
#[derive(Clone, Debug)]
pub(crate) struct Slices<'a> {
    chunks: Chunks<'a>,
    /// Bytes of the next chunk that lie before the place.
    within: usize,
}

impl<'a> Slices<'a> {
    #[inline]
    pub(crate) const fn new(list: &'a ChunkList, chunk: usize, within: usize) -> Self {
        Self { chunks: Chunks::new(list, chunk), within }
    }
}

impl<'a> Iterator for Slices<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let chunk = self.chunks.next()?;
        Some(&chunk[core::mem::take(&mut self.within)..])
    }
}

/// Fills `target` as far as there are bytes, and returns how many those were.
pub(crate) fn fill<'a>(target: &mut [u8], slices: impl Iterator<Item = &'a [u8]>) -> usize {
    let mut count = 0;
    for slice in slices {
        let len = slice.len().min(target.len() - count);
        target[count..count + len].copy_from_slice(&slice[..len]);
        count += len;
        if count == target.len() {
            break;
        }
    }
    count
}

/// Returns whether these slices start with `bytes`.
pub(crate) fn starts_with<'a>(slices: impl Iterator<Item = &'a [u8]>, bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for slice in slices {
        let (head, after) = rest.split_at(rest.len().min(slice.len()));
        if !slice.starts_with(head) {
            return false;
        }
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    rest.is_empty()
}
