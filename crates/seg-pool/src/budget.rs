//! A share of a pool for one connection or one tenant.

use core::{
    fmt,
    task::{Context, Poll},
};

use crate::{
    limit::error::{Cause, OutOfMemory},
    limit::wait_queue::{Cancelled, WaitQueue},
    pool::Pool,
    sync::{Arc, AtomicUsize, Mutex, MutexGuard, Ordering},
};

/// A hard cap on what one connection or tenant takes from a pool, and the account of it.
///
/// [`pool`](Self::pool) is a handle like any other that code can be given: every segment taken
/// through it counts against the budget with its whole size, until its last view is dropped. A
/// budget of a budget's pool counts against both: connections within a tenant.
///
/// Taking and giving back cost a few atomic operations more than without a budget. Cloning gives
/// another handle to the same budget.
///
/// # Examples
///
/// ```
/// use seg_pool::{Budget, Cause, Pool, SegmentSize};
///
/// # fn main() -> Result<(), seg_pool::TakeError> {
/// let pool = Pool::builder().bytes_max(64 << 20).build();
/// let tenant = Budget::new(&pool, 1 << 20);
/// let connection = Budget::new(tenant.pool(), 32 << 10);
///
/// let one = connection.pool().try_take(16_384)?;
/// let two = connection.pool().try_take(16_384)?;
/// let refused = connection.pool().try_take_size(SegmentSize::K16).unwrap_err();
/// assert_eq!(refused.cause(), Cause::Budget);
/// drop(one);
/// assert_eq!((connection.used_bytes(), tenant.used_bytes()), (16_384, 16_384));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Budget {
    account: Arc<Account>,
    pool: Pool,
}

impl Budget {
    /// Creates a budget of at most `bytes_max` from `pool`. The sum of all budgets may be above
    /// what the pool has: a budget caps, it does not reserve.
    #[must_use]
    pub fn new(pool: &Pool, bytes_max: usize) -> Self {
        let account = Arc::new(Account {
            used: AtomicUsize::new(0),
            used_peak: AtomicUsize::new(0),
            bytes_max,
            parent: pool.account().cloned(),
            waiting: AtomicUsize::new(0),
            waiters: Mutex::new(Waiters { queue: WaitQueue::new(), next_ticket: 0 }),
        });
        Self { pool: pool.with_account(Arc::clone(&account)), account }
    }

    /// Returns the handle that takes on this budget's account.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns the size of all segments that are in use on this account, in bytes.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.account.used.load(Ordering::Relaxed)
    }

    /// Returns the highest value that [`used_bytes`](Self::used_bytes) has had.
    #[must_use]
    pub fn used_bytes_peak(&self) -> usize {
        self.account.used_peak.load(Ordering::Relaxed)
    }

    /// Returns the cap in bytes.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.account.bytes_max
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("used_bytes", &self.used_bytes())
            .field("bytes_max", &self.bytes_max())
            .finish_non_exhaustive()
    }
}

/// The state of a budget, which its segments keep alive.
///
/// `used` is never above `bytes_max`: it grows only by a compare-and-exchange that checks it.
pub(crate) struct Account {
    used: AtomicUsize,
    used_peak: AtomicUsize,
    bytes_max: usize,
    parent: Option<Arc<Self>>,
    /// Waiters in the queue, so that nobody locks for none.
    waiting: AtomicUsize,
    waiters: Mutex<Waiters>,
}

struct Waiters {
    queue: WaitQueue<usize, ()>,
    next_ticket: u64,
}

impl Account {
    pub(crate) fn parent(&self) -> Option<&Self> {
        self.parent.as_deref()
    }

    /// Charges this account and its parents, or none of them.
    pub(crate) fn charge_all(&self, bytes: usize) -> Result<(), OutOfMemory> {
        // Who waits came first. Who only looked whether it has to wait is not in the queue.
        let somebody_waits =
            self.waiting.load(Ordering::Relaxed) > 0 && !self.lock().queue.is_empty();
        if somebody_waits || !self.charge(bytes) {
            return Err(self.refusal(bytes));
        }
        if let Some(parent) = &self.parent {
            parent.charge_all(bytes).inspect_err(|_| self.uncharge(bytes))?;
        }
        Ok(())
    }

