//! The one door to what threads share: `std` in production, `loom` under `--cfg seg_loom`.

#[cfg(seg_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
use std::sync::PoisonError;
#[cfg(not(seg_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Locks, whether or not another holder panicked: each leaves behind what is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
