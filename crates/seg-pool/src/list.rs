//! A list whose items hold the links, so that it never allocates.

use core::ptr::{self, NonNull};

use crate::sync::Cell;

/// An item's place in a [`List`].
pub(crate) struct Links<T> {
    previous: Cell<*const T>,
    next: Cell<*const T>,
}

impl<T> Links<T> {
    pub(crate) fn new() -> Self {
        Self { previous: Cell::new(ptr::null()), next: Cell::new(ptr::null()) }
    }
}

/// What can be an item of a [`List`].
pub(crate) trait Linked: Sized {
    fn links(&self) -> &Links<Self>;
}

/// Items linked through themselves, the last one put in first.
///
/// # Invariants
///
/// - **N1** every item in the list is alive, does not move, and is in this list alone.
pub(crate) struct List<T> {
    first: *const T,
}

impl<T: Linked> List<T> {
    pub(crate) const fn new() -> Self {
        Self { first: ptr::null() }
    }

    /// Returns the item that was put in last, alive for as long as it is in the list (N1).
    pub(crate) const fn first(&self) -> Option<NonNull<T>> {
        NonNull::new(self.first.cast_mut())
    }

    pub(crate) fn push(&mut self, item: &T) {
        item.links().previous.set(ptr::null());
        item.links().next.set(self.first);
        // SAFETY: the pointer is null or a live item's (N1).
        if let Some(first) = unsafe { self.first.as_ref() } {
            first.links().previous.set(item);
        }
        self.first = item;
    }

    pub(crate) fn unlink(&mut self, item: &T) {
        let (previous, next) = (item.links().previous.get(), item.links().next.get());
        // SAFETY: the pointer is null or a live item's (N1).
        match unsafe { previous.as_ref() } {
            Some(previous) => previous.links().next.set(next),
            None => self.first = next,
        }
        // SAFETY: as above.
        if let Some(next) = unsafe { next.as_ref() } {
            next.links().previous.set(previous);
        }
    }
}
