//! Lists of chunks outside the messages that have them.

use core::{mem, ops::Deref};
use std::sync::{Mutex, PoisonError};

use seg_seq::{Flatten, Sequence};

/// Spare boxes that are kept: 64 KiB of them.
const SPARE_MAX: usize = 256;

/// Boxes of messages that are gone, for the next ones, on whatever thread.
#[expect(clippy::vec_box, reason = "the boxes are what is kept")]
static SPARE: Mutex<Vec<Box<Flatten>>> = Mutex::new(Vec::new());

/// A list of chunks in a box that is used again.
///
/// Most messages lie in one segment. They would be moved around with room for a list that they do
/// not need: a message that has none is 48 bytes long, with one it would be 250.
#[derive(Debug)]
pub(crate) struct Recycled(Option<Box<Flatten>>);

impl Recycled {
    pub(crate) fn new(sequence: Sequence) -> Self {
        Self::of(Flatten::new(sequence))
    }

    /// Locks for a moment; allocates when no box is spare.
    fn of(list: Flatten) -> Self {
        let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(mut spare) = spare else { return Self(Some(Box::new(list))) };
        *spare = list;
        Self(Some(spare))
    }

    /// Takes the list out; the box is spare from now on.
    pub(crate) fn into_inner(mut self) -> Flatten {
        self.0.take().map(give).unwrap_or_default()
    }
}

/// Empties a box, outside the lock, and keeps it.
fn give(mut list: Box<Flatten>) -> Flatten {
    let inner = mem::take(&mut *list);
    let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    if spare.len() < SPARE_MAX {
        spare.push(list);
    }
    inner
}

impl Deref for Recycled {
    type Target = Flatten;

    fn deref(&self) -> &Flatten {
        match &self.0 {
            Some(list) => list,
            None => unreachable!("taken only by value"),
        }
    }
}

impl Clone for Recycled {
    fn clone(&self) -> Self {
        Self::of(Flatten::clone(self))
    }
}

impl Drop for Recycled {
    #[inline]
    fn drop(&mut self) {
        if let Some(list) = self.0.take() {
            drop(give(list));
        }
    }
}
