//! What a pool knows of one segment, kept apart from the segment's bytes.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{
    ops::Deref,
    ptr::{self, NonNull},
};

use crate::{
    limit::account::Account,
    size::SegmentSize,
    slab::track::Track,
    sync::{Arc, AtomicU32, AtomicUsize, Cell, Ordering, Witness},
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
    /// The segment's size class in its pool, which lives as long as the slab; null for adopted
    /// memory.
    pub(crate) class: *const Class,
    /// Where the segment goes when its last handle is dropped: to the caches of its class, or null
    /// when something is to be done on the way. Written while there is one handle or none.
    pub(crate) route: Cell<*const Class>,
    /// The account that the segment is charged to, counted as by an `Arc`; null without one.
    /// Written through an [`Idle`] alone, so while no handle exists; read through any handle.
    account: Cell<*const Account>,
    /// The first byte of the payload.
    pub(crate) data: NonNull<u8>,
    /// Bytes of payload; 0 for adopted memory.
    capacity: u32,
    /// The payload's first bytes that are known to be initialised: a lower bound. It falls only while
    /// there is one handle.
    initialized: AtomicU32,
    /// The slab that the payload is carved from; none for adopted memory.
    pub(crate) slab: Option<NonNull<Owner>>,
    /// The next idle segment of the same slab, under the arena's lock.
    pub(crate) next: Cell<Option<Idle>>,
    pub(crate) witness: Witness,
    pub(crate) track: Track,
}

/// A size class of a pool, to the header that points to one.
pub(crate) enum Class {}

/// A slab, to the headers of its segments.
pub(crate) enum Owner {}

#[cfg(all(target_pointer_width = "64", not(any(seg_loom, feature = "report"))))]
const _: () = assert!(size_of::<Header>() == 64, "a header fills one cache line");

impl Header {
    /// Creates the header of an idle segment of a slab.
    pub(crate) fn new(
        data: NonNull<u8>,
        size: SegmentSize,
        class: *const Class,
        slab: NonNull<Owner>,
    ) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "at most 64 KiB")]
        let capacity = size.bytes() as u32;
        Self { class, route: Cell::new(class), slab: Some(slab), capacity, ..Self::adopted(data) }
    }

    /// Creates the header of memory that the pool does not own.
    pub(crate) fn adopted(data: NonNull<u8>) -> Self {
        Self {
            refs: AtomicUsize::new(1),
            class: ptr::null(),
            route: Cell::new(ptr::null()),
            account: Cell::new(ptr::null()),
            data,
            capacity: 0,
            initialized: AtomicU32::new(0),
            slab: None,
            next: Cell::new(None),
            witness: Witness::new(),
            track: Track::new(),
        }
    }

    /// Bytes of payload; 0 for adopted memory.
    #[inline]
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Bytes from the payload's start that are known to be initialised.
    #[inline]
    pub(crate) fn initialized(&self) -> usize {
        self.initialized.load(Ordering::Relaxed) as usize
    }

    /// Returns the account that the segment is charged to, without counting it.
    ///
    /// # Safety
    ///
    /// A handle exists as long as the result is used, and the result is never dropped.
    #[inline]
    pub(crate) unsafe fn uncounted_account(&self) -> Option<Arc<Account>> {
        let account = self.account.get();
        // SAFETY: the pointer came from `Arc::into_raw` (I4), and the reference that it counts is
        // given up through an `Idle` only, of which there is none while a handle exists (I2).
        (!account.is_null()).then(|| unsafe { Arc::from_raw(account) })
    }

    /// Records that the payload is initialised up to `end`, which is at most its capacity.
    #[inline]
    pub(crate) fn raise_initialized(&self, end: usize) {
        if self.initialized() < end {
            #[expect(clippy::cast_possible_truncation, reason = "at most 64 KiB")]
            self.initialized.fetch_max(end as u32, Ordering::Relaxed);
        }
    }

    /// Records that nothing of the payload is known to be initialised. There is one handle.
    #[inline]
    pub(crate) fn forget_initialized(&self) {
        self.initialized.store(0, Ordering::Relaxed);
    }
}

/// The right to a segment that has no handle.
///
/// # Invariants
///
/// - **I1** the header is alive for as long as its `Idle` exists: a slab is freed only when it has
///   collected the `Idle` of each of its segments.
/// - **I2** there is at most one `Idle` per header, and none while a handle exists.
/// - **I3** `refs` is 1.
/// - **I4** `account` is null or came from `Arc::into_raw`, and owns that reference. It is changed
///   here alone, so by the only one who knows the header (I2): each handle that reads it was made
///   after the change, and gives the segment up (release, acquire) before the next one.
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

    /// Overwrites the payload with zeroes.
    pub(crate) fn zero(&self) {
        // SAFETY: `data` leads to `capacity` live bytes, and without handles nobody else uses them (I2).
        unsafe { self.data.write_bytes(0, self.capacity()) };
        self.raise_initialized(self.capacity());
    }

    /// Charges the segment to `account` from now on.
    pub(crate) fn set_account(&self, account: Option<Arc<Account>>) {
        debug_assert!(self.account.get().is_null(), "an idle segment is on no account");
        self.account.set(account.map_or(ptr::null(), Arc::into_raw));
    }

    /// Takes the segment off its account.
    pub(crate) fn take_account(&self) -> Option<Arc<Account>> {
        let account = self.account.replace(ptr::null());
        // SAFETY: it came from `Arc::into_raw` and owns the reference (I4), which moves out.
        (!account.is_null()).then(|| unsafe { Arc::from_raw(account) })
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
