//! What a pool does under its lock: free lists, limit and waiters.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{ptr::NonNull, task::Waker};

use crate::{
    cache::counters::{Counters, THREAD_CACHE_BYTES},
    cache::magazine::Magazine,
    limit::out_of_memory::{Cause, OutOfMemory},
    limit::wait_queue::WaitQueue,
    shared::size_class::SizeClass,
    size::{SLAB_BYTES, SegmentSize},
    slab::free_list::FreeList,
    slab::header::Idle,
};

const SIZES: usize = SegmentSize::ALL.len();

/// Visits between two looks at what was never needed.
const VISITS_PER_LOOK: u32 = 256;

/// The state of a pool that is used under the lock: once per magazine, not once per segment.
///
/// # Invariants
///
/// - **C1** `slab_bytes` is that of all slabs, in use or not, and never above `bytes_max`.
/// - **C2** nobody waits for a segment that could be given: each change that frees memory is
///   followed by [`grant`](Self::grant) until it grants nothing.
/// - **C3** the counters of a thread's cache are here for as long as the cache can hold segments,
///   and alive for as long as they are here.
pub(crate) struct Central {
    sizes: [SizeState; SIZES],
    /// The next ticket of all queues together; so the number of waits, too.
    next_ticket: u64,
    slab_bytes: usize,
    slab_bytes_peak: usize,
    bytes_max: usize,
    /// Segments that the magazines of all threads may still come to hold.
    cacheable: usize,
    closed: bool,
    visits: u32,
    /// Slabs that came, less those that went, since the arena last asked.
    slabs_gained: isize,
}

/// The part of the state that each size has of its own.
pub(crate) struct SizeState {
    pub(crate) free_list: FreeList,
    /// The counters of every thread's cache of this size.
    caches: Vec<NonNull<Counters>>,
    pub(crate) waiters: WaitQueue<(), Idle>,
    /// Takes that no living cache has counted.
    takes: usize,
    /// Takes for which a thread had to lock.
    pub(crate) misses: usize,
    /// Takes that the pool refused.
    pub(crate) refused: usize,
}

impl SizeState {
    const fn new() -> Self {
        Self {
            free_list: FreeList::new(),
            caches: Vec::new(),
            waiters: WaitQueue::new(),
            takes: 0,
            misses: 0,
            refused: 0,
        }
    }

    /// The counters of the threads' caches.
    fn caches(&self) -> impl Iterator<Item = &Counters> {
        // SAFETY: what is in the list is alive (C3), and the lock is held while `self` is borrowed.
        self.caches.iter().map(|counters| unsafe { counters.as_ref() })
    }

    /// Idle segments in the central free list and in the caches of threads.
    pub(crate) fn idle(&self) -> usize {
        self.free_list.idle() + self.caches().map(Counters::idle).sum::<usize>()
    }

    /// Takes so far.
    pub(crate) fn takes(&self) -> usize {
        self.caches().map(Counters::taken).fold(self.takes, usize::wrapping_add)
    }

    /// Bytes of slab metadata and of threads' caches, without the segments in them.
    pub(crate) fn metadata_bytes(&self) -> usize {
        let cache_bytes = THREAD_CACHE_BYTES + 2 * size_of::<Magazine>();
        self.free_list.metadata_bytes() + self.caches.len() * cache_bytes
    }
}

