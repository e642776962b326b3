//! What one thread keeps for itself, found through thread-locals.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

mod thread_cache;

use core::ptr::{self, NonNull};

use self::thread_cache::ThreadCache;
use crate::{
    limit::out_of_memory::OutOfMemory,
    shared::arena::{Arena, ArenaRef},
    shared::size_class::SizeClass,
    slab::adopted,
    slab::header::{Class, Idle},
    sync::{Cell, thread_local_dropped, thread_local_plain},
};

/// A cache that this thread used lately, and the class that it is for.
#[derive(Clone, Copy)]
struct Recent {
    class: *const Class,
    cache: *const ThreadCache,
}

impl Recent {
    /// Has a class's address that no class has; null means adopted memory in a header.
    const NONE: Self = Self { class: ptr::without_provenance(usize::MAX), cache: ptr::null() };

    #[inline]
    fn is_for(self, class: *const Class) -> bool {
        ptr::eq(self.class, class)
    }
}

thread_local_plain! {
    /// The caches that this thread used last. The fast paths look at the first one only.
    static RECENT: [Cell<Recent>; 4] = [
        Cell::new(Recent::NONE),
        Cell::new(Recent::NONE),
        Cell::new(Recent::NONE),
        Cell::new(Recent::NONE),
    ];
}

/// Makes the cache for `class` the first recent one, if it is among them. Returns whether it is.
fn bring_forward(class: *const Class) -> bool {
    let found = RECENT.try_with(|recent| {
        let [first, others @ ..] = recent;
        let found = others.iter().find(|other| other.get().is_for(class));
        found.map(|found| first.swap(found)).is_some() || first.get().is_for(class)
    });
    found.unwrap_or(false)
}

/// Makes a cache of this thread the first recent one.
fn put_forward(class: *const Class, cache: NonNull<ThreadCache>) {
    if bring_forward(class) {
        return;
    }
    let _ = RECENT.try_with(|recent| {
        let mut next = Recent { class, cache: cache.as_ptr() };
        recent.iter().for_each(|recent| next = recent.replace(next));
    });
}

/// All caches of this thread, freed when it ends.
struct ThreadCaches(Cell<Vec<NonNull<ThreadCache>>>);

thread_local_dropped! {
    static CACHES: ThreadCaches = ThreadCaches(Cell::new(Vec::new()));
}

impl ThreadCaches {
    /// Finds or makes the cache for `class` and moves it to the front of the search. `None` when
    /// the pool's threads keep enough already, or there is no memory for one.
    fn find_or_make(&self, class: &SizeClass, arena: &ArenaRef) -> Option<NonNull<ThreadCache>> {
        let mut list = self.0.take();
        // SAFETY: caches in the list are alive.
        let found = list.iter().position(|cache| unsafe { cache.as_ref() }.is_for(class));
        let cache = match found {
            Some(index) => {
                list.swap(0, index);
                Some(list[0])
            }
            None if list.try_reserve(1).is_err() => None,
            None => ThreadCache::allocate(class, arena).inspect(|&cache| list.push(cache)),
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
            let _ =
                RECENT.try_with(|recent| recent.iter().for_each(|recent| recent.set(Recent::NONE)));
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
pub(crate) fn take(class: &SizeClass) -> Option<Idle> {
    let taken = RECENT.try_with(|recent| {
        let recent = recent[0].get();
        if !recent.is_for(class.as_class()) {
            return None;
        }
        // SAFETY: `RECENT` names live caches of this thread: it is cleared before one is freed.
        unsafe { &*recent.cache }.take_loaded()
    });
    taken.ok().flatten()
}

/// Takes a segment the long way.
#[cold]
pub(crate) fn take_slow(class: &SizeClass, arena: &ArenaRef) -> Result<Idle, OutOfMemory> {
    if bring_forward(class.as_class())
        && let Some(idle) = take(class)
    {
        return Ok(idle);
    }
    let taken = match this_thread(class, arena) {
        // SAFETY: a live cache of this thread.
        Some(cache) => unsafe { cache.as_ref() }.take(),
        None => arena.withdraw_one(class),
    };
    // What this thread keeps idle in other sizes may be just what is missing.
    taken.or_else(|_| {
        flush(arena);
        arena.withdraw_again(class)
    })
}

/// Returns this thread's cache, for the next fast path as well. `None` while caching is stopped,
/// when this thread is to keep nothing, when it is ending, or when there is no memory.
///
/// Gives back what the thread keeps when it is asked to.
fn this_thread(class: &SizeClass, arena: &ArenaRef) -> Option<NonNull<ThreadCache>> {
    let find = || {
        if class.depot.cache_limit() == 0 {
            return None;
        }
        CACHES.try_with(|caches| caches.find_or_make(class, arena)).ok().flatten()
    };
    let mut cache = find()?;
    // SAFETY: a live cache of this thread.
    if unsafe { cache.as_ref() }.is_recalled() {
        flush(arena);
        cache = find()?;
    }
    put_forward(class.as_class(), cache);
    Some(cache)
}

/// Gives a segment back, to this thread's loaded magazine if it was the last one used.
#[inline]
pub(crate) fn give(idle: Idle) {
    if let Err(idle) = give_loaded(idle) {
        give_slow(idle);
    }
}

#[inline]
fn give_loaded(idle: Idle) -> Result<(), Idle> {
    let mut idle = Some(idle);
    let _ = RECENT.try_with(|recent| {
        let recent = recent[0].get();
        if idle.as_ref().is_some_and(|idle| recent.is_for(idle.route.get())) {
            // SAFETY: `RECENT` names live caches of this thread: it is cleared before one is freed.
            let cache = unsafe { &*recent.cache };
            idle = idle.take().and_then(|idle| cache.keep(idle).err());
        }
    });
    idle.map_or(Ok(()), Err)
}

#[cold]
fn give_slow(mut idle: Idle) {
    if bring_forward(idle.route.get()) {
        match give_loaded(idle) {
            Ok(()) => return,
            Err(back) => idle = back,
        }
    }
    let class = SizeClass::of(&idle);
    if class.is_null() {
        return adopted::free(idle);
    }
    // SAFETY: the segment in hand keeps its slab, and that keeps the arena with its classes.
    let class = unsafe { &*class };
    if idle.route.get().is_null() {
        idle.route.set(class.as_class());
        if class.zeroes {
            idle.zero();
        }
        let Some(account) = idle.take_account() else { return give(idle) };
        // Wakers may panic: whoever waits is woken when everything is back.
        account.lower_all(idle.capacity());
        give(idle);
        return account.grant_all();
    }
    // SAFETY: as above. The reference keeps the arena when this was its last segment.
    let arena = unsafe { ArenaRef::of(class) };
    let given = match this_thread(class, &arena) {
        // SAFETY: a live cache of this thread.
        Some(cache) => unsafe { cache.as_ref() }.give(idle),
        None => Err(idle),
    };
    // Both ways last, as they may wake somebody whose waker frees this very cache.
    match given {
        Ok(full) => {
            if let Some(full) = full {
                arena.put_full(class, full);
            }
        }
        Err(idle) => {
            arena.deposit(core::iter::once(idle));
            if class.depot.cache_limit() == 0 {
                flush(&arena);
            }
        }
    }
}

/// Returns what this thread keeps idle of one pool, in every size.
pub(crate) fn flush(arena: &Arena) {
    let _ = CACHES.try_with(|caches| caches.free(|cache| cache.is_of(arena)));
}
