//! Segments made of other types of bytes, and the reverse; segments as iterators.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::slice;

use bytes::{Bytes, buf::IntoIter};

use crate::{
    segment::Segment, segment::handle::Handle, segment::segment_mut::SegmentMut, slab::adopted,
};

impl From<Bytes> for Segment {
    /// Adopts the bytes without a copy. Allocates 128 bytes for the count.
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::new();
        }
        let len = bytes.len();
        let handle = Handle::new(adopted::adopt(bytes));
        let ptr = handle.data;
        // SAFETY: the `Bytes` that the handle keeps has `len` initialised bytes at `data`, and `Bytes` are immutable.
        unsafe { Self::from_parts(Some(handle), ptr, len) }
    }
}

impl From<&'static [u8]> for Segment {
    /// Copies, allocates and counts nothing, as [`from_static`](Self::from_static).
    fn from(bytes: &'static [u8]) -> Self {
        Self::from_static(bytes)
    }
}

impl From<&'static str> for Segment {
    /// Copies, allocates and counts nothing, as [`from_static`](Self::from_static).
    fn from(text: &'static str) -> Self {
        Self::from_static(text.as_bytes())
    }
}

macro_rules! adopts {
    ($($type:ty),*) => {$(
        impl From<$type> for Segment {
            /// Adopts the bytes without a copy, as `From<Bytes>` does: no pool counts them.
            fn from(bytes: $type) -> Self {
                Bytes::from(bytes).into()
            }
        }
    )*};
}

adopts!(Vec<u8>, Box<[u8]>, String);

impl FromIterator<u8> for Segment {
    /// Collects into a `Vec`, which the segment adopts: no pool counts it.
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        Vec::from_iter(bytes).into()
    }
}

impl From<SegmentMut> for Segment {
    fn from(segment: SegmentMut) -> Self {
        segment.freeze()
    }
}

impl From<Segment> for Bytes {
    /// Hands the segment over without a copy. One small allocation, except for static bytes and
    /// adopted `Bytes`; so convert once, then slice the `Bytes`.
    fn from(segment: Segment) -> Self {
        if let Some(bytes) = segment.as_static() {
            return Self::from_static(bytes);
        }
        match segment.owner() {
            Some(owner) => owner.slice_ref(&segment),
            None => Self::from_owner(segment),
        }
    }
}

impl From<SegmentMut> for Bytes {
    /// Freezes the segment and hands it over without a copy.
    fn from(segment: SegmentMut) -> Self {
        segment.freeze().into()
    }
}

macro_rules! into_bytes {
    ($type:ty) => {
        impl From<$type> for Vec<u8> {
            /// Copies.
            fn from(segment: $type) -> Self {
                segment.to_vec()
            }
        }

        impl IntoIterator for $type {
            type Item = u8;
            type IntoIter = IntoIter<$type>;

            fn into_iter(self) -> IntoIter<$type> {
                IntoIter::new(self)
            }
        }

        impl<'a> IntoIterator for &'a $type {
            type Item = &'a u8;
            type IntoIter = slice::Iter<'a, u8>;

            fn into_iter(self) -> slice::Iter<'a, u8> {
                self.iter()
            }
        }
    };
}

into_bytes!(Segment);
into_bytes!(SegmentMut);

impl Extend<u8> for SegmentMut {
    /// Appends every byte.
    ///
    /// # Panics
    ///
    /// Panics when they do not fit, as [`extend_from_slice`](Self::extend_from_slice) does; those
    /// that did are appended.
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        let mut bytes = bytes.into_iter();
        loop {
            // Gathered in runs: a call for each byte takes several times as many instructions.
            let (mut run, mut len) = ([0; 64], 0);
            bytes.by_ref().take(run.len()).for_each(|byte| {
                run[len] = byte;
                len += 1;
            });
            let fitting = self.fill_from_slice(&run[..len]);
            self.extend_from_slice(&run[fitting..len]);
            if len < run.len() {
                break;
            }
        }
    }
}

impl<'a> Extend<&'a u8> for SegmentMut {
    /// Appends every byte; panics as `Extend<u8>` does.
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, bytes: I) {
        self.extend(bytes.into_iter().copied());
    }
}
