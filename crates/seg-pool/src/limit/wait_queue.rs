//! Who waits for something, in the order of their coming.

use core::task::Waker;
use std::collections::BTreeMap;

/// Waiters and what they were granted, by ticket: a lower ticket came earlier.
///
/// Used under its owner's lock. The tree's nodes are small, so no allocation grows with the queue.
pub(crate) struct WaitQueue<W, G> {
    waiting: BTreeMap<u64, (W, Waker)>,
    granted: BTreeMap<u64, G>,
}

impl<W: Copy, G> WaitQueue<W, G> {
    pub(crate) const fn new() -> Self {
        Self { waiting: BTreeMap::new(), granted: BTreeMap::new() }
    }

    /// Whether nobody waits; the granted do not.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn push(&mut self, ticket: u64, request: W, waker: Waker) {
        self.waiting.insert(ticket, (request, waker));
    }

    /// Returns the ticket that is next and what it waits for.
    pub(crate) fn first(&self) -> Option<(u64, W)> {
        self.waiting.first_key_value().map(|(&ticket, &(request, _))| (ticket, request))
    }

    /// Grants the first waiter its request; the caller wakes it, outside the lock.
    pub(crate) fn grant_first(&mut self, grant: G) -> Option<Waker> {
        let (ticket, (_, waker)) = self.waiting.pop_first()?;
        self.granted.insert(ticket, grant);
        Some(waker)
    }

    /// Takes what `ticket` was granted. While nothing is, keeps `waker` instead of the one that was
    /// kept before, which `waker` is then. Either is the caller's to drop, outside the lock.
    pub(crate) fn collect(&mut self, ticket: u64, waker: &mut Waker) -> Option<G> {
        if let Some((_, kept)) = self.waiting.get_mut(&ticket) {
            core::mem::swap(kept, waker);
            return None;
        }
        self.granted.remove(&ticket)
    }

    /// Forgets `ticket`.
    pub(crate) fn cancel(&mut self, ticket: u64) -> CancelOutcome<G> {
        match self.waiting.remove(&ticket) {
            Some((_, waker)) => CancelOutcome::Waiting(waker),
            None => {
                self.granted.remove(&ticket).map_or(CancelOutcome::Nothing, CancelOutcome::Granted)
            }
        }
    }
}

/// What a ticket that was given up was worth.
pub(crate) enum CancelOutcome<G> {
    Nothing,
    /// What was granted, now the caller's.
    Granted(G),
    /// A place in the queue. The waker is to be dropped outside the lock.
    Waiting(Waker),
}
