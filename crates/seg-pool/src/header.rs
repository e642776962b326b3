//! What a pool knows of one segment, kept apart from the segment's bytes.

use core::{ops::Deref, ptr::NonNull};

use crate::{
    depot::Depot,
    slab::Slab,
    sync::{AtomicUsize, Cell, Witness},
};

/// The metadata of one segment.
///
/// It lies outside the payload, so that payload is truly aligned and a counter never shares a
/// cache line with data; it fills a line of its own, so that two segments' counters do not share
/// one either.
#[repr(align(64))]
pub(crate) struct Header {
    /// Handles to this segment. 1 while the segment is idle.
    pub(crate) refs: AtomicUsize,
    /// Where the segment goes when its last handle is dropped; null for memory of another owner.
    pub(crate) depot: *const Depot,
    /// The first byte of the payload.
    pub(crate) data: NonNull<u8>,
    /// Bytes of payload.
    pub(crate) capacity: usize,
    /// The payload's first bytes that are known to be initialised: a lower bound that only grows.
    pub(crate) initialized: AtomicUsize,
    /// The slab that the payload is carved from; null for memory of another owner.
    pub(crate) slab: *const Slab,
    /// The next idle segment of the same slab, under the arena's lock.
    pub(crate) next: Cell<Option<Idle>>,
    pub(crate) witness: Witness,
}

/// The right to a segment that has no handle.
///
/// # Invariants
///
/// - **I1** the header is alive for as long as its `Idle` exists: a slab is freed only when it has
///   collected the `Idle` of each of its segments.
/// - **I2** there is at most one `Idle` per header, and none while a handle exists.
/// - **I3** `refs` is 1.
pub(crate) struct Idle(NonNull<Header>);

impl Idle {
    /// Wraps the only pointer to a header without handles.
    ///
    /// # Safety
    ///
    /// I1, I2 and I3 hold.
    pub(crate) const unsafe fn new(header: NonNull<Header>) -> Self {
        Self(header)
    }

    pub(crate) const fn into_header(self) -> NonNull<Header> {
        self.0
    }
}

impl Deref for Idle {
    type Target = Header;

    #[inline]
    fn deref(&self) -> &Header {
        // SAFETY: the header is alive while `self` exists (I1), and is only ever shared.
        unsafe { self.0.as_ref() }
    }
}
