//! The `bytes` crate's traits.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use std::io::IoSlice;

use bytes::{Buf, BufMut, Bytes, buf::UninitSlice};

use crate::{
    segmented_buf::SegmentedBuf,
    sequence::{Sequence, within},
};

/// Reading from a sequence consumes it: segments go back as soon as their last byte is read.
impl Buf for Sequence {
    #[inline]
    fn remaining(&self) -> usize {
        within(self.len())
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        self.list.first().map_or(&[], |segment| segment)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut count = 0;
        for (slot, slice) in slices.iter_mut().zip(self.io_slices()) {
            *slot = slice;
            count += 1;
        }
        count
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        assert!(count as u64 <= self.len(), "advance past the end of the sequence");
        self.list.advance(count as u64);
    }

    #[inline]
    fn copy_to_slice(&mut self, target: &mut [u8]) {
        assert!(target.len() as u64 <= self.len(), "copy past the end of the sequence");
        self.list.copy_front(target);
    }

    fn copy_to_bytes(&mut self, len: usize) -> Bytes {
        self.split_to(len as u64).into_bytes()
    }
}

impl Buf for SegmentedBuf {
    #[inline]
    fn remaining(&self) -> usize {
        within(self.len())
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        self.first_slice()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut count = 0;
        for (slot, slice) in slices.iter_mut().zip(self.slices()) {
            *slot = IoSlice::new(slice);
            count += 1;
        }
        count
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        self.consume(count as u64);
    }

    fn copy_to_bytes(&mut self, len: usize) -> Bytes {
        self.split_to(len as u64).into_bytes()
    }
}

// SAFETY: `chunk_mut` is the whole spare part of the tail, and `advance_mut` moves its start by
// just `count`.
unsafe impl BufMut for SegmentedBuf {
    /// Returns what `bytes` calls no limit. The pool's limit is met when a segment is taken.
    fn remaining_mut(&self) -> usize {
        usize::MAX - within(self.len())
    }

    unsafe fn advance_mut(&mut self, count: usize) {
        // SAFETY: the caller's promise is the same.
        unsafe { Self::advance_mut(self, count) }
    }

    /// Returns the spare part of the tail.
    ///
    /// # Panics
    ///
    /// Panics when a new segment is needed and the pool has none: the trait knows no error.
    fn chunk_mut(&mut self) -> &mut UninitSlice {
        match self.try_spare_mut() {
            Ok(spare) => spare,
            Err(error) => panic!("{error}"),
        }
    }

    fn put_slice(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
