//! The memory of a decoder: bounded, and given back when the decoder is dropped.

use core::mem::size_of;

use brotli_decompressor::{Allocator, SliceWrapper, SliceWrapperMut};

/// An allocator of cells of one type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    /// The largest cell.
    pub(super) bytes_max: usize,
}

impl<T: Clone + Default> Allocator<T> for Memory {
    type AllocatedMemory = Cell<T>;

    /// Returns a cell of default values; an empty one, which the decoder takes for a failure, when
    /// it would be too large.
    fn alloc_cell(&mut self, len: usize) -> Cell<T> {
        let is_allowed = len.saturating_mul(size_of::<T>()) <= self.bytes_max;
        Cell(vec![T::default(); if is_allowed { len } else { 0 }])
    }

    fn free_cell(&mut self, _: Cell<T>) {}
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
    fn a_cell_above_the_limit_is_empty() {
        let mut memory = Memory { bytes_max: 1 << 10 };
        let mut len = |len| {
            let cell: Cell<u32> = memory.alloc_cell(len);
            cell.slice().len()
        };
        assert_eq!((len(256), len(257), len(usize::MAX)), (256, 0, 0));
    }
}