impl Central {
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self {
            sizes: [const { SizeState::new() }; SIZES],
            next_ticket: 0,
            slab_bytes: 0,
            slab_bytes_peak: 0,
            bytes_max,
            // A cached segment may be the only one of its slab that is not in its free list, so
            // each counts as a slab: three quarters of the limit can never be hidden in caches.
            cacheable: bytes_max / SLAB_BYTES / 4,
            closed: false,
            visits: 0,
            slabs_gained: 0,
        }
    }

    pub(crate) const fn slab_bytes(&self) -> usize {
        self.slab_bytes
    }

    pub(crate) const fn slab_bytes_peak(&self) -> usize {
        self.slab_bytes_peak
    }

    /// Takes that had to wait.
    pub(crate) const fn waits(&self) -> u64 {
        self.next_ticket
    }

    pub(crate) const fn of(&self, size: SegmentSize) -> &SizeState {
        &self.sizes[size.index()]
    }

    pub(crate) const fn of_mut(&mut self, size: SegmentSize) -> &mut SizeState {
        &mut self.sizes[size.index()]
    }

    pub(crate) fn is_anyone_waiting(&self) -> bool {
        self.sizes.iter().any(|state| !state.waiters.is_empty())
    }

    /// Says whether no `Pool` handle is left.
    pub(crate) const fn set_closed(&mut self, closed: bool) {
        self.closed = closed;
    }

    /// Returns how many slabs came, less those that went, since the last call.
    pub(crate) fn slabs_gained(&mut self) -> isize {
        core::mem::take(&mut self.slabs_gained)
    }

    /// Lets a thread keep magazines, if caching is on and that leaves enough for the others.
    pub(crate) fn admit(&mut self, class: &SizeClass) -> bool {
        let rest = self.cacheable.checked_sub(2 * class.depot.magazine_len());
        let rest = rest.filter(|_| !class.depot.is_closed());
        self.cacheable = rest.unwrap_or(self.cacheable);
        rest.is_some()
    }

    /// Takes an admission back that led to nothing.
    pub(crate) const fn dismiss(&mut self, class: &SizeClass) {
        self.cacheable += 2 * class.depot.magazine_len();
    }

    /// Registers the cache of an admitted thread; `false` when there is no memory for that, or
    /// caching was stopped meanwhile.
    pub(crate) fn register(&mut self, class: &SizeClass, counters: NonNull<Counters>) -> bool {
        let caches = &mut self.of_mut(class.size).caches;
        let registered = !class.depot.is_closed() && caches.try_reserve(1).is_ok();
        if registered {
            caches.push(counters);
        }
        registered
    }

    /// Forgets the cache of a thread that took `taken` segments from it.
    pub(crate) fn unregister(
        &mut self,
        class: &SizeClass,
        counters: NonNull<Counters>,
        taken: usize,
    ) {
        let state = self.of_mut(class.size);
        state.takes = state.takes.wrapping_add(taken);
        if let Some(index) = state.caches.iter().position(|&other| other == counters) {
            state.caches.swap_remove(index);
            self.cacheable += 2 * class.depot.magazine_len();
        }
    }

    /// Asks every thread to give back what it keeps, at its next visit.
    pub(crate) fn recall_caches(&self) {
        self.sizes.iter().flat_map(SizeState::caches).for_each(Counters::recall);
    }

    pub(crate) fn put(&mut self, idle: Idle) {
        let index = (idle.capacity() / SegmentSize::MIN.bytes()).trailing_zeros() as usize;
        self.sizes[index].free_list.put(idle);
    }

    pub(crate) const fn count_miss(&mut self, size: SegmentSize) {
        let misses = &mut self.of_mut(size).misses;
        *misses = misses.wrapping_add(1);
    }

    /// Takes a segment for a handle.
    pub(crate) fn take_counted(&mut self, size: SegmentSize) -> Option<Idle> {
        let state = self.of_mut(size);
        state.takes = state.takes.wrapping_add(1);
        state.free_list.take()
    }

    /// Makes sure that the free list has a segment, with memory from whole slabs of other sizes or
    /// from the system.
    pub(crate) fn stock(&mut self, class: &SizeClass) -> Result<(), OutOfMemory> {
        let size = class.size;
        if self.of(size).free_list.idle() > 0 {
            return Ok(());
        }
        if !self.fits() {
            self.trim();
        }
        if !self.fits() {
            return Err(self.refusal(size, Cause::Pool));
        }
        // When the system has no memory, what other sizes have idle may be enough.
        let grew = self.grow(class) || (self.trim() > 0 && self.grow(class));
        if !grew {
            return Err(self.refusal(size, Cause::System));
        }
        self.slabs_gained += 1;
        self.slab_bytes += SLAB_BYTES;
        self.slab_bytes_peak = self.slab_bytes_peak.max(self.slab_bytes);
        Ok(())
    }

    fn grow(&mut self, class: &SizeClass) -> bool {
        self.of_mut(class.size).free_list.grow(class.size, class.as_class())
    }

    /// Whether one more slab stays within the limit.
    pub(crate) const fn fits(&self) -> bool {
        self.bytes_max - self.slab_bytes >= SLAB_BYTES
    }

    /// Whether so much memory is in the free lists, or is not taken yet, that threads may cache.
    pub(crate) fn may_cache(&self) -> bool {
        let bytes = |&size: &SegmentSize| self.of(size).free_list.idle() * size.bytes();
        let idle: usize = SegmentSize::ALL.iter().map(bytes).sum();
        let free = self.bytes_max - self.slab_bytes + idle;
        free > self.bytes_max / 8 && !self.is_anyone_waiting() && !self.closed
    }

    pub(crate) fn refusal(&self, size: SegmentSize, cause: Cause) -> OutOfMemory {
        // Whole slabs only, and none while others wait for it.
        let free = (self.bytes_max - self.slab_bytes) / SLAB_BYTES * SLAB_BYTES;
        OutOfMemory {
            requested: size.bytes(),
            available: if self.is_anyone_waiting() { 0 } else { free },
            limit: self.bytes_max,
            cause,
        }
    }

    /// Gives all whole slabs back to the system and returns how many there were.
    pub(crate) fn trim(&mut self) -> usize {
        self.free_slabs(FreeList::trim)
    }

    /// Gives the slabs back to the system that were whole ever since the last call, and returns how
    /// many that were.
    pub(crate) fn trim_idle(&mut self) -> usize {
        self.free_slabs(FreeList::trim_idle)
    }

    /// Gives slabs back that have been whole for a while; all of them when the pool has ended.
    pub(crate) fn shrink(&mut self) {
        if self.closed {
            self.trim();
            return;
        }
        self.visits += 1;
        if self.visits == VISITS_PER_LOOK {
            self.visits = 0;
            self.free_slabs(FreeList::shrink);
        }
    }

    fn free_slabs(&mut self, free: impl FnMut(&mut FreeList) -> usize) -> usize {
        let slabs = self.sizes.iter_mut().map(|state| &mut state.free_list).map(free).sum();
        self.slab_bytes -= slabs * SLAB_BYTES;
        self.slabs_gained -= slabs as isize;
        slabs
    }

    pub(crate) fn enqueue(&mut self, size: SegmentSize, waker: Waker) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.of_mut(size).waiters.push(ticket, (), waker);
        ticket
    }

    /// Gives a segment to the waiter that came first among those that one can be had for, and
    /// returns whom to wake.
    pub(crate) fn grant(&mut self, classes: &[SizeClass; SIZES]) -> Option<Waker> {
        let mut order: [usize; SIZES] = core::array::from_fn(|index| index);
        order.sort_unstable_by_key(|&index| {
            self.sizes[index].waiters.first().map_or(u64::MAX, |(ticket, ())| ticket)
        });
        for class in order.map(|index| &classes[index]) {
            if !self.of(class.size).waiters.is_empty() && self.stock(class).is_ok() {
                let idle = self.take_counted(class.size)?;
                return self.of_mut(class.size).waiters.grant_first(idle);
            }
        }
        None
    }
}
