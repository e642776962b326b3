//! The idle segments that one thread keeps for itself.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::ptr::{self, NonNull};

use crate::{
    cache::counters::{Counters, THREAD_CACHE_BYTES},
    cache::magazine::{Magazine, MagazineBox},
    limit::out_of_memory::OutOfMemory,
    memory::fallible_box,
    shared::arena::{Arena, ArenaRef},
    shared::size_class::SizeClass,
    slab::header::Idle,
    sync::{Cell, Ordering},
};

/// Two magazines of one thread, for one segment size of one pool.
///
/// Two, so that a thread that takes and gives around the edge of one does not go to the depot each
/// time (Bonwick and Adams, "Magazines and Vmem", USENIX 2001).
///
/// # Invariants
///
/// - **T1** only the thread that made it touches anything but `counters`, of which other threads
///   read the counts and write the limit.
/// - **T2** slots `..counters.loaded` of `loaded` are filled, the others empty; likewise `previous`.
/// - **T3** `previous` is full or empty.
// Two lines of its own, as the processor fetches lines in pairs: two threads' caches must not meet.
#[repr(align(128))]
pub(super) struct ThreadCache {
    counters: Counters,
    loaded: Cell<NonNull<Magazine>>,
    previous: Cell<NonNull<Magazine>>,
    class: *const SizeClass,
    arena: ArenaRef,
}

const _: () =
    assert!(cfg!(seg_loom) || size_of::<ThreadCache>() == THREAD_CACHE_BYTES, "as it is counted");

impl ThreadCache {
    /// Allocates the cache, unless the pool's threads keep enough already or there is no memory.
    pub(super) fn allocate(class: &SizeClass, arena: &ArenaRef) -> Option<NonNull<Self>> {
        if !arena.admit(class) {
            return None;
        }
        if let Some(cache) = Self::build(class, arena.clone()) {
            // SAFETY: built above.
            let counters = NonNull::from(unsafe { &cache.as_ref().counters });
            // SAFETY: the cache is freed only by `free`, which retires it before.
            if unsafe { arena.register(class, counters) } {
                return Some(cache);
            }
            // SAFETY: built above, and nobody else has a reference.
            unsafe { Self::take_apart(cache) };
        }
        arena.dismiss(class);
        None
    }

    fn build(class: &SizeClass, arena: ArenaRef) -> Option<NonNull<Self>> {
        let space = fallible_box::allocate()?;
        let (loaded, previous) = (class.depot.take_empty()?, class.depot.take_empty()?);
        Some(NonNull::from(Box::leak(space).write(Self {
            counters: Counters::new(class.depot.magazine_len()),
            loaded: Cell::new(loaded.into_ptr()),
            previous: Cell::new(previous.into_ptr()),
            class,
            arena,
        })))
    }

    /// Returns the segments to the central free list and frees the magazines and the cache.
    ///
    /// # Safety
    ///
    /// `cache` came from `build` in this thread and is not used again.
    pub(super) unsafe fn free(cache: NonNull<Self>) {
        // SAFETY: alive until the end of this function.
        let this = unsafe { cache.as_ref() };
        let counters = NonNull::from(&this.counters);
        this.arena.retire(this.class(), counters, this.counters.taken(), this.drain());
        // SAFETY: as the caller says, and other threads forgot it just now.
        unsafe { Self::take_apart(cache) };
    }

    /// Frees the magazines, which are empty, and the cache.
    ///
    /// # Safety
    ///
    /// `cache` came from `build` in this thread, is in no registry and is not used again.
    unsafe fn take_apart(cache: NonNull<Self>) {
        // SAFETY: `build` leaked it.
        let this = unsafe { Box::from_raw(cache.as_ptr()) };
        for magazine in [this.loaded.get(), this.previous.get()] {
            // SAFETY: the cache owned the magazine and is being taken apart.
            this.class().depot.put_empty(unsafe { MagazineBox::from_ptr(magazine) });
        }
    }

    /// Whether this is the cache for `class`.
    pub(super) fn is_for(&self, class: &SizeClass) -> bool {
        ptr::eq(self.class, class)
    }

    /// Whether this is a cache of the pool of `arena`.
    pub(super) fn is_of(&self, arena: &Arena) -> bool {
        ptr::eq(&raw const *self.arena, arena)
    }

    /// Whether the thread is asked to give back all that it keeps.
    pub(super) fn is_recalled(&self) -> bool {
        self.counters.limit() == 0
    }

