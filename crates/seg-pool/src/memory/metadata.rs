//! Pages for the metadata of slabs.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{alloc::Layout, ptr::NonNull};

use crate::{
    memory::list::{Links, List, ListNode},
    memory::pages,
    size::SLAB_BYTES,
    sync::Cell,
};

/// 64 KiB of pages cut into cells of one size, each for the metadata of one slab.
///
/// Not from the global allocator, which keeps small blocks for itself when they are freed: then a
/// pool that is trimmed would not shrink.
///
/// # Invariants
///
/// - **G1** a block is the start of a live run of pages, and goes with its last cell.
/// - **G2** `free` chains the cells that were given back, `fresh` is the offset of those never used.
pub(crate) struct MetadataBlock {
    links: Links<Self>,
    cell: Layout,
    used: Cell<usize>,
    free: Cell<Option<NonNull<FreeCell>>>,
    fresh: Cell<usize>,
}

struct FreeCell {
    next: Option<NonNull<Self>>,
}

impl ListNode for MetadataBlock {
    fn links(&self) -> &Links<Self> {
        &self.links
    }
}

impl MetadataBlock {
    fn allocate(cell: Layout) -> Option<NonNull<Self>> {
        let block = pages::allocate()?.cast::<Self>();
        let fresh = size_of::<Self>().next_multiple_of(cell.align());
        let value = Self {
            links: Links::new(),
            cell,
            used: Cell::new(0),
            free: Cell::new(None),
            fresh: Cell::new(fresh),
        };
        // SAFETY: pages are aligned for anything and longer than a block.
        unsafe { block.write(value) };
        Some(block)
    }

    fn is_full(&self) -> bool {
        self.free.get().is_none() && self.fresh.get() + self.cell.size() > SLAB_BYTES
    }

    /// Takes a cell of the block at `this`, which must have one.
    fn take(&self, this: NonNull<Self>) -> NonNull<u8> {
        self.used.set(self.used.get() + 1);
        if let Some(free) = self.free.get() {
            // SAFETY: a cell that was given back holds its link (G2).
            self.free.set(unsafe { free.as_ref() }.next);
            return free.cast();
        }
        let offset = self.fresh.get();
        self.fresh.set(offset + self.cell.size());
        debug_assert!(self.fresh.get() <= SLAB_BYTES, "a block that is not full has a cell");
        // SAFETY: the cell lies within the block's pages (G1, G2).
        unsafe { this.cast::<u8>().add(offset) }
    }
}

/// The blocks for one size of cells; those that have a cell left are in the list.
pub(crate) struct MetadataBlocks {
    list: List<MetadataBlock>,
    /// Blocks in all, the full ones too.
    count: usize,
}

impl MetadataBlocks {
    pub(crate) const fn new() -> Self {
        Self { list: List::new(), count: 0 }
    }

    /// Bytes of all blocks.
    pub(crate) const fn bytes(&self) -> usize {
        self.count * SLAB_BYTES
    }

    /// Takes a cell, uninitialised, and the block that it is of. `None` when the system has no
    /// memory.
    ///
    /// `cell` is the same in every call, its size a multiple of its alignment.
    pub(crate) fn take(&mut self, cell: Layout) -> Option<(NonNull<u8>, NonNull<MetadataBlock>)> {
        let block = match self.list.first() {
            Some(block) => block,
            None => {
                let block = MetadataBlock::allocate(cell)?;
                self.count += 1;
                // SAFETY: allocated above, alive until its last cell goes (G1), and in no list.
                unsafe { self.list.push(block) };
                block
            }
        };
        // SAFETY: a list's blocks are alive (N1).
        let shared = unsafe { block.as_ref() };
        let taken = shared.take(block);
        if shared.is_full() {
            self.list.unlink(shared);
        }
        Some((taken, block))
    }

    /// Gives a cell back, and its block to the system when it was the last one.
    ///
    /// # Safety
    ///
    /// `cell` and `block` came together from [`take`](Self::take), and `cell` is not used again.
    pub(crate) unsafe fn put(&mut self, cell: NonNull<u8>, block: NonNull<MetadataBlock>) {
        // SAFETY: a block is alive while one of its cells is taken (G1).
        let shared = unsafe { block.as_ref() };
        if shared.is_full() {
            // SAFETY: alive (G1), and a full block is in no list.
            unsafe { self.list.push(block) };
        }
        shared.used.set(shared.used.get() - 1);
        if shared.used.get() == 0 {
            self.list.unlink(shared);
            self.count -= 1;
            // SAFETY: no cell is in use, and the block is in no list (G1).
            return unsafe { pages::free(block.cast()) };
        }
        let free = cell.cast::<FreeCell>();
        // SAFETY: the caller gives the cell up; it is longer than a link and aligned for one.
        unsafe { free.write(FreeCell { next: shared.free.get() }) };
        shared.free.set(Some(free));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_do_not_overlap_and_the_last_one_frees_its_ledger() {
        let layout = Layout::from_size_align(320, 64).expect("a layout");
        let mut blocks = MetadataBlocks::new();
        let count = 3 * SLAB_BYTES / 320;
        let mut cells: Vec<_> = (0..count).map(|_| blocks.take(layout).expect("memory")).collect();
        assert!((4..=5).contains(&(blocks.bytes() / SLAB_BYTES)));
        let mut addresses: Vec<_> = cells.iter().map(|(cell, _)| cell.addr().get()).collect();
        addresses.sort_unstable();
        assert!(addresses.windows(2).all(|pair| pair[1] - pair[0] >= 320));
        assert!(addresses.iter().all(|address| address % 64 == 0));

        let (kept, of) = cells.swap_remove(count / 2);
        for (cell, block) in cells.drain(..) {
            // SAFETY: taken above and not used.
            unsafe { blocks.put(cell, block) };
        }
        // What was given back is used before new pages are.
        let (again, same) = blocks.take(layout).expect("memory");
        assert!(same == of && again != kept);
        for cell in [kept, again] {
            // SAFETY: taken above and not used.
            unsafe { blocks.put(cell, of) };
        }
        assert!(blocks.list.first().is_none());
        assert_eq!(blocks.bytes(), 0);
    }
}
