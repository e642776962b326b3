//! The lock on what a pool shares.

use core::ops::{Deref, DerefMut};
use std::sync::PoisonError;

use crate::{
    shared::arena::Arena,
    shared::central::Central,
    sync::{MutexGuard, Ordering},
};

/// The lock on a pool's central state; counts the slabs that came and went when it is released.
pub(super) struct ArenaGuard<'a> {
    arena: &'a Arena,
    central: MutexGuard<'a, Central>,
}

impl<'a> ArenaGuard<'a> {
    pub(super) fn new(arena: &'a Arena) -> Self {
        // Nothing panics while it holds the lock, so the state under a poisoned lock is whole.
        let central = arena.central.lock().unwrap_or_else(PoisonError::into_inner);
        Self { arena, central }
    }
}

impl Deref for ArenaGuard<'_> {
    type Target = Central;

    fn deref(&self) -> &Central {
        &self.central
    }
}

impl DerefMut for ArenaGuard<'_> {
    fn deref_mut(&mut self) -> &mut Central {
        &mut self.central
    }
}

impl Drop for ArenaGuard<'_> {
    fn drop(&mut self) {
        let gained = self.central.slabs_gained();
        // Whoever locks holds an `ArenaRef`, so this is never the last reference (A1).
        match gained.cmp(&0) {
            core::cmp::Ordering::Less => {
                self.arena.refs.fetch_sub(gained.unsigned_abs(), Ordering::Release);
            }
            core::cmp::Ordering::Equal => {}
            core::cmp::Ordering::Greater => {
                self.arena.refs.fetch_add(gained.unsigned_abs(), Ordering::Relaxed);
            }
        }
    }
}
