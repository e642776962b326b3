//! A queue of fixed capacity that lies in a segment of a pool.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
};

use seg_pool::{OutOfMemory, Pool, PoolRef, SegmentMut, SegmentSize};

/// Takes a segment of a small size for a block, or of the size that the pool has most of: where its
/// limit is met, that may be the only one that is idle.
pub(crate) fn try_take_small(size: SegmentSize, pool: &Pool) -> Result<SegmentMut, OutOfMemory> {
    pool.try_take_size(size).or_else(|error| match pool.segment_size() {
        usual if usual > size => pool.try_take_size(usual).map_err(|_| error),
        _ => Err(error),
    })
}

/// Elements of type `T` in a segment, with an `H` of the user's before them.
///
/// One pointer, as the segment is kept in its own payload: it never moves. Elements are appended at the
/// end and removed at both ends. Slots that were removed at the front are used again after
/// [`move_to_front`](Self::move_to_front).
///
/// # Invariants
///
/// - **B1** `header` points to a live `Header<H>` at the start of the payload of that header's own
///   `segment`, which nobody else can reach. `header` may be used for the whole payload.
/// - **B2** the slots lie from `OFFSET` on, aligned, and there are `capacity` of them.
/// - **B3** the slots `first..end` hold elements, and no others do; `first <= end <= capacity`.
pub(crate) struct Block<H, T> {
    header: NonNull<Header<H>>,
    elements: PhantomData<(H, T)>,
}

// SAFETY: a block owns what it holds, as a `Box` does.
unsafe impl<H: Send, T: Send> Send for Block<H, T> {}
// SAFETY: as above; a shared block only shows shared references.
unsafe impl<H: Sync, T: Sync> Sync for Block<H, T> {}

#[repr(C)]
struct Header<H> {
    segment: SegmentMut,
    first: u16,
    end: u16,
    capacity: u16,
    extra: H,
}

impl<H, T> Block<H, T> {
    /// Bytes before the first slot: half a line of the cache, or a multiple of it.
    const OFFSET: usize = size_of::<Header<H>>().next_multiple_of(32);

    /// Returns the number of elements that a block in a segment of `size` holds.
    pub(crate) const fn len_max(size: SegmentSize) -> usize {
        (size.bytes() - Self::OFFSET) / size_of::<T>()
    }

    /// Creates a block without elements in a segment, which is whole and empty.
    pub(crate) fn new(mut segment: SegmentMut, extra: H) -> Self {
        const { assert!(size_of::<T>() > 0 && size_of::<T>() < 256 && Self::OFFSET < 256) };
        const { assert!(Self::OFFSET.is_multiple_of(align_of::<T>())) };
        const { assert!(Self::len_max(SegmentSize::MAX) <= u16::MAX as usize) };
        let capacity = (segment.capacity() - Self::OFFSET) / size_of::<T>();
        let Some(payload) = segment.as_uninit_mut() else { unreachable!("a whole segment") };
        let header = payload.as_mut_ptr().cast::<Header<H>>();
        // The slots are as well aligned as the header, as `OFFSET` is a multiple of their alignment.
        assert!(header.is_aligned() && header.cast::<T>().is_aligned(), "an aligned segment");
        #[expect(clippy::cast_possible_truncation, reason = "at most `len_max`")]
        let capacity = capacity as u16;
        // SAFETY: the payload is at least 256 bytes long, aligned, and this block's alone.
        unsafe { header.write(Header { segment, first: 0, end: 0, capacity, extra }) };
        // SAFETY: the start of a payload is not null.
        let header = unsafe { NonNull::new_unchecked(header) };
        Self { header, elements: PhantomData }
    }

    #[inline]
    const fn header(&self) -> &Header<H> {
        // SAFETY: the header is alive and this block's alone (B1).
        unsafe { self.header.as_ref() }
    }

    #[inline]
    const fn header_mut(&mut self) -> &mut Header<H> {
        // SAFETY: the header is alive and this block's alone (B1).
        unsafe { self.header.as_mut() }
    }

    /// Returns the address of a slot, which is at most the capacity.
    #[inline]
    const fn slot(&self, index: usize) -> NonNull<T> {
        // SAFETY: the payload is longer than `OFFSET` (B1, B2).
        let slots = unsafe { self.header.byte_add(Self::OFFSET) }.cast::<T>();
        // SAFETY: the slots up to `index` lie within the payload (B2).
        unsafe { slots.add(index) }
    }

    #[inline]
    pub(crate) const fn extra(&self) -> &H {
        &self.header().extra
    }

    #[inline]
    pub(crate) const fn extra_mut(&mut self) -> &mut H {
        &mut self.header_mut().extra
    }

