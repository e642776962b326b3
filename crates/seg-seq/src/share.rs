//! Whether a run of bytes is linked or copied, and undoing a link that holds too much.

use seg_pool::{OutOfMemory, Pool, Segment};

use crate::{chunk_list::ChunkList, segmented_buf::SegmentedBuf, sequence::Sequence};

/// The shortest run of bytes that is linked; a shorter one is copied. The one policy of all layers.
///
/// A linked run keeps its whole segment from reuse: 20 bytes hold 16 KiB. A copied run holds only
/// itself, as many of them fill one segment. Up to about this length the copy costs no more than
/// the link: the bytes are in the cache, and the link is an atomic increment and later a decrement,
/// an entry in the list, and a stop for each reader. So sharing wastes at most 16 times what is
/// kept, in 16 KiB segments, and copying moves less than 1 KiB.
///
/// A run that continues the last chunk is linked however short, as it joins that chunk.
pub const SHARE_BYTES_MIN: usize = 1024;

impl SegmentedBuf {
    /// Appends a segment: links it from [`SHARE_BYTES_MIN`] on, copies it below.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when a copy needs a segment and the pool has none; nothing is appended then.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Pool;
    /// use seg_seq::SegmentedBuf;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = Pool::new();
    /// let mut kept = SegmentedBuf::new(&pool);
    /// for _ in 0..1_000 {
    ///     let mut received = pool.try_take(16_384)?;
    ///     received.fill_from_slice(&[7; 16_384]);
    ///     kept.try_push_or_copy(received.freeze().slice(100..120))?;
    /// }
    /// assert_eq!((kept.len(), kept.held_bytes()), (20_000, 32_768));
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_push_or_copy(&mut self, segment: Segment) -> Result<(), OutOfMemory> {
        if segment.len() >= SHARE_BYTES_MIN {
            self.push(segment);
            return Ok(());
        }
        let rest = if self.tail_len() == 0 { self.list.join(segment) } else { Err(segment) };
        rest.or_else(|segment| self.try_extend_from_slice(&segment))
    }

    /// Appends a sequence: links its chunks from [`SHARE_BYTES_MIN`] on, copies the others.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when a copy needs a segment and the pool has none. What precedes that chunk is
    /// appended then and gone from `sequence`, the rest is still there.
    pub fn try_append_or_copy(&mut self, sequence: &mut Sequence) -> Result<(), OutOfMemory> {
        while let Some(first) = sequence.list.get(0) {
            let (segment, len) = (first.segment.clone(), first.segment.len());
            self.try_push_or_copy(segment)?;
            sequence.list.advance(len as u64);
        }
        Ok(())
    }

    /// Copies what holds much more memory than it is long, so that at most `max_waste` bytes are
    /// held beyond the length, and the rest of one segment.
    ///
    /// As [`Sequence::compact`], with the buffer's own pool.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the pool has too few segments. The bytes are the same then.
    pub fn compact(&mut self, max_waste: u64) -> Result<(), OutOfMemory> {
        let mut sequence = Sequence { list: core::mem::take(&mut self.list) };
        let result = sequence.compact(self.pool(), max_waste);
        self.list = sequence.list;
        result
    }
}

impl Sequence {
    /// Copies what holds much more memory than it is long, so that at most `max_waste` bytes are
    /// held beyond the length, and the rest of one segment.
    ///
    /// Segments that are well used stay linked. Those that are not are let go one after the other,
    /// as their bytes are copied into segments of `pool`. Does nothing when little is wasted. What
    /// others hold of a segment that was let go is still held.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the pool has too few segments. The bytes are the same then, and some of
    /// them are copied already.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Pool;
    /// use seg_seq::Sequence;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = Pool::new();
    /// let mut kept = Sequence::new();
    /// for _ in 0..100 {
    ///     let mut segment = pool.try_take(16_384)?;
    ///     segment.extend_from_slice(&[7; 20]);
    ///     kept.push(segment.freeze());
    /// }
    /// assert_eq!((kept.len(), kept.held_bytes()), (2_000, 1_638_400));
    /// kept.compact(&pool, 4_096)?;
    /// assert_eq!((kept.len(), kept.held_bytes()), (2_000, 16_384));
    /// # Ok(())
    /// # }
    /// ```
    pub fn compact(&mut self, pool: &Pool, max_waste: u64) -> Result<(), OutOfMemory> {
        let held = self.held_bytes();
        if held.saturating_sub(self.len()) <= max_waste {
            return Ok(());
        }
        let mut packed = SegmentedBuf::new(pool);
        let mut result = Ok(());
        while result.is_ok() && !self.is_empty() {
            let run = Run::first(&self.list);
            if run.is_kept(held, max_waste) {
                packed.append(self.split_to(run.len));
            } else {
                result = copy_front(self, run.len, &mut packed);
            }
        }
        packed.append(core::mem::take(self));
        *self = packed.freeze();
        result
    }
}

/// Moves the first `count` bytes, which are whole chunks, copying them.
fn copy_front(from: &mut Sequence, count: u64, to: &mut SegmentedBuf) -> Result<(), OutOfMemory> {
    let until = from.len() - count;
    while from.len() > until {
        let Some(first) = from.list.get(0) else { break };
        let len = first.segment.len();
        to.try_extend_from_slice(&first.segment)?;
        from.list.advance(len as u64);
    }
    Ok(())
}

/// Neighbouring chunks of one segment.
struct Run {
    len: u64,
    held: u64,
}

impl Run {
    fn first(list: &ChunkList) -> Self {
        let mut chunks = list.iter().map(|chunk| &chunk.segment);
        let Some(first) = chunks.next() else { return Self { len: 0, held: 0 } };
        let more = chunks.take_while(|chunk| first.shares_segment_with(chunk));
        let len = more.fold(first.len() as u64, |len, chunk| len + chunk.len() as u64);
        Self { len, held: first.held_bytes() as u64 }
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
