//! A segment, or a part of one, with a single owner.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{
    fmt,
    mem::MaybeUninit,
    ops::{Deref, DerefMut, Range},
    ptr::{self, NonNull},
    slice,
};
use std::io;

use bytes::buf::UninitSlice;

use crate::{
    segment::Segment, segment::extent::Extent, segment::handle::Handle, slab::header::Idle,
    slab::track::Origin,
};

/// A segment with a single owner, filled from the front.
///
/// It is the filled part, `..len`, of a fixed `capacity`: it derefs to the filled bytes, and
/// [`spare_capacity_mut`](Self::spare_capacity_mut) is the rest. It never grows. Splitting gives
/// two owners of two parts of one segment; the segment goes back to its pool when the last part,
/// exclusive or [shared](Segment), is dropped, on any thread.
///
/// 24 bytes on 64-bit targets; moved by value.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
///
/// let pool = Pool::new();
/// let mut buffer = pool.take(4_096);
/// buffer.extend_from_slice(b"\x05hello world");
/// let header = buffer.split_to(1);
/// buffer[..5].make_ascii_uppercase();
/// assert_eq!(header, [5]);
/// assert_eq!(buffer.freeze(), b"HELLO world");
/// ```
///
/// # Invariants
///
/// - **E1** `ptr..ptr + capacity` lies within the payload that `handle` keeps.
/// - **E2** no other handle's view overlaps it.
/// - **E3** `len <= capacity`, and the first `len` bytes are initialised.
/// - **E4** the payload is initialised up to `ptr` at least, and its header says so.
pub struct SegmentMut {
    handle: Handle,
    ptr: NonNull<u8>,
    extent: Extent,
}

// SAFETY: the bytes belong to this value alone (E2).
unsafe impl Send for SegmentMut {}
// SAFETY: a shared reference only reads the bytes.
unsafe impl Sync for SegmentMut {}

impl SegmentMut {
    #[inline]
    pub(crate) fn new(idle: Idle, origin: Origin) -> Self {
        idle.witness.reuse();
        idle.track.take(origin);
        let ptr = idle.data;
        let extent = Extent::new(0, idle.capacity());
        Self { handle: Handle::new(idle), ptr, extent }
    }

    /// Makes the owner of `ptr..` out of the only handle to a pooled segment.
    ///
    /// # Safety
    ///
    /// `handle` is the only one, `ptr` lies within its payload, and the payload is initialised up
    /// to `ptr + len`.
    pub(crate) unsafe fn from_unique(handle: Handle, ptr: NonNull<u8>, len: usize) -> Self {
        let offset = ptr.addr().get() - handle.data.addr().get();
        handle.raise_initialized(offset + len);
        let extent = Extent::new(len, handle.capacity() - offset);
        let mut part = Self { handle, ptr, extent };
        part.set_extent(extent);
        part
    }

