//! 64 KiB of page-aligned memory, carved into segments of one size.

use core::{
    alloc::Layout,
    ptr::{self, NonNull},
};
use std::alloc::{alloc, dealloc};

use crate::{
    depot::Depot,
    header::{Header, Idle},
    size::{SLAB_BYTES, SegmentSize},
    sync::{AtomicUsize, Cell, Witness},
};

/// The alignment of slabs: the smallest page size in use.
const PAGE_BYTES: usize = 4096;

const LAYOUT: Layout = match Layout::from_size_align(SLAB_BYTES, PAGE_BYTES) {
    Ok(layout) => layout,
    Err(_) => panic!("a slab is a whole number of pages"),
};

/// One slab and the headers of its segments, which lie apart from its bytes.
///
/// All of it is used under the arena's lock.
///
/// # Invariants
///
/// - **L1** `data` is one live allocation of [`LAYOUT`], `headers` one leaked boxed slice.
/// - **L2** `chain` holds `idle` segments, all of this slab.
/// - **L3** a slab is in a [`SlabList`] if and only if `idle` is above 0.
pub(crate) struct Slab {
    data: NonNull<u8>,
    headers: NonNull<[Header]>,
    chain: Cell<Option<Idle>>,
    idle: Cell<usize>,
    previous: Cell<*const Self>,
    next: Cell<*const Self>,
}

impl Slab {
    /// Allocates a slab whose segments are all at home; `None` when the system has no memory.
    ///
    /// Three allocations: the slab, its headers (64 B a segment) and this struct.
    pub(crate) fn allocate(size: SegmentSize, depot: *const Depot) -> Option<NonNull<Self>> {
        // SAFETY: the layout's size is not zero.
        let data = NonNull::new(unsafe { alloc(LAYOUT) })?;
        let slab = NonNull::from(Box::leak(Box::new(Self {
            data,
            headers: NonNull::slice_from_raw_parts(NonNull::dangling(), 0),
            chain: Cell::new(None),
            idle: Cell::new(0),
            previous: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
        })));
        let headers: Box<[Header]> = (0..size.per_slab())
            .map(|index| Header {
                refs: AtomicUsize::new(1),
                depot,
                route: Cell::new(depot),
                account: Cell::new(None),
                // SAFETY: `index` is below `per_slab`, so the offset lies inside the allocation.
                data: unsafe { data.add(index * size.bytes()) },
                capacity: size.bytes(),
                initialized: AtomicUsize::new(0),
                slab: slab.as_ptr(),
                next: Cell::new(None),
                witness: Witness::new(),
            })
            .collect();
        let headers = NonNull::from(Box::leak(headers));
        // SAFETY: the slab was leaked above and nobody else knows it yet.
        unsafe { (*slab.as_ptr()).headers = headers };
        // SAFETY: as above; from here on the slab is only shared.
        let shared = unsafe { slab.as_ref() };
        let first = headers.cast::<Header>();
        // Back to front, so that the chain hands the segments out in the order of their addresses.
        for index in (0..size.per_slab()).rev() {
            // SAFETY: `index` is below the number of headers.
            let header = unsafe { first.add(index) };
            // SAFETY: the header is new (I2, I3) and is freed only when the chain is whole (I1).
            shared.put(unsafe { Idle::new(header) });
        }
        Some(slab)
    }

    /// Frees a slab whose segments are all at home.
    ///
    /// # Safety
    ///
    /// `slab` came from [`allocate`](Self::allocate), is whole, is in no list, and is not used again.
    pub(crate) unsafe fn free(slab: NonNull<Self>) {
        // SAFETY: `allocate` leaked it (L1), and the caller gives it up.
        let slab = unsafe { Box::from_raw(slab.as_ptr()) };
        debug_assert!(slab.is_whole(), "every segment of a freed slab is at home");
        // SAFETY: the headers were leaked by `allocate` (L1); all `Idle`s are in the chain, so nothing else points to them.
        drop(unsafe { Box::from_raw(slab.headers.as_ptr()) });
        // SAFETY: `data` came from `alloc` with this layout (L1), and no segment of it is in use.
        unsafe { dealloc(slab.data.as_ptr(), LAYOUT) };
    }

    /// Returns whether no segment of this slab is away.
    pub(crate) fn is_whole(&self) -> bool {
        self.idle.get() == self.headers.len()
    }

    fn put(&self, idle: Idle) {
        idle.next.set(self.chain.take());
        self.chain.set(Some(idle));
        self.idle.set(self.idle.get() + 1);
    }

    fn take(&self) -> Option<Idle> {
        let idle = self.chain.take()?;
        self.chain.set(idle.next.take());
        self.idle.set(self.idle.get() - 1);
        Some(idle)
    }
}

