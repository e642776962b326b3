//! The idle segments that one thread keeps for itself.

use core::ptr::{self, NonNull};

use crate::{
    cache::depot::Depot,
    cache::magazine::{Magazine, MagazineBox},
    limit::error::OutOfMemory,
    memory::fallible_box,
    shared::arena::{Arena, ArenaRef},
    slab::adopted,
    slab::header::Idle,
    sync::{AtomicUsize, Cell, Ordering, thread_local_dropped, thread_local_plain},
};

/// Two magazines of one thread, for one segment size of one pool.
///
/// Two, so that a thread that takes and gives around the edge of one does not go to the depot each
/// time (Bonwick and Adams, "Magazines and Vmem", USENIX 2001).
///
/// # Invariants
///
/// - **T1** only the thread that made it touches anything but the two counts; others read those.
/// - **T2** slots `..loaded_len` of `loaded` are filled, the others empty; likewise `previous`.
/// - **T3** `previous` is full or empty.
// Two lines of its own, as the processor fetches lines in pairs: two threads' caches must not meet.
#[repr(align(128))]
pub(crate) struct ThreadCache {
    depot: *const Depot,
    loaded_len: AtomicUsize,
    loaded: Cell<NonNull<Magazine>>,
    previous_len: AtomicUsize,
    previous: Cell<NonNull<Magazine>>,
    taken: AtomicUsize,
    arena: ArenaRef,
}

impl ThreadCache {
    /// Allocates the cache, unless the pool's threads keep enough already or there is no memory.
    fn allocate(depot: &Depot, arena: &ArenaRef) -> Option<NonNull<Self>> {
        if !arena.admit(depot) {
            return None;
        }
        if let Some(cache) = Self::build(depot, arena.clone()) {
            if arena.register(depot, cache) {
                return Some(cache);
            }
            // SAFETY: built above, and known to nobody.
            unsafe { Self::take_apart(cache) };
        }
        arena.dismiss(depot);
        None
    }

    fn build(depot: &Depot, arena: ArenaRef) -> Option<NonNull<Self>> {
        let space = fallible_box::allocate()?;
        let (loaded, previous) = (depot.take_empty()?, depot.take_empty()?);
        Some(NonNull::from(Box::leak(space).write(Self {
            depot,
            loaded_len: AtomicUsize::new(0),
            loaded: Cell::new(loaded.into_ptr()),
            previous_len: AtomicUsize::new(0),
            previous: Cell::new(previous.into_ptr()),
            taken: AtomicUsize::new(0),
            arena,
        })))
    }

    /// Sends the segments home and frees the magazines and the cache.
    ///
    /// # Safety
    ///
    /// `cache` came from `build` in this thread and is not used again.
    unsafe fn free(cache: NonNull<Self>) {
        // SAFETY: alive until the end of this function.
        let shared = unsafe { cache.as_ref() };
        shared.arena.retire(shared.depot(), cache, shared);
        // SAFETY: as the caller says, and nobody else knows it any more.
        unsafe { Self::take_apart(cache) };
    }

    /// Frees the magazines, which are empty, and the cache.
    ///
    /// # Safety
    ///
    /// `cache` came from `build` in this thread, is known to nobody else and is not used again.
    unsafe fn take_apart(cache: NonNull<Self>) {
        // SAFETY: `build` leaked it.
        let this = unsafe { Box::from_raw(cache.as_ptr()) };
        for magazine in [this.loaded.get(), this.previous.get()] {
            // SAFETY: the cache owned the magazine and is being taken apart.
            this.depot().put_empty(unsafe { MagazineBox::from_ptr(magazine) });
        }
    }

    /// Segments in both magazines; called by other threads too.
    pub(crate) fn idle(&self) -> usize {
        self.loaded_len.load(Ordering::Relaxed) + self.previous_len.load(Ordering::Relaxed)
    }

