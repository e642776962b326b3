//! What all handles, threads and segments of one pool share.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

mod guard;

use core::{
    mem::MaybeUninit,
    ops::Deref,
    ptr::NonNull,
    task::{Context, Poll},
};

use self::guard::ArenaGuard;
#[cfg(feature = "report")]
use crate::slab::header::Header;
use crate::{
    cache::counters::Counters,
    cache::magazine::MagazineBox,
    limit::out_of_memory::{Cause, OutOfMemory},
    limit::wait_queue::CancelOutcome,
    shared::central::Central,
    shared::settings::Settings,
    shared::size_class::SizeClass,
    shared::stats::{ClassStats, Stats},
    size::{SLAB_BYTES, SegmentSize},
    slab::header::Idle,
    sync::{self, AtomicUsize, Mutex, Ordering, fence},
};

/// The shared state of one pool.
///
/// # Invariants
///
/// - **A1** `refs` counts the `ArenaRef`s, but for uncounted ones, plus the slabs; the arena is freed when it
///   reaches 0, so it outlives every segment.
/// - **A2** `pools` counts the `Pool` handles, which each own one `ArenaRef`; uncounted ones neither.
pub(crate) struct Arena {
    refs: AtomicUsize,
    pools: AtomicUsize,
    classes: [SizeClass; SegmentSize::ALL.len()],
    central: Mutex<Central>,
    settings: Settings,
}

