//! A list of several chunks, in blocks.

use seg_pool::{OutOfMemory, Pool, PoolRef, Segment, SegmentMut, SegmentSize};

use super::{
    Chunk,
    directory::{Directory, LEAF_LEN, Leaf},
    is_continued_by,
};
use crate::block::{Block, try_take_small};

/// Chunks in blocks that are segments of a pool.
///
/// The first block, of 256 B to 64 KiB, holds 6 to 2,046 of them; more lie in leaves of 64 KiB. When the
/// first block's chunks are all removed it stays, as the list's state lies in it.
#[derive(Debug)]
pub(crate) struct Blocks {
    root: Block<State, Chunk>,
}

#[derive(Debug)]
struct State {
    /// Offset of the first chunk.
    start: u64,
    /// Offset of the end of the last chunk.
    end: u64,
    /// The leaf that is being filled. It holds a chunk, or the list is empty.
    tail: Option<Leaf>,
    /// The leaves before it, which are full, and spare ones.
    directory: Option<Directory>,
}

/// The sizes of first blocks. Each is left for the next one when it is full, so that a list is in
/// proportion to its chunks.
///
/// Fewer under Miri, so that lists of a few hundred chunks have leaves.
const ROOT_SIZES: &[SegmentSize] = if cfg!(miri) {
    &[SegmentSize::B256, SegmentSize::K4]
} else {
    &[SegmentSize::B256, SegmentSize::K4, SegmentSize::K16, SegmentSize::K64]
};

/// Returns the size of a first block for so many chunks, or as many of them as there can be.
fn root_size(count: usize) -> SegmentSize {
    let [smaller @ .., largest] = ROOT_SIZES else { unreachable!("there are sizes") };
    *smaller.iter().find(|&&size| count <= root_len_max(size)).unwrap_or(largest)
}

const fn root_len_max(size: SegmentSize) -> usize {
    Block::<State, Chunk>::len_max(size)
}

/// Returns whether a block has a slot for a segment, as a chunk of its own.
#[inline]
fn is_slot_for<H>(block: &Block<H, Chunk>, segment: &Segment) -> bool {
    let is_joined = block.last().is_some_and(|last| is_continued_by(&last.segment, segment));
    block.spare() > 0 && !segment.is_empty() && !is_joined
}

impl Blocks {
    /// Creates a list that `count` chunks can be appended to.
    pub(super) fn try_new(count: usize, pool: &Pool) -> Result<Self, OutOfMemory> {
        let state = State { start: 0, end: 0, tail: None, directory: None };
        let root = try_take_small(root_size(count), pool)?;
        let mut blocks = Self { root: Block::new(root, state) };
        blocks.try_reserve(count, Some(pool))?;
        Ok(blocks)
    }

    #[inline]
    pub(super) const fn len(&self) -> usize {
        let State { tail, directory, .. } = self.root.extra();
        let in_root = self.root.as_slice().len();
        let Some(tail) = tail else { return in_root };
        let in_full = match directory {
            Some(directory) => directory.chunk_count(),
            None => 0,
        };
        in_root + in_full + tail.as_slice().len()
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.start() == self.end()
    }

    #[inline]
    pub(super) const fn start(&self) -> u64 {
        self.root.extra().start
    }

    #[inline]
    pub(super) const fn end(&self) -> u64 {
        self.root.extra().end
    }

