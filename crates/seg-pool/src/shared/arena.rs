//! What all handles, threads and segments of one pool share.

mod locked;

use core::{
    mem::MaybeUninit,
    ops::Deref,
    ptr::NonNull,
    task::{Context, Poll},
};

use self::locked::Locked;
#[cfg(feature = "report")]
use crate::report::{HeldSegment, Report};
use crate::{
    cache::depot::Depot,
    cache::magazine::MagazineBox,
    limit::error::{Cause, OutOfMemory},
    limit::wait_queue::Cancelled,
    pool_builder::PoolBuilder,
    shared::central::Central,
    shared::stats::{ClassStats, Stats},
    size::{SLAB_BYTES, SegmentSize},
    slab::header::Idle,
    sync::{self, AtomicUsize, Mutex, Ordering, fence},
    thread::thread_cache::ThreadCache,
};

/// The shared state of one pool.
///
/// # Invariants
///
/// - **A1** `refs` counts the `ArenaRef`s plus the slabs; the arena is freed when it reaches 0, so
///   it outlives every segment.
/// - **A2** `pools` counts the `Pool` handles, which each own one `ArenaRef`.
pub(crate) struct Arena {
    refs: AtomicUsize,
    pools: AtomicUsize,
    depots: [Depot; SegmentSize::ALL.len()],
    central: Mutex<Central>,
    settings: PoolBuilder,
}

