//! The list of a sequence's chunks: itself segmented, and recycled.

mod spare;

use bytes::Buf as _;
use seg_pool::Segment;

use self::spare::{give_block, give_directory, take_block, take_directory};

/// Chunks that a list holds without a block of its own.
const INLINE_LEN: usize = 4;

/// Chunks in a list's first block: 8 KiB of list for 4 MiB in 16 KiB segments.
const FIRST_LEN: u16 = 256;

/// Chunks in each further block: 64 KiB of list for 32 MiB in 2,048 chunks, half of that where the
/// pool's report makes them larger. Large, so that the directory of blocks stays below 64 KiB up to
/// 4 million chunks.
const BLOCK: usize = (64 << 10) / size_of::<Chunk>();
#[expect(clippy::cast_possible_truncation, reason = "a chunk has 32 bytes at least")]
const BLOCK_LEN: u16 = BLOCK as u16;

/// One run of bytes and where it starts. Two in a line of the cache, none in two lines.
#[derive(Clone, Debug, Default)]
#[repr(align(32))]
pub(crate) struct Chunk {
    /// Never empty while in a list.
    pub(crate) segment: Segment,
    /// Offset of the first byte from the start of the stream that the list is cut from.
    start: u64,
}

impl Chunk {
    fn end(&self) -> u64 {
        self.start + self.segment.len() as u64
    }

    /// Returns whether a segment is the next part of the same one. The next segment of a slab lies
    /// right behind this one as well.
    #[inline]
    fn is_continued_by(&self, segment: &Segment) -> bool {
        self.segment.as_ptr_range().end == segment.as_ptr()
            && self.segment.shares_segment_with(segment)
    }

    /// Returns where in the chunk the byte at `target` lies, if it lies here.
    #[inline]
    fn distance(&self, target: u64) -> Option<usize> {
        let distance = within(target.checked_sub(self.start)?);
        (distance < self.segment.len()).then_some(distance)
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
    head: u16,
    /// Chunks that the first block holds: `FIRST_LEN` until it is used up, then `BLOCK_LEN`.
    first_len: u16,
    len: usize,
    /// When not empty, all chunks are here, and each block but the last is full. The first is removed
    /// once in 2,048 chunks, so it costs nothing that the others move up.
    blocks: Vec<Vec<Chunk>>,
    /// Offset of the first chunk.
    start: u64,
    /// Offset behind the last chunk.
    end: u64,
}

impl ChunkList {
    /// Makes the list of one segment, which is not empty.
    #[inline]
    pub(crate) fn of(segment: Segment) -> Self {
        let end = segment.len() as u64;
        let [_, second, third, fourth] = Default::default();
        Self {
            inline: [Chunk { segment, start: 0 }, second, third, fourth],
            head: 0,
            first_len: 0,
            len: 1,
            blocks: Vec::new(),
            start: 0,
            end,
        }
    }

    /// Drops all chunks. What a long list lay in goes back for the next one.
    pub(crate) fn clear(&mut self) {
        for chunk in self.inline.iter_mut().skip(self.head.into()).take(self.len) {
            *chunk = Chunk::default();
        }
        self.give_blocks();
        (self.head, self.first_len, self.len) = (0, 0, 0);
        (self.start, self.end) = (0, 0);
    }