// SAFETY: the raw pointers inside lead to slabs and counters that are used under `central`'s lock,
// or to the arena itself; everything else is atomic.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Allocates an arena with one `Pool` handle.
    pub(crate) fn allocate(settings: Settings) -> ArenaRef {
        let arena: *mut Self = Box::into_raw(Box::<MaybeUninit<Self>>::new_uninit()).cast();
        let value = Self {
            refs: AtomicUsize::new(1),
            pools: AtomicUsize::new(1),
            classes: SegmentSize::ALL.map(|size| SizeClass::new(size, arena.cast(), &settings)),
            central: Mutex::new(Central::new(settings.bytes_max)),
            settings,
        };
        // SAFETY: `arena` is a fresh allocation of this very layout.
        unsafe { arena.write(value) };
        // SAFETY: a box's pointer is not null.
        ArenaRef(unsafe { NonNull::new_unchecked(arena) })
    }

    #[inline]
    pub(crate) const fn class(&self, size: SegmentSize) -> &SizeClass {
        &self.classes[size.index()]
    }

    pub(crate) const fn settings(&self) -> &Settings {
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
        self.stop_caching(&central);
        self.collect(&mut central);
        central.shrink();
        true
    }

    /// Takes at least one and at most `count` idle segments from the central free list, growing by
    /// one slab when there are none. Locks once.
    pub(crate) fn withdraw(
        &self,
        class: &SizeClass,
        count: usize,
        mut sink: impl FnMut(Idle),
    ) -> Result<(), OutOfMemory> {
        let mut central = self.lock();
        central.count_miss(class.size);
        self.stock_for_all(&mut central, class)?;
        for _ in 0..count {
            let Some(idle) = central.of_mut(class.size).free_list.take() else { break };
            sink(idle);
        }
        central.shrink();
        Ok(())
    }

    /// Takes one segment from the central free list for a thread that keeps none. Locks once.
    pub(crate) fn withdraw_one(&self, class: &SizeClass) -> Result<Idle, OutOfMemory> {
        let mut central = self.lock();
        central.count_miss(class.size);
        self.withdraw_locked(central, class)
    }

    /// Tries again after a refusal, which counted the miss. Locks once.
    pub(crate) fn withdraw_again(&self, class: &SizeClass) -> Result<Idle, OutOfMemory> {
        self.withdraw_locked(self.lock(), class)
    }

    fn withdraw_locked(
        &self,
        mut central: ArenaGuard<'_>,
        class: &SizeClass,
    ) -> Result<Idle, OutOfMemory> {
        self.stock_for_all(&mut central, class)?;
        let Some(idle) = central.take_counted(class.size) else {
            unreachable!("a segment is in stock");
        };
        central.shrink();
        Ok(idle)
    }

    /// Counts a take that the pool refused. Locks once.
    pub(crate) fn count_refused(&self, size: SegmentSize) {
        let mut central = self.lock();
        let refused = &mut central.of_mut(size).refused;
        *refused = refused.wrapping_add(1);
    }

    /// Returns idle segments to the central free lists, where the first waiters get them. Locks
    /// once, and once a waiter.
    pub(crate) fn deposit(&self, idles: impl Iterator<Item = Idle>) {
        let mut central = self.lock();
        idles.for_each(|idle| central.put(idle));
        self.settle(central);
    }

    /// Lays a full magazine down for another thread. Locks only when there is no place, or when
    /// caching is stopped.
    pub(crate) fn put_full(&self, class: &SizeClass, magazine: MagazineBox) {
        let depot = &class.depot;
        match depot.put_full(magazine) {
            Ok(()) => {
                // Pairs with the fence in `stop_caching`: either this thread sees the depot closed,
                // or that one sees the magazine.
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
        class: &SizeClass,
        ticket: &mut Option<u64>,
        context: &Context<'_>,
    ) -> Poll<Result<Idle, OutOfMemory>> {
        let size = class.size;
        // Wakers are other people's code: cloned and dropped outside the lock only.
        let mut waker = context.waker().clone();
        let mut central = self.lock();
        if let Some(waiting) = *ticket {
            let granted = central.of_mut(size).waiters.collect(waiting, &mut waker);
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
        // From here on, what comes back goes to the free lists; the fence in `stop_caching` lets
        // `stock` see what went to a depot before.
        self.stop_caching(&central);
        if !central.is_anyone_waiting() {
            match self.stock(&mut central, class) {
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
        // What waits before may wait for another size, while this one is in its free list.
        self.settle(central);
        Poll::Pending
    }

    /// Gives up a place in the queue, and the segment if it was granted already.
    pub(crate) fn cancel_take(&self, size: SegmentSize, ticket: u64) {
        let mut central = self.lock();
        let cancelled = central.of_mut(size).waiters.cancel(ticket);
        if let CancelOutcome::Granted(idle) = cancelled {
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
        self.classes.iter().for_each(|class| class.depot.free_empty());
        central.trim() * SLAB_BYTES
    }

    /// Gives the slabs back to the system that were whole ever since the last call, and returns
    /// their bytes. What lies in depots and caches is on its way to the free lists from now on.
    pub(crate) fn trim_idle(&self) -> usize {
        let mut central = self.lock();
        central.recall_caches();
        self.collect(&mut central);
        self.classes.iter().for_each(|class| class.depot.free_empty());
        let freed = central.trim_idle() * SLAB_BYTES;
        self.settle(central);
        freed
    }

    /// Lets a thread keep magazines, if that leaves enough for the others.
    pub(crate) fn admit(&self, class: &SizeClass) -> bool {
        self.lock().admit(class)
    }

    /// Takes an admission back that led to nothing.
    pub(crate) fn dismiss(&self, class: &SizeClass) {
        self.lock().dismiss(class);
    }

    /// Registers the cache of an admitted thread; `false` when there is no memory for that, or
    /// caching was stopped meanwhile.
    ///
    /// # Safety
    ///
    /// The counters live until [`retire`](Self::retire).
    pub(crate) unsafe fn register(&self, class: &SizeClass, counters: NonNull<Counters>) -> bool {
        self.lock().register(class, counters)
    }

    /// Returns the segments of a thread's cache that is being freed, and forgets it: in one step, so
    /// that no segment is ever counted twice or not at all.
    pub(crate) fn retire(
        &self,
        class: &SizeClass,
        counters: NonNull<Counters>,
        taken: usize,
        idles: impl Iterator<Item = Idle>,
    ) {
        let mut central = self.lock();
        idles.for_each(|idle| central.put(idle));
        central.unregister(class, counters, taken);
        self.settle(central);
    }

    pub(crate) fn stats(&self) -> Stats {
        let central = self.lock();
        let depot_bytes: usize =
            self.classes.iter().map(|class| class.depot.metadata_bytes()).sum();
        let sizes_bytes: usize =
            SegmentSize::ALL.iter().map(|&size| central.of(size).metadata_bytes()).sum();
        let classes = SegmentSize::ALL.map(|size| {
            let state = central.of(size);
            ClassStats {
                size,
                segments: state.free_list.slabs() * size.per_slab(),
                idle: state.idle() + self.class(size).depot.idle(),
                takes: state.takes(),
                misses: state.misses,
                refused: state.refused,
            }
        });
        Stats {
            classes,
            held_bytes: central.slab_bytes(),
            held_bytes_peak: central.slab_bytes_peak(),
            metadata_bytes: sizes_bytes + depot_bytes,
            bytes_max: self.settings.bytes_max,
            waits: central.waits(),
        }
    }

    /// Calls `visit` with the header of every segment, idle or in use, and its size.
    #[cfg(feature = "report")]
    pub(crate) fn for_each_header(&self, mut visit: impl FnMut(SegmentSize, &Header)) {
        let central = self.lock();
        for size in SegmentSize::ALL {
            central.of(size).free_list.for_each_header(|header| visit(size, header));
        }
    }

    fn lock(&self) -> ArenaGuard<'_> {
        ArenaGuard::new(self)
    }

    /// Sends every segment that comes back from now on to the central free lists.
    fn stop_caching(&self, central: &Central) {
        if self.classes.iter().all(|class| class.depot.cache_limit() == 0) {
            return;
        }
        self.classes.iter().for_each(|class| class.depot.close());
        central.recall_caches();
        // Pairs with the fence in `put_full`.
        fence(Ordering::SeqCst);
    }

    /// Serves waiters after memory came back, one lock each, and wakes them outside the lock.
    fn settle<'a>(&'a self, mut central: ArenaGuard<'a>) {
        while central.is_anyone_waiting() {
            let Some(waker) = central.grant(&self.classes) else { return };
            drop(central);
            waker.wake();
            central = self.lock();
        }
        central.shrink();
        if self.classes[0].depot.is_closed() && central.may_cache() {
            self.classes.iter().for_each(|class| class.depot.open());
        }
    }

    /// Returns the segments in the full magazines of every depot to the free lists.
    fn collect(&self, central: &mut Central) {
        for depot in self.classes.iter().map(|class| &class.depot) {
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

    /// Makes sure that the free list has a segment for whoever asks, unless somebody waits for one.
    fn stock_for_all(&self, central: &mut Central, class: &SizeClass) -> Result<(), OutOfMemory> {
        if central.is_anyone_waiting() {
            // Who waits came first.
            return Err(central.refusal(class.size, Cause::Pool));
        }
        self.stock(central, class).inspect_err(|error| {
            if error.cause == Cause::Pool {
                self.stop_caching(central);
            }
        })
    }

    /// Makes sure that the free list has a segment, from the depots of all sizes if need be.
    fn stock(&self, central: &mut Central, class: &SizeClass) -> Result<(), OutOfMemory> {
        if central.of(class.size).free_list.idle() == 0 && !central.fits() {
            self.collect(central);
        }
        central.stock(class)
    }
}

/// A counted pointer to an arena (A1).
pub(crate) struct ArenaRef(NonNull<Arena>);

// SAFETY: an arena is `Send` and `Sync`, and its count is atomic.
unsafe impl Send for ArenaRef {}
// SAFETY: as above.
unsafe impl Sync for ArenaRef {}

impl ArenaRef {
    /// Counts one more reference to the arena that a class is part of.
    ///
    /// # Safety
    ///
    /// `class` came from [`Arena::class`], or from the header of a segment that is in hand.
    pub(crate) unsafe fn of(class: &SizeClass) -> Self {
        // SAFETY: a class is part of its owner, which is an arena, and alive as `class` is.
        unsafe { Self::from_ptr(class.owner.cast()) }
    }

    /// Points to the arena that a class is part of, without counting that.
    ///
    /// # Safety
    ///
    /// `class` came from the header of a segment that is in hand. The result is not used after that
    /// segment, and never dropped.
    #[inline]
    pub(crate) unsafe fn uncounted(class: &SizeClass) -> Self {
        // SAFETY: a class is part of its owner, which is an arena, so not null.
        Self(unsafe { NonNull::new_unchecked(class.owner.cast::<Arena>().cast_mut()) })
    }

    /// Counts one more reference to an arena.
    ///
    /// # Safety
    ///
    /// `arena` points to a live arena.
    unsafe fn from_ptr(arena: *const Arena) -> Self {
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
