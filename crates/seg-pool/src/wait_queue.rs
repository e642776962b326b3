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

    pub(crate) fn push(&mut self, ticket: u64, wanted: W, waker: Waker) {
        self.waiting.insert(ticket, (wanted, waker));
    }

    /// Returns the ticket that is next and what it waits for.
    pub(crate) fn first(&self) -> Option<(u64, W)> {
        self.waiting.first_key_value().map(|(&ticket, &(wanted, _))| (ticket, wanted))
    }

    /// Grants the first waiter its wish; the caller wakes it, outside the lock.
    pub(crate) fn grant_first(&mut self, grant: G) -> Option<Waker> {
        let (ticket, (_, waker)) = self.waiting.pop_first()?;
        self.granted.insert(ticket, grant);
        Some(waker)
    }

    /// Takes what `ticket` was granted, or remembers whom to wake when it is.
    pub(crate) fn collect(&mut self, ticket: u64, waker: Waker) -> Collected<G> {
        match self.waiting.get_mut(&ticket) {
            Some((_, known)) => Collected::Waiting(Some(core::mem::replace(known, waker))),
            None => self.granted(ticket),
        }
    }

    /// Forgets `ticket`.
    pub(crate) fn cancel(&mut self, ticket: u64) -> Collected<G> {
        match self.waiting.remove(&ticket) {
            Some((_, waker)) => Collected::Waiting(Some(waker)),
            None => self.granted(ticket),
        }
    }

    fn granted(&mut self, ticket: u64) -> Collected<G> {
        self.granted.remove(&ticket).map_or(Collected::Waiting(None), Collected::Granted)
    }
}

/// What a ticket is worth.
pub(crate) enum Collected<G> {
    /// What was granted, now the caller's.
    Granted(G),
    /// Nothing yet. The waker that is not needed any more is to be dropped outside the lock.
    Waiting(Option<Waker>),
}