    /// Segments taken through this cache so far; called by other threads too.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    fn depot(&self) -> &Depot {
        // SAFETY: the depot is part of the arena, which `self.arena` keeps.
        unsafe { &*self.depot }
    }

    #[inline]
    fn loaded(&self) -> &Magazine {
        // SAFETY: the cache owns its magazine (T1), which stays while it is loaded.
        unsafe { self.loaded.get().as_ref() }
    }

    #[inline]
    fn pop(&self) -> Option<Idle> {
        let len = self.loaded_len.load(Ordering::Relaxed);
        let idle = self.loaded().pop(len)?;
        self.loaded_len.store(len - 1, Ordering::Relaxed);
        Some(idle)
    }

    /// Takes from the loaded magazine, for a handle.
    #[inline]
    fn take_loaded(&self) -> Option<Idle> {
        let idle = self.pop()?;
        // One writer, so a plain addition, which no later take waits for.
        self.taken.store(self.taken.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        Some(idle)
    }

    /// Keeps the segment, or gives it back when the loaded magazine is full.
    #[inline]
    fn push(&self, idle: Idle, limit: usize) -> Result<(), Idle> {
        let len = self.loaded_len.load(Ordering::Relaxed);
        if len >= limit {
            return Err(idle);
        }
        self.loaded().push(len, idle);
        self.loaded_len.store(len + 1, Ordering::Relaxed);
        Ok(())
    }

    fn swap(&self) {
        let (loaded, previous) = (self.loaded.get(), self.previous.get());
        self.loaded.set(previous);
        self.previous.set(loaded);
        let (loaded, previous) =
            (self.loaded_len.load(Ordering::Relaxed), self.previous_len.load(Ordering::Relaxed));
        self.loaded_len.store(previous, Ordering::Relaxed);
        self.previous_len.store(loaded, Ordering::Relaxed);
    }

    /// Takes with the loaded magazine empty: from the previous one, the depot, home, in this order.
    fn take(&self) -> Result<Idle, OutOfMemory> {
        if let Some(idle) = self.take_loaded() {
            return Ok(idle);
        }
        if self.previous_len.load(Ordering::Relaxed) > 0 {
            self.swap();
        } else if let Some(full) = self.depot().take_full() {
            let empty = self.loaded.replace(full.into_ptr());
            // SAFETY: the cache owned it until now.
            self.depot().put_empty(unsafe { MagazineBox::from_ptr(empty) });
            self.loaded_len.store(self.depot().magazine_len(), Ordering::Relaxed);
        } else {
            let limit = self.depot().magazine_len();
            let mut rest = None;
            self.arena.withdraw(self.depot(), limit, |idle| {
                // Cannot fail: at most `limit` segments come, and the magazine is empty.
                rest = self.push(idle, limit).err();
            })?;
            debug_assert!(rest.is_none(), "an empty magazine has room");
        }
        self.take_loaded().ok_or_else(|| unreachable!("every branch above loads a segment"))
    }

    /// Keeps a segment with the loaded magazine full. Returns the previous one when it is full too,
    /// for the depot; the segment when there is no memory for another magazine.
    fn give(&self, idle: Idle, limit: usize) -> Result<Option<MagazineBox>, Idle> {
        let Err(idle) = self.push(idle, limit) else { return Ok(None) };
        let mut full = None;
        if self.previous_len.load(Ordering::Relaxed) > 0 {
            let Some(empty) = self.depot().take_empty() else { return Err(idle) };
            self.previous_len.store(0, Ordering::Relaxed);
            let previous = self.previous.replace(empty.into_ptr());
            // SAFETY: the cache owned it until now.
            full = Some(unsafe { MagazineBox::from_ptr(previous) });
        }
        self.swap();
        let kept = self.push(idle, limit);
        debug_assert!(kept.is_ok(), "an empty magazine has room");
        Ok(full)
    }

    /// Takes all segments out of both magazines.
    pub(crate) fn drain(&self) -> impl Iterator<Item = Idle> {
        core::iter::from_fn(|| {
            self.pop().or_else(|| {
                self.swap();
                self.pop()
            })
        })
    }
}

/// The cache that this thread used last, for the fast paths.
struct Recent {
    depot: Cell<*const Depot>,
    cache: Cell<*const ThreadCache>,
}

impl Recent {
    /// A depot's address that no depot has; null means foreign memory in a header.
    const NONE: *const Depot = ptr::without_provenance(usize::MAX);

    fn set(&self, cache: NonNull<ThreadCache>) {
        // SAFETY: callers pass a live cache of this thread.
        self.depot.set(unsafe { cache.as_ref() }.depot);
        self.cache.set(cache.as_ptr());
    }

    fn clear(&self) {
        self.depot.set(Self::NONE);
        self.cache.set(ptr::null());
    }
}

thread_local_plain! {
    static RECENT: Recent = Recent { depot: Cell::new(Recent::NONE), cache: Cell::new(ptr::null()) };
}

/// All caches of this thread, freed when it ends.
struct ThreadCaches(Cell<Vec<NonNull<ThreadCache>>>);

thread_local_dropped! {
    static CACHES: ThreadCaches = ThreadCaches(Cell::new(Vec::new()));
}

impl ThreadCaches {
    /// Finds or makes the cache for `depot` and moves it to the front of the search. `None` when
    /// the pool's threads keep enough already, or there is no memory for one.
    fn cache(&self, depot: &Depot, arena: &ArenaRef) -> Option<NonNull<ThreadCache>> {
        let mut list = self.0.take();
        // SAFETY: caches in the list are alive.
        let found = list.iter().position(|cache| ptr::eq(unsafe { cache.as_ref() }.depot, depot));
        let cache = match found {
            Some(index) => {
                list.swap(0, index);
                Some(list[0])
            }
            None if list.try_reserve(1).is_err() => None,
            None => ThreadCache::allocate(depot, arena).inspect(|&cache| list.push(cache)),
        };
        self.0.set(list);
        cache
    }