    /// Returns the pool that the segment is of.
    #[inline]
    pub(crate) fn pool(&self) -> PoolRef<'_> {
        self.header().segment.pool()
    }

    /// Returns the size of the segment, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.header().segment.held_bytes()
    }

    /// Returns how many elements there can be.
    #[inline]
    pub(crate) const fn capacity(&self) -> usize {
        self.header().capacity as usize
    }

    /// Returns how many elements can be appended.
    #[inline]
    pub(crate) const fn spare(&self) -> usize {
        let Header { end, capacity, .. } = self.header();
        (*capacity - *end) as usize
    }

    /// Returns how many slots are unused before the first element.
    #[inline]
    pub(crate) const fn removed(&self) -> usize {
        self.header().first as usize
    }

    /// Returns the elements.
    #[inline]
    pub(crate) const fn as_slice(&self) -> &[T] {
        let (first, end) = (self.header().first as usize, self.header().end as usize);
        // SAFETY: those slots hold elements (B3), which are this block's alone (B1).
        unsafe { slice::from_raw_parts(self.slot(first).as_ptr(), end - first) }
    }

    /// Appends an element.
    ///
    /// # Panics
    ///
    /// Panics when the block is full.
    #[inline]
    pub(crate) const fn push(&mut self, element: T) {
        assert!(self.spare() > 0, "a block is full");
        let slot = self.slot(self.header().end as usize);
        // SAFETY: the slot is one of the block's (B2), and holds no element (B3).
        unsafe { slot.write(element) };
        self.header_mut().end += 1;
    }

    /// Removes the last element.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let Header { first, end, .. } = self.header();
        if first == end {
            return None;
        }
        let slot = self.slot(*end as usize - 1);
        self.header_mut().end -= 1;
        // SAFETY: the slot holds an element (B3), which moves out, as it is beyond the end now.
        Some(unsafe { slot.read() })
    }

    /// Removes the first element.
    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let Header { first, end, .. } = self.header();
        if first == end {
            return None;
        }
        let slot = self.slot(*first as usize);
        self.header_mut().first += 1;
        // SAFETY: the slot holds an element (B3), which moves out, as it is before the first one now.
        Some(unsafe { slot.read() })
    }

    /// Moves all elements to the first slots, so that those which were removed are spare ones.
    pub(crate) fn move_to_front(&mut self) {
        let len = self.header().end - self.header().first;
        let (start, first) = (self.slot(0), self.slot(self.removed()));
        // SAFETY: both runs are slots of the block (B2); the first one's elements move (B3).
        unsafe { first.copy_to(start, len.into()) };
        let header = self.header_mut();
        (header.first, header.end) = (0, len);
    }

    /// Moves all elements of another block to the end of this one.
    ///
    /// # Panics
    ///
    /// Panics when there are more of them than spare slots.
    pub(crate) fn append<G>(&mut self, other: &mut Block<G, T>) {
        let len = other.header().end - other.header().first;
        assert!(self.spare() >= len.into(), "a block is full");
        let (first, end) = (other.slot(other.removed()), self.slot(self.header().end.into()));
        // SAFETY: the elements (B3) move to slots that hold none (B2, B3) of another segment (B1).
        unsafe { first.copy_to_nonoverlapping(end, len.into()) };
        other.header_mut().first += len;
        self.header_mut().end += len;
    }
}

impl<H, T> Deref for Block<H, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<H, T> DerefMut for Block<H, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        let (first, end) = (self.header().first as usize, self.header().end as usize);
        // SAFETY: those slots hold elements (B3), which are this block's alone (B1).
        unsafe { slice::from_raw_parts_mut(self.slot(first).as_ptr(), end - first) }
    }
}

impl<H, T> Drop for Block<H, T> {
    // Most lists are of one chunk, whose drop is inlined.
    #[inline(never)]
    fn drop(&mut self) {
        let _last = EmptyBlock { header: self.header };
        let elements: *mut [T] = &raw mut **self;
        // SAFETY: the slots hold elements (B3), and nobody uses the block after its drop.
        unsafe { elements.drop_in_place() };
    }
}

/// A block whose elements are gone; gives its segment back, also when one of them panicked.
struct EmptyBlock<H> {
    header: NonNull<Header<H>>,
}

impl<H> Drop for EmptyBlock<H> {
    fn drop(&mut self) {
        // SAFETY: the header is alive (B1), and moves out once, as the block is gone.
        drop(unsafe { self.header.read() });
    }
}

impl<H, T> fmt::Debug for Block<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, held_bytes) = (self.len(), self.held_bytes());
        f.debug_struct("Block").field("len", &len).field("held_bytes", &held_bytes).finish()
    }
}
