//! The memory of a decoder: bounded, and used again for the next stream.

use core::mem::size_of;
use std::sync::{Arc, Mutex, PoisonError};

use brotli_decompressor::{Allocator, SliceWrapper, SliceWrapperMut};

/// Returned cells that are kept for later: more than a decoder uses of one kind at a time.
const KEPT_CELLS: usize = 8;

/// An allocator of cells of one type. Clones share what was given back.
#[derive(Debug)]
pub(super) struct Memory<T> {
    kept: Arc<Mutex<Vec<Vec<T>>>>,
    /// The largest cell.
    bytes_max: usize,
}

impl<T> Memory<T> {
    /// Creates an allocator of cells up to so many bytes. Allocates room for the list of those that
    /// are given back.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { kept: Arc::new(Mutex::new(Vec::with_capacity(KEPT_CELLS))), bytes_max }
    }

    fn with_kept<R>(&self, use_it: impl FnOnce(&mut Vec<Vec<T>>) -> R) -> R {
        // What lies in the list is right after a panic as well.
        use_it(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Clone for Memory<T> {
    fn clone(&self) -> Self {
        Self { kept: Arc::clone(&self.kept), bytes_max: self.bytes_max }
    }
}

impl<T: Clone + Default> Allocator<T> for Memory<T> {
    type AllocatedMemory = Cell<T>;

    /// Returns a cell of default values; an empty one, which the decoder takes for a failure, when
    /// it would be too large.
    fn alloc_cell(&mut self, len: usize) -> Cell<T> {
        if len.saturating_mul(size_of::<T>()) > self.bytes_max {
            return Cell::default();
        }
        let fits = |cell: &Vec<T>| cell.capacity() >= len;
        let kept = self.with_kept(|kept| {
            let smallest = (0..kept.len())
                .filter(|&index| fits(&kept[index]))
                .min_by_key(|&index| kept[index].capacity());
            smallest.map(|index| kept.swap_remove(index))
        });
        let mut cell = kept.unwrap_or_default();
        cell.clear();
        cell.resize(len, T::default());
        Cell(cell)
    }

    fn free_cell(&mut self, cell: Cell<T>) {
        if cell.0.capacity() == 0 {
            return;
        }
        self.with_kept(|kept| {
            if kept.len() < KEPT_CELLS {
                kept.push(cell.0);
            } else if let Some(smallest) = kept.iter_mut().min_by_key(|kept| kept.capacity())
                && smallest.capacity() < cell.0.capacity()
            {
                *smallest = cell.0;
            }
        });
    }
}

/// Memory of the decoder.
#[derive(Debug)]
pub(super) struct Cell<T>(Vec<T>);

impl<T> Default for Cell<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> SliceWrapper<T> for Cell<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> SliceWrapperMut<T> for Cell<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_used_again_for_the_smallest_that_fits_and_starts_anew() {
        let mut memory = Memory::<u32>::new(1 << 10);
        let mut cells = [100, 200, 50].map(|len| memory.alloc_cell(len));
        cells[1].slice_mut().fill(7);
        let middle = cells[0].slice().as_ptr();
        cells.into_iter().for_each(|cell| memory.clone().free_cell(cell));
        let again = memory.alloc_cell(60);
        assert_eq!((again.slice().as_ptr(), again.slice()), (middle, &[0; 60][..]));
        assert_eq!(memory.alloc_cell(200).slice(), [0; 200]);
    }

    #[test]
    fn a_cell_above_the_limit_is_empty() {
        let mut memory = Memory::<u32>::new(1 << 10);
        assert_eq!(memory.alloc_cell(256).slice().len(), 256);
        assert!(memory.alloc_cell(257).slice().is_empty());
        assert!(memory.alloc_cell(usize::MAX).slice().is_empty());
    }
}