    /// Frees the caches that `matches` names.
    fn free(&self, matches: impl Fn(&ThreadCache) -> bool) {
        // One at a time, each out of the list before it is freed: what it held may wake somebody
        // whose waker uses a pool on this thread.
        loop {
            let mut list = self.0.take();
            // SAFETY: caches in the list are alive.
            let index = list.iter().position(|&cache| matches(unsafe { cache.as_ref() }));
            let found = index.map(|index| list.swap_remove(index));
            self.0.set(list);
            let _ = RECENT.try_with(Recent::clear);
            let Some(cache) = found else { return };
            // SAFETY: nothing names it any more: not the list, and not `RECENT`, which was cleared
            // after that and learns only of caches in the list.
            unsafe { ThreadCache::free(cache) };
        }
    }
}

impl Drop for ThreadCaches {
    fn drop(&mut self) {
        self.free(|_| true);
    }
}

/// Takes a segment from this thread's loaded magazine, if it was the last one used.
#[inline]
pub(crate) fn take(depot: &Depot) -> Option<Idle> {
    let taken = RECENT.try_with(|recent| {
        if !ptr::eq(recent.depot.get(), depot) {
            return None;
        }
        // SAFETY: `RECENT` names a live cache of this thread: it is cleared before one is freed.
        unsafe { &*recent.cache.get() }.take_loaded()
    });
    taken.ok().flatten()
}

/// Takes a segment the long way.
#[cold]
pub(crate) fn take_slow(depot: &Depot, arena: &ArenaRef) -> Result<Idle, OutOfMemory> {
    let taken = match this_thread(depot, arena) {
        // SAFETY: a live cache of this thread.
        Some(cache) => unsafe { cache.as_ref() }.take(),
        None => arena.withdraw_one(depot),
    };
    // What this thread keeps idle in other sizes may be just what is missing.
    taken.or_else(|_| {
        flush(arena);
        arena.withdraw_again(depot)
    })
}

/// Returns this thread's cache, for the next fast path as well. `None` when segments are wanted at
/// home, when this thread is to keep none, when it is ending, or when there is no memory.
fn this_thread(depot: &Depot, arena: &ArenaRef) -> Option<NonNull<ThreadCache>> {
    if depot.cache_limit() == 0 {
        return None;
    }
    let cache = CACHES.try_with(|caches| caches.cache(depot, arena)).ok().flatten()?;
    let _ = RECENT.try_with(|recent| recent.set(cache));
    Some(cache)
}

/// Gives a segment back, to this thread's loaded magazine if it was the last one used.
#[inline]
pub(crate) fn give(idle: Idle) {
    let mut idle = Some(idle);
    let _ = RECENT.try_with(|recent| {
        let depot = recent.depot.get();
        if idle.as_ref().is_some_and(|idle| ptr::eq(idle.route.get(), depot)) {
            // SAFETY: `RECENT` names a live depot and cache of this thread: it is cleared before one is freed.
            let limit = unsafe { &*depot }.cache_limit();
            // SAFETY: as above.
            let cache = unsafe { &*recent.cache.get() };
            idle = idle.take().and_then(|idle| cache.push(idle, limit).err());
        }
    });
    if let Some(idle) = idle {
        give_slow(idle);
    }
}

#[cold]
fn give_slow(idle: Idle) {
    let depot = idle.depot;
    if depot.is_null() {
        return adopted::free(idle);
    }
    // SAFETY: the segment in hand keeps its slab, and that keeps the arena with its depots.
    let depot = unsafe { &*depot };
    if idle.route.get().is_null() {
        idle.route.set(depot);
        if depot.zeroes() {
            idle.zero();
        }
        let Some(account) = idle.take_account() else { return give(idle) };
        // Wakers may panic: whoever waits is woken when everything is back.
        account.lower_all(idle.capacity());
        give(idle);
        return account.grant_all();
    }
    // SAFETY: as above. The reference keeps the arena when this was its last segment.
    let arena = unsafe { ArenaRef::from_ptr(depot.arena()) };
    let given = match this_thread(depot, &arena) {
        // SAFETY: a live cache of this thread.
        Some(cache) => unsafe { cache.as_ref() }.give(idle, depot.magazine_len()),
        None => Err(idle),
    };
    // Both ways last, as they may wake somebody whose waker frees this very cache.
    match given {
        Ok(full) => {
            if let Some(full) = full {
                arena.put_full(depot, full);
            }
        }
        Err(idle) => {
            arena.deposit(core::iter::once(idle));
            if depot.cache_limit() == 0 {
                flush(&arena);
            }
        }
    }
}

/// Sends home what this thread keeps idle of one pool, in every size.
pub(crate) fn flush(arena: &Arena) {
    let _ = CACHES.try_with(|caches| caches.free(|cache| ptr::eq(&raw const *cache.arena, arena)));
}
