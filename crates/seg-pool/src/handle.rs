//! One counted reference to a segment.

use core::{ops::Deref, ptr::NonNull};

use crate::{
    header::{Header, Idle},
    local,
    sync::Ordering,
};

/// One counted reference to a segment; the last one to be dropped gives the segment back.
///
/// # Invariants
///
/// - **H1** the header is alive while a handle exists, as no `Idle` of it does (see [`Idle`]).
/// - **H2** `refs` counts the handles.
pub(crate) struct Handle(NonNull<Header>);

// SAFETY: the count is atomic, and what gives back works on any thread.
unsafe impl Send for Handle {}
// SAFETY: as above; a shared handle shows the header's constant fields and atomics.
unsafe impl Sync for Handle {}

impl Handle {
    #[inline]
    pub(crate) const fn new(idle: Idle) -> Self {
        // `refs` of an idle segment is 1 (I3), which now counts this handle.
        Self(idle.into_header())
    }

    /// Returns whether this is the only handle. If so, what other handles did happened before.
    #[inline]
    pub(crate) fn is_unique(&self) -> bool {
        self.refs.load(Ordering::Acquire) == 1
    }

    #[inline]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    pub(crate) const fn as_ptr(&self) -> NonNull<Header> {
        self.0
    }

    #[cold]
    fn overflow() -> ! {
        // Counts this high can only come from leaked handles; going on would free too early.
        std::process::abort()
    }
}

impl Deref for Handle {
    type Target = Header;

    #[inline]
    fn deref(&self) -> &Header {
        // SAFETY: the header is alive while `self` is (H1), and is only ever shared.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for Handle {
    #[inline]
    fn clone(&self) -> Self {
        // Relaxed: the new handle is made from one that is here already.
        if self.refs.fetch_add(1, Ordering::Relaxed) > isize::MAX as usize {
            Self::overflow();
        }
        Self(self.0)
    }
}

impl Drop for Handle {
    #[inline]
    fn drop(&mut self) {
        // A single handle needs no atomic write: nobody is there to see the count.
        if !self.is_unique() {
            if self.refs.fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
            // Pairs with the releases of the other handles: what they did happened before the reuse.
            self.refs.load(Ordering::Acquire);
            self.refs.store(1, Ordering::Relaxed);
        }
        // SAFETY: this was the last handle, so the header is alive (I1) and has no other `Idle`
        // (I2), and the count is 1 (I3).
        local::give(unsafe { Idle::new(self.0) });
    }
}
