//! Undoing links that hold too much.

use seg_pool::{OutOfMemory, Pool};

use crate::{
    chunk_list::{ChunkList, Source},
    range,
    segmented_buf::SegmentedBuf,
    sequence::{Sequence, within},
};

impl SegmentedBuf {
    /// Copies what holds much more memory than it is long, so that at most `max_waste` bytes are
    /// held beyond the length, the list and the rest of one segment.
    ///
    /// As [`Sequence::compact`], with the buffer's own pool.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the pool has too few segments. The bytes are the same then.
    pub fn compact(&mut self, max_waste: u64) -> Result<(), OutOfMemory> {
        let pool = self.pool().clone();
        let slots = usize::from(self.tail_mut().is_some());
        compact(&mut self.list, &pool, max_waste, slots)
    }
}

impl Sequence {
    /// Copies what holds much more memory than it is long, so that at most `max_waste` bytes are
    /// held beyond the length, the list and the rest of one segment.
    ///
    /// Segments that are well used stay linked. Those that are not are let go one after the other,
    /// as their bytes are copied into segments of `pool`. Does nothing when little is wasted. What
    /// others hold of a segment that was let go is still held.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the pool has too few segments. The bytes are the same then, and some of
    /// them may be copied already.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Pool;
    /// use seg_seq::Sequence;
    ///
    /// # fn main() -> Result<(), seg_pool::OutOfMemory> {
    /// let pool = Pool::new();
    /// let mut kept = Sequence::new();
    /// for _ in 0..100 {
    ///     let mut segment = pool.take(16_384);
    ///     segment.extend_from_slice(&[7; 20]);
    ///     kept.push(segment.freeze());
    /// }
    /// // The list is a block of 4 KiB.
    /// assert_eq!((kept.len(), kept.held_bytes()), (2_000, 1_638_400 + 4_096));
    /// kept.compact(&pool, 4_096)?;
    /// assert_eq!((kept.len(), kept.held_bytes()), (2_000, 16_384));
    /// # Ok(())
    /// # }
    /// ```
    pub fn compact(&mut self, pool: &Pool, max_waste: u64) -> Result<(), OutOfMemory> {
        compact(&mut self.list, pool, max_waste, 0)
    }
}

/// Compacts a list, which has so many slots left then.
fn compact(
    list: &mut ChunkList,
    pool: &Pool,
    max_waste: u64,
    slots: usize,
) -> Result<(), OutOfMemory> {
    let held = list.chunk_bytes();
    if held.saturating_sub(list.bytes()) <= max_waste {
        return Ok(());
    }
    let mut packed = SegmentedBuf::new(pool);
    // For each chunk, and what was copied before it, and each segment that is filled: so that all
    // fits in when there is an error.
    let full = within(list.bytes() / pool.segment_size().bytes() as u64);
    packed.list.try_reserve(2 * list.len() + full + 4, Source::Pool(pool))?;
    let mut result = Ok(());
    while let Some(run) = Run::first(list).filter(|_| result.is_ok()) {
        let is_kept = run.is_kept(held, max_waste);
        result = (0..run.chunks).try_for_each(|_| move_chunk(list, &mut packed, is_kept));
    }
    while !list.is_empty() {
        move_chunk(list, &mut packed, true).unwrap_or_else(range::refuse);
    }
    *list = packed.freeze().list;
    list.shrink(slots, pool);
    result
}

/// Moves the first chunk, linked or copied.
fn move_chunk(
    from: &mut ChunkList,
    to: &mut SegmentedBuf,
    is_linked: bool,
) -> Result<(), OutOfMemory> {
    let Some(first) = from.get(0) else { return Ok(()) };
    if !is_linked {
        to.try_extend_from_slice(first)?;
        from.pop_front();
        return Ok(());
    }
    to.try_push(&mut from.pop_front().unwrap_or_default())
}

/// Neighbouring chunks of one segment.
struct Run {
    chunks: usize,
    len: u64,
    held: u64,
}

impl Run {
    fn first(list: &ChunkList) -> Option<Self> {
        let first = list.get(0)?;
        let same = list
            .iter()
            .take_while(|&chunk| core::ptr::eq(chunk, first) || first.shares_segment_with(chunk));
        let (chunks, len) =
            same.fold((0, 0), |(chunks, len), chunk| (chunks + 1, len + chunk.len() as u64));
        Some(Self { chunks, len, held: first.held_bytes() as u64 })
    }

    /// Returns whether this run wastes no more than its share of what may be wasted.
    ///
    /// The shares are as large as the segments, so those of all kept runs together are at most
    /// `max_waste`.
    fn is_kept(&self, held_by_all: u64, max_waste: u64) -> bool {
        let waste = u128::from(self.held.saturating_sub(self.len));
        waste * u128::from(held_by_all) <= u128::from(max_waste) * u128::from(self.held)
    }
}
