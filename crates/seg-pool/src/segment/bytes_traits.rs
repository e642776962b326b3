//! The `bytes` crate's traits `Buf` and `BufMut`.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use bytes::{Buf, BufMut, Bytes, buf::UninitSlice};

use crate::{segment::Segment, segment::segment_mut::SegmentMut};

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
