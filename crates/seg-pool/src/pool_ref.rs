//! The pool of a segment.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{fmt, marker::PhantomData, mem::ManuallyDrop, ops::Deref, ptr};

use crate::{
    pool::Pool, segment::Segment, segment::handle::Handle, segment::segment_mut::SegmentMut,
};

/// A [`Pool`] that is borrowed from a segment of it, or from a handle: costs nothing.
///
/// Derefs to the handle; clone that to keep it.
///
/// # Invariants
///
/// - **R1** `pool` counts nothing. What it points to is kept for `'a`: by the segment it was made of,
///   which keeps its slab and its account, or by the handle.
pub struct PoolRef<'a> {
    pool: ManuallyDrop<Pool>,
    keeper: PhantomData<&'a Pool>,
}

impl<'a> PoolRef<'a> {
    /// Returns the pool of a segment; none for adopted memory.
    #[inline]
    fn of(handle: &'a Handle) -> Option<Self> {
        // SAFETY: the handle keeps both for `'a` (R1), and the result is never dropped.
        let pool = unsafe { Pool::uncounted(handle) }?;
        Some(Self { pool: ManuallyDrop::new(pool), keeper: PhantomData })
    }
}

impl<'a> From<&'a Pool> for PoolRef<'a> {
    fn from(pool: &'a Pool) -> Self {
        // SAFETY: the copy is never dropped, and gone before `pool` is (R1).
        Self { pool: ManuallyDrop::new(unsafe { ptr::read(pool) }), keeper: PhantomData }
    }
}

impl Deref for PoolRef<'_> {
    type Target = Pool;

    #[inline]
    fn deref(&self) -> &Pool {
        &self.pool
    }
}

impl fmt::Debug for PoolRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}

impl SegmentMut {
    /// Returns the pool that the segment was taken from, through the budget that it is charged to if
    /// there is one.
    ///
    /// For code that has a segment and needs another one beside it: nothing is counted. A clone is a
    /// handle of its own; when the pool's last handle was gone, it opens the pool again.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::{Budget, Pool};
    ///
    /// let budget = Budget::new(&Pool::new(), 64 << 10);
    /// let first = budget.pool().take(256);
    /// let second = first.pool().take(1_024);
    /// assert_eq!(budget.used_bytes(), 256 + 1_024);
    /// # drop((first, second));
    /// ```
    #[inline]
    #[must_use]
    pub fn pool(&self) -> PoolRef<'_> {
        let Some(pool) = PoolRef::of(self.handle()) else {
            unreachable!("an exclusive segment is of a pool");
        };
        pool
    }
}

impl Segment {
    /// Returns the pool that the segment was taken from, as [`SegmentMut::pool`] does. `None` for an
    /// empty segment, for static bytes and for adopted [`Bytes`](bytes::Bytes).
    #[inline]
    #[must_use]
    pub fn pool(&self) -> Option<PoolRef<'_>> {
        self.handle().and_then(PoolRef::of)
    }
}