// SAFETY: the raw pointers inside lead to slabs and caches that are used under `central`'s lock,
// or to the arena itself; everything else is atomic.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Allocates an arena with one `Pool` handle.
    pub(crate) fn allocate(settings: PoolBuilder) -> ArenaRef {
        let arena: *mut Self = Box::into_raw(Box::<MaybeUninit<Self>>::new_uninit()).cast();
        let value = Self {
            refs: AtomicUsize::new(1),
            pools: AtomicUsize::new(1),
            depots: SegmentSize::ALL.map(|size| Depot::new(size, arena, &settings)),
            central: Mutex::new(Central::new(settings.bytes_max)),
            settings,
        };
        // SAFETY: `arena` is a fresh allocation of this very layout.
        unsafe { arena.write(value) };
        // SAFETY: a box's pointer is not null.
        ArenaRef(unsafe { NonNull::new_unchecked(arena) })
    }

    #[inline]
    pub(crate) const fn depot(&self, size: SegmentSize) -> &Depot {
        &self.depots[size.index()]
    }

    pub(crate) const fn settings(&self) -> &PoolBuilder {
        &self.settings
    }

    /// Counts one more `Pool` handle. The first one after the last opens the arena again.
    pub(crate) fn add_pool(&self) {
        let before = self.pools.fetch_add(1, Ordering::Relaxed);
        abort_on_overflow(before);
        if before == 0 {
            let mut central = self.lock();
            central.set_closed(self.pools.load(Ordering::Relaxed) == 0);
            self.settle(central);
        }
    }

    /// Forgets one `Pool` handle. The last one closes the arena: segments that come back from now
    /// on free their slabs. Returns whether it was the last one.
    pub(crate) fn remove_pool(&self) -> bool {
        if self.pools.fetch_sub(1, Ordering::AcqRel) != 1 {
            return false;
        }
        let mut central = self.lock();
        if self.pools.load(Ordering::Relaxed) > 0 {
            // A segment gave a handle out meanwhile, and that one's end comes later.
            return false;
        }
        central.set_closed(true);
        self.stop_caching();
        self.collect(&mut central);
        central.shrink();
        true
    }

    /// Takes at least one and at most `want` idle segments from home, growing by one slab when
    /// there are none. Locks once.
    pub(crate) fn withdraw(
        &self,
        depot: &Depot,
        want: usize,
        mut sink: impl FnMut(Idle),
    ) -> Result<(), OutOfMemory> {
        let mut central = self.lock();
        central.count_miss(depot.size());
        self.stock_for_all(&mut central, depot)?;
        for _ in 0..want {
            let Some(idle) = central.take(depot.size()) else { break };
            sink(idle);
        }
        central.shrink();
        Ok(())
    }

    /// Takes one segment from home for a thread that keeps none. Locks once.
    pub(crate) fn withdraw_one(&self, depot: &Depot) -> Result<Idle, OutOfMemory> {
        let mut central = self.lock();
        central.count_miss(depot.size());
        self.withdraw_locked(central, depot)
    }

    /// Tries again after a refusal, which counted the miss. Locks once.
    pub(crate) fn withdraw_again(&self, depot: &Depot) -> Result<Idle, OutOfMemory> {
        self.withdraw_locked(self.lock(), depot)
    }

    fn withdraw_locked(&self, mut central: Locked<'_>, depot: &Depot) -> Result<Idle, OutOfMemory> {
        self.stock_for_all(&mut central, depot)?;
        let Some(idle) = central.take_counted(depot.size()) else {
            unreachable!("a segment is in stock");
        };
        central.shrink();
        Ok(idle)
    }

    /// Puts idle segments home, where the first waiters get them. Locks once, and once a waiter.
    pub(crate) fn deposit(&self, idles: impl Iterator<Item = Idle>) {
        let mut central = self.lock();
        idles.for_each(|idle| central.put(idle));
        self.settle(central);
    }

    /// Lays a full magazine down for another thread. Locks only when there is no place, or when
    /// segments are wanted at home.
    pub(crate) fn put_full(&self, depot: &Depot, magazine: MagazineBox) {
        match depot.put_full(magazine) {
            Ok(()) => {
                // Pairs with the fence in `stop_caching`: either this thread sees the room gone, or
                // that one sees the magazine.
                fence(Ordering::SeqCst);
                if depot.cache_limit() == 0 {
                    let mut central = self.lock();
                    self.collect(&mut central);
                    self.settle(central);
                }
            }
            Err(magazine) => {
                self.deposit((1..=depot.magazine_len()).rev().filter_map(|len| magazine.pop(len)));
                depot.put_empty(magazine);
            }
        }
    }

    /// Gives a segment, or a place in the queue for one.
    pub(crate) fn poll_take(
        &self,
        depot: &Depot,
        ticket: &mut Option<u64>,
        context: &Context<'_>,
    ) -> Poll<Result<Idle, OutOfMemory>> {
        let size = depot.size();
        // Wakers are other people's code: cloned and dropped outside the lock only.
        let mut waker = context.waker().clone();
        let mut central = self.lock();
        if let Some(waiting) = *ticket {
            let granted = central.queue(size).collect(waiting, &mut waker);
            drop(central);
            return match granted {
                Some(idle) => {
                    *ticket = None;
                    Poll::Ready(Ok(idle))
                }
                None => Poll::Pending,
            };
        }
        if self.settings.bytes_max < SLAB_BYTES {
            return Poll::Ready(Err(central.refusal(size, Cause::Pool)));
        }
        // From here on, what comes back comes home; the fence in `stop_caching` lets `stock` see what
        // went to a depot before.
        self.stop_caching();
        if !central.is_anyone_waiting() {
            match self.stock(&mut central, depot) {
                Ok(()) => {
                    if let Some(idle) = central.take_counted(size) {
                        self.settle(central);
                        return Poll::Ready(Ok(idle));
                    }
                }
                Err(error) if error.cause != Cause::Pool => return Poll::Ready(Err(error)),
                Err(_) => {}
            }
        }
        *ticket = Some(central.enqueue(size, waker));
        // What waits before may wait for another size, while this one lies at home.
        self.settle(central);
        Poll::Pending
    }

    /// Gives up a place in the queue, and the segment if it was granted already.
    pub(crate) fn cancel_take(&self, size: SegmentSize, ticket: u64) {
        let mut central = self.lock();
        let cancelled = central.queue(size).cancel(ticket);
        if let Cancelled::Granted(idle) = cancelled {
            central.put(idle);
            self.settle(central);
        } else {
            self.settle(central);
            // The waker goes outside the lock.
            drop(cancelled);
        }
    }

    /// Gives every whole slab back to the system and returns their bytes.
    pub(crate) fn trim(&self) -> usize {
        let mut central = self.lock();
        self.collect(&mut central);
        self.depots.iter().for_each(Depot::free_empty);
        central.trim() * SLAB_BYTES
    }

    /// Lets a thread keep magazines, if that leaves enough for the others.
    pub(crate) fn admit(&self, depot: &Depot) -> bool {
        self.lock().admit(depot)
    }

    /// Takes an admission back that led to nothing.
    pub(crate) fn dismiss(&self, depot: &Depot) {
        self.lock().dismiss(depot);
    }

    /// Makes the magazines of an admitted thread known; `false` when there is no memory for that.
    pub(crate) fn register(&self, depot: &Depot, cache: NonNull<ThreadCache>) -> bool {
        self.lock().register(depot, cache)
    }

    /// Takes the segments of a cache that is being freed home, and forgets it: in one step, so that
    /// no segment is ever counted twice or not at all.
    pub(crate) fn retire(&self, depot: &Depot, cache: NonNull<ThreadCache>, shared: &ThreadCache) {
        let mut central = self.lock();
        shared.drain().for_each(|idle| central.put(idle));
        central.unregister(depot, cache, shared.taken());
        self.settle(central);
    }

    pub(crate) fn stats(&self) -> Stats {
        let central = self.lock();
        let classes = SegmentSize::ALL.map(|size| {
            let list = central.free_list(size);
            let mut stats = ClassStats {
                size,
                segments: list.slabs() * size.per_slab(),
                idle: list.idle() + self.depot(size).idle(),
                takes: central.counted_takes(size),
                misses: central.misses(size),
            };
            for cache in central.caches(size) {
                // SAFETY: a registered cache is alive: it is freed only after `retire`, which needs the lock.
                let cache = unsafe { cache.as_ref() };
                stats.idle += cache.idle();
                stats.takes = stats.takes.wrapping_add(cache.taken());
            }
            stats
        });
        Stats {
            classes,
            held_bytes: central.slab_bytes(),
            held_bytes_peak: central.slab_bytes_peak(),
            bytes_max: self.settings.bytes_max,
            waits: central.waits(),
        }
    }

    /// Returns what is in use, with who took it.
    #[cfg(feature = "report")]
    pub(crate) fn report(&self) -> Report {
        let now = std::time::Instant::now();
        let central = self.lock();
        let mut segments = Vec::new();
        for size in SegmentSize::ALL {
            central.free_list(size).for_each_header(|header| {
                let tracked = header.track.tracked();
                segments.extend(tracked.map(|tracked| HeldSegment::new(size, tracked, now)));
            });
        }
        Report::new(segments)
    }

    fn lock(&self) -> Locked<'_> {
        Locked::new(self)
    }

    /// Sends every segment that comes back from now on home.
    fn stop_caching(&self) {
        self.depots.iter().for_each(Depot::close);
        // Pairs with the fence in `put_full`.
        fence(Ordering::SeqCst);
    }

    /// Serves waiters after memory came home, one lock each, and wakes them outside the lock.
    fn settle<'a>(&'a self, mut central: Locked<'a>) {
        while central.is_anyone_waiting() {
            let Some(waker) = central.grant(&self.depots) else { return };
            drop(central);
            waker.wake();
            central = self.lock();
        }
        central.shrink();
        if self.depots[0].is_closed() && central.may_cache() {
            self.depots.iter().for_each(Depot::open);
        }
    }

    /// Brings the full magazines of every depot home.
    fn collect(&self, central: &mut Central) {
        for depot in &self.depots {
            while let Some(magazine) = depot.take_full() {
                for len in (1..=depot.magazine_len()).rev() {
                    if let Some(idle) = magazine.pop(len) {
                        central.put(idle);
                    }
                }
                depot.put_empty(magazine);
            }
        }
    }

    /// Makes sure that a segment is at home for whoever asks, unless somebody waits for one.
    fn stock_for_all(&self, central: &mut Central, depot: &Depot) -> Result<(), OutOfMemory> {
        if central.is_anyone_waiting() {
            // Who waits came first.
            return Err(central.refusal(depot.size(), Cause::Pool));
        }
        self.stock(central, depot).inspect_err(|error| {
            if error.cause == Cause::Pool {
                self.stop_caching();
            }
        })
    }

    /// Makes sure that a segment is at home, from the depots of all sizes if need be.
    fn stock(&self, central: &mut Central, depot: &Depot) -> Result<(), OutOfMemory> {
        if central.free_list(depot.size()).idle() == 0 && !central.fits() {
            self.collect(central);
        }
        central.stock(depot)
    }
}

