//! The pool: where segments come from.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{
    fmt,
    task::{Context, Poll},
};
use std::sync::OnceLock;

#[cfg(feature = "report")]
use crate::report::{HeldSegment, Report};
use crate::{
    limit::account::Account,
    limit::out_of_memory::OutOfMemory,
    pool_builder::PoolBuilder,
    segment::handle::Handle,
    segment::segment_mut::SegmentMut,
    shared::arena::{Arena, ArenaRef},
    shared::stats::Stats,
    size::SegmentSize,
    slab::header::Idle,
    slab::track::Origin,
    sync::Arc,
    take_error::TakeError,
    thread,
};

/// A pool of segments. Cloning gives another handle to the same pool.
///
/// Taking and giving back (by dropping) use a cache of the calling thread: no lock, no atomic
/// read-modify-write, no allocation. A thread whose cache runs empty or full exchanges a whole
/// magazine of up to 32 segments with the others; the system is asked for 64 KiB at a time when no
/// idle segment is left. It gets memory back by [`trim`](Self::trim) and
/// [`trim_idle`](Self::trim_idle), and with the pool's end; and, while the pool is used, slabs that
/// have been idle for a while, but not what lies in caches or on its way between threads (up to 64
/// magazines of each size).
///
/// Segments may outlive the pool: its memory goes when the last handle and the last segment are
/// gone, and what other threads keep in their caches when they end or next use the pool.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
///
/// # fn main() -> Result<(), seg_pool::TakeError> {
/// let pool = Pool::builder().bytes_max(1 << 20).build();
/// let mut segment = pool.try_take(9_000)?;
/// assert_eq!(segment.capacity(), 16_384);
/// segment.extend_from_slice(b"hello");
/// drop(segment);
/// assert_eq!(pool.stats().in_use_bytes(), 0);
/// # Ok(())
/// # }
/// ```
pub struct Pool {
    arena: ArenaRef,
    account: Option<Arc<Account>>,
    /// Whether segments need nothing done when they are taken through this handle.
    plain: bool,
}

impl Pool {
    /// Creates a pool without a limit, with 16 KiB as its default segment size.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts building a pool with other settings.
    #[must_use]
    pub const fn builder() -> PoolBuilder {
        PoolBuilder::new()
    }

