//! Where the data of a body is kept while it comes in.

use core::ops::Deref;

use bytes::Buf;
use seg_pool::{Pool, Segment, SegmentMut, SegmentSize};
use seg_seq::{Assembly, Flatten, LinkPolicy, SegmentedBuf, Sequence};

use super::BodyErrorKind;
use crate::decoder::{DecodeError, Decoder};

const POLICY: LinkPolicy = LinkPolicy::RECEIVE;

/// For what lies before a long run, which will hold the segment: a copy would be a chunk as well.
const BEFORE_LONG: LinkPolicy = LinkPolicy { link_bytes_min: 0, held_link_bytes_min: 0, ..POLICY };

/// Links only what holds nothing more.
const COPY: LinkPolicy = LinkPolicy { link_bytes_min: usize::MAX, ..POLICY };

/// The largest block of a list.
const LIST_BYTES: usize = SegmentSize::K64.bytes();

/// The largest segment that decoders take.
const DECODED_BYTES: u64 = SegmentSize::K64.bytes() as u64;

/// The data of a body so far, in either [`Assembly`].
#[derive(Debug)]
pub(crate) struct Data {
    /// The data, or with [`Assembly::Contiguous`] what was decoded last.
    segments: SegmentedBuf,
    flat: Vec<u8>,
    assembly: Assembly,
    held_bytes_max: u64,
    /// Whether the runs of the segment received last go to `segments` without a look at the limit.
    is_simple: bool,
    /// The size of the segments that copies go into.
    piece_bytes: usize,
}

impl Data {
    pub(crate) fn new(pool: &Pool, assembly: Assembly, held_bytes_max: u64) -> Self {
        let piece_bytes = pool.segment_size().bytes();
        let segments = SegmentedBuf::new(pool);
        Self { segments, flat: Vec::new(), assembly, held_bytes_max, is_simple: false, piece_bytes }
    }

    /// Sets the memory that may be kept from reuse.
    pub(crate) const fn set_held_bytes_max(&mut self, bytes: u64) {
        self.held_bytes_max = bytes;
    }

    pub(crate) const fn pool(&self) -> &Pool {
        self.segments.pool()
    }

    pub(crate) fn len(&self) -> u64 {
        self.segments.len() + self.flat.len() as u64
    }

