//! One contiguous slice, made when somebody asks for it.

use std::sync::OnceLock;

use bytes::Bytes;
use seg_pool::{OutOfMemory, Pool, Segment};

use crate::sequence::Sequence;

/// A sequence that becomes contiguous on first access and stays so.
///
/// Nothing is copied until [`as_slice`](Self::as_slice) is called, nor then when there is one
/// chunk. Otherwise the bytes are copied once into an allocation of their full length, the one
/// place where a message costs a large allocation; whoever can read chunks should.
///
/// # Examples
///
/// ```
/// use seg_pool::{OutOfMemory, Pool, Segment};
/// use seg_seq::{Flatten, Sequence};
///
/// let sequence: Sequence =
///     [Segment::from_static(b"hel"), Segment::from_static(b"lo")].into_iter().collect();
/// let flat = Flatten::new(sequence);
/// assert_eq!(flat.as_slice(), b"hello");
/// assert_eq!(flat.sequence().chunk_count(), 2);
/// ```
#[derive(Debug, Default)]
pub struct Flatten {
    sequence: Sequence,
    /// In a box, so that a sequence which is never asked for one slice stays small.
    flat: OnceLock<Box<Bytes>>,
}

impl Flatten {
    /// Wraps a sequence. Copies nothing.
    #[must_use]
    pub const fn new(sequence: Sequence) -> Self {
        Self { sequence, flat: OnceLock::new() }
    }

    /// Wraps bytes that are contiguous already. Copies nothing.
    #[must_use]
    pub fn from_bytes(bytes: Bytes) -> Self {
        let sequence = Sequence::from(Segment::from(bytes));
        Self { sequence, flat: OnceLock::new() }
    }

    /// Returns the number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.sequence.len()
    }

    /// Returns whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sequence.is_empty()
    }

    /// Returns the bytes in their chunks.
    #[must_use]
    pub const fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    /// Makes slots in the list, as [`Sequence::try_reserve`] does.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the pool has too few blocks; nothing changes then.
    pub fn try_reserve(&mut self, chunk_count: usize, pool: &Pool) -> Result<(), OutOfMemory> {
        self.sequence.try_reserve(chunk_count, pool)
    }

    /// Appends a segment without a copy; a flat copy of what was there before is dropped.
    ///
    /// # Panics
    ///
    /// Panics where [`Sequence::push`] does.
    pub fn push(&mut self, segment: Segment) {
        self.flat.take();
        self.sequence.push(segment);
    }

    /// Drops all bytes and the flat copy, in place.
    pub fn clear(&mut self) {
        self.flat.take();
        self.sequence.clear();
    }

    /// Returns whether [`as_slice`](Self::as_slice) copies nothing any more.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.sequence.chunk_count() <= 1 || self.flat.get().is_some()
    }

    /// Returns the bytes as one slice: the first call copies them when there are several chunks.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        let mut chunks = self.sequence.chunks();
        match (chunks.next(), chunks.len()) {
            (None, _) => &[],
            (Some(only), 0) => only,
            _ => self.flat.get_or_init(|| Box::new(self.sequence.to_vec().into())),
        }
    }

    /// Turns into the sequence; a flat copy is dropped.
    #[must_use]
    pub fn into_sequence(self) -> Sequence {
        self.sequence
    }

    /// Turns into [`Bytes`], using the flat copy when there is one.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        self.flat.take().map_or_else(|| self.sequence.into_bytes(), |flat| *flat)
    }
}

impl Clone for Flatten {
    /// Clones without a copy; a flat copy is shared.
    ///
    /// # Panics
    ///
    /// Panics where the `clone` of a [`Sequence`] does.
    fn clone(&self) -> Self {
        Self { sequence: self.sequence.clone(), flat: self.flat.clone() }
    }
}

impl AsRef<[u8]> for Flatten {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl From<Sequence> for Flatten {
    fn from(sequence: Sequence) -> Self {
        Self::new(sequence)
    }
}

impl PartialEq for Flatten {
    fn eq(&self, other: &Self) -> bool {
        self.sequence == other.sequence
    }
}

impl Eq for Flatten {}
