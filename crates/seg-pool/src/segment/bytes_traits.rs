//! The `bytes` crate's traits and type: `Buf`, `BufMut`, and `Bytes` both ways.

use bytes::{Buf, BufMut, Bytes, buf::UninitSlice};

use crate::{
    segment::Segment, segment::handle::Handle, segment::segment_mut::SegmentMut, slab::adopted,
};

impl Buf for Segment {
    #[inline]
    fn remaining(&self) -> usize {
        self.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        self
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        Self::advance(self, count);
    }

    fn copy_to_bytes(&mut self, len: usize) -> Bytes {
        assert!(len <= self.remaining(), "copy past the end of the segment");
        self.split_to(len).into()
    }
}

impl Buf for SegmentMut {
    #[inline]
    fn remaining(&self) -> usize {
        self.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        self
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        Self::advance(self, count);
    }
}

// SAFETY: `chunk_mut` is the whole spare part, and `advance_mut` moves its start by just `count`.
unsafe impl BufMut for SegmentMut {
    #[inline]
    fn remaining_mut(&self) -> usize {
        self.spare_len()
    }

    #[inline]
    unsafe fn advance_mut(&mut self, count: usize) {
        // SAFETY: the caller's promise is the same.
        unsafe { Self::advance_mut(self, count) }
    }

    #[inline]
    fn chunk_mut(&mut self) -> &mut UninitSlice {
        self.spare_capacity_mut()
    }

    #[inline]
    fn put_slice(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

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

impl From<SegmentMut> for Segment {
    fn from(segment: SegmentMut) -> Self {
        segment.freeze()
    }
}