    /// Returns the pool for code that is given none. It has no limit and is made at first use.
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Pool> = OnceLock::new();
        GLOBAL.get_or_init(Self::new)
    }

    /// Takes an empty segment of at least `len` bytes.
    ///
    /// # Panics
    ///
    /// Panics when there is none to be had: see [`try_take`](Self::try_take), which code that a
    /// peer drives should call.
    #[inline]
    #[must_use]
    #[cfg_attr(feature = "report", track_caller)]
    pub fn take(&self, len: usize) -> SegmentMut {
        match self.try_take(len) {
            Ok(segment) => segment,
            Err(error) => refuse(error),
        }
    }

    /// Takes an empty segment of at least `len` bytes: the smallest size that holds them.
    ///
    /// # Errors
    ///
    /// [`TakeError::Size`] when `len` is above 64 KiB, [`TakeError::OutOfMemory`] when the pool's
    /// limit is met, idle segments in other threads' caches counted in (at most a quarter of it),
    /// or the system has no memory. Where only the heap has none, a thread does without its cache.
    #[inline]
    #[cfg_attr(feature = "report", track_caller)]
    pub fn try_take(&self, len: usize) -> Result<SegmentMut, TakeError> {
        Ok(self.try_take_size(SegmentSize::fitting(len)?)?)
    }

    /// Takes an empty segment of `size`.
    ///
    /// # Panics
    ///
    /// Panics when there is none to be had: see [`try_take_size`](Self::try_take_size), which code
    /// that a peer drives should call.
    #[inline]
    #[must_use]
    #[cfg_attr(feature = "report", track_caller)]
    pub fn take_size(&self, size: SegmentSize) -> SegmentMut {
        match self.try_take_size(size) {
            Ok(segment) => segment,
            Err(error) => refuse(error.into()),
        }
    }

    /// Takes an empty segment of `size`.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the pool's limit is met or the system has no memory.
    #[inline]
    #[cfg_attr(feature = "report", track_caller)]
    pub fn try_take_size(&self, size: SegmentSize) -> Result<SegmentMut, OutOfMemory> {
        // One cold call, which returns no `SegmentMut`: that one is put together in registers. Moved
        // through memory right after it was written, it would wait for its stores.
        let idle = match self.take_loaded(size) {
            Some(idle) => idle,
            None => self.take_slow(size)?,
        };
        Ok(SegmentMut::new(idle, Origin::caller()))
    }

    /// Takes a segment that needs nothing done to it out of this thread's loaded magazine.
    #[inline]
    fn take_loaded(&self, size: SegmentSize) -> Option<Idle> {
        if self.plain { thread::take(self.arena.class(size)) } else { None }
    }

    /// Takes a segment on the accounts, through this thread's cache or from the central free list,
    /// and counts a refusal of the pool.
    #[cold]
    fn take_slow(&self, size: SegmentSize) -> Result<Idle, OutOfMemory> {
        if let Some(account) = &self.account {
            account.charge_all(size.bytes())?;
        }
        let class = self.arena.class(size);
        let taken = thread::take(class).map_or_else(|| thread::take_slow(class, &self.arena), Ok);
        match taken {
            Ok(idle) => Ok(self.prepare(idle)),
            Err(error) => {
                self.arena.count_refused(size);
                if let Some(account) = &self.account {
                    account.uncharge_all(size.bytes());
                }
                Err(error)
            }
        }
    }

    /// Marks what is to be done when the segment comes back.
    fn prepare(&self, idle: Idle) -> Idle {
        if !self.plain {
            idle.route.set(core::ptr::null());
            idle.set_account(self.account.clone());
        }
        idle
    }

    /// Takes a segment whose bytes are charged already, or a place in the queue.
    pub(crate) fn poll_take_charged(
        &self,
        size: SegmentSize,
        origin: Origin,
        ticket: &mut Option<u64>,
        context: &Context<'_>,
    ) -> Poll<Result<SegmentMut, OutOfMemory>> {
        let class = self.arena.class(size);
        let at_once = match ticket {
            // Nobody waits while threads may keep segments.
            None if class.depot.cache_limit() > 0 => {
                thread::take(class).or_else(|| thread::take_slow(class, &self.arena).ok())
            }
            _ => None,
        };
        match at_once {
            Some(idle) => Poll::Ready(Ok(SegmentMut::new(self.prepare(idle), origin))),
            None => {
                let taken = self.arena.poll_take(class, ticket, context);
                if matches!(taken, Poll::Ready(Err(_))) {
                    self.arena.count_refused(size);
                }
                taken.map_ok(|idle| SegmentMut::new(self.prepare(idle), origin))
            }
        }
    }

    pub(crate) fn cancel_take(&self, size: SegmentSize, ticket: u64) {
        self.arena.cancel_take(size, ticket);
    }

    pub(crate) const fn account(&self) -> Option<&Arc<Account>> {
        self.account.as_ref()
    }

    /// Returns a handle to the same pool that takes on `account`.
    pub(crate) fn with_account(&self, account: Arc<Account>) -> Self {
        let mut pool = self.clone();
        pool.account = Some(account);
        pool.plain = false;
        pool
    }

    /// Returns the pool of a segment as a handle that was not counted; none for adopted memory.
    ///
    /// # Safety
    ///
    /// The result is not used after `handle`, and never dropped.
    #[inline]
    pub(crate) unsafe fn uncounted(handle: &Handle) -> Option<Self> {
        // SAFETY: what the caller says of the result holds for its parts.
        let arena = unsafe { handle.uncounted_arena() }?;
        // SAFETY: likewise.
        let account = unsafe { handle.uncounted_account() };
        let plain = account.is_none() && !arena.settings().zero_on_drop;
        Some(Self { arena, account, plain })
    }

    /// Returns the pool's default segment size, which the layers above take for what they receive:
    /// [`PoolBuilder::segment_size`].
    #[must_use]
    pub fn segment_size(&self) -> SegmentSize {
        self.arena.settings().segment_size
    }

    /// Returns the most payload memory that the pool takes from the system, in bytes.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.arena.settings().bytes_max
    }

    /// Returns the most that one thread keeps idle for itself, in bytes:
    /// [`PoolBuilder::thread_cache_bytes_max`].
    #[must_use]
    pub fn thread_cache_bytes_max(&self) -> usize {
        self.arena.settings().thread_cache_bytes_max
    }

    /// Returns whether segments are overwritten with zeroes when their last view is dropped:
    /// [`PoolBuilder::zero_on_drop`].
    #[must_use]
    pub fn zero_on_drop(&self) -> bool {
        self.arena.settings().zero_on_drop
    }

    /// Gives memory that is not in use back to the system and returns how many bytes that were.
    ///
    /// Memory goes back in slabs of 64 KiB of which no segment is in use. Empties the cache of the
    /// calling thread; what other threads cache stays with them, at most
    /// [`thread_cache_bytes_max`](Self::thread_cache_bytes_max) each. Locks.
    pub fn trim(&self) -> usize {
        thread::flush(&self.arena);
        self.arena.trim()
    }

    /// Gives memory back to the system that has been idle since the previous call, and returns how
    /// many bytes that were.
    ///
    /// For a timer of the application, every ten seconds or every minute: nothing here reads a
    /// clock. The first call only starts the count. Memory goes back in slabs of 64 KiB of which no
    /// segment was in use, or in a cache, at any time between two calls; so a pool in steady use
    /// gives nothing back and takes nothing anew.
    ///
    /// Segments on their way between threads count as idle from this call on. Other threads are
    /// asked to give back what they cache: each does so when it next drops a segment of a size that
    /// it caches, or takes one with its magazine empty. A thread that does neither keeps at most
    /// [`thread_cache_bytes_max`](Self::thread_cache_bytes_max) until it ends. So idle memory is
    /// gone with the third call after its last use at the latest, but for the caches of threads that
    /// no longer use the pool. Locks; so does the next use of each thread after the call.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = seg_pool::Pool::new();
    /// drop(pool.take(16_384));
    /// assert_eq!(pool.trim_idle(), 0); // used since the pool was made
    /// assert_eq!(pool.trim_idle(), 65_536); // idle since the call before
    /// ```
    pub fn trim_idle(&self) -> usize {
        thread::flush(&self.arena);
        self.arena.trim_idle()
    }

    /// Returns what the pool holds and how much of it is in use. Locks; not for hot paths.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.arena.stats()
    }

    /// Returns who holds the pool's segments: where each was taken, how long ago, and how much of
    /// it is still viewed. Locks, and allocates a list; with the feature `report`, which makes each
    /// take and drop a few tens of nanoseconds slower.
    #[cfg(feature = "report")]
    #[must_use]
    pub fn report(&self) -> Report {
        let now = std::time::Instant::now();
        let mut segments = Vec::new();
        self.arena.for_each_header(|size, header| {
            let record = header.track.take_record();
            segments.extend(record.map(|record| HeldSegment::new(size, record, now)));
        });
        Report::new(segments)
    }

    /// Returns whether both are handles to one pool.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        core::ptr::eq::<Arena>(&*self.arena, &*other.arena)
    }
}

#[cold]
fn refuse(error: TakeError) -> ! {
    match error {
        TakeError::Size(error) => panic!("{error}"),
        TakeError::OutOfMemory(error) => panic!("{error}"),
    }
}

impl Clone for Pool {
    fn clone(&self) -> Self {
        self.arena.add_pool();
        Self { arena: self.arena.clone(), account: self.account.clone(), plain: self.plain }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.arena.remove_pool() {
            thread::flush(&self.arena);
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stats = self.stats();
        f.debug_struct("Pool")
            .field("segment_size", &self.segment_size())
            .field("bytes_max", &self.bytes_max())
            .field("held_bytes", &stats.held_bytes())
            .field("in_use_bytes", &stats.in_use_bytes())
            .finish()
    }
}

impl PoolBuilder {
    /// Creates the pool. Takes no payload memory yet.
    #[must_use]
    pub fn build(self) -> Pool {
        let settings = self.settings;
        Pool { arena: Arena::allocate(settings), account: None, plain: !settings.zero_on_drop }
    }
}
