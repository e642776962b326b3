//! A fixed-size stack of idle segments, the unit that threads exchange.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::ptr::NonNull;

use crate::{memory::fallible_box, slab::header::Idle, sync::Cell};

/// The most segments that a magazine holds. Few in models, so that magazines run full and empty.
pub(crate) const MAGAZINE_LEN_MAX: usize = if cfg!(seg_loom) { 1 } else { 32 };

/// Slots for idle segments; whoever owns the magazine keeps count of the used ones.
// Lines of its own: magazines of two threads must not meet in one.
#[repr(align(128))]
pub(crate) struct Magazine {
    slots: [Cell<Option<Idle>>; MAGAZINE_LEN_MAX],
}

impl Magazine {
    /// Allocates an empty magazine of 256 B; `None` when there is no memory.
    pub(crate) fn allocate() -> Option<MagazineBox> {
        let slots = core::array::from_fn(|_| Cell::new(None));
        let magazine = Box::leak(fallible_box::allocate()?).write(Self { slots });
        Some(MagazineBox(NonNull::from(magazine)))
    }

    /// Removes the segment in slot `len - 1`; `None` when `len` is 0.
    #[inline]
    pub(crate) fn pop(&self, len: usize) -> Option<Idle> {
        // One check serves both ends: 0 wraps to an index that no slot has.
        self.slots.get(len.wrapping_sub(1))?.take()
    }

    /// Puts a segment into slot `len`.
    ///
    /// # Panics
    ///
    /// Panics when `len` is not below [`MAGAZINE_LEN_MAX`].
    #[inline]
    pub(crate) fn push(&self, len: usize, idle: Idle) {
        self.slots[len].set(Some(idle));
    }
}

/// An owned magazine, movable between threads and free of `Box`'s claim to be the only pointer.
///
/// # Invariants
///
/// - **M1** the pointer came from `Box::leak` and is freed only by `drop`.
/// - **M2** only the thread that owns this value touches the magazine.
pub(crate) struct MagazineBox(NonNull<Magazine>);

// SAFETY: a magazine holds idle segments, which belong to no thread, and moves as a whole (M2).
unsafe impl Send for MagazineBox {}

impl MagazineBox {
    /// Gives the magazine to a thread cache.
    pub(crate) fn into_ptr(self) -> NonNull<Magazine> {
        core::mem::ManuallyDrop::new(self).0
    }

    /// Takes a magazine back from a thread cache.
    ///
    /// # Safety
    ///
    /// `magazine` came from [`into_ptr`](Self::into_ptr), and is not used through the pointer again.
    pub(crate) const unsafe fn from_ptr(magazine: NonNull<Magazine>) -> Self {
        Self(magazine)
    }
}

impl core::ops::Deref for MagazineBox {
    type Target = Magazine;

    #[inline]
    fn deref(&self) -> &Magazine {
        // SAFETY: the magazine is alive until `drop` (M1).
        unsafe { self.0.as_ref() }
    }
}

impl Drop for MagazineBox {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `Box::leak`, and this is the only place that frees it (M1).
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
