//! The chunks of a sequence: one in place, or many in blocks of a pool.

mod blocks;
mod directory;

use bytes::Buf as _;
use seg_pool::{OutOfMemory, Pool, PoolRef, Segment};

use self::blocks::Blocks;

/// One run of bytes and where it starts.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Never empty while in a list.
    segment: Segment,
    /// Offset of the first byte from the start of the stream that the list is cut from.
    start: u64,
}

impl Chunk {
    #[inline]
    const fn end(&self) -> u64 {
        self.start + self.segment.len() as u64
    }

    /// Returns where in the chunk the byte at an offset lies, if it lies here.
    #[inline]
    fn distance(&self, offset: u64) -> Option<usize> {
        let distance = within(offset.checked_sub(self.start)?);
        (distance < self.segment.len()).then_some(distance)
    }
}

/// Returns whether a segment is the next part of the same one as the one before it. The next segment of
/// a slab lies right after that as well.
#[inline]
fn is_continued_by(before: &Segment, segment: &Segment) -> bool {
    before.as_ptr_range().end == segment.as_ptr() && before.shares_segment_with(segment)
}

/// Chunks in order, each starting where the one before ends.
///
/// A list that grows by more than one chunk takes blocks from a pool, and may be refused them: so
/// slots are [reserved](Self::try_reserve) first, and then [filled](Self::put). Taking from the front
/// changes no offset: they count from the start of the stream.
#[derive(Debug)]
pub(crate) enum ChunkList {
    /// The only chunk, or none when it is empty.
    One(Segment),
    Many(Blocks),
}

/// Where a list takes its blocks from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    Pool(&'a Pool),
    /// The pool that the list's chunks are of, or this segment that is to be put beside them, or the
    /// global one when all of them lie elsewhere.
    Beside(&'a Segment),
}

/// Returns the pool of the first segment that is of one, or the global one.
fn pool_of<'a>(segments: [&'a Segment; 2]) -> PoolRef<'a> {
    segments.into_iter().find_map(Segment::pool).unwrap_or_else(|| Pool::global().into())
}

impl ChunkList {
    pub(crate) const EMPTY: Self = Self::One(Segment::new());

