//! Where threads exchange whole magazines of one segment size.

use crate::{
    cache::magazine::{MAGAZINE_LEN_MAX, Magazine, MagazineBox},
    pool_builder::PoolBuilder,
    shared::arena::Arena,
    size::{SLAB_BYTES, SegmentSize},
    sync::{ArrayQueue, AtomicUsize, Ordering},
};

/// Full magazines that wait in one depot; what comes beyond goes home.
const FULL_MAGAZINES_MAX: usize = 64;

/// Payload bytes that one magazine holds at most.
const MAGAZINE_BYTES_MAX: usize = 512 << 10;

/// Slabs that a pool must be allowed for its threads to keep magazines.
const CACHED_SLABS_MIN: usize = 8;

/// The exchange for one segment size of one pool, and the identity of that pair: a segment's
/// header points to it.
#[repr(align(64))]
pub(crate) struct Depot {
    /// Segments that a thread may keep in a magazine now: `magazine_len`, or 0 while every segment
    /// is wanted at home.
    cache_limit: AtomicUsize,
    size: SegmentSize,
    magazine_len: usize,
    zeroes: bool,
    arena: *const Arena,
    full: ArrayQueue<MagazineBox>,
    empty: ArrayQueue<MagazineBox>,
}

impl Depot {
    /// Creates the depot of `size` segments for the arena that will lie at `arena`.
    pub(crate) fn new(size: SegmentSize, arena: *const Arena, settings: &PoolBuilder) -> Self {
        // A small pool's threads keep less from each other; a tiny one's keep nothing.
        let slabs = settings.bytes_max / SLAB_BYTES;
        let share = if slabs < CACHED_SLABS_MIN { 0 } else { (slabs / 128).max(1) };
        let magazine_len = (MAGAZINE_BYTES_MAX / size.bytes()).min(MAGAZINE_LEN_MAX).min(share);
        Self {
            cache_limit: AtomicUsize::new(magazine_len),
            size,
            magazine_len,
            zeroes: settings.zero_on_drop,
            arena,
            full: ArrayQueue::new(FULL_MAGAZINES_MAX),
            // All that were ever full at once find a place when they are empty.
            empty: ArrayQueue::new(2 * FULL_MAGAZINES_MAX),
        }
    }

    #[inline]
    pub(crate) fn cache_limit(&self) -> usize {
        self.cache_limit.load(Ordering::Relaxed)
    }

    /// Sends every segment that comes back from now on home.
    pub(crate) fn close(&self) {
        self.cache_limit.store(0, Ordering::SeqCst);
    }

    /// Lets threads keep segments again.
    pub(crate) fn open(&self) {
        self.cache_limit.store(self.magazine_len, Ordering::SeqCst);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.cache_limit() < self.magazine_len
    }

    pub(crate) const fn size(&self) -> SegmentSize {
        self.size
    }

    /// Segments in a full magazine; 0 when threads of this pool keep none.
    pub(crate) const fn magazine_len(&self) -> usize {
        self.magazine_len
    }

    /// Whether segments are zeroed when they come back.
    pub(crate) const fn zeroes(&self) -> bool {
        self.zeroes
    }

    pub(crate) const fn arena(&self) -> *const Arena {
        self.arena
    }

    /// Idle segments in the full magazines here.
    pub(crate) fn idle(&self) -> usize {
        self.full.len() * self.magazine_len
    }

    pub(crate) fn take_full(&self) -> Option<MagazineBox> {
        self.full.pop()
    }

    /// Gives the magazine back when there is no place for it.
    pub(crate) fn put_full(&self, magazine: MagazineBox) -> Result<(), MagazineBox> {
        self.full.push(magazine)
    }

    /// Takes an empty magazine, a new one where none waits; `None` when there is no memory.
    pub(crate) fn take_empty(&self) -> Option<MagazineBox> {
        self.empty.pop().or_else(Magazine::allocate)
    }

    pub(crate) fn put_empty(&self, magazine: MagazineBox) {
        // Where the queue is full, this one is freed.
        drop(self.empty.push(magazine));
    }

    /// Frees the empty magazines that wait here.
    pub(crate) fn free_empty(&self) {
        while let Some(magazine) = self.empty.pop() {
            drop(magazine);
        }
    }
}