    #[inline]
    pub(super) fn pool(&self) -> PoolRef<'_> {
        self.root.pool()
    }

    /// Returns the bytes of all blocks.
    pub(super) fn held_bytes(&self) -> u64 {
        let State { tail, directory, .. } = self.root.extra();
        let tail = tail.as_ref().map_or(0, Block::held_bytes);
        let leaves = directory.as_ref().map_or(0, Directory::held_bytes);
        (self.root.held_bytes() + tail) as u64 + leaves
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&Chunk> {
        match index.checked_sub(self.root.len()) {
            None => self.root.get(index),
            Some(index) => self.get_in_leaves(index),
        }
    }

    #[inline]
    fn get_in_leaves(&self, index: usize) -> Option<&Chunk> {
        let State { tail, directory, .. } = self.root.extra();
        let full = directory.as_ref().filter(|directory| directory.used() > 0);
        match full.map_or(Err(index), |full| full.get(index)) {
            Ok(chunk) => Some(chunk),
            Err(index) => tail.as_ref()?.get(index),
        }
    }

    #[inline]
    pub(super) fn first(&self) -> Option<&Chunk> {
        if self.root.is_empty() { self.first_of_leaves() } else { self.root.first() }
    }

    #[inline(never)]
    fn first_of_leaves(&self) -> Option<&Chunk> {
        self.get_in_leaves(0)
    }

    #[inline]
    pub(super) fn first_mut(&mut self) -> Option<&mut Chunk> {
        if !self.root.is_empty() {
            return self.root.first_mut();
        }
        let State { tail, directory, .. } = self.root.extra_mut();
        match directory.as_mut().filter(|directory| directory.used() > 0) {
            Some(full) => full.first_mut(),
            None => tail.as_mut()?.first_mut(),
        }
    }

    #[inline]
    pub(super) fn last(&self) -> Option<&Chunk> {
        self.root.extra().tail.as_ref().map_or_else(|| self.root.last(), |tail| tail.last())
    }

    #[inline]
    pub(super) fn last_mut(&mut self) -> Option<&mut Chunk> {
        if self.root.extra().tail.is_none() {
            return self.root.last_mut();
        }
        self.root.extra_mut().tail.as_mut()?.last_mut()
    }

    /// Returns how many chunks can be appended without another block.
    #[inline]
    pub(super) fn spare(&self) -> usize {
        let State { tail, directory, .. } = self.root.extra();
        let in_last = tail.as_ref().map_or_else(|| self.root.spare(), Block::spare);
        in_last + directory.as_ref().map_or(0, Directory::spare) * LEAF_LEN
    }

    /// Appends a segment where most are appended: to the block of the last chunk, as a chunk of its own.
    /// Returns it where it is empty, or joins that chunk, or the block is full.
    #[inline]
    pub(super) fn push_fast(&mut self, segment: Segment) -> Result<(), Segment> {
        if let State { tail: Some(tail), end, .. } = self.root.extra_mut() {
            if !is_slot_for(tail, &segment) {
                return Err(segment);
            }
            let start = *end;
            *end += segment.len() as u64;
            tail.push(Chunk { segment, start });
            return Ok(());
        }
        if !is_slot_for(&self.root, &segment) {
            return Err(segment);
        }
        let start = self.count(&segment);
        self.root.push(Chunk { segment, start });
        Ok(())
    }

    /// Counts a segment that is appended, and returns where it starts.
    #[inline]
    fn count(&mut self, segment: &Segment) -> u64 {
        let state = self.root.extra_mut();
        let start = state.end;
        state.end += segment.len() as u64;
        start
    }

    /// Appends a segment as a chunk of its own, for which there is a slot.
    pub(super) fn push(&mut self, segment: Segment) {
        let chunk = Chunk { start: self.count(&segment), segment };
        let is_root_full = self.root.spare() == 0;
        let State { tail, directory, .. } = self.root.extra_mut();
        if tail.as_ref().map_or(is_root_full, |tail| tail.spare() == 0) {
            let Some(directory) = directory else { unreachable!("a leaf was reserved") };
            directory.next_tail(tail);
        }
        match tail {
            Some(tail) => tail.push(chunk),
            None => self.root.push(chunk),
        }
    }

    /// Joins a segment to the last chunk, which it continues.
    pub(super) fn join(&mut self, segment: Segment) {
        let Some(last) = self.last_mut() else { unreachable!("a last chunk") };
        let is_joined = last.segment.unsplit(segment).is_ok();
        let end = last.end();
        assert!(is_joined, "the next part of the last chunk");
        self.root.extra_mut().end = end;
    }

    pub(super) fn pop_front(&mut self) -> Option<Segment> {
        let chunk = self.root.pop_front();
        let state = self.root.extra_mut();
        let chunk = chunk
            .or_else(|| state.directory.as_mut()?.pop_front())
            .or_else(|| state.tail.as_mut()?.pop_front())?;
        state.start = chunk.end();
        Some(chunk.segment)
    }

    /// Moves the first byte of the first chunk, which is not its last one.
    #[inline]
    pub(super) fn moved_front(&mut self, count: u64) {
        self.root.extra_mut().start += count;
    }

    /// Returns the index of the chunk that holds the byte at an offset, which is one of the list's, and
    /// where in the chunk.
    ///
    /// First a guess, as most chunks are one full segment long, then a binary search.
    pub(super) fn locate(&self, offset: u64) -> (usize, usize) {
        let first = self.get(0).map_or(1, |first| first.segment.len() as u64);
        let guess = usize::try_from((offset - self.start()) / first).unwrap_or(usize::MAX);
        if let Some(distance) = self.get(guess).and_then(|chunk| chunk.distance(offset)) {
            return (guess, distance);
        }
        let (mut low, mut high) = (0, self.len());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.get(middle).is_some_and(|chunk| chunk.start <= offset) {
                low = middle;
            } else {
                high = middle;
            }
        }
        (low, self.get(low).and_then(|chunk| chunk.distance(offset)).unwrap_or(0))
    }

    /// Drops what lies from the offset `end` on.
    pub(super) fn truncate(&mut self, end: u64) {
        while let Some(last) = self.last_mut()
            && last.start >= end
        {
            self.pop();
        }
        if let Some(last) = self.last_mut() {
            last.segment.truncate(super::within(end - last.start));
        }
        self.root.extra_mut().end = end;
    }

    fn pop(&mut self) {
        let State { tail: last, directory, .. } = self.root.extra_mut();
        let Some(tail) = last else { return drop(self.root.pop()) };
        drop(tail.pop());
        if tail.is_empty() {
            match directory {
                Some(directory) => directory.previous_tail(last),
                None => *last = None,
            }
        }
    }

    /// Makes slots for `additional` chunks: all of them, or none. Blocks come from `pool`, or else from the
    /// one that the list's are of.
    pub(super) fn try_reserve(
        &mut self,
        additional: usize,
        pool: Option<&Pool>,
    ) -> Result<(), OutOfMemory> {
        let spare = self.spare();
        if additional <= spare {
            return Ok(());
        }
        if self.root.extra().directory.is_none() {
            let (wanted, capacity) = (self.root.len() + additional, self.root.capacity());
            // A few chunks are moved at once; of many, no more than were removed before.
            let is_moved = capacity < 8 || self.root.removed() >= capacity / 2;
            if wanted <= capacity && is_moved {
                self.root.move_to_front();
                return Ok(());
            }
            let larger = root_size(wanted.max(capacity + 1));
            if wanted <= root_len_max(larger) && capacity < root_len_max(larger) {
                let segment = match pool {
                    Some(pool) => try_take_small(larger, pool)?,
                    None => try_take_small(larger, &self.pool())?,
                };
                self.grow_root(segment);
                return Ok(());
            }
        }
        let leaves = (additional - spare).div_ceil(LEAF_LEN);
        match pool {
            Some(pool) => self.try_add_leaves(leaves, pool),
            None => {
                let pool = self.pool().clone();
                self.try_add_leaves(leaves, &pool)
            }
        }
    }

    /// Moves the chunks of the first block, which are all, to a larger one.
    fn grow_root(&mut self, segment: SegmentMut) {
        let State { start, end, .. } = *self.root.extra();
        let mut root = Block::new(segment, State { start, end, tail: None, directory: None });
        root.append(&mut self.root);
        self.root = root;
    }

    #[cold]
    fn try_add_leaves(&mut self, count: usize, pool: &Pool) -> Result<(), OutOfMemory> {
        if let Some(directory) = &mut self.root.extra_mut().directory {
            return directory.try_reserve(count, pool);
        }
        let mut directory = Directory::try_new(pool)?;
        directory.try_reserve(count, pool)?;
        self.root.extra_mut().directory = Some(directory);
        Ok(())
    }
}