    /// Creates a list that `count` chunks can be put into.
    pub(crate) fn with_slots(count: usize, pool: &Pool) -> Result<Self, OutOfMemory> {
        Ok(if count > 1 { Self::Many(Blocks::try_new(count, pool)?) } else { Self::EMPTY })
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::One(segment) => !segment.is_empty() as usize,
            Self::Many(blocks) => blocks.len(),
        }
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        match self {
            Self::One(segment) => segment.is_empty(),
            Self::Many(blocks) => blocks.is_empty(),
        }
    }

    /// Bytes in all chunks.
    #[inline]
    pub(crate) const fn bytes(&self) -> u64 {
        match self {
            Self::One(segment) => segment.len() as u64,
            Self::Many(blocks) => blocks.end() - blocks.start(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&Segment> {
        match self {
            Self::One(segment) => (index == 0 && !segment.is_empty()).then_some(segment),
            Self::Many(blocks) => Some(&blocks.get(index)?.segment),
        }
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<&Segment> {
        match self {
            Self::One(segment) => (!segment.is_empty()).then_some(segment),
            Self::Many(blocks) => Some(&blocks.first()?.segment),
        }
    }

    #[inline]
    pub(crate) fn last(&self) -> Option<&Segment> {
        match self {
            Self::One(segment) => (!segment.is_empty()).then_some(segment),
            Self::Many(blocks) => Some(&blocks.last()?.segment),
        }
    }

    /// Returns the bytes that the chunks keep from reuse: segments with their whole size, once for
    /// neighbouring chunks of the same one.
    pub(crate) fn chunk_bytes(&self) -> u64 {
        let mut held = 0;
        let mut last: Option<&Segment> = None;
        for segment in self.iter() {
            if !last.is_some_and(|last| last.shares_segment_with(segment)) {
                held += segment.held_bytes() as u64;
            }
            last = Some(segment);
        }
        held
    }

    /// Returns the bytes of the list's own blocks.
    pub(crate) fn block_bytes(&self) -> u64 {
        match self {
            Self::One(_) => 0,
            Self::Many(blocks) => blocks.held_bytes(),
        }
    }

    /// Returns the pool of the list's blocks or of its chunk, or the global one.
    fn pool(&self) -> PoolRef<'_> {
        match self {
            Self::One(segment) => pool_of([segment; 2]),
            Self::Many(blocks) => blocks.pool(),
        }
    }

    /// Returns how many chunks can be put in without another block.
    #[inline]
    pub(crate) fn spare(&self) -> usize {
        match self {
            Self::One(segment) => segment.is_empty().into(),
            Self::Many(blocks) => blocks.spare(),
        }
    }

    /// Makes slots for `additional` chunks, all of them or none.
    pub(crate) fn try_reserve(
        &mut self,
        additional: usize,
        source: Source<'_>,
    ) -> Result<(), OutOfMemory> {
        match self {
            Self::One(segment) => {
                let wanted = additional + usize::from(!segment.is_empty());
                if wanted > 1 {
                    let mut blocks = match source {
                        Source::Pool(pool) => Blocks::try_new(wanted, pool)?,
                        Source::Beside(other) => {
                            Blocks::try_new(wanted, &pool_of([segment, other]))?
                        }
                    };
                    if !segment.is_empty() {
                        blocks.push(core::mem::take(segment));
                    }
                    *self = Self::Many(blocks);
                }
                Ok(())
            }
            Self::Many(blocks) => match source {
                Source::Pool(pool) => blocks.try_reserve(additional, Some(pool)),
                Source::Beside(_) => blocks.try_reserve(additional, None),
            },
        }
    }

    /// Appends a segment that is not empty. There is a slot for it, or it is the next part of the last
    /// chunk, which it joins then.
    #[inline]
    pub(crate) fn put(&mut self, segment: Segment) {
        match self.push_fast(segment) {
            Ok(()) => {}
            Err(segment) => self.put_rare(segment),
        }
    }

    #[inline(never)]
    fn put_rare(&mut self, segment: Segment) {
        let is_joined = self.last().is_some_and(|last| is_continued_by(last, &segment));
        match self {
            Self::One(only) if only.is_empty() => *only = segment,
            Self::One(only) => assert!(only.unsplit(segment).is_ok(), "a slot was reserved"),
            Self::Many(blocks) if is_joined => blocks.join(segment),
            Self::Many(blocks) => blocks.push(segment),
        }
    }

    /// Appends a segment where most are appended when there are several: as a chunk of its own.
    /// Returns it where it is empty, or joins the last chunk, or needs a block.
    #[inline]
    pub(crate) fn push_fast(&mut self, segment: Segment) -> Result<(), Segment> {
        match self {
            Self::Many(blocks) => blocks.push_fast(segment),
            Self::One(_) => Err(segment),
        }
    }

    /// Takes a segment to the end of the list, joining it to the last chunk when it is the next part of
    /// that one. An empty one vanishes. Blocks come from `pool`, or else from where the chunks do.
    pub(crate) fn try_push(
        &mut self,
        segment: &mut Segment,
        pool: Option<&Pool>,
    ) -> Result<(), OutOfMemory> {
        if segment.is_empty() {
            return Ok(());
        }
        let is_joined = self.last().is_some_and(|last| is_continued_by(last, segment));
        if !is_joined && self.spare() == 0 {
            self.try_reserve(1, pool.map_or(Source::Beside(segment), Source::Pool))?;
        }
        self.put(core::mem::take(segment));
        Ok(())
    }

    /// Takes all chunks of another list to the end of this one.
    pub(crate) fn try_append(
        &mut self,
        other: &mut Self,
        pool: Option<&Pool>,
    ) -> Result<(), OutOfMemory> {
        if self.is_empty() {
            core::mem::swap(self, other);
            other.clear();
            return Ok(());
        }
        let first = match other {
            Self::One(segment) => return self.try_push(segment, pool),
            Self::Many(_) => other.get(0).unwrap_or(const { &Segment::new() }),
        };
        if self.spare() < other.len() {
            let source = pool.map_or(Source::Beside(first), Source::Pool);
            self.try_reserve(other.len(), source)?;
        }
        while let Some(segment) = other.pop_front() {
            self.put(segment);
        }
        Ok(())
    }

    /// Gives the blocks back when so many more chunks need none.
    pub(crate) fn settle(&mut self, slots: usize) {
        if matches!(self, Self::Many(blocks) if blocks.len() + slots <= 1) {
            *self = Self::One(self.pop_front().unwrap_or_default());
        }
    }

    /// Moves to blocks that are no larger than needed for the chunks and so many more, if the pool has
    /// them.
    pub(crate) fn shrink(&mut self, slots: usize, pool: &Pool) {
        let Ok(mut list) = Self::with_slots(self.len() + slots, pool) else { return };
        while let Some(segment) = self.pop_front() {
            list.put(segment);
        }
        *self = list;
    }

    pub(crate) fn pop_front(&mut self) -> Option<Segment> {
        match self {
            Self::One(segment) if segment.is_empty() => None,
            Self::One(segment) => Some(core::mem::take(segment)),
            Self::Many(blocks) => {
                let segment = blocks.pop_front();
                if blocks.is_empty() {
                    self.clear();
                }
                segment
            }
        }
    }

    /// Drops all chunks and gives the blocks back.
    pub(crate) fn clear(&mut self) {
        *self = Self::EMPTY;
    }

    /// Splits the first `count` bytes off when they are the first chunk or a part of it.
    #[inline]
    pub(crate) fn split_first(&mut self, count: u64) -> Option<Segment> {
        match self {
            Self::One(segment) => {
                (count <= segment.len() as u64).then(|| segment.split_to(within(count)))
            }
            Self::Many(_) => self.split_first_of_many(count),
        }
    }

    #[inline(never)]
    fn split_first_of_many(&mut self, count: u64) -> Option<Segment> {
        let Self::Many(blocks) = self else { unreachable!("blocks") };
        let first = blocks.first_mut()?;
        if count >= first.segment.len() as u64 {
            return if count == first.segment.len() as u64 { self.pop_front() } else { None };
        }
        first.start += count;
        let front = first.segment.split_to(within(count));
        blocks.moved_front(count);
        Some(front)
    }

    /// Splits the first `count` bytes off, which are at most [`bytes`](Self::bytes).
    pub(crate) fn try_split_to(
        &mut self,
        count: u64,
        pool: Option<&Pool>,
    ) -> Result<Self, OutOfMemory> {
        if let Some(segment) = self.split_first(count) {
            return Ok(Self::One(segment));
        }
        if count == self.bytes() {
            return Ok(core::mem::replace(self, Self::EMPTY));
        }
        let (chunk, within) = self.locate(count);
        let slots = chunk + usize::from(within > 0);
        let mut front = self.with_slots_of(slots, pool)?;
        for _ in 0..chunk {
            self.pop_front().into_iter().for_each(|segment| front.put(segment));
        }
        let rest = within as u64;
        self.split_first(rest)
            .filter(|_| rest > 0)
            .into_iter()
            .for_each(|segment| front.put(segment));
        Ok(front)
    }

    /// Creates a list that `count` chunks can be put into, of `pool` or the pool of this one.
    fn with_slots_of(&self, count: usize, pool: Option<&Pool>) -> Result<Self, OutOfMemory> {
        match pool {
            _ if count <= 1 => Ok(Self::EMPTY),
            Some(pool) => Self::with_slots(count, pool),
            None => Self::with_slots(count, &self.pool()),
        }
    }

    /// Returns `count` bytes from a place on, which are there, and the chunk of the byte after them.
    pub(crate) fn try_part(
        &self,
        chunk: usize,
        from: usize,
        count: u64,
    ) -> Result<(Self, usize), OutOfMemory> {
        let Some(first) = self.get(chunk) else { return Ok((Self::EMPTY, chunk)) };
        let len = first.len() - from;
        if count < len as u64 {
            let until = from + within(count);
            return Ok((Self::One(first.slice(from..until)), chunk));
        }
        if count == len as u64 {
            return Ok((Self::One(first.slice(from..)), chunk + 1));
        }
        let (mut last, mut rest) = (chunk + 1, count - len as u64);
        while let Some(segment) = self.get(last)
            && segment.len() as u64 <= rest
        {
            rest -= segment.len() as u64;
            last += 1;
        }
        let until = within(rest);
        let slots = last - chunk + usize::from(until > 0);
        let mut part = self.with_slots_of(slots, None)?;
        part.put(first.slice(from..));
        for index in chunk + 1..last {
            self.get(index).into_iter().for_each(|segment| part.put(segment.clone()));
        }
        if until > 0 {
            self.get(last).into_iter().for_each(|segment| part.put(segment.slice(..until)));
        }
        Ok((part, last))
    }

    pub(crate) fn try_clone(&self, pool: Option<&Pool>) -> Result<Self, OutOfMemory> {
        let mut list = self.with_slots_of(self.len(), pool)?;
        self.iter().for_each(|segment| list.put(segment.clone()));
        Ok(list)
    }

    /// Drops the first `count` bytes, which are at most [`bytes`](Self::bytes).
    #[inline]
    pub(crate) fn advance(&mut self, count: u64) {
        match self {
            Self::One(segment) => segment.advance(within(count)),
            Self::Many(blocks) => match blocks.first_mut() {
                Some(first) if count < first.segment.len() as u64 => {
                    first.segment.advance(within(count));
                    first.start += count;
                    blocks.moved_front(count);
                }
                _ => self.drop_front(count),
            },
        }
    }

    fn drop_front(&mut self, count: u64) {
        let mut rest = count;
        while let Some(first) = self.first()
            && first.len() as u64 <= rest
        {
            rest -= first.len() as u64;
            drop(self.pop_front());
        }
        if rest > 0 {
            self.advance(rest);
        }
    }

    /// Copies the first bytes and drops them. There are as many.
    #[inline]
    pub(crate) fn copy_front(&mut self, target: &mut [u8]) {
        match self.first() {
            Some(first) if target.len() < first.len() => {
                target.copy_from_slice(&first[..target.len()]);
                self.advance(target.len() as u64);
            }
            _ => self.copy_chunks(target),
        }
    }

    fn copy_chunks(&mut self, target: &mut [u8]) {
        let mut rest = target;
        while let Some(first) = self.first()
            && first.len() <= rest.len()
        {
            let (front, after) = rest.split_at_mut(first.len());
            front.copy_from_slice(first);
            drop(self.pop_front());
            rest = after;
        }
        if !rest.is_empty() {
            self.copy_front(rest);
        }
    }

    /// Shortens the list to its first `len` bytes; does nothing when it is shorter.
    pub(crate) fn truncate(&mut self, len: u64) {
        if len >= self.bytes() {
            return;
        }
        match self {
            _ if len == 0 => self.clear(),
            Self::One(segment) => segment.truncate(within(len)),
            Self::Many(blocks) => blocks.truncate(blocks.start() + len),
        }
    }

    /// Returns the offset of a chunk's first byte from the first one of the list.
    pub(crate) fn start_of(&self, chunk: usize) -> u64 {
        match self {
            Self::One(segment) => {
                if chunk == 0 {
                    0
                } else {
                    segment.len() as u64
                }
            }
            Self::Many(blocks) => {
                blocks.get(chunk).map_or(blocks.end(), |chunk| chunk.start) - blocks.start()
            }
        }
    }

    /// Returns the index of the chunk that holds the byte at `offset` from the first one, and where
    /// in the chunk; [`len`](Self::len) and 0 at the end and beyond it.
    #[inline]
    pub(crate) fn locate(&self, offset: u64) -> (usize, usize) {
        match self {
            _ if offset >= self.bytes() => (self.len(), 0),
            Self::One(_) => (0, within(offset)),
            Self::Many(blocks) => blocks.locate(blocks.start() + offset),
        }
    }

    pub(crate) fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = &Segment> + DoubleEndedIterator + Clone {
        (0..self.len()).map(|index| {
            let Some(segment) = self.get(index) else { unreachable!("an index below the length") };
            segment
        })
    }
}

impl Default for ChunkList {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// Converts a distance inside one chunk.
fn within(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}