/// Slabs linked through themselves, so that the list never allocates.
///
/// # Invariants
///
/// - **N1** every slab in the list is alive, and is in this list alone.
struct SlabList {
    first: *const Slab,
}

impl SlabList {
    const fn new() -> Self {
        Self { first: ptr::null() }
    }

    fn first(&self) -> Option<&Slab> {
        // SAFETY: the pointer is null or a live slab's (N1).
        unsafe { self.first.as_ref() }
    }

    fn push(&mut self, slab: &Slab) {
        slab.previous.set(ptr::null());
        slab.next.set(self.first);
        if let Some(first) = self.first() {
            first.previous.set(slab);
        }
        self.first = slab;
    }

    fn unlink(&mut self, slab: &Slab) {
        let (previous, next) = (slab.previous.get(), slab.next.get());
        // SAFETY: the pointer is null or a live slab's (N1).
        match unsafe { previous.as_ref() } {
            Some(previous) => previous.next.set(next),
            None => self.first = next,
        }
        // SAFETY: as above.
        if let Some(next) = unsafe { next.as_ref() } {
            next.previous.set(previous);
        }
    }
}

/// The idle segments of one size that lie in no magazine, each with its slab.
///
/// Slabs that are partly in use serve first, so that the others become whole and can go back to
/// the system.
pub(crate) struct Home {
    partial: SlabList,
    whole: SlabList,
    whole_count: usize,
    /// The lowest `whole_count` since the last [`shrink`](Self::shrink).
    whole_low: usize,
    idle: usize,
    slabs: usize,
}

impl Home {
    pub(crate) const fn new() -> Self {
        Self {
            partial: SlabList::new(),
            whole: SlabList::new(),
            whole_count: 0,
            whole_low: 0,
            idle: 0,
            slabs: 0,
        }
    }

    /// Idle segments that lie here.
    pub(crate) const fn idle(&self) -> usize {
        self.idle
    }

    /// Slabs of this size, whether their segments are here or not.
    pub(crate) const fn slabs(&self) -> usize {
        self.slabs
    }

    /// Adds a slab from the system; `false` when the system has no memory.
    pub(crate) fn grow(&mut self, size: SegmentSize, depot: *const Depot) -> bool {
        let Some(slab) = Slab::allocate(size, depot) else { return false };
        // SAFETY: `allocate` returned a live slab.
        self.whole.push(unsafe { slab.as_ref() });
        self.whole_count += 1;
        self.idle += size.per_slab();
        self.slabs += 1;
        true
    }

    pub(crate) fn take(&mut self) -> Option<Idle> {
        let from_whole = self.partial.first.is_null();
        let list = if from_whole { &mut self.whole } else { &mut self.partial };
        let first = list.first;
        // SAFETY: a list's slabs are alive (N1).
        let slab = unsafe { first.as_ref() }?;
        let idle = slab.take()?;
        self.idle -= 1;
        let is_empty = slab.idle.get() == 0;
        if from_whole || is_empty {
            list.unlink(slab);
        }
        if from_whole {
            self.whole_count -= 1;
            self.whole_low = self.whole_low.min(self.whole_count);
            if !is_empty {
                self.partial.push(slab);
            }
        }
        Some(idle)
    }

    pub(crate) fn put(&mut self, idle: Idle) {
        let slab = idle.slab;
        // SAFETY: the slab lives while one of its segments is not at home, and this one was not (I1).
        let Some(slab) = (unsafe { slab.as_ref() }) else { return };
        let was_idle = slab.idle.get();
        slab.put(idle);
        self.idle += 1;
        if slab.is_whole() {
            if was_idle > 0 {
                self.partial.unlink(slab);
            }
            self.whole.push(slab);
            self.whole_count += 1;
        } else if was_idle == 0 {
            self.partial.push(slab);
        }
    }

    /// Gives every whole slab back to the system and returns how many there were.
    pub(crate) fn trim(&mut self) -> usize {
        self.free_whole(self.whole_count)
    }

    /// Gives half of the slabs back that were whole ever since the last call, and returns how many
    /// that were.
    pub(crate) fn shrink(&mut self) -> usize {
        let count = self.free_whole(self.whole_low.div_ceil(2));
        self.whole_low = self.whole_count;
        count
    }

    fn free_whole(&mut self, count: usize) -> usize {
        for _ in 0..count {
            let Some(slab) = NonNull::new(self.whole.first.cast_mut()) else { break };
            // SAFETY: a list's slabs are alive (N1).
            let shared = unsafe { slab.as_ref() };
            self.idle -= shared.idle.get();
            self.whole.unlink(shared);
            // SAFETY: the slab is whole, as all in this list, and was just unlinked.
            unsafe { Slab::free(slab) };
        }
        self.whole_count -= count;
        self.whole_low = self.whole_low.min(self.whole_count);
        self.slabs -= count;
        count
    }
}