    /// Returns the number of filled bytes.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.extent.len()
    }

    /// Returns whether nothing is filled.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.extent.len() == 0
    }

    /// Returns the number of bytes that this part can hold: that of the segment, less what was
    /// split off.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.extent.capacity()
    }

    /// Returns the number of bytes that can still be filled.
    #[inline]
    #[must_use]
    pub const fn spare_len(&self) -> usize {
        self.extent.spare()
    }

    /// Returns the size of the whole segment that this part keeps from reuse, in bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.handle.capacity()
    }

    /// Returns whether a shared view is of the same segment, so that both keep it together.
    #[must_use]
    pub fn shares_segment_with(&self, other: &Segment) -> bool {
        other.handle().is_some_and(|other| self.handle.is_same(other))
    }

    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Returns the unfilled part, which may be uninitialised.
    ///
    /// Not as `MaybeUninit`s, which safe code could fill with uninitialised bytes again: the
    /// segment remembers which bytes were written in an earlier life. `UninitSlice` only takes
    /// bytes; its unsafe methods lead to pointers and `MaybeUninit`s for system calls.
    #[inline]
    pub fn spare_capacity_mut(&mut self) -> &mut UninitSlice {
        // SAFETY: `len <= capacity` (E3), so the result lies within the payload (E1).
        let spare = unsafe { self.ptr.add(self.len()) };
        // SAFETY: `capacity - len` live bytes follow `spare` (E1, E3), and they are this value's alone (E2).
        unsafe { UninitSlice::from_raw_parts_mut(spare.as_ptr(), self.spare_len()) }
    }

    /// Returns all bytes as memory for values of any type, and forgets which of them were written
    /// before. `None` when something is filled, or when the segment has another part.
    ///
    /// For who keeps values in a segment, whose padding is not initialised.
    pub fn as_uninit_mut(&mut self) -> Option<&mut [MaybeUninit<u8>]> {
        let is_whole = self.is_empty() && self.capacity() == self.handle.capacity();
        if !is_whole || !self.handle.is_unique() {
            return None;
        }
        self.handle.forget_initialized();
        // SAFETY: `capacity` live bytes (E1), which are this value's alone (E2) and not known to be
        // initialised from here on (E3, E4).
        Some(unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr().cast(), self.capacity()) })
    }

    /// Counts the next `count` spare bytes as filled.
    ///
    /// # Safety
    ///
    /// The first `count` bytes of [`spare_capacity_mut`](Self::spare_capacity_mut) are initialised.
    ///
    /// # Panics
    ///
    /// Panics when `count` is above [`spare_len`](Self::spare_len).
    #[inline]
    pub unsafe fn advance_mut(&mut self, count: usize) {
        assert!(count <= self.spare_len(), "advance past the end of the segment");
        self.add_len(count);
    }

    /// Returns the unfilled part with every byte initialised.
    ///
    /// For readers that insist on initialised bytes, such as `std::io::Read`. A byte of a segment
    /// is zeroed at most once in the life of its slab, and never when it was written before, so
    /// this costs nothing in the steady state; once more after [`as_uninit_mut`](Self::as_uninit_mut). What the bytes hold is unspecified.
    #[inline]
    pub fn spare_initialized_mut(&mut self) -> &mut [u8] {
        self.initialize(self.capacity());
        // SAFETY: as in `spare_capacity_mut`.
        let spare = unsafe { self.ptr.add(self.len()) };
        // SAFETY: as in `spare_capacity_mut`, and all bytes are initialised now.
        unsafe { slice::from_raw_parts_mut(spare.as_ptr(), self.spare_len()) }
    }

    /// Zeroes the bytes from the filled part up to `end` that were never initialised.
    #[inline]
    fn initialize(&mut self, end: usize) {
        self.raise_initialized();
        let start = self.handle.initialized() - self.offset();
        if start >= end {
            return;
        }
        // SAFETY: `start < end <= capacity`, and the mark is not below `ptr` (E4).
        let fresh = unsafe { self.ptr.add(start) };
        // SAFETY: `end - start` live bytes follow (E1), and they are this value's alone (E2).
        unsafe { fresh.write_bytes(0, end - start) };
        self.handle.raise_initialized(self.offset() + end);
    }

    /// Counts the next `count` spare bytes as filled, after
    /// [`spare_initialized_mut`](Self::spare_initialized_mut) has shown them.
    ///
    /// # Panics
    ///
    /// Panics when `count` is above [`spare_len`](Self::spare_len), or when the bytes are not known
    /// to be initialised.
    #[inline]
    pub fn advance_initialized(&mut self, count: usize) {
        assert!(count <= self.spare_len(), "advance past the end of the segment");
        let end = self.offset() + self.len() + count;
        let initialized = self.handle.initialized();
        assert!(count == 0 || end <= initialized, "advance over bytes that were never initialised");
        self.add_len(count);
    }

    /// Appends `bytes`, copying them.
    ///
    /// # Panics
    ///
    /// Panics when they do not fit; [`fill_from_slice`](Self::fill_from_slice) takes what fits.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.spare_len(), "slice is longer than the spare capacity");
        self.fill_from_slice(bytes);
    }

    /// Appends as many of `bytes` as fit, copying them, and returns how many that were.
    #[inline]
    pub fn fill_from_slice(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.spare_len());
        let spare = self.spare_capacity_mut().as_mut_ptr();
        // SAFETY: `count` bytes are readable there and writable here, and exclusive bytes overlap no other slice.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), spare, count) };
        self.add_len(count);
        count
    }

    /// Reads once into the spare part and returns how many bytes came; 0 means the end of the
    /// stream, or no spare part.
    ///
    /// # Errors
    ///
    /// Those of `reader`; nothing is filled then.
    ///
    /// # Panics
    ///
    /// Panics when `reader` reports more bytes than the spare part holds.
    pub fn read_from(&mut self, reader: &mut (impl io::Read + ?Sized)) -> io::Result<usize> {
        let count = reader.read(self.spare_initialized_mut())?;
        self.advance_initialized(count);
        Ok(count)
    }

    /// Shortens the filled part to `len` bytes; does nothing when it is shorter.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.raise_initialized();
            self.set_extent(Extent::new(len, self.capacity()));
        }
    }

    /// Empties the filled part.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Splits the filled bytes `..at` off the front. They become a full part of their own; the
    /// rest, with the spare capacity, stays.
    ///
    /// Copies nothing; at most one atomic increment for 63 splits.
    ///
    /// # Panics
    ///
    /// Panics when `at` is above [`len`](Self::len).
    #[must_use = "the split-off front is gone from this part"]
    pub fn split_to(&mut self, at: usize) -> Self {
        assert!(at <= self.len(), "split beyond the filled part");
        self.raise_initialized();
        let extent = Extent::new(at, at);
        let mut front = Self { handle: self.handle.split(), ptr: self.ptr, extent };
        front.set_extent(extent);
        // SAFETY: `at <= len <= capacity`, so the result lies within the payload (E1, E3).
        self.ptr = unsafe { self.ptr.add(at) };
        self.set_extent(Extent::new(self.len() - at, self.capacity() - at));
        front
    }

    /// Splits `at..` off the back: filled bytes and spare capacity alike.
    ///
    /// Copies nothing; at most one atomic increment for 63 splits. Where `at` lies in the spare capacity, the bytes up to
    /// it are zeroed unless they were written before.
    ///
    /// # Panics
    ///
    /// Panics when `at` is above [`capacity`](Self::capacity).
    #[must_use = "the split-off back is gone from this part"]
    pub fn split_off(&mut self, at: usize) -> Self {
        assert!(at <= self.capacity(), "split beyond the capacity");
        // Keeps E4 for the back part.
        self.initialize(at);
        // SAFETY: `at <= capacity`, so the result lies within the payload (E1).
        let ptr = unsafe { self.ptr.add(at) };
        let extent = Extent::new(self.len().saturating_sub(at), self.capacity() - at);
        let mut back = Self { handle: self.handle.split(), ptr, extent };
        back.set_extent(extent);
        self.set_extent(Extent::new(self.len().min(at), at));
        back
    }

    /// Takes the whole segment back when this part is the only one left of it. Returns whether it is.
    /// Filled bytes move to the front: one copy of them, where they do not lie there.
    ///
    /// For a receive buffer that messages were split off of: when they are gone, it starts over
    /// without going through the pool.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), seg_pool::TakeError> {
    /// let mut buffer = seg_pool::Pool::new().try_take(1_024)?;
    /// buffer.extend_from_slice(&[7; 1_000]);
    /// let message = buffer.split_to(990);
    /// assert!(!buffer.try_reclaim());
    /// drop(message);
    /// assert!(buffer.try_reclaim());
    /// assert_eq!((buffer.len(), buffer.capacity()), (10, 1_024));
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_reclaim(&mut self) -> bool {
        if !self.handle.is_unique() {
            return false;
        }
        // What is filled here stays initialised, also once the bytes have moved.
        self.raise_initialized();
        let (filled, len) = (self.ptr, self.len());
        self.ptr = self.handle.data;
        // SAFETY: both ranges lie within the payload (E1), of which no other handle has a part; the
        // bytes are initialised (E3).
        unsafe { filled.copy_to(self.ptr, len) };
        self.set_extent(Extent::new(len, self.handle.capacity()));
        true
    }

    /// Joins `next` to the end of this part when it follows directly in the same segment: the
    /// reverse of a split.
    ///
    /// # Errors
    ///
    /// Returns `next` when it lies elsewhere, or when spare capacity would lie between the filled
    /// bytes of both.
    pub fn unsplit(&mut self, next: Self) -> Result<(), Self> {
        let end = self.ptr.addr().get() + self.capacity();
        let adjacent = self.handle.is_same(&next.handle) && end == next.ptr.addr().get();
        if !adjacent || (self.spare_len() > 0 && !next.is_empty()) {
            return Err(next);
        }
        let (len, capacity) = (self.len() + next.len(), self.capacity() + next.capacity());
        self.handle.join(next.handle);
        self.set_extent(Extent::new(len, capacity));
        Ok(())
    }

    /// Turns the filled part into a shared, immutable [`Segment`]. The spare part is kept from
    /// reuse until the segment goes back; split it off before if it is wanted.
    ///
    /// Costs nothing but a move. An empty part gives its segment back.
    #[inline]
    #[must_use]
    pub fn freeze(self) -> Segment {
        if self.is_empty() {
            return Segment::new();
        }
        self.raise_initialized();
        // SAFETY: the bytes are within the payload (E1), initialised (E3), and nobody can write
        // them any more, as the only view that could is gone (E2).
        unsafe { Segment::from_parts(Some(self.handle), self.ptr, self.extent.len()) }
    }

    /// Takes the filled bytes of `range` out as a shared [`Segment`]. Those before it are dropped; the
    /// rest, with the spare capacity, stays.
    ///
    /// For decoders, which find a run of data after a header: an advance, a
    /// [`split_to`](Self::split_to) and a [`freeze`](Self::freeze) in one. Copies nothing; at most one
    /// atomic increment for 63 runs.
    ///
    /// # Panics
    ///
    /// Panics when the range is decreasing or ends beyond [`len`](Self::len).
    ///
    /// # Examples
    ///
    /// ```
    /// let mut received = seg_pool::Pool::new().take(256);
    /// received.extend_from_slice(b"\x05hello\x05world");
    /// assert_eq!(received.freeze_range(1..6), b"hello");
    /// assert_eq!(received.freeze_range(1..6), b"world");
    /// assert!(received.is_empty());
    /// ```
    #[inline]
    #[must_use = "the range is gone from this part"]
    pub fn freeze_range(&mut self, range: Range<usize>) -> Segment {
        let Range { start, end } = range;
        assert!(start <= end && end <= self.len(), "a range beyond the filled part");
        self.raise_initialized();
        // SAFETY: `start <= len <= capacity`, so the result lies within the payload (E1, E3).
        let ptr = unsafe { self.ptr.add(start) };
        // SAFETY: likewise, as `end <= len`.
        self.ptr = unsafe { self.ptr.add(end) };
        self.set_extent(Extent::new(self.len() - end, self.capacity() - end));
        if start == end {
            return Segment::new();
        }
        // SAFETY: the bytes are within the payload (E1), initialised (E3), and nobody can write
        // them any more, as the only view that could now starts after them (E2).
        unsafe { Segment::from_parts(Some(self.handle.split()), ptr, end - start) }
    }

    /// Returns the start of this part, for the whole of its capacity.
    #[cfg(feature = "compio")]
    pub(crate) const fn start(&self) -> NonNull<u8> {
        self.ptr
    }

    #[inline]
    fn add_len(&mut self, count: usize) {
        self.set_extent(Extent::new(self.len() + count, self.capacity()));
    }

    /// Changes length and capacity, and what is known of the view with them.
    #[inline]
    fn set_extent(&mut self, extent: Extent) {
        self.extent = extent;
        self.handle.view(extent.len());
    }

    /// Bytes from the start of the payload to this part.
    #[inline]
    fn offset(&self) -> usize {
        self.ptr.addr().get() - self.handle.data.addr().get()
    }

    /// Records that the filled part is initialised, before it is given away or cut (E4).
    #[inline]
    fn raise_initialized(&self) {
        self.handle.raise_initialized(self.offset() + self.len());
    }

    /// Drops `count` filled bytes from the front.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        assert!(count <= self.len(), "advance past the filled part");
        self.raise_initialized();
        // SAFETY: `count <= len <= capacity`, so the result lies within the payload (E1, E3).
        self.ptr = unsafe { self.ptr.add(count) };
        self.set_extent(Extent::new(self.len() - count, self.capacity() - count));
    }
}

impl Deref for SegmentMut {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.handle.witness.read();
        // SAFETY: `len` live (E1), initialised (E3) bytes, which only `self` can write (E2).
        unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len()) }
    }
}

impl DerefMut for SegmentMut {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: `len` live (E1), initialised (E3) bytes that belong to this value alone (E2).
        unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len()) }
    }
}

impl io::Write for SegmentMut {
    /// Appends what fits; 0 when the segment is full.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.fill_from_slice(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Write for SegmentMut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() > self.spare_len() {
            return Err(fmt::Error);
        }
        self.fill_from_slice(text.as_bytes());
        Ok(())
    }
}