    /// Takes a charge back from this account and its parents.
    pub(crate) fn uncharge_all(&self, bytes: usize) {
        self.lower_all(bytes);
        self.grant_all();
    }

    /// Lowers this account and its parents; [`grant_all`](Self::grant_all) has to follow.
    ///
    /// Apart from it, so that a waker that panics does so when all is accounted for.
    pub(crate) fn lower_all(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
        if let Some(parent) = &self.parent {
            parent.lower_all(bytes);
        }
    }

    /// Wakes who fits into this account and its parents now.
    pub(crate) fn grant_all(&self) {
        self.grant();
        if let Some(parent) = &self.parent {
            parent.grant_all();
        }
    }

    /// Charges this account alone, waiting for its turn under `ticket`.
    pub(crate) fn poll_charge(
        &self,
        bytes: usize,
        ticket: &mut Option<u64>,
        context: &Context<'_>,
    ) -> Poll<Result<(), OutOfMemory>> {
        if bytes > self.bytes_max {
            return Poll::Ready(Err(self.refusal(bytes)));
        }
        // Wakers are other people's code: cloned and dropped outside the lock only.
        let mut waker = context.waker().clone();
        let mut waiters = self.lock();
        if let Some(waiting) = *ticket {
            let granted = waiters.queue.collect(waiting, &mut waker);
            drop(waiters);
            return match granted {
                Some(()) => {
                    *ticket = None;
                    Poll::Ready(Ok(()))
                }
                None => Poll::Pending,
            };
        }
        self.announce();
        if waiters.queue.is_empty() && self.charge(bytes) {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Poll::Ready(Ok(()));
        }
        let mine = waiters.next_ticket;
        waiters.next_ticket += 1;
        waiters.queue.push(mine, bytes, waker);
        *ticket = Some(mine);
        Poll::Pending
    }

    /// Gives up waiting under `ticket`, and the charge if it was granted already.
    pub(crate) fn cancel(&self, ticket: u64, bytes: usize) {
        let cancelled = self.lock().queue.cancel(ticket);
        match cancelled {
            Cancelled::Granted(()) => self.uncharge(bytes),
            Cancelled::Nothing => {}
            Cancelled::Waiting(_waker) => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                // The next one may want less.
                self.grant();
            }
        }
    }

    /// Lowers this account alone and wakes who fits now.
    pub(crate) fn uncharge(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
        self.grant();
    }

    /// Makes a waiter known to everybody who lowers the account from now on.
    ///
    /// The write that changes nothing takes its place among the changes of `used`: those before it
    /// are seen by the look at the account that follows, and those after it see the announcement,
    /// as each change acquires what the ones before released.
    fn announce(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.used.fetch_add(0, Ordering::AcqRel);
    }

    fn grant(&self) {
        while self.waiting.load(Ordering::Relaxed) > 0 {
            let mut waiters = self.lock();
            let Some((_, bytes)) = waiters.queue.first() else { return };
            if !self.charge(bytes) {
                return;
            }
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            let waker = waiters.queue.grant_first(());
            drop(waiters);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn charge(&self, bytes: usize) -> bool {
        let mut used = self.used.load(Ordering::Relaxed);
        loop {
            let Some(sum) = used.checked_add(bytes).filter(|&sum| sum <= self.bytes_max) else {
                return false;
            };
            match self.used.compare_exchange_weak(used, sum, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => {
                    if self.used_peak.load(Ordering::Relaxed) < sum {
                        self.used_peak.fetch_max(sum, Ordering::Relaxed);
                    }
                    return true;
                }
                Err(current) => used = current,
            }
        }
    }

    fn refusal(&self, bytes: usize) -> OutOfMemory {
        OutOfMemory {
            requested: bytes,
            available: self.bytes_max - self.used.load(Ordering::Relaxed).min(self.bytes_max),
            limit: self.bytes_max,
            cause: Cause::Budget,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiters> {
        // Nothing panics while it holds the lock, so the state behind a poisoned one is whole.
        self.waiters.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
