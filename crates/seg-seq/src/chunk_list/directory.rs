//! The blocks that follow the first one of a long list.

use seg_pool::{OutOfMemory, Pool, SegmentSize};

use super::Chunk;
use crate::block::{Block, try_take_small};

/// 64 KiB of list.
pub(super) type Leaf = Block<(), Chunk>;

/// Small under Miri, as directories are.
const LEAF_SIZE: SegmentSize = if cfg!(miri) { SegmentSize::B256 } else { SegmentSize::MAX };

/// Chunks in a leaf.
pub(super) const LEAF_LEN: usize = Leaf::len_max(LEAF_SIZE);

/// The sizes of a directory's block, after the smallest one.
const GROWN_SIZES: [SegmentSize; 2] = if cfg!(miri) {
    [SegmentSize::B512, SegmentSize::B512]
} else {
    [SegmentSize::K4, SegmentSize::MAX]
};

/// Leaves in order: those before the tail, which are full, but the first one at its front, and then
/// spare ones.
#[derive(Debug)]
pub(super) struct Directory {
    leaves: Block<Rest, Leaf>,
}

/// What a directory has beside its leaves.
#[derive(Debug)]
struct Rest {
    /// Leaves that are full, in `next` as well.
    used: usize,
    /// A directory of the largest size holds 8,000 leaves, which are 16 million chunks. More of them
    /// lie here.
    next: Option<Directory>,
}

impl Directory {
    pub(super) fn try_new(pool: &Pool) -> Result<Self, OutOfMemory> {
        Self::of_size(SegmentSize::MIN, pool)
    }

    fn of_size(size: SegmentSize, pool: &Pool) -> Result<Self, OutOfMemory> {
        let rest = Rest { used: 0, next: None };
        Ok(Self { leaves: Block::new(try_take_small(size, pool)?, rest) })
    }

    /// Returns how many leaves are full.
    #[inline]
    pub(super) const fn used(&self) -> usize {
        self.leaves.extra().used
    }

    /// Returns how many chunks the full leaves hold.
    pub(super) const fn chunk_count(&self) -> usize {
        match (self.used(), self.leaves.as_slice()) {
            (0, _) | (_, []) => 0,
            (used, [first, ..]) => first.as_slice().len() + (used - 1) * LEAF_LEN,
        }
    }

    /// Returns how many leaves there are.
    pub(super) fn len(&self) -> usize {
        self.leaves.len() + self.leaves.extra().next.as_ref().map_or(0, Self::len)
    }

    #[inline]
    fn leaf(&self, index: usize) -> Option<&Leaf> {
        let (mut directory, mut index) = (self, index);
        while index >= directory.leaves.len() {
            index -= directory.leaves.len();
            directory = directory.leaves.extra().next.as_ref()?;
        }
        directory.leaves.get(index)
    }

    fn leaf_mut(&mut self, index: usize) -> Option<&mut Leaf> {
        let (mut directory, mut index) = (self, index);
        while index >= directory.leaves.len() {
            index -= directory.leaves.len();
            directory = directory.leaves.extra_mut().next.as_mut()?;
        }
        directory.leaves.get_mut(index)
    }

