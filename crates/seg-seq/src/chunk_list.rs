//! The list of a sequence's chunks: itself segmented, and recycled.

use std::{collections::VecDeque, sync::Mutex};

use seg_pool::Segment;

/// Chunks that a list holds without a block of its own.
const INLINE_LEN: usize = 4;

/// Chunks in a list's first block: 8 KiB of list for 4 MiB in 16 KiB segments.
const FIRST_LEN: usize = 256;

/// Chunks in each further block: 64 KiB of list for 32 MiB. Large, so that the directory of blocks
/// stays below 64 KiB up to 4 million chunks.
const BLOCK_LEN: usize = 2048;

/// Spare blocks of each kind, and spare directories, that are kept: 2 MiB and 4 MiB of blocks.
const SPARE_FIRST_MAX: usize = 256;
const SPARE_MAX: usize = 64;

/// One run of bytes and where it starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunk {
    /// Never empty while in a list.
    pub(crate) segment: Segment,
    /// Offset of the first byte from the start of the stream that the list is cut from.
    pub(crate) start: u64,
}

impl Chunk {
    pub(crate) fn end(&self) -> u64 {
        self.start + self.segment.len() as u64
    }
}

/// Chunks in order, each starting where the one before ends.
///
/// Up to [`INLINE_LEN`] lie in the list itself, more in blocks: no allocation grows with the
/// message. Taking from the front changes no offset: they count from the start of
/// the stream.
#[derive(Debug, Default)]
pub(crate) struct ChunkList {
    inline: [Chunk; INLINE_LEN],
    /// Index of the first chunk, in `inline` or in the first block.
    head: usize,
    len: usize,
    /// When not empty, all chunks are here, and each block but the last is full.
    blocks: VecDeque<Vec<Chunk>>,
    /// Chunks that the first block holds: `FIRST_LEN` until it is used up, then `BLOCK_LEN`.
    first_len: usize,
    /// Offset behind the last chunk.
    end: u64,
}

impl ChunkList {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Offset of the first byte.
    pub(crate) fn start(&self) -> u64 {
        self.get(0).map_or(self.end, |chunk| chunk.start)
    }

