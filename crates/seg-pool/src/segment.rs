//! A shared, immutable run of bytes of a segment.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

mod bytes_traits;
#[forbid(unsafe_code)]
mod compare;
#[cfg(feature = "compio")]
mod compio_buf;
mod convert;
#[forbid(unsafe_code)]
mod extent;
pub(crate) mod handle;
pub(crate) mod segment_mut;

use core::{
    mem::ManuallyDrop,
    ops::{Bound, Deref, Range, RangeBounds},
    ptr::{self, NonNull},
    slice,
};

use crate::{segment::handle::Handle, segment::segment_mut::SegmentMut};

/// A shared, immutable run of bytes of one segment.
///
/// Clones and slices are new views of the same bytes: an atomic increment, no copy. The whole
/// segment goes back to its pool when the last view is dropped, on any thread; so a small slice
/// keeps a whole segment from reuse, as [`held_bytes`](Self::held_bytes) tells.
///
/// 24 bytes. An empty segment, and one made [from static bytes](Self::from_static), keeps nothing.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
///
/// let pool = Pool::new();
/// let mut buffer = pool.take(1_024);
/// buffer.extend_from_slice(b"hello world");
/// let segment = buffer.freeze();
/// let word = segment.slice(6..);
/// drop(segment);
/// assert_eq!(word, b"world");
/// assert_eq!(word.held_bytes(), 1_024);
/// ```
///
/// # Invariants
///
/// - **S1** `ptr..ptr + len` is live and initialised while `handle` is there; static without one.
/// - **S2** nobody writes these bytes: no [`SegmentMut`]'s view overlaps them.
pub struct Segment {
    handle: Option<Handle>,
    ptr: NonNull<u8>,
    len: usize,
}

// SAFETY: the bytes are immutable (S2), and the handle's count is atomic.
unsafe impl Send for Segment {}
// SAFETY: as above.
unsafe impl Sync for Segment {}

