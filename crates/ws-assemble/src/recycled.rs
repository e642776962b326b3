//! What would make every connection and message large, in boxes that are used again.

use core::cell::Cell;
use std::{
    sync::{Mutex, PoisonError},
    thread::LocalKey,
};

use seg_seq::Flatten;

/// What is worth a box of its own, of which some are kept for the next ones, on whatever thread.
pub(crate) trait Recyclable: Default + 'static {
    /// Returns where spare boxes are.
    fn spare() -> Spare<Self>;

    /// Drops the contents, in place.
    fn clear(&mut self);
}

/// Where boxes are whose contents are gone.
pub(crate) struct Spare<T: 'static> {
    /// The one that this thread gave back last: no lock, and it is still in the cache.
    pub(crate) near: &'static LocalKey<Cell<Option<Box<T>>>>,
    pub(crate) far: &'static Far<T>,
}

/// Boxes of all threads.
pub(crate) struct Far<T>(Mutex<Vec<Box<T>>>);

/// Spare boxes of a kind that are kept for all threads: 64 KiB of them.
const SPARE_MAX: usize = 256;

impl<T> Far<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn take(&self) -> Option<Box<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give(&self, item: Box<T>) {
        let mut boxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if boxes.len() < SPARE_MAX {
            boxes.push(item);
        }
    }
}

impl<T> Spare<T> {
    fn take(&self) -> Option<Box<T>> {
        let near = self.near.try_with(Cell::take).ok().flatten();
        near.or_else(|| self.far.take())
    }

    fn give(&self, item: Box<T>) {
        let before = self.near.try_with(|near| near.replace(Some(item))).ok().flatten();
        if let Some(before) = before {
            self.far.give(before);
        }
    }
}

/// A box that is used again, or none.
///
/// Most messages lie in one segment and most connections are between messages. Both would be moved
/// around or kept with room for a list of chunks that they do not need: a message without one is 40
/// bytes long, with one it would be 250.
#[derive(Debug)]
pub(crate) struct Recycled<T: Recyclable>(Option<Box<T>>);

impl<T: Recyclable> Recycled<T> {
    /// No box.
    pub(crate) const NONE: Self = Self(None);

    #[inline]
    pub(crate) const fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Returns what is in the box, if there is one.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }

    /// Returns what is in the box, if there is one.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }

    /// Returns what is in the box: nothing but the default when there was none. Allocates when no
    /// box is spare.
    pub(crate) fn get_or_take(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| T::spare().take().unwrap_or_default())
    }

    /// Gives the box back.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if let Some(mut item) = self.0.take() {
            // Outside any lock: segments that go back to a budget may wake somebody.
            item.clear();
            T::spare().give(item);
        }
    }
}

impl<T: Recyclable> Default for Recycled<T> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<T: Recyclable + Clone> Clone for Recycled<T> {
    fn clone(&self) -> Self {
        let mut clone = Self::NONE;
        if let Some(item) = self.get() {
            clone.get_or_take().clone_from(item);
        }
        clone
    }
}

impl<T: Recyclable> Drop for Recycled<T> {
    #[inline]
    fn drop(&mut self) {
        self.clear();
    }
}

/// The lists of messages that lie in several chunks.
impl Recyclable for Flatten {
    fn spare() -> Spare<Self> {
        thread_local! {
            static NEAR: Cell<Option<Box<Flatten>>> = const { Cell::new(None) };
        }
        static FAR: Far<Flatten> = Far::new();
        Spare { near: &NEAR, far: &FAR }
    }

    fn clear(&mut self) {
        Self::clear(self);
    }
}