    /// Bytes in all chunks.
    pub(crate) fn bytes(&self) -> u64 {
        self.end - self.start()
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&Chunk> {
        if index >= self.len {
            return None;
        }
        let index = self.head + index;
        if self.blocks.is_empty() {
            return self.inline.get(index);
        }
        match index.checked_sub(self.first_len) {
            None => self.blocks.front()?.get(index),
            Some(index) => self.blocks.get(1 + index / BLOCK_LEN)?.get(index % BLOCK_LEN),
        }
    }

    fn get_mut(&mut self, index: usize) -> Option<&mut Chunk> {
        if index >= self.len {
            return None;
        }
        let index = self.head + index;
        if self.blocks.is_empty() {
            return self.inline.get_mut(index);
        }
        match index.checked_sub(self.first_len) {
            None => self.blocks.front_mut()?.get_mut(index),
            Some(index) => self.blocks.get_mut(1 + index / BLOCK_LEN)?.get_mut(index % BLOCK_LEN),
        }
    }

    /// Appends a segment, joining it to the last chunk when it is the next part of that segment.
    /// An empty one vanishes.
    pub(crate) fn push(&mut self, segment: Segment) {
        if segment.is_empty() {
            return;
        }
        let len = segment.len() as u64;
        let rest = match self.len.checked_sub(1).and_then(|last| self.get_mut(last)) {
            Some(last) => last.segment.unsplit(segment).err(),
            None => Some(segment),
        };
        if let Some(segment) = rest {
            let start = self.end;
            self.push_chunk(Chunk { segment, start });
        }
        self.end += len;
    }

    fn push_chunk(&mut self, chunk: Chunk) {
        if self.blocks.is_empty() {
            if self.head + self.len < INLINE_LEN {
                self.inline[self.head + self.len] = chunk;
                self.len += 1;
                return;
            }
            if self.len < INLINE_LEN {
                self.inline.rotate_left(self.head);
                self.head = 0;
                self.inline[self.len] = chunk;
                self.len += 1;
                return;
            }
            if self.blocks.capacity() == 0 {
                self.blocks = take_directory();
            }
            let mut block = take_block(FIRST_LEN);
            self.first_len = FIRST_LEN;
            block.extend(self.inline.iter_mut().map(core::mem::take));
            self.blocks.push_back(block);
        }
        let last_len = if self.blocks.len() == 1 { self.first_len } else { BLOCK_LEN };
        if self.blocks.back().is_none_or(|block| block.len() == last_len) {
            self.blocks.push_back(take_block(BLOCK_LEN));
        }
        if let Some(block) = self.blocks.back_mut() {
            block.push(chunk);
        }
        self.len += 1;
    }

    fn pop_chunk(&mut self) -> Option<Chunk> {
        let chunk = core::mem::take(self.get_mut(0)?);
        self.len -= 1;
        self.head += 1;
        if self.len == 0 {
            self.head = 0;
            self.blocks.drain(..).for_each(give_block);
        } else if !self.blocks.is_empty() && self.head == self.first_len {
            (self.head, self.first_len) = (0, BLOCK_LEN);
            self.blocks.pop_front().into_iter().for_each(give_block);
        }
        Some(chunk)
    }

    /// Removes the first `count` bytes and hands them over, chunk by chunk.
    ///
    /// `count` must not be above [`bytes`](Self::bytes).
    pub(crate) fn drain_front(&mut self, count: u64, mut sink: impl FnMut(Segment)) {
        let until = self.start() + count;
        while let Some(first) = self.get_mut(0) {
            if first.start >= until {
                break;
            }
            if first.end() <= until {
                sink(self.pop_chunk().unwrap_or_default().segment);
            } else {
                let front = first.segment.split_to(within(until - first.start));
                first.start = until;
                sink(front);
            }
        }
    }

    /// Shortens the list to its first `len` bytes; does nothing when it is shorter.
    pub(crate) fn truncate(&mut self, len: u64) {
        if len >= self.bytes() {
            return;
        }
        let end = self.start() + len;
        while let Some(last) = self.len.checked_sub(1).and_then(|index| self.get_mut(index)) {
            if last.start < end {
                last.segment.truncate(within(end - last.start));
                break;
            }
            self.pop_last();
        }
        self.end = end;
    }

    fn pop_last(&mut self) {
        self.len -= 1;
        if let Some(block) = self.blocks.back_mut() {
            block.pop();
            if block.is_empty() {
                self.blocks.pop_back().into_iter().for_each(give_block);
            }
        } else {
            self.inline[self.head + self.len] = Chunk::default();
        }
        if self.len == 0 {
            self.head = 0;
            self.blocks.drain(..).for_each(give_block);
        }
    }

    /// Returns the index of the chunk that holds the byte at `offset` from the first one;
    /// [`len`](Self::len) at the end.
    ///
    /// First a guess, as most chunks are one full segment long, then a binary search.
    pub(crate) fn index_of(&self, offset: u64) -> usize {
        let target = match self.start().checked_add(offset) {
            Some(target) if target < self.end => target,
            _ => return self.len,
        };
        let holds = |index: usize| {
            self.get(index).is_some_and(|chunk| chunk.start <= target && target < chunk.end())
        };
        let guess = self.get(0).map_or(0, |first| offset / first.segment.len() as u64);
        let guess = usize::try_from(guess).unwrap_or(usize::MAX);
        if holds(guess) {
            return guess;
        }
        let (mut low, mut high) = (0, self.len);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.get(middle).is_some_and(|chunk| chunk.start <= target) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    pub(crate) fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = &Chunk> + DoubleEndedIterator + Clone {
        (0..self.len).map(|index| {
            let Some(chunk) = self.get(index) else { unreachable!("an index below the length") };
            chunk
        })
    }
}

impl Clone for ChunkList {
    fn clone(&self) -> Self {
        let mut list = Self::default();
        list.end = self.start();
        for chunk in self.iter() {
            list.push(chunk.segment.clone());
        }
        list
    }
}

impl Drop for ChunkList {
    fn drop(&mut self) {
        if self.blocks.capacity() > 0 {
            self.blocks.drain(..).for_each(give_block);
            give_directory(core::mem::take(&mut self.blocks));
        }
    }
}

/// Converts a distance inside one chunk.
fn within(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

/// Emptied parts of lists that wait for their next use, by whatever thread.
struct Spare {
    first: Vec<Vec<Chunk>>,
    blocks: Vec<Vec<Chunk>>,
    directories: Vec<VecDeque<Vec<Chunk>>>,
}

static SPARE: Mutex<Spare> =
    Mutex::new(Spare { first: Vec::new(), blocks: Vec::new(), directories: Vec::new() });

impl Spare {
    fn kind(&mut self, len: usize) -> (&mut Vec<Vec<Chunk>>, usize) {
        if len == FIRST_LEN {
            (&mut self.first, SPARE_FIRST_MAX)
        } else {
            (&mut self.blocks, SPARE_MAX)
        }
    }
}

fn take_directory() -> VecDeque<Vec<Chunk>> {
    let spare = SPARE.lock().ok().and_then(|mut spare| spare.directories.pop());
    spare.unwrap_or_default()
}

fn give_directory(directory: VecDeque<Vec<Chunk>>) {
    if let Ok(mut spare) = SPARE.lock() {
        if spare.directories.len() < SPARE_FIRST_MAX {
            spare.directories.push(directory);
        }
    }
}

/// Returns an empty block with room for just `len` chunks.
fn take_block(len: usize) -> Vec<Chunk> {
    let spare = SPARE.lock().ok().and_then(|mut spare| spare.kind(len).0.pop());
    spare.unwrap_or_else(|| Vec::with_capacity(len))
}

fn give_block(mut block: Vec<Chunk>) {
    // Outside the lock: dropping segments gives them back to their pools.
    block.clear();
    if let Ok(mut spare) = SPARE.lock() {
        let (blocks, max) = spare.kind(block.capacity());
        if blocks.len() < max {
            blocks.push(block);
        }
    }
}