    fn give_blocks(&mut self) {
        if self.blocks.capacity() > 0 {
            self.blocks.drain(..).for_each(give_block);
            give_directory(core::mem::take(&mut self.blocks));
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes in all chunks.
    #[inline]
    pub(crate) const fn bytes(&self) -> u64 {
        self.end - self.start
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&Chunk> {
        if index >= self.len {
            return None;
        }
        let index = usize::from(self.head) + index;
        if self.blocks.is_empty() {
            return self.inline.get(index);
        }
        match index.checked_sub(self.first_len.into()) {
            None => self.blocks.first()?.get(index),
            Some(index) => self.blocks.get(1 + index / BLOCK)?.get(index % BLOCK),
        }
    }

    fn get_mut(&mut self, index: usize) -> Option<&mut Chunk> {
        if index >= self.len {
            return None;
        }
        let index = usize::from(self.head) + index;
        if self.blocks.is_empty() {
            return self.inline.get_mut(index);
        }
        match index.checked_sub(self.first_len.into()) {
            None => self.blocks.first_mut()?.get_mut(index),
            Some(index) => self.blocks.get_mut(1 + index / BLOCK)?.get_mut(index % BLOCK),
        }
    }

    #[inline]
    fn first_mut(&mut self) -> Option<&mut Chunk> {
        if self.len == 0 {
            return None;
        }
        match self.blocks.first_mut() {
            None => self.inline.get_mut(usize::from(self.head)),
            Some(block) => block.get_mut(usize::from(self.head)),
        }
    }

    /// Appends a segment, joining it to the last chunk when it is the next part of that segment.
    /// An empty one vanishes.
    #[inline]
    pub(crate) fn push(&mut self, segment: Segment) {
        match self.blocks.last_mut() {
            Some(block)
                if block.len() < block.capacity()
                    && !segment.is_empty()
                    && !block.last().is_some_and(|last| last.is_continued_by(&segment)) =>
            {
                let start = self.end;
                self.end += segment.len() as u64;
                self.len += 1;
                block.push(Chunk { segment, start });
            }
            _ => self.push_rare(segment),
        }
    }

    /// Appends a segment that is empty, or the next part of the last one, or has no room in a block.
    #[inline(never)]
    fn push_rare(&mut self, segment: Segment) {
        if segment.is_empty() {
            return;
        }
        let rest = if self.is_continued_by(&segment) { self.join(segment) } else { Err(segment) };
        if let Err(segment) = rest {
            let start = self.end;
            self.end += segment.len() as u64;
            self.push_chunk(Chunk { segment, start });
        }
    }

    /// Joins a segment to the last chunk, or returns it when it is not the next part of that
    /// segment.
    pub(crate) fn join(&mut self, segment: Segment) -> Result<(), Segment> {
        let len = segment.len() as u64;
        match self.last_mut() {
            Some(last) => last.segment.unsplit(segment)?,
            None => return Err(segment),
        }
        self.end += len;
        Ok(())
    }

    fn is_continued_by(&self, segment: &Segment) -> bool {
        let last = self.len.checked_sub(1).and_then(|last| self.get(last));
        last.is_some_and(|last| last.is_continued_by(segment))
    }

    fn last_mut(&mut self) -> Option<&mut Chunk> {
        self.len.checked_sub(1).and_then(|last| self.get_mut(last))
    }

    fn push_chunk(&mut self, chunk: Chunk) {
        if self.blocks.is_empty() {
            let head = usize::from(self.head);
            if head + self.len < INLINE_LEN {
                self.inline[head + self.len] = chunk;
                self.len += 1;
                return;
            }
            if self.len < INLINE_LEN {
                self.inline.rotate_left(head);
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
            self.blocks.push(block);
        }
        if self.blocks.last().is_none_or(|block| block.len() == block.capacity()) {
            self.blocks.push(take_block(BLOCK_LEN));
        }
        if let Some(block) = self.blocks.last_mut() {
            block.push(chunk);
        }
        self.len += 1;
    }

    fn pop_chunk(&mut self) -> Option<Chunk> {
        let chunk = core::mem::take(self.first_mut()?);
        self.len -= 1;
        self.head += 1;
        self.start = chunk.end();
        if self.len == 0 {
            self.head = 0;
            self.blocks.drain(..).for_each(give_block);
        } else if !self.blocks.is_empty() && self.head == self.first_len {
            (self.head, self.first_len) = (0, BLOCK_LEN);
            give_block(self.blocks.remove(0));
        }
        Some(chunk)
    }

    /// Removes the first `count` bytes and hands them over, chunk by chunk.
    ///
    /// `count` must not be above [`bytes`](Self::bytes).
    pub(crate) fn drain_front(&mut self, count: u64, mut sink: impl FnMut(Segment)) {
        let until = self.start + count;
        while let Some(first) = self.first_mut() {
            if first.start >= until {
                break;
            }
            if first.end() <= until {
                sink(self.pop_chunk().unwrap_or_default().segment);
            } else {
                let front = first.segment.split_to(within(until - first.start));
                first.start = until;
                self.start = until;
                sink(front);
            }
        }
    }

    /// Splits the first `count` bytes off when they are a part of the first chunk, neither nothing
    /// nor all of it.
    #[inline]
    pub(crate) fn split_first(&mut self, count: u64) -> Option<Segment> {
        let first = self.first_mut()?;
        if count == 0 || count >= first.segment.len() as u64 {
            return None;
        }
        let front = first.segment.split_to(within(count));
        first.start += count;
        self.start += count;
        Some(front)
    }

    /// Drops the first `count` bytes.
    ///
    /// `count` must not be above [`bytes`](Self::bytes).
    #[inline]
    pub(crate) fn advance(&mut self, count: u64) {
        let Some(first) = self.first_mut() else { return };
        if count < first.segment.len() as u64 {
            first.segment.advance(within(count));
            first.start += count;
            self.start += count;
        } else {
            self.drop_front(count);
        }
    }

    /// Copies the first bytes and drops them.
    ///
    /// `target` must not be longer than [`bytes`](Self::bytes).
    #[inline]
    pub(crate) fn copy_front(&mut self, target: &mut [u8]) {
        match self.first_mut() {
            Some(first) if target.len() < first.segment.len() => {
                let count = target.len();
                target.copy_from_slice(&first.segment[..count]);
                first.segment.advance(count);
                first.start += count as u64;
                self.start += count as u64;
            }
            _ => self.copy_chunks(target),
        }
    }

    fn copy_chunks(&mut self, target: &mut [u8]) {
        let mut rest = target;
        while let Some(first) = self.first_mut() {
            let len = first.segment.len();
            if rest.len() < len {
                break;
            }
            let (front, behind) = rest.split_at_mut(len);
            front.copy_from_slice(&first.segment);
            drop(self.pop_chunk());
            rest = behind;
        }
        if !rest.is_empty() && !self.is_empty() {
            self.copy_front(rest);
        }
    }

    fn drop_front(&mut self, count: u64) {
        self.drain_front(count, drop);
    }

    /// Shortens the list to its first `len` bytes; does nothing when it is shorter.
    pub(crate) fn truncate(&mut self, len: u64) {
        if len >= self.bytes() {
            return;
        }
        let end = self.start + len;
        while let Some(last) = self.last_mut() {
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
        if let Some(block) = self.blocks.last_mut() {
            block.pop();
            if block.is_empty() {
                self.blocks.pop().into_iter().for_each(give_block);
            }
        } else {
            self.inline[usize::from(self.head) + self.len] = Chunk::default();
        }
        if self.len == 0 {
            self.head = 0;
            self.blocks.drain(..).for_each(give_block);
        }
    }

    /// Returns the index of the chunk that holds the byte at `offset` from the first one, and where
    /// in the chunk; [`len`](Self::len) and 0 at the end and beyond it.
    ///
    /// First a guess, as most chunks are one full segment long, then a binary search.
    pub(crate) fn locate(&self, offset: u64) -> (usize, usize) {
        let target = match self.start.checked_add(offset) {
            Some(target) if target < self.end => target,
            _ => return (self.len, 0),
        };
        let guess = self.get(0).map_or(0, |first| offset / first.segment.len() as u64);
        let guess = usize::try_from(guess).unwrap_or(usize::MAX);
        if let Some(distance) = self.get(guess).and_then(|chunk| chunk.distance(target)) {
            return (guess, distance);
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
        (low, self.get(low).and_then(|chunk| chunk.distance(target)).unwrap_or(0))
    }

    /// Returns the offset of a chunk's first byte from the first one.
    pub(crate) fn offset_of(&self, chunk: &Chunk) -> u64 {
        chunk.start - self.start
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
        (list.start, list.end) = (self.start, self.start);
        for chunk in self.iter() {
            list.push(chunk.segment.clone());
        }
        list
    }
}

impl Drop for ChunkList {
    fn drop(&mut self) {
        self.give_blocks();
    }
}

/// Converts a distance inside one chunk.
fn within(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}
