//! What a pool does under its lock: free_lists, limit and waiters.

use core::{ptr::NonNull, task::Waker};

use crate::{
    cache::depot::Depot,
    limit::error::{Cause, OutOfMemory},
    limit::wait_queue::WaitQueue,
    size::{SLAB_BYTES, SegmentSize},
    slab::free_list::FreeList,
    slab::header::Idle,
    thread::thread_cache::ThreadCache,
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
pub(crate) struct Central {
    free_lists: [FreeList; SIZES],
    caches: [Vec<NonNull<ThreadCache>>; SIZES],
    waiters: [WaitQueue<(), Idle>; SIZES],
    next_ticket: u64,
    waits: u64,
    /// Takes that no living cache has counted, by size.
    takes: [usize; SIZES],
    /// Takes for which a thread had to lock.
    misses: [usize; SIZES],
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

impl Central {
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self {
            free_lists: [const { FreeList::new() }; SIZES],
            caches: [const { Vec::new() }; SIZES],
            waiters: [const { WaitQueue::new() }; SIZES],
            next_ticket: 0,
            waits: 0,
            takes: [0; SIZES],
            misses: [0; SIZES],
            slab_bytes: 0,
            slab_bytes_peak: 0,
            bytes_max,
            // A cached segment may be the only one of its slab that is not at home, so each counts
            // as a slab: three quarters of the limit can never be hidden in caches.
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

    pub(crate) const fn waits(&self) -> u64 {
        self.waits
    }

    pub(crate) fn free_list(&self, size: SegmentSize) -> &FreeList {
        &self.free_lists[size.index()]
    }

    pub(crate) fn caches(&self, size: SegmentSize) -> &[NonNull<ThreadCache>] {
        &self.caches[size.index()]
    }

    pub(crate) fn is_anyone_waiting(&self) -> bool {
        self.waiters.iter().any(|queue| !queue.is_empty())
    }

    /// Says whether no `Pool` handle is left.
    pub(crate) fn set_closed(&mut self, closed: bool) {
        self.closed = closed;
    }

    /// Returns how many slabs came, less those that went, since the last call.
    pub(crate) fn slabs_gained(&mut self) -> isize {
        core::mem::take(&mut self.slabs_gained)
    }

    /// Lets a thread keep magazines, if that leaves enough for the others.
    pub(crate) fn admit(&mut self, depot: &Depot) -> bool {
        let rest = self.cacheable.checked_sub(2 * depot.magazine_len());
        self.cacheable = rest.unwrap_or(self.cacheable);
        rest.is_some()
    }

    /// Takes an admission back that led to nothing.
    pub(crate) const fn dismiss(&mut self, depot: &Depot) {
        self.cacheable += 2 * depot.magazine_len();
    }

    /// Makes the magazines of an admitted thread known; `false` when there is no memory for that.
    pub(crate) fn register(&mut self, depot: &Depot, cache: NonNull<ThreadCache>) -> bool {
        let caches = &mut self.caches[depot.size().index()];
        let has_room = caches.try_reserve(1).is_ok();
        if has_room {
            caches.push(cache);
        }
        has_room
    }

    /// Forgets the magazines of a thread that took `taken` segments from them.
    pub(crate) fn unregister(&mut self, depot: &Depot, cache: NonNull<ThreadCache>, taken: usize) {
        let index = depot.size().index();
        self.takes[index] = self.takes[index].wrapping_add(taken);
        let caches = &mut self.caches[index];
        if let Some(index) = caches.iter().position(|&other| other == cache) {
            caches.swap_remove(index);
            self.cacheable += 2 * depot.magazine_len();
        }
    }

    pub(crate) fn put(&mut self, idle: Idle) {
        let index = (idle.capacity() / SegmentSize::MIN.bytes()).trailing_zeros() as usize;
        self.free_lists[index].put(idle);
    }

    pub(crate) fn counted_takes(&self, size: SegmentSize) -> usize {
        self.takes[size.index()]
    }

    pub(crate) fn misses(&self, size: SegmentSize) -> usize {
        self.misses[size.index()]
    }

    pub(crate) fn count_miss(&mut self, size: SegmentSize) {
        let misses = &mut self.misses[size.index()];
        *misses = misses.wrapping_add(1);
    }

    /// Takes a segment for a handle.
    pub(crate) fn take_counted(&mut self, size: SegmentSize) -> Option<Idle> {
        let takes = &mut self.takes[size.index()];
        *takes = takes.wrapping_add(1);
        self.take(size)
    }

    /// Takes a segment for a magazine.
    pub(crate) fn take(&mut self, size: SegmentSize) -> Option<Idle> {
        self.free_lists[size.index()].take()
    }

    /// Makes sure that a segment is at home, with memory from whole slabs of other sizes or from
    /// the system.
    pub(crate) fn stock(&mut self, depot: &Depot) -> Result<(), OutOfMemory> {
        let size = depot.size();
        if self.free_list(size).idle() > 0 {
            return Ok(());
        }
        if !self.fits() {
            self.trim();
        }
        if !self.fits() {
            return Err(self.refusal(size, Cause::Pool));
        }
        // When the system has no memory, what other sizes have idle may be enough.
        let index = size.index();
        let grew = self.free_lists[index].grow(size, depot)
            || (self.trim() > 0 && self.free_lists[index].grow(size, depot));
        if !grew {
            return Err(self.refusal(size, Cause::System));
        }
        self.slabs_gained += 1;
        self.slab_bytes += SLAB_BYTES;
        self.slab_bytes_peak = self.slab_bytes_peak.max(self.slab_bytes);
        Ok(())
    }

    /// Whether one more slab stays within the limit.
    pub(crate) const fn fits(&self) -> bool {
        self.bytes_max - self.slab_bytes >= SLAB_BYTES
    }

    /// Whether so much memory lies at home, or is not taken yet, that threads may cache again.
    pub(crate) fn may_cache(&self) -> bool {
        let idle: usize =
            SegmentSize::ALL.iter().map(|&size| self.free_list(size).idle() * size.bytes()).sum();
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
        let count = self.free_lists.iter_mut().map(FreeList::trim).sum();
        self.forget(count);
        count
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
            let count = self.free_lists.iter_mut().map(FreeList::shrink).sum();
            self.forget(count);
        }
    }

    const fn forget(&mut self, slabs: usize) {
        self.slab_bytes -= slabs * SLAB_BYTES;
        self.slabs_gained -= slabs as isize;
    }

    pub(crate) fn enqueue(&mut self, size: SegmentSize, waker: Waker) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waits += 1;
        self.waiters[size.index()].push(ticket, (), waker);
        ticket
    }

    pub(crate) fn queue(&mut self, size: SegmentSize) -> &mut WaitQueue<(), Idle> {
        &mut self.waiters[size.index()]
    }

    /// Gives a segment to the waiter that came first among those that one can be had for, and
    /// returns whom to wake.
    pub(crate) fn grant(&mut self, depots: &[Depot; SIZES]) -> Option<Waker> {
        let mut order: [usize; SIZES] = core::array::from_fn(|index| index);
        order.sort_unstable_by_key(|&index| {
            self.waiters[index].first().map_or(u64::MAX, |(ticket, ())| ticket)
        });
        for index in order {
            if !self.waiters[index].is_empty() && self.stock(&depots[index]).is_ok() {
                let idle = self.take_counted(SegmentSize::ALL[index])?;
                return self.waiters[index].grant_first(idle);
            }
        }
        None
    }
}