/// A counted pointer to an arena (A1).
pub(crate) struct ArenaRef(NonNull<Arena>);

// SAFETY: an arena is `Send` and `Sync`, and its count is atomic.
unsafe impl Send for ArenaRef {}
// SAFETY: as above.
unsafe impl Sync for ArenaRef {}

impl ArenaRef {
    /// Counts one more reference to the arena of a segment that is in hand.
    ///
    /// # Safety
    ///
    /// `arena` points to a live arena.
    pub(crate) unsafe fn from_ptr(arena: *const Arena) -> Self {
        // SAFETY: the caller says that it is alive, so it is not null.
        let arena = unsafe { NonNull::new_unchecked(arena.cast_mut()) };
        // SAFETY: as above.
        let before = unsafe { arena.as_ref() }.refs.fetch_add(1, Ordering::Relaxed);
        abort_on_overflow(before);
        Self(arena)
    }
}

impl Clone for ArenaRef {
    fn clone(&self) -> Self {
        // SAFETY: the arena lives while `self` does (A1).
        unsafe { Self::from_ptr(self.0.as_ptr()) }
    }
}

impl Deref for ArenaRef {
    type Target = Arena;

    #[inline]
    fn deref(&self) -> &Arena {
        // SAFETY: the arena lives while `self` does (A1).
        unsafe { self.0.as_ref() }
    }
}

impl Drop for ArenaRef {
    fn drop(&mut self) {
        if self.refs.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // Pairs with the releases of the other references.
        self.refs.load(Ordering::Acquire);
        // SAFETY: no reference is left, and with no slab left no segment either (A1).
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Counts beyond half the range can only come from leaked handles; going on would free too early.
fn abort_on_overflow(before: usize) {
    if before > isize::MAX as usize {
        sync::abort();
    }
}
