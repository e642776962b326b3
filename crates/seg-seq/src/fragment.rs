//! Cutting a sequence into fragments of a size, without a copy.

use core::{fmt, iter::FusedIterator};
use std::io::IoSlice;

use seg_pool::{OutOfMemory, Segment};

use crate::{
    chunks::{self, Slices},
    range,
    sequence::{Sequence, within},
};

impl Sequence {
    /// Returns the bytes in fragments of `len_max` bytes, the last one of what is left.
    ///
    /// A fragment borrows the sequence: nothing is copied, counted or allocated, neither for a
    /// fragment nor for a segment. Most fragments lie in one chunk; others are as many slices as
    /// they have chunks.
    ///
    /// # Panics
    ///
    /// Panics when `len_max` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Segment;
    /// use seg_seq::Sequence;
    ///
    /// let sequence: Sequence =
    ///     [Segment::from_static(b"hello w"), Segment::from_static(b"orld")].into_iter().collect();
    /// let mut fragments = sequence.fragments(5);
    /// assert_eq!(fragments.next().and_then(|fragment| fragment.as_slice()), Some(&b"hello"[..]));
    /// let second = fragments.next().map(|fragment| fragment.slices().collect::<Vec<_>>());
    /// assert_eq!(second, Some(vec![&b" w"[..], b"orl"]));
    /// assert_eq!(fragments.next().map(|fragment| fragment.len()), Some(1));
    /// ```
    #[inline]
    #[must_use]
    pub fn fragments(&self, len_max: usize) -> Fragments<'_> {
        assert!(len_max > 0, "fragments of no bytes");
        Fragments { cursor: Cursor::new(self), len_max }
    }
}

/// A place in a sequence, with the rest of the chunk that it is in.
#[derive(Clone, Debug)]
struct Cursor<'a> {
    sequence: &'a Sequence,
    /// The current chunk; empty at the end only.
    chunk: &'a Segment,
    /// The rest of it.
    slice: &'a [u8],
    /// Index of the chunk after the current one.
    next: usize,
    /// Bytes from here to the end.
    remaining: u64,
}

impl<'a> Cursor<'a> {
    #[inline]
    fn new(sequence: &'a Sequence) -> Self {
        let chunk = sequence.list.first().unwrap_or(const { &Segment::new() });
        Self { sequence, chunk, slice: chunk, next: 1, remaining: sequence.len() }
    }

    /// Moves over bytes that are there.
    #[inline]
    fn advance(&mut self, count: usize) {
        self.remaining -= count as u64;
        let mut rest = count;
        while rest >= self.slice.len() && !self.slice.is_empty() {
            rest -= self.slice.len();
            self.chunk = chunk_at(self.sequence, self.next);
            self.slice = self.chunk;
            self.next += 1;
        }
        self.slice = &self.slice[rest..];
    }
}

/// Returns a chunk, or an empty one at the end.
// Takes no cursor, so that the compiler keeps the fields of that in registers.
#[inline(never)]
fn chunk_at(sequence: &Sequence, index: usize) -> &Segment {
    sequence.list.get(index).unwrap_or(const { &Segment::new() })
}

/// The fragments of a [`Sequence`], from [`Sequence::fragments`].
#[derive(Clone, Debug)]
pub struct Fragments<'a> {
    cursor: Cursor<'a>,
    len_max: usize,
}

impl Fragments<'_> {
    /// Returns the bytes of the next `count` fragments together.
    pub(crate) fn next_bytes(&self, count: usize) -> usize {
        count.saturating_mul(self.len_max).min(within(self.cursor.remaining))
    }
}

impl<'a> Iterator for Fragments<'a> {
    type Item = Fragment<'a>;

    #[inline]
    fn next(&mut self) -> Option<Fragment<'a>> {
        let len = self.len_max.min(within(self.cursor.remaining));
        if len == 0 {
            return None;
        }
        let Cursor { sequence, chunk, slice, next, .. } = self.cursor;
        let first = &slice[..len.min(slice.len())];
        let fragment = Fragment { sequence, chunk, first, next, len };
        self.cursor.advance(len);
        Some(fragment)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.cursor.remaining.div_ceil(self.len_max as u64);
        (within(count), usize::try_from(count).ok())
    }
}