impl Segment {
    /// Creates an empty segment. Allocates and keeps nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self::from_static(&[])
    }

    /// Creates a segment over static bytes. Copies, allocates and counts nothing.
    #[must_use]
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        // SAFETY: a reference is not null.
        let ptr = unsafe { NonNull::new_unchecked(bytes.as_ptr().cast_mut()) };
        Self { handle: None, ptr, len: bytes.len() }
    }

    /// Puts a segment together.
    ///
    /// # Safety
    ///
    /// S1 and S2 hold.
    #[inline]
    pub(crate) unsafe fn from_parts(handle: Option<Handle>, ptr: NonNull<u8>, len: usize) -> Self {
        let mut segment = Self { handle, ptr, len };
        segment.set_len(len);
        segment
    }

    /// Changes the length, and what is known of the view with it.
    #[inline]
    fn set_len(&mut self, len: usize) {
        self.len = len;
        if let Some(handle) = &mut self.handle {
            handle.view(len);
        }
    }

    /// Returns the number of bytes.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no bytes.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the bytes that this view keeps from reuse: the size of its whole segment, the
    /// length of adopted [`Bytes`](bytes::Bytes), 0 for static bytes.
    #[inline]
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.handle
            .as_ref()
            .map_or(0, |handle| handle.owner().map_or(handle.capacity(), bytes::Bytes::len))
    }

    /// Returns whether this is the only view of its segment, so that dropping it gives the segment
    /// back. `false` for static bytes.
    #[inline]
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.handle.as_ref().is_some_and(Handle::is_unique)
    }

    /// Returns whether both are views of the same segment, so that they keep it together.
    #[inline]
    #[must_use]
    pub fn shares_segment_with(&self, other: &Self) -> bool {
        match (&self.handle, &other.handle) {
            (Some(handle), Some(other)) => handle.is_same(other),
            _ => false,
        }
    }

    /// Returns a view of a part. Copies nothing; one atomic increment.
    ///
    /// # Panics
    ///
    /// Panics when the range is decreasing or ends beyond [`len`](Self::len).
    #[inline]
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let (start, end) = self.bounds(&range);
        if start == end {
            return Self::new();
        }
        // SAFETY: `start <= len`.
        let ptr = unsafe { self.ptr.add(start) };
        // SAFETY: a part of what S1 and S2 hold for, kept by a handle of its own.
        unsafe { Self::from_parts(self.handle.clone(), ptr, end - start) }
    }

    /// Returns a view of a part, as [`slice`](Self::slice) does, but counts references for 63 views
    /// at once.
    ///
    /// This is for decoders, which find many runs of data in what they received.
    ///
    /// # Panics
    ///
    /// Panics when the range is decreasing or ends beyond [`len`](Self::len).
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Segment;
    ///
    /// let mut received = Segment::from_static(b"5\r\nhello\r\n6\r\n world\r\n");
    /// let (first, second) = (received.share(3..8), received.share(13..19));
    /// assert_eq!((first.as_ref(), second.as_ref()), (&b"hello"[..], &b" world"[..]));
    /// assert_eq!(received.len(), 21);
    /// ```
    #[inline]
    #[must_use]
    pub fn share(&mut self, range: Range<usize>) -> Self {
        self.split_part(range.start, range.end)
    }

    /// Splits the bytes `..at` off the front. Copies nothing; at most one atomic increment for 63 splits.
    ///
    /// # Panics
    ///
    /// Panics when `at` is above [`len`](Self::len).
    #[inline]
    #[must_use = "the split-off front is gone from this segment"]
    pub fn split_to(&mut self, at: usize) -> Self {
        if at == self.len {
            return core::mem::take(self);
        }
        let front = self.split_part(0, at);
        self.advance(at);
        front
    }

    /// Splits the bytes `at..` off the back. Copies nothing; at most one atomic increment for 63 splits.
    ///
    /// # Panics
    ///
    /// Panics when `at` is above [`len`](Self::len).
    #[must_use = "the split-off back is gone from this segment"]
    pub fn split_off(&mut self, at: usize) -> Self {
        if at == 0 {
            return core::mem::take(self);
        }
        let back = self.split_part(at, self.len);
        self.set_len(at);
        back
    }

    /// Makes a view of a part.
    #[inline]
    fn split_part(&mut self, start: usize, end: usize) -> Self {
        if start > end || end > self.len {
            out_of_bounds(start, end, self.len);
        }
        if start == end {
            return Self::new();
        }
        // SAFETY: `start <= len`.
        let ptr = unsafe { self.ptr.add(start) };
        let handle = self.handle.as_mut().map(Handle::split);
        // SAFETY: a part of what S1 and S2 hold for, kept by a handle of its own.
        unsafe { Self::from_parts(handle, ptr, end - start) }
    }

    /// Joins `next` to the end of this view when it follows directly in the same segment: no
    /// copy, and one atomic operation for up to 63 parts that are joined one after the other.
    ///
    /// # Errors
    ///
    /// Returns `next` when it lies elsewhere.
    pub fn unsplit(&mut self, mut next: Self) -> Result<(), Self> {
        if next.is_empty() {
            return Ok(());
        }
        if self.is_empty() {
            *self = next;
            return Ok(());
        }
        let end = self.ptr.addr().get() + self.len;
        if !self.shares_segment_with(&next) || end != next.ptr.addr().get() {
            return Err(next);
        }
        if let Some((handle, next)) = self.handle.as_mut().zip(next.handle.take()) {
            handle.join(next);
        }
        self.set_len(self.len + next.len);
        Ok(())
    }

    /// Drops many views. Neighbours that are views of the same segment give it up together: one
    /// atomic operation for up to 63 of them. The last view is kept until `segments` goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::{Pool, Segment};
    ///
    /// let pool = Pool::new();
    /// let mut received = pool.take(16_384);
    /// received.extend_from_slice(b"one two three");
    /// let mut received = received.freeze();
    /// let words = vec![received.split_to(4), received.split_to(4), received];
    /// Segment::drop_all(words);
    /// assert_eq!(pool.stats().in_use_bytes(), 0);
    /// ```
    pub fn drop_all(segments: impl IntoIterator<Item = Self>) {
        let mut last: Option<Handle> = None;
        for handle in segments.into_iter().filter_map(|segment| segment.handle) {
            let Some(kept) = &mut last else {
                last = Some(handle);
                continue;
            };
            if let Err(handle) = kept.absorb(handle) {
                last = Some(handle);
            }
        }
    }

    /// Shortens the view to `len` bytes; does nothing when it is shorter.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        if len == 0 {
            self.empty();
        } else {
            self.set_len(len);
        }
    }

    /// Drops `count` bytes from the front.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        if count >= self.len {
            assert!(count == self.len, "advance past the end of the segment");
            self.empty();
            return;
        }
        // SAFETY: `count <= len`.
        self.ptr = unsafe { self.ptr.add(count) };
        self.set_len(self.len - count);
    }

    /// Drops all bytes, and the segment with them.
    #[inline(never)]
    fn empty(&mut self) {
        *self = Self::new();
    }

    /// Makes the view exclusive, with the rest of the segment after it as spare capacity.
    ///
    /// Copies nothing.
    ///
    /// # Errors
    ///
    /// Returns the segment unchanged when other views of it exist, or when its memory is not a
    /// pool's.
    pub fn try_into_mut(self) -> Result<SegmentMut, Self> {
        if !self.is_unique() || !self.handle.as_ref().is_some_and(Handle::is_pooled) {
            return Err(self);
        }
        let (handle, ptr, len) = self.into_parts();
        let Some(handle) = handle else { unreachable!("a unique segment has a handle") };
        // SAFETY: the handle is the only one; `ptr..ptr + len` is within its payload (S1). What
        // lies before was recorded as initialised when the payload was frozen or split (E4).
        Ok(unsafe { SegmentMut::from_unique(handle, ptr, len) })
    }

    /// Pretends that there are `count` more handles, so that a model can count over the edge.
    #[cfg(seg_loom)]
    #[doc(hidden)]
    pub fn pretend_handles(&self, count: usize) {
        if let Some(handle) = &self.handle {
            handle.refs.fetch_add(count, crate::sync::Ordering::Relaxed);
        }
    }

    pub(crate) const fn handle(&self) -> Option<&Handle> {
        self.handle.as_ref()
    }

    pub(crate) fn into_parts(self) -> (Option<Handle>, NonNull<u8>, usize) {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped, so the handle moves out once.
        let handle = unsafe { ptr::read(&raw const this.handle) };
        (handle, this.ptr, this.len)
    }

    /// Returns the adopted `Bytes` that this is a view of.
    pub(crate) fn owner(&self) -> Option<&bytes::Bytes> {
        self.handle.as_ref().and_then(Handle::owner)
    }

    /// Returns the bytes for good, when they are static.
    pub(crate) const fn as_static(&self) -> Option<&'static [u8]> {
        if self.handle.is_some() {
            return None;
        }
        // SAFETY: without a handle the bytes are static (S1).
        Some(unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len) })
    }

    #[inline]
    fn bounds(&self, range: &impl RangeBounds<usize>) -> (usize, usize) {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => self.len,
        };
        if start > end || end > self.len {
            out_of_bounds(start, end, self.len);
        }
        (start, end)
    }
}

#[cold]
#[inline(never)]
fn out_of_bounds(start: usize, end: usize, len: usize) -> ! {
    panic!("range {start}..{end} is out of bounds of a segment of {len} bytes")
}

impl Deref for Segment {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        if let Some(handle) = &self.handle {
            handle.witness.read();
        }
        // SAFETY: `len` live, initialised bytes (S1) that nobody writes (S2).
        unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl Clone for Segment {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: the same bytes, kept by a handle of its own (S1, S2).
        unsafe { Self::from_parts(self.handle.clone(), self.ptr, self.len) }
    }
}

impl Default for Segment {
    fn default() -> Self {
        Self::new()
    }
}