    /// Returns the memory that all of it keeps from reuse.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.segments.held_bytes_bound() + self.flat.capacity() as u64
    }

    /// Looks whether the limit is near, before runs of a received segment are kept.
    pub(crate) fn receive(&mut self, received: &Segment) {
        // It is linked once, or all of it is copied, and the list grows by a block.
        let most = received.held_bytes() + received.len() + LIST_BYTES + self.piece_bytes;
        self.is_simple = self.assembly == Assembly::Segmented
            && self.segments.held_bytes_bound() + most as u64 <= self.held_bytes_max;
    }

    /// Returns whether a run of `len` bytes is kept one way before a long run and another way before a short
    /// one: a short one whose copy would be a chunk of its own.
    #[inline]
    pub(crate) fn depends_on_next(&self, len: usize) -> bool {
        len < POLICY.link_bytes_min && !self.segments.ends_with_copy()
    }

    /// Keeps the first `len` bytes of a received segment. Takes what it kept off the segment. After them comes
    /// a run of `next_len` bytes, or 0 where that is not known.
    #[inline]
    pub(crate) fn keep(
        &mut self,
        received: &mut Segment,
        len: usize,
        next_len: usize,
    ) -> Result<(), BodyErrorKind> {
        let policy = if next_len < POLICY.link_bytes_min { &POLICY } else { &BEFORE_LONG };
        if self.is_simple && len <= self.piece_bytes {
            self.link_or_copy(received, len, policy)
        } else {
            self.keep_rare(received, len, policy)
        }
    }

    /// Keeps runs of data, the first of `len` bytes at the front of a received segment, as long as they are
    /// kept as the run before them was, and `bytes_max` bytes at most. Returns the length of the first run
    /// that is to be kept by [`keep`](Self::keep), 0 for none.
    pub(crate) fn keep_runs(
        &mut self,
        received: &mut Segment,
        len: usize,
        decoder: &mut Decoder,
        bytes_max: u64,
    ) -> Result<usize, DecodeError> {
        let mut left = bytes_max;
        if self.assembly == Assembly::Contiguous {
            return keep_runs(received, len, decoder, |received, len| {
                let is_kept = len as u64 <= left
                    && extend_within(&mut self.flat, &received[..len], self.held_bytes_max).is_ok();
                if is_kept {
                    received.advance(len);
                    left -= len as u64;
                }
                is_kept
            });
        }
        let is_long = len >= POLICY.held_link_bytes_min;
        if !self.is_simple || (!is_long && !self.segments.ends_with_copy()) {
            return Ok(len);
        }
        if is_long && self.segments.shares_segment_with(received) {
            return keep_runs(received, len, decoder, |received, len| {
                let is_kept = len >= POLICY.held_link_bytes_min
                    && len as u64 <= left
                    && self.segments.try_push_part(received, len).is_ok();
                left -= if is_kept { len as u64 } else { 0 };
                is_kept
            });
        }
        if !self.segments.ends_with_copy() {
            return Ok(len);
        }
        let short = if is_long { POLICY.link_bytes_min } else { POLICY.held_link_bytes_min };
        let Ok(spare) = self.segments.try_spare_initialized_mut() else { return Ok(len) };
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(spare.len());
        let (mut spare, mut rest) = (&mut spare[..most], &received[..]);
        let next = keep_runs(&mut rest, len, decoder, |rest, len| {
            let is_copied = len < short && len <= spare.len();
            if is_copied {
                copy_front(spare, rest, len);
                rest.advance(len);
                spare = &mut core::mem::take(&mut spare)[len..];
            }
            is_copied
        });
        let (left, filled) = (rest.len(), most - spare.len());
        received.advance(received.len() - left);
        self.segments.advance_initialized(filled);
        next
    }

    #[inline(never)]
    fn keep_rare(
        &mut self,
        received: &mut Segment,
        len: usize,
        policy: &LinkPolicy,
    ) -> Result<(), BodyErrorKind> {
        if self.assembly == Assembly::Contiguous {
            extend_within(&mut self.flat, &received[..len], self.held_bytes_max)?;
            received.advance(len);
            return Ok(());
        }
        // What is copied needs one segment at most: so a wait for one always leads on.
        let mut left = len;
        while left > 0 {
            let count = left.min(self.piece_bytes);
            if self.is_simple {
                self.link_or_copy(received, count, policy)?;
            } else {
                self.keep_near_limit(received, count, policy)?;
            }
            left -= count;
        }
        Ok(())
    }

    #[inline(never)]
    fn keep_near_limit(
        &mut self,
        received: &mut Segment,
        len: usize,
        policy: &LinkPolicy,
    ) -> Result<(), BodyErrorKind> {
        let left = self.held_bytes_max.saturating_sub(self.segments.held_bytes_bound());
        let is_shared = self.segments.shares_segment_with(received);
        let is_linkable = is_shared || received.held_bytes() as u64 <= left;
        let spare = self.segments.spare_len();
        let is_copyable = len <= spare || self.piece_bytes as u64 <= left;
        match (is_linkable, is_copyable) {
            (true, true) => self.link_or_copy(received, len, policy),
            (true, false) => self.link_or_copy(received, len, &LinkPolicy::ALWAYS),
            (false, true) => self.link_or_copy(received, len, &COPY),
            (false, false) => {
                self.link_or_copy(received, spare, &COPY)?;
                Err(BodyErrorKind::HeldTooMuch)
            }
        }
    }

    #[inline]
    fn link_or_copy(
        &mut self,
        received: &mut Segment,
        len: usize,
        policy: &LinkPolicy,
    ) -> Result<(), BodyErrorKind> {
        let kept = self.segments.link_or_copy(received, len, policy);
        kept.map_err(BodyErrorKind::OutOfMemory)
    }

    /// Keeps what `decode` appends to a buffer.
    pub(crate) fn decode<T>(
        &mut self,
        decode: impl FnOnce(&mut SegmentedBuf) -> (T, Result<(), BodyErrorKind>),
    ) -> (T, Result<(), BodyErrorKind>) {
        let before = self.segments.len();
        let (value, result) = decode(&mut self.segments);
        let kept = self.keep_decoded(before);
        // What could not be kept came before what could not be decoded.
        (value, kept.and(result))
    }

    fn keep_decoded(&mut self, before: u64) -> Result<(), BodyErrorKind> {
        if self.assembly == Assembly::Contiguous {
            let decoded = self.segments.split();
            self.segments.clear();
            let mut chunks = decoded.chunks();
            return chunks
                .try_for_each(|chunk| extend_within(&mut self.flat, chunk, self.held_bytes_max));
        }
        // A decoder fills its segments, so the last one alone may hold more than its data. To walk
        // through the list is worth it only near the limit.
        let is_near = self.segments.held_bytes_bound() + DECODED_BYTES > self.held_bytes_max;
        if is_near && self.segments.held_bytes() > self.held_bytes_max {
            self.segments.truncate(before);
            return Err(BodyErrorKind::HeldTooMuch);
        }
        Ok(())
    }

    /// Takes all data out and gives the spare capacity after it back to the pool.
    pub(crate) fn take(&mut self) -> Flatten {
        if self.assembly == Assembly::Contiguous {
            return Flatten::from_bytes(core::mem::take(&mut self.flat).into());
        }
        let data = self.segments.split();
        self.segments.clear();
        Flatten::new(data)
    }

    /// Puts data back that was [taken](Self::take), when nothing was kept since. Needs no memory of the pool: an empty
    /// buffer takes the list as it is.
    pub(crate) fn put_back(&mut self, data: Sequence) {
        if self.assembly == Assembly::Contiguous {
            self.flat = data.to_vec();
        } else {
            self.segments.append(data);
        }
    }

    /// Drops all data and gives its memory back.
    pub(crate) fn clear(&mut self) {
        self.segments.clear();
        self.flat = Vec::new();
    }

    /// Gives a segment for the next copies. Contiguous data needs none.
    pub(crate) fn supply(&mut self, memory: SegmentMut) {
        if self.assembly == Assembly::Segmented {
            self.supply_decoder(memory);
        }
    }

    /// Gives a segment for what is decoded next.
    pub(crate) fn supply_decoder(&mut self, memory: SegmentMut) {
        if self.segments.held_bytes_bound() + memory.held_bytes() as u64 <= self.held_bytes_max {
            // Without a block for the list it goes back to its pool.
            drop(self.segments.try_push_mut(memory));
        }
    }
}

