//! Segments as buffers of compio: the kernel reads and writes them where they lie.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::mem::MaybeUninit;

use compio_buf::{IoBuf, IoBufMut, SetLen};

use crate::segment::{Segment, segment_mut::SegmentMut};

/// A write of these bytes. The driver keeps this view until the kernel is done, and gives it back.
impl IoBuf for Segment {
    fn as_init(&self) -> &[u8] {
        self
    }
}

impl IoBuf for SegmentMut {
    fn as_init(&self) -> &[u8] {
        self
    }
}

/// A read into the whole capacity, from the start: what was filled is overwritten, as in compio's
/// other buffers. `uninit` makes it a read into the spare capacity, `slice` one into a part. A segment never
/// grows: more than the capacity is `NotSupported`.
impl IoBufMut for SegmentMut {
    /// Returns all bytes, filled and spare. The spare ones are initialised, too: a byte is zeroed at
    /// most once in the life of its slab.
    ///
    /// As for the filled bytes of a `Vec` here, nobody may store uninitialised bytes through the slice:
    /// they would be read as initialised ones later. Drivers hand it to the kernel, which stores bytes.
    fn as_uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        self.spare_initialized_mut();
        let (start, capacity) = (self.start(), self.capacity());
        // SAFETY: the payload has `capacity` live bytes from its start on (E1), they are this
        // value's alone (E2), and `MaybeUninit` has the layout of a byte.
        unsafe { core::slice::from_raw_parts_mut(start.as_ptr().cast(), capacity) }
    }
}

impl SetLen for SegmentMut {
    unsafe fn set_len(&mut self, len: usize) {
        self.truncate(len);
        let more = len - self.len();
        // SAFETY: the caller promises that the bytes up to `len` are initialised.
        unsafe { self.advance_mut(more) };
    }
}