impl FusedIterator for Fragments<'_> {}

/// A run of bytes of a [`Sequence`], in one slice or several.
///
/// Borrows the sequence; [`to_segment`](Self::to_segment) and [`to_sequence`](Self::to_sequence) are
/// for those who keep it.
#[derive(Clone, Copy)]
pub struct Fragment<'a> {
    sequence: &'a Sequence,
    /// The first chunk.
    chunk: &'a Segment,
    /// The part that lies there.
    first: &'a [u8],
    /// Index of the chunk after that one.
    next: usize,
    len: usize,
}

impl<'a> Fragment<'a> {
    /// Returns the number of bytes, at least one.
    #[allow(clippy::len_without_is_empty, reason = "no fragment is empty")]
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns the bytes when they lie in one chunk.
    #[inline]
    #[must_use]
    pub const fn as_slice(&self) -> Option<&'a [u8]> {
        if self.first.len() == self.len { Some(self.first) } else { None }
    }

    /// Returns the bytes slice by slice, none of them empty.
    #[must_use]
    pub fn slices(&self) -> FragmentSlices<'a> {
        let rest = self.len - self.first.len();
        FragmentSlices { first: Some(self.first), after: self.after(), rest }
    }

    /// Returns the bytes as slices for a vectored write.
    pub fn io_slices(&self) -> impl Iterator<Item = IoSlice<'a>> {
        self.slices().map(IoSlice::new)
    }

    /// Copies the bytes to the front of `target`.
    ///
    /// # Panics
    ///
    /// Panics when `target` is shorter than [`len`](Self::len).
    #[inline]
    pub fn copy_to_slice(&self, target: &mut [u8]) {
        let (first, rest) = target[..self.len].split_at_mut(self.first.len());
        first.copy_from_slice(self.first);
        if !rest.is_empty() {
            chunks::fill(rest, self.after());
        }
    }

    /// Returns the bytes as a segment of their own when they lie in one chunk, as most fragments
    /// do: one atomic increment, no copy.
    #[inline]
    #[must_use]
    pub fn to_segment(&self) -> Option<Segment> {
        let slice = self.as_slice()?;
        let start = slice.as_ptr().addr() - self.chunk.as_ptr().addr();
        Some(self.chunk.slice(start..start + slice.len()))
    }

    /// Returns the bytes as a sequence of their own, without a copy: one atomic increment a slice.
    ///
    /// # Panics
    ///
    /// Panics when there are several slices and the pool has no block for their list: see
    /// [`try_to_sequence`](Self::try_to_sequence).
    #[must_use]
    pub fn to_sequence(&self) -> Sequence {
        self.try_to_sequence().unwrap_or_else(range::refuse)
    }

    /// Returns the bytes as a sequence of their own, without a copy: one atomic increment a slice.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when there are several slices and the pool has no block for their list.
    pub fn try_to_sequence(&self) -> Result<Sequence, OutOfMemory> {
        if let Some(segment) = self.to_segment() {
            return Ok(segment.into());
        }
        let start = self.chunk.len() - self.first.len();
        Ok(self.sequence.try_part(self.next - 1, start, self.len as u64)?.0)
    }

    fn after(&self) -> Slices<'a> {
        self.sequence.slices_from(self.next, 0)
    }
}

impl fmt::Debug for Fragment<'_> {
    /// Writes the bytes as a list of byte string literals, one a slice.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for slice in self.slices() {
            list.entry(&format_args!("b\"{}\"", slice.escape_ascii()));
        }
        list.finish()
    }
}

/// The slices of a [`Fragment`], from [`Fragment::slices`].
#[derive(Clone, Debug)]
pub struct FragmentSlices<'a> {
    first: Option<&'a [u8]>,
    after: Slices<'a>,
    /// Bytes of `after` that belong to the fragment.
    rest: usize,
}

impl<'a> Iterator for FragmentSlices<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        if self.rest == 0 {
            return None;
        }
        let slice = self.after.next()?;
        let slice = &slice[..slice.len().min(self.rest)];
        self.rest -= slice.len();
        Some(slice)
    }
}

impl FusedIterator for FragmentSlices<'_> {}