    pub(super) fn class(&self) -> &SizeClass {
        // SAFETY: the class is part of the arena, which `self.arena` keeps.
        unsafe { &*self.class }
    }

    #[inline]
    fn loaded(&self) -> &Magazine {
        // SAFETY: the cache owns its magazine (T1), which stays while it is loaded.
        unsafe { self.loaded.get().as_ref() }
    }

    #[inline]
    fn pop(&self) -> Option<Idle> {
        let len = self.counters.loaded.load(Ordering::Relaxed);
        let idle = self.loaded().pop(len)?;
        self.counters.loaded.store(len - 1, Ordering::Relaxed);
        Some(idle)
    }

    /// Takes from the loaded magazine, for a handle.
    #[inline]
    pub(super) fn take_loaded(&self) -> Option<Idle> {
        let idle = self.pop()?;
        // One writer, so a plain addition, which no later take waits for.
        let taken = &self.counters.taken;
        taken.store(taken.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        Some(idle)
    }

    /// Keeps the segment; returns it when the loaded magazine is full or the cache is recalled.
    #[inline]
    pub(super) fn keep(&self, idle: Idle) -> Result<(), Idle> {
        self.push(idle, self.counters.limit())
    }

    /// Puts the segment into the loaded magazine; returns it when there are `limit` already.
    #[inline]
    fn push(&self, idle: Idle, limit: usize) -> Result<(), Idle> {
        let len = self.counters.loaded.load(Ordering::Relaxed);
        if len >= limit {
            return Err(idle);
        }
        self.loaded().push(len, idle);
        self.counters.loaded.store(len + 1, Ordering::Relaxed);
        Ok(())
    }

    fn swap(&self) {
        let (loaded, previous) = (self.loaded.get(), self.previous.get());
        self.loaded.set(previous);
        self.previous.set(loaded);
        let (loaded, previous) = (
            self.counters.loaded.load(Ordering::Relaxed),
            self.counters.previous.load(Ordering::Relaxed),
        );
        self.counters.loaded.store(previous, Ordering::Relaxed);
        self.counters.previous.store(loaded, Ordering::Relaxed);
    }

    /// Takes with the loaded magazine empty: from the previous one, the depot, the central
    /// free list, in this order.
    pub(super) fn take(&self) -> Result<Idle, OutOfMemory> {
        if let Some(idle) = self.take_loaded() {
            return Ok(idle);
        }
        if self.counters.previous.load(Ordering::Relaxed) > 0 {
            self.swap();
        } else if let Some(full) = self.class().depot.take_full() {
            let empty = self.loaded.replace(full.into_ptr());
            // SAFETY: the cache owned it until now.
            self.class().depot.put_empty(unsafe { MagazineBox::from_ptr(empty) });
            self.counters.loaded.store(self.class().depot.magazine_len(), Ordering::Relaxed);
        } else {
            let limit = self.class().depot.magazine_len();
            let mut rest = None;
            self.arena.withdraw(self.class(), limit, |idle| {
                // Cannot fail: at most `limit` segments come, and the magazine is empty.
                rest = self.push(idle, limit).err();
            })?;
            debug_assert!(rest.is_none(), "an empty magazine takes a segment");
        }
        self.take_loaded().ok_or_else(|| unreachable!("every branch above loads a segment"))
    }

    /// Keeps a segment with the loaded magazine full. Returns the previous one when it is full too,
    /// for the depot; the segment when there is no memory for another magazine.
    pub(super) fn give(&self, idle: Idle) -> Result<Option<MagazineBox>, Idle> {
        let limit = self.class().depot.magazine_len();
        let Err(idle) = self.push(idle, limit) else { return Ok(None) };
        let mut full = None;
        if self.counters.previous.load(Ordering::Relaxed) > 0 {
            let Some(empty) = self.class().depot.take_empty() else { return Err(idle) };
            self.counters.previous.store(0, Ordering::Relaxed);
            let previous = self.previous.replace(empty.into_ptr());
            // SAFETY: the cache owned it until now.
            full = Some(unsafe { MagazineBox::from_ptr(previous) });
        }
        self.swap();
        let kept = self.push(idle, limit);
        debug_assert!(kept.is_ok(), "an empty magazine takes a segment");
        Ok(full)
    }

    /// Takes all segments out of both magazines.
    fn drain(&self) -> impl Iterator<Item = Idle> {
        core::iter::from_fn(|| {
            self.pop().or_else(|| {
                self.swap();
                self.pop()
            })
        })
    }
}
