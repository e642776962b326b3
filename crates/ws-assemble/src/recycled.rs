//! What would make every connection and message large, in boxes that are used again.

use core::{
    mem,
    ops::{Deref, DerefMut},
};
use std::sync::{Mutex, PoisonError};

use seg_seq::Flatten;

/// What is worth a box of its own, of which some are kept for the next ones, on whatever thread.
pub(crate) trait Recyclable: Default + 'static {
    /// Returns the spare boxes.
    fn spare() -> &'static Spare<Self>;
}

/// Boxes whose contents are gone.
pub(crate) struct Spare<T>(Mutex<Vec<Box<T>>>);

/// Spare boxes of a kind that are kept: 64 KiB of them.
const SPARE_MAX: usize = 256;

impl<T> Spare<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn take(&self) -> Option<Box<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give(&self, item: Box<T>) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_MAX {
            spare.push(item);
        }
    }
}

/// A box that is used again.
///
/// Most messages lie in one segment and most connections are between messages. Both would be moved
/// around or kept with room for a list of chunks that they do not need: a message without one is 48
/// bytes long, with one it would be 250.
#[derive(Debug)]
pub(crate) struct Recycled<T: Recyclable>(Option<Box<T>>);

impl<T: Recyclable> Recycled<T> {
    /// Locks for a moment; allocates when no box is spare.
    pub(crate) fn new(item: T) -> Self {
        let Some(mut spare) = T::spare().take() else { return Self(Some(Box::new(item))) };
        *spare = item;
        Self(Some(spare))
    }

    /// Takes the contents out; the box is spare from now on.
    pub(crate) fn into_inner(mut self) -> T {
        self.0.take().map(give).unwrap_or_default()
    }
}

/// Empties a box, outside the lock, and keeps it.
fn give<T: Recyclable>(mut item: Box<T>) -> T {
    let inner = mem::take(&mut *item);
    T::spare().give(item);
    inner
}

impl<T: Recyclable> Deref for Recycled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(item) => item,
            None => unreachable!("taken only by value"),
        }
    }
}

impl<T: Recyclable> DerefMut for Recycled<T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Some(item) => item,
            None => unreachable!("taken only by value"),
        }
    }
}

impl<T: Recyclable + Clone> Clone for Recycled<T> {
    fn clone(&self) -> Self {
        Self::new(T::clone(self))
    }
}

impl<T: Recyclable> Drop for Recycled<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(item) = self.0.take() {
            drop(give(item));
        }
    }
}

/// The lists of messages that lie in several chunks.
impl Recyclable for Flatten {
    fn spare() -> &'static Spare<Self> {
        static SPARE: Spare<Flatten> = Spare::new();
        &SPARE
    }
}
