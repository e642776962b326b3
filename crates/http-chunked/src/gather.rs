//! Where the data of a body is kept while it comes in.

use core::ops::Range;

use bytes::Buf;
use seg_pool::{Exhausted, Pool, Segment, SegmentMut};
use seg_seq::{Flatten, SHARE_BYTES_MIN, Sequence};

use crate::{assembly::Assembly, decoder::Decoder};

/// The data of a body so far, in either [`Assembly`].
#[derive(Debug)]
pub(crate) struct Gather {
    pool: Pool,
    assembly: Assembly,
    linked: Sequence,
    /// Short runs that are not in `linked` yet, in front of the room for more of them. Linking
    /// splits the filled part off, so the room is used up before another segment is taken, however
    /// short and long runs alternate.
    copied: Option<SegmentMut>,
    flat: Vec<u8>,
}

impl Gather {
    pub(crate) fn new(pool: &Pool, assembly: Assembly) -> Self {
        Self {
            pool: pool.clone(),
            assembly,
            linked: Sequence::new(),
            copied: None,
            flat: Vec::new(),
        }
    }

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) fn len(&self) -> u64 {
        let copied = self.copied.as_ref().map_or(0, SegmentMut::len);
        self.linked.len() + copied as u64 + self.flat.len() as u64
    }

    /// Keeps a run of a received segment: copies a short one, links a long one.
    pub(crate) fn keep_run(
        &mut self,
        received: &Segment,
        run: Range<usize>,
    ) -> Result<(), Exhausted> {
        match self.assembly {
            Assembly::Contiguous => self.flat.extend_from_slice(&received[run]),
            Assembly::Segmented if run.len() < SHARE_BYTES_MIN => {
                return self.copy(&received[run]);
            }
            Assembly::Segmented => self.link(received.slice(run)),
        }
        Ok(())
    }

    /// Keeps the data of whole chunks at the front of `rest`, the back part of `received`, at most
    /// `left` bytes.
    pub(crate) fn keep_whole_chunks(
        &mut self,
        received: &Segment,
        decoder: &mut Decoder,
        rest: &mut &[u8],
        mut left: usize,
    ) {
        if self.assembly == Assembly::Contiguous {
            decoder.take_whole_chunks(rest, |_, data| {
                let is_allowed = data.len() <= left;
                if is_allowed {
                    self.flat.extend_from_slice(data);
                    left -= data.len();
                }
                is_allowed
            });
            return;
        }
        // Runs of short chunks and of long ones in turn, until something else comes.
        while decoder.is_at_line(rest) {
            let linked = self.link_whole_chunks(received, decoder, rest, left);
            let copied = self.copy_whole_chunks(decoder, rest, left - linked);
            if linked + copied == 0 {
                break;
            }
            left -= linked + copied;
        }
    }

    /// Links long chunks; returns the bytes of their data.
    ///
    /// First finds a batch of them and then links it: to count a reference waits for all reads
    /// before it, and no read behind it starts before it is done.
    fn link_whole_chunks(
        &mut self,
        received: &Segment,
        decoder: &mut Decoder,
        rest: &mut &[u8],
        left: usize,
    ) -> usize {
        const BATCH: usize = 16;
        let start = received.len() - rest.len();
        let mut runs = [(0, 0); BATCH];
        let (mut count, mut linked) = (0, 0);
        decoder.take_whole_chunks(rest, |at, data| {
            let is_kept = data.len() >= SHARE_BYTES_MIN && data.len() <= left - linked;
            match runs.get_mut(count) {
                Some(run) if is_kept => *run = (start + at, start + at + data.len()),
                _ => return false,
            }
            count += 1;
            linked += data.len();
            true
        });
        for &(start, end) in &runs[..count] {
            self.link(received.slice(start..end));
        }
        linked
    }

    /// Copies short chunks as long as there is room; returns the bytes of their data.
    fn copy_whole_chunks(&mut self, decoder: &mut Decoder, rest: &mut &[u8], left: usize) -> usize {
        let Some(room) = &mut self.copied else { return 0 };
        let input = *rest;
        let spare = room.spare_initialized_mut();
        let (mut filled, most) = (0, left.min(spare.len()));
        decoder.take_whole_chunks(rest, |at, data| {
            let is_kept = data.len() < SHARE_BYTES_MIN && data.len() <= most - filled;
            if is_kept {
                copy_short(&mut spare[filled..], &input[at..], data.len());
                filled += data.len();
            }
            is_kept
        });
        room.advance_initialized(filled);
        filled
    }

    /// Returns whether a run of this length is linked.
    pub(crate) fn links(&self, len: usize) -> bool {
        self.assembly == Assembly::Segmented && len >= SHARE_BYTES_MIN
    }

    /// Links what is behind `start` of a received segment, which is used up: its reference becomes
    /// that of the run.
    pub(crate) fn link_rest(&mut self, received: &mut Segment, start: usize) {
        let mut run = core::mem::take(received);
        run.advance(start);
        self.link(run);
    }

    /// Keeps bytes that lie in segments of our own, however short: no received segment waits for
    /// them, and they join what lies before them in the same segment.
    pub(crate) fn keep_own(&mut self, bytes: Sequence) {
        match self.assembly {
            Assembly::Segmented => {
                self.flush();
                self.linked.append(bytes);
            }
            Assembly::Contiguous => {
                bytes.chunks().for_each(|chunk| self.flat.extend_from_slice(chunk));
            }
        }
    }

    /// Takes all data out and gives the room for more back to the pool.
    pub(crate) fn take(&mut self) -> Flatten {
        match self.assembly {
            Assembly::Segmented => {
                self.flush();
                self.copied = None;
                Flatten::new(core::mem::take(&mut self.linked))
            }
            Assembly::Contiguous => Flatten::from_bytes(core::mem::take(&mut self.flat).into()),
        }
    }

    fn link(&mut self, segment: Segment) {
        self.flush();
        self.linked.push(segment);
    }

    fn copy(&mut self, bytes: &[u8]) -> Result<(), Exhausted> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Some(room) = self.copied.as_mut().filter(|room| room.spare_len() > 0) {
                rest = &rest[room.fill_from_slice(rest)..];
            } else {
                let room = self.pool.try_take_segment()?;
                self.flush();
                self.copied = Some(room);
            }
        }
        Ok(())
    }

    /// Links the short runs copied so far; their room stays.
    fn flush(&mut self) {
        if let Some(copied) = self.copied.as_mut().filter(|copied| !copied.is_empty()) {
            let filled = copied.split_to(copied.len());
            self.linked.push(filled.freeze());
        }
    }
}

/// Copies the first `len` bytes, which both sides have. Where they have more, so much is copied as
/// the processor copies in one go: what lies behind is written again.
#[inline]
fn copy_short(target: &mut [u8], source: &[u8], len: usize) {
    const ONE_GO: usize = 16;
    match (target.first_chunk_mut::<ONE_GO>(), source.first_chunk::<ONE_GO>()) {
        (Some(target), Some(source)) if len <= ONE_GO => *target = *source,
        _ => target[..len].copy_from_slice(&source[..len]),
    }
}