    /// Returns a chunk of the full leaves, of which there are some, or how many it lies after them.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Result<&Chunk, usize> {
        let first = self.leaves.first().map_or(0, |first| first.len());
        let (leaf, within) = match index.checked_sub(first) {
            None => (0, index),
            Some(rest) => (1 + rest / LEAF_LEN, rest % LEAF_LEN),
        };
        match leaf.checked_sub(self.used()) {
            None => {
                let chunk = self.leaf(leaf).and_then(|leaf| leaf.get(within));
                chunk.map_or_else(|| unreachable!("a full leaf"), Ok)
            }
            Some(more) => Err(more * LEAF_LEN + within),
        }
    }

    #[inline]
    pub(super) fn first_mut(&mut self) -> Option<&mut Chunk> {
        self.leaves.first_mut()?.first_mut()
    }

    /// Returns how many leaves are spare.
    #[inline]
    pub(super) fn spare(&self) -> usize {
        self.len() - self.used()
    }

    /// Makes a spare leaf the tail, and keeps the tail before it, which is full.
    pub(super) fn next_tail(&mut self, tail: &mut Option<Leaf>) {
        let used = self.used();
        match tail {
            Some(tail) => {
                let Some(spare) = self.leaf_mut(used) else { unreachable!("a leaf was reserved") };
                core::mem::swap(spare, tail);
                self.leaves.extra_mut().used += 1;
            }
            None => *tail = self.pop(),
        }
    }

    /// Makes the last full leaf the tail, if there is one, instead of an empty one.
    pub(super) fn previous_tail(&mut self, tail: &mut Option<Leaf>) {
        self.truncate(self.used());
        *tail = self.pop();
        self.leaves.extra_mut().used = self.len();
    }

    /// Removes the last leaf.
    fn pop(&mut self) -> Option<Leaf> {
        let Rest { next, .. } = self.leaves.extra_mut();
        next.as_mut().and_then(Self::pop).or_else(|| self.leaves.pop())
    }

    pub(super) fn pop_front(&mut self) -> Option<Chunk> {
        if self.used() == 0 {
            return None;
        }
        let leaf = self.leaves.first_mut()?;
        let chunk = leaf.pop_front()?;
        if leaf.is_empty() {
            self.leaves.pop_front();
            self.leaves.extra_mut().used -= 1;
            if self.leaves.is_empty()
                && let Some(next) = self.leaves.extra_mut().next.take()
            {
                let used = self.used();
                *self = next;
                self.leaves.extra_mut().used = used;
            }
        }
        Some(chunk)
    }

    /// Gives all leaves but the first `len` back.
    fn truncate(&mut self, len: usize) {
        while self.leaves.len() > len {
            self.leaves.pop();
        }
        let left = len - self.leaves.len();
        let next = &mut self.leaves.extra_mut().next;
        match next {
            Some(next) if left > 0 => next.truncate(left),
            _ => *next = None,
        }
    }

    /// Makes spare leaves: all of them, or none.
    pub(super) fn try_reserve(&mut self, count: usize, pool: &Pool) -> Result<(), OutOfMemory> {
        let before = self.len();
        let result = (0..count).try_for_each(|_| {
            let leaf = Block::new(pool.try_take_size(LEAF_SIZE)?, ());
            self.try_push_leaf(leaf, pool)
        });
        result.inspect_err(|_| self.truncate(before))
    }

    fn try_push_leaf(&mut self, leaf: Leaf, pool: &Pool) -> Result<(), OutOfMemory> {
        if let Some(next) = &mut self.leaves.extra_mut().next {
            return next.try_push_leaf(leaf, pool);
        }
        if self.leaves.spare() == 0 && self.leaves.removed() > 0 {
            self.leaves.move_to_front();
        }
        if self.leaves.spare() == 0 {
            return self.try_grow(leaf, pool);
        }
        self.leaves.push(leaf);
        Ok(())
    }

    /// Appends a leaf to a directory that is full.
    #[cold]
    fn try_grow(&mut self, leaf: Leaf, pool: &Pool) -> Result<(), OutOfMemory> {
        let [middle, largest] = GROWN_SIZES;
        let held_bytes = self.leaves.held_bytes();
        let size = if held_bytes < middle.bytes() { middle } else { largest };
        let mut larger = Self::of_size(size, pool)?;
        if held_bytes >= largest.bytes() {
            larger.leaves.push(leaf);
            self.leaves.extra_mut().next = Some(larger);
            return Ok(());
        }
        while let Some(leaf) = self.leaves.pop_front() {
            larger.leaves.push(leaf);
        }
        larger.leaves.push(leaf);
        larger.leaves.extra_mut().used = self.used();
        *self = larger;
        Ok(())
    }

    /// Returns the bytes of all blocks.
    pub(super) fn held_bytes(&self) -> u64 {
        let leaves = self.leaves.len() * LEAF_SIZE.bytes();
        let next = self.leaves.extra().next.as_ref().map_or(0, Self::held_bytes);
        (self.leaves.held_bytes() + leaves) as u64 + next
    }
}
