//! What is to be sent, wherever it lies.

use std::io::IoSlice;

use seg_seq::Sequence;

/// What is to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    /// One slice: whatever is left of it after a write is copied.
    Borrowed(&'a [u8]),
    /// Segments: whatever is left of them is linked.
    Shared(&'a Sequence),
}

impl<'a> Payload<'a> {
    #[inline]
    pub(crate) const fn len(self) -> u64 {
        match self {
            Self::Borrowed(slice) => slice.len() as u64,
            Self::Shared(sequence) => sequence.len(),
        }
    }

    /// Returns the bytes, when they lie in one slice.
    #[inline]
    pub(crate) fn one_slice(self) -> Option<&'a [u8]> {
        match self {
            Self::Borrowed(slice) => Some(slice),
            Self::Shared(sequence) if sequence.chunk_count() <= 1 => {
                Some(sequence.chunks().next().map_or(&[], |chunk| chunk))
            }
            Self::Shared(_) => None,
        }
    }

    /// Returns the bytes, as slices of a vectored write.
    pub(crate) fn io_slices(self) -> impl Iterator<Item = IoSlice<'a>> {
        let (borrowed, shared) = match self {
            Self::Borrowed(slice) => (Some(IoSlice::new(slice)), None),
            Self::Shared(sequence) => (None, Some(sequence.io_slices())),
        };
        borrowed.into_iter().chain(shared.into_iter().flatten())
    }
}