/// Keeps runs of data, the first of `len` bytes at the front of `received`, as long as `keep` does, which
/// takes what it keeps off.
#[inline]
fn keep_runs<R: Buf + Deref<Target = [u8]>>(
    received: &mut R,
    mut len: usize,
    decoder: &mut Decoder,
    mut keep: impl FnMut(&mut R, usize) -> bool,
) -> Result<usize, DecodeError> {
    while len > 0 && keep(received, len) {
        decoder.take_data(len);
        let run = decoder.next_run(received)?;
        received.advance(run.skip);
        len = run.data;
    }
    Ok(len)
}

/// Copies the first `len` bytes, which both sides have. Where they have more, so much is copied as
/// the processor copies in one go: what lies after is written again.
#[inline]
fn copy_front(target: &mut [u8], source: &[u8], len: usize) {
    match (target.as_chunks_mut::<8>().0, source.as_chunks::<8>().0) {
        // In two parts: of one, the compiler makes a call to `memcpy`, which is what the other copy is.
        ([target_0, target_1, ..], [source_0, source_1, ..]) if len <= 16 => {
            (*target_0, *target_1) = (*source_0, *source_1);
        }
        _ => target[..len].copy_from_slice(&source[..len]),
    }
}

/// Appends to a vector, whose memory doubles when it is full but stays within `bytes_max`.
fn extend_within(vec: &mut Vec<u8>, bytes: &[u8], bytes_max: u64) -> Result<(), BodyErrorKind> {
    let needed = vec.len() + bytes.len();
    if needed > vec.capacity() {
        if needed as u64 > bytes_max {
            return Err(BodyErrorKind::HeldTooMuch);
        }
        let most = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        vec.reserve_exact((vec.capacity() * 2).max(needed).min(most) - vec.len());
    }
    vec.extend_from_slice(bytes);
    Ok(())
}
