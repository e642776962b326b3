//! What is charged to one budget, and who waits for it.

use core::task::{Context, Poll};

use crate::{
    limit::out_of_memory::{Cause, OutOfMemory},
    limit::wait_queue::{CancelOutcome, WaitQueue},
    sync::{Arc, AtomicUsize, Mutex, MutexGuard, Ordering},
};

/// The state of a budget, which its segments keep alive.
///
/// `used` is never above `bytes_max`: it grows only by a compare-and-exchange that checks it. It
/// knows nothing of the pool, so that a segment's header can name one.
pub(crate) struct Account {
    label: Box<str>,
    used: AtomicUsize,
    used_peak: AtomicUsize,
    refused: AtomicUsize,
    bytes_max: usize,
    parent: Option<Arc<Self>>,
    /// Waiters in the queue: while there are none, nobody locks to look.
    waiting: AtomicUsize,
    waiters: Mutex<Waiters>,
}

struct Waiters {
    queue: WaitQueue<usize, ()>,
    next_ticket: u64,
}

impl Account {
    pub(crate) fn new(label: Box<str>, bytes_max: usize, parent: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self {
            label,
            used: AtomicUsize::new(0),
            used_peak: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            bytes_max,
            parent,
            waiting: AtomicUsize::new(0),
            waiters: Mutex::new(Waiters { queue: WaitQueue::new(), next_ticket: 0 }),
        })
    }

    pub(crate) const fn label(&self) -> &str {
        &self.label
    }

    /// Bytes that are charged now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The highest value that [`used`](Self::used) has had.
    pub(crate) fn used_peak(&self) -> usize {
        self.used_peak.load(Ordering::Relaxed)
    }

    pub(crate) const fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Takes that this account itself refused.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// Takes that waited for this account.
    pub(crate) fn waits(&self) -> u64 {
        // Each that waits takes the next ticket.
        self.lock().next_ticket
    }

    pub(crate) fn parent(&self) -> Option<&Self> {
        self.parent.as_deref()
    }

    /// Charges this account and its parents, or none of them.
    pub(crate) fn charge_all(&self, bytes: usize) -> Result<(), OutOfMemory> {
        // Who waits came first. Who only looked whether it has to wait is not in the queue.
        let somebody_waits =
            self.waiting.load(Ordering::Relaxed) > 0 && !self.lock().queue.is_empty();
        if somebody_waits || !self.charge(bytes) {
            return Err(self.refuse(bytes));
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
            return Poll::Ready(Err(self.refuse(bytes)));
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
            CancelOutcome::Granted(()) => self.uncharge(bytes),
            CancelOutcome::Nothing => {}
            CancelOutcome::Waiting(_waker) => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                // The next one may ask for less.
                self.grant();
            }
        }
    }

    /// Lowers this account alone and wakes who fits now.
    pub(crate) fn uncharge(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
        self.grant();
    }

    /// Announces a waiter to everybody who lowers the account from now on.
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

    /// Counts a refusal and says why.
    #[cold]
    fn refuse(&self, bytes: usize) -> OutOfMemory {
        self.refused.fetch_add(1, Ordering::Relaxed);
        OutOfMemory {
            requested: bytes,
            available: self.bytes_max - self.used.load(Ordering::Relaxed).min(self.bytes_max),
            limit: self.bytes_max,
            cause: Cause::Budget,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiters> {
        // Nothing panics while it holds the lock, so the state under a poisoned lock is whole.
        self.waiters.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
