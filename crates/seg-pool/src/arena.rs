//! What all handles, threads and segments of one pool share.

use core::{mem::MaybeUninit, ops::Deref, ptr::NonNull};

use crate::{
    depot::Depot,
    error::{Cause, Exhausted},
    header::Idle,
    local::Local,
    magazine::MagazineBox,
    size::{SLAB_BYTES, SegmentSize},
    slab::Home,
    stats::{ClassStats, Stats},
    sync::{AtomicUsize, Mutex, MutexGuard, Ordering, fence},
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
    max_bytes: usize,
    segment_size: SegmentSize,
}

// SAFETY: the raw pointers inside lead to slabs and locals that are used under `central`'s lock,
// or to the arena itself; everything else is atomic.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

/// What is used under the lock: once per magazine, not once per segment.
struct Central {
    homes: [Home; SegmentSize::ALL.len()],
    locals: [Vec<NonNull<Local>>; SegmentSize::ALL.len()],
    slab_bytes: usize,
    slab_bytes_max: usize,
    closed: bool,
}

impl Arena {
    /// Allocates an arena with one `Pool` handle.
    pub(crate) fn allocate(max_bytes: usize, segment_size: SegmentSize) -> ArenaRef {
        let arena: *mut Self = Box::into_raw(Box::<MaybeUninit<Self>>::new_uninit()).cast();
        let depots = SegmentSize::ALL.map(|size| Depot::new(size, arena, max_bytes));
        let central = Central {
            homes: [const { Home::new() }; SegmentSize::ALL.len()],
            locals: [const { Vec::new() }; SegmentSize::ALL.len()],
            slab_bytes: 0,
            slab_bytes_max: 0,
            closed: false,
        };
        let value = Self {
            refs: AtomicUsize::new(1),
            pools: AtomicUsize::new(1),
            depots,
            central: Mutex::new(central),
            max_bytes,
            segment_size,
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

    pub(crate) const fn segment_size(&self) -> SegmentSize {
        self.segment_size
    }

    pub(crate) const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    pub(crate) fn add_pool(&self) {
        let before = self.pools.fetch_add(1, Ordering::Relaxed);
        abort_on_overflow(before);
    }

    /// Forgets one `Pool` handle. The last one closes the arena: segments that come back from now
    /// on free their slabs. Returns whether it was the last one.
    pub(crate) fn remove_pool(&self) -> bool {
        if self.pools.fetch_sub(1, Ordering::AcqRel) != 1 {
            return false;
        }
        for depot in &self.depots {
            depot.close();
        }
        // Pairs with the fence in `exchange_full`.
        fence(Ordering::SeqCst);
        let mut central = self.lock();
        central.closed = true;
        self.collect(&mut central);
        self.trim_slabs(&mut central);
        true
    }

    /// Takes at least one and at most `want` idle segments from home, growing by one slab when
    /// there are none. Locks once.
    pub(crate) fn withdraw(
        &self,
        size: SegmentSize,
        want: usize,
        mut sink: impl FnMut(Idle),
    ) -> Result<(), Exhausted> {
        let mut central = self.lock();
        let index = size.index();
        if central.homes[index].idle() == 0 {
            self.grow(&mut central, size)?;
        }
        for _ in 0..want {
            let Some(idle) = central.homes[index].take() else { break };
            sink(idle);
        }
        Ok(())
    }

    /// Puts idle segments home. Locks once.
    pub(crate) fn deposit(&self, idles: impl Iterator<Item = Idle>) {
        let mut central = self.lock();
        for idle in idles {
            central.put(idle);
        }
        if central.closed {
            self.trim_slabs(&mut central);
        }
    }

    /// Lays a full magazine down for another thread. Locks only when there is no place.
    pub(crate) fn exchange_full(&self, depot: &Depot, magazine: MagazineBox) -> MagazineBox {
        match depot.put_full(magazine) {
            Ok(()) => {
                // Pairs with `close`: either this thread sees the room gone, or the closing thread
                // sees the magazine.
                fence(Ordering::SeqCst);
                if depot.room() == 0 {
                    let mut central = self.lock();
                    self.collect(&mut central);
                    if central.closed {
                        self.trim_slabs(&mut central);
                    }
                }
                depot.take_empty()
            }
            Err(magazine) => {
                self.deposit((1..=depot.magazine_len()).rev().filter_map(|len| magazine.pop(len)));
                magazine
            }
        }
    }

    /// Gives every whole slab back to the system and returns their bytes.
    pub(crate) fn trim(&self) -> usize {
        let mut central = self.lock();
        self.collect(&mut central);
        self.trim_slabs(&mut central)
    }

    pub(crate) fn register(&self, size: SegmentSize, local: NonNull<Local>) {
        self.lock().locals[size.index()].push(local);
    }

    /// Takes the segments of a local that is being freed home, and forgets it: in one step, so that
    /// no segment is ever counted twice or not at all.
    pub(crate) fn retire(
        &self,
        size: SegmentSize,
        local: NonNull<Local>,
        idles: impl Iterator<Item = Idle>,
    ) {
        let mut central = self.lock();
        idles.for_each(|idle| central.put(idle));
        let locals = &mut central.locals[size.index()];
        if let Some(index) = locals.iter().position(|&other| other == local) {
            locals.swap_remove(index);
        }
        if central.closed {
            self.trim_slabs(&mut central);
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let central = self.lock();
        let classes = SegmentSize::ALL.map(|size| {
            let index = size.index();
            let home = &central.homes[index];
            // SAFETY: a registered local is alive: it is freed only after `retire`, which needs the lock.
            let cached = central.locals[index].iter().map(|local| unsafe { local.as_ref() }.idle());
            let idle = home.idle() + self.depots[index].idle() + cached.sum::<usize>();
            ClassStats { size, segments: home.slabs() * size.per_slab(), idle }
        });
        Stats {
            classes,
            held_bytes: central.slab_bytes,
            held_bytes_max: central.slab_bytes_max,
            limit_bytes: self.max_bytes,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Central> {
        // Nothing panics while it holds the lock, so the state behind a poisoned one is whole.
        self.central.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
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

    fn trim_slabs(&self, central: &mut Central) -> usize {
        let count: usize = central.homes.iter_mut().map(Home::trim).sum();
        central.slab_bytes -= count * SLAB_BYTES;
        // The caller holds an `ArenaRef`, so this is never the last reference (A1).
        self.refs.fetch_sub(count, Ordering::Release);
        count * SLAB_BYTES
    }

    /// Adds a slab of `size`, or what the depots of all sizes hold, when home has none.
    fn grow(&self, central: &mut Central, size: SegmentSize) -> Result<(), Exhausted> {
        let fits = |central: &Central| self.max_bytes - central.slab_bytes >= SLAB_BYTES;
        if !fits(central) {
            self.collect(central);
            if central.homes[size.index()].idle() > 0 {
                return Ok(());
            }
            self.trim_slabs(central);
        }
        let refuse = |cause| Exhausted {
            requested: size.bytes(),
            available: self.max_bytes - central.slab_bytes,
            limit: self.max_bytes,
            cause,
        };
        if !fits(central) {
            return Err(refuse(Cause::Pool));
        }
        if !central.homes[size.index()].grow(size, self.depot(size)) {
            return Err(refuse(Cause::System));
        }
        self.refs.fetch_add(1, Ordering::Relaxed);
        central.slab_bytes += SLAB_BYTES;
        central.slab_bytes_max = central.slab_bytes_max.max(central.slab_bytes);
        Ok(())
    }
}

impl Central {
    fn put(&mut self, idle: Idle) {
        // The home of a segment is that of its size.
        let index = (idle.capacity / SegmentSize::MIN.bytes()).trailing_zeros() as usize;
        self.homes[index].put(idle);
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
        std::process::abort();
    }
}
