//! A list whose items hold the links, so that it never allocates.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::ptr::NonNull;

use crate::sync::Cell;

/// An item's place in a [`List`].
pub(crate) struct Links<T> {
    previous: Cell<Option<NonNull<T>>>,
    next: Cell<Option<NonNull<T>>>,
}

impl<T> Links<T> {
    pub(crate) fn new() -> Self {
        Self { previous: Cell::new(None), next: Cell::new(None) }
    }
}

/// What can be an item of a [`List`].
pub(crate) trait ListNode: Sized {
    fn links(&self) -> &Links<Self>;
}

/// Items linked through themselves, the last one put in first.
///
/// It keeps the pointers that it is given, not ones made from references: an item may be freed
/// through what [`first`](Self::first) returns.
///
/// # Invariants
///
/// - **N1** every item in the list is alive, does not move, and is in this list alone.
pub(crate) struct List<T> {
    first: Option<NonNull<T>>,
}

impl<T: ListNode> List<T> {
    pub(crate) const fn new() -> Self {
        Self { first: None }
    }

    /// Returns the item that was put in last, alive for as long as it is in the list (N1).
    pub(crate) const fn first(&self) -> Option<NonNull<T>> {
        self.first
    }

    /// Puts an item in.
    ///
    /// # Safety
    ///
    /// `item` is alive until it is unlinked, and in no list.
    pub(crate) unsafe fn push(&mut self, item: NonNull<T>) {
        // SAFETY: the caller says that it is alive.
        let links = unsafe { item.as_ref() }.links();
        links.previous.set(None);
        links.next.set(self.first);
        if let Some(first) = self.first {
            // SAFETY: an item of the list is alive (N1).
            unsafe { first.as_ref() }.links().previous.set(Some(item));
        }
        self.first = Some(item);
    }

    /// Takes an item out, which must be in this list.
    pub(crate) fn unlink(&mut self, item: &T) {
        let (previous, next) = (item.links().previous.get(), item.links().next.get());
        match previous {
            // SAFETY: an item of the list is alive (N1).
            Some(previous) => unsafe { previous.as_ref() }.links().next.set(next),
            None => self.first = next,
        }
        if let Some(next) = next {
            // SAFETY: as above.
            unsafe { next.as_ref() }.links().previous.set(previous);
        }
    }
}
