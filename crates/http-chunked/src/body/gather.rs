//! Where the data of a body is kept while it comes in.

use bytes::Buf as _;
use seg_pool::{Pool, Segment, SegmentMut};
use seg_seq::{Assembly, Flatten, LinkPolicy, Sequence};

use super::BodyErrorKind;
use crate::decoder::Decoder;

const POLICY: LinkPolicy = LinkPolicy::RECEIVE;

/// Chunks at the end of the list that a received segment is looked for in. Between two parts of one
/// there are at most the copied runs of a few segments.
const RECENT_CHUNKS: usize = 4;

/// The data of a body so far, in either [`Assembly`].
#[derive(Debug)]
pub(crate) struct Gather {
    pool: Pool,
    assembly: Assembly,
    linked: Sequence,
    /// Short runs that are not in `linked` yet, in front of the room for more of them. Linking
    /// splits the filled part off, so the room is used up before another segment is taken, however
    /// short and long runs alternate.
    /// While it is there, the list has a slot for it.
    copied: Option<SegmentMut>,
    flat: Vec<u8>,
    /// The memory that all of it keeps from reuse, but for the list: each segment whole, and once.
    held_bytes: u64,
    /// Whether the segment received last is counted in already.
    is_counted: bool,
    held_bytes_max: u64,
}

impl Gather {
    pub(crate) fn new(pool: &Pool, assembly: Assembly) -> Self {
        Self {
            pool: pool.clone(),
            assembly,
            linked: Sequence::new(),
            copied: None,
            flat: Vec::new(),
            held_bytes: 0,
            is_counted: false,
            held_bytes_max: u64::MAX,
        }
    }

    /// Sets the memory that may be kept from reuse.
    pub(crate) const fn set_held_bytes_max(&mut self, bytes: u64) {
        self.held_bytes_max = bytes;
    }

    pub(crate) fn held_bytes(&self) -> u64 {
        self.held_bytes + self.linked.list_bytes()
    }

    /// Says which received segment the next runs come from.
    #[inline]
    pub(crate) fn receive(&mut self, received: &Segment) {
        // Most often nothing else refers to it yet.
        self.is_counted = !received.is_unique() && self.is_recent(received);
    }

    fn is_recent(&self, received: &Segment) -> bool {
        let mut recent = self.linked.chunks().rev().take(RECENT_CHUNKS);
        recent.any(|chunk| chunk.shares_segment_with(received))
    }

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    #[inline]
    pub(crate) fn len(&self) -> u64 {
        let copied = self.copied.as_ref().map_or(0, SegmentMut::len);
        self.linked.len() + copied as u64 + self.flat.len() as u64
    }

    /// Keeps a run at the front of a received segment: links a long one and copies a short one. Takes
    /// what it kept off the segment.
    pub(crate) fn keep_run(
        &mut self,
        received: &mut Segment,
        len: usize,
    ) -> Result<(), BodyErrorKind> {
        if len >= self.linked_bytes_min() && self.may_link(received, self.len()) {
            self.reserve_links(1)?;
            self.begin_links(received);
            self.linked.push(received.split_to(len));
            return Ok(());
        }
        match self.assembly {
            Assembly::Contiguous => {
                self.extend_flat(&received[..len])?;
                received.advance(len);
                Ok(())
            }
            Assembly::Segmented => self.copy(received, len),
        }
    }

    /// Keeps data at the front of a received segment, as long as it is in chunks that are as simple as
    /// most are and no more than `bytes_max` is kept in all. Takes them off the segment.
    #[inline]
    pub(crate) fn keep_chunks(
        &mut self,
        received: &mut Segment,
        decoder: &mut Decoder,
        bytes_max: u64,
    ) {
        let len = self.len();
        if self.may_link(received, len) {
            self.link_chunks(received, decoder, bytes_max - len);
        }
        if !received.is_empty() {
            self.copy_chunks(received, decoder, bytes_max);
        }
    }

    /// Links the data of chunks, at most `left` bytes.
    #[inline]
    fn link_chunks(&mut self, received: &mut Segment, decoder: &mut Decoder, mut left: u64) {
        let mut least = self.linked_bytes_min();
        let mut is_first = true;
        loop {
            let len = decoder.chunk_left().min(received.len() as u64);
            if len > 0 {
                let count = within(len);
                if len > left || !is_linked(count, least, received, decoder) {
                    return;
                }
                // Without memory for the list, the run is kept one by one, with an error.
                if self.reserve_links(1).is_err() {
                    return;
                }
                if is_first {
                    self.begin_links(received);
                    (is_first, least) = (false, POLICY.held_link_bytes_min);
                }
                self.linked.push(received.split_to(count));
                decoder.take_data_octets(count);
                left -= len;
            }
            let Some(line) = decoder.take_line_between(received, least) else { return };
            received.advance(line);
        }
    }

    /// Copies the data of chunks that are wholly there, as long as there is room.
    #[inline(never)]
    fn copy_chunks(&mut self, received: &mut Segment, decoder: &mut Decoder, bytes_max: u64) {
        let (mut rest, left) = (&received[..], within(bytes_max - self.len()));
        if self.assembly == Assembly::Contiguous {
            self.extend_by_whole_chunks(decoder, &mut rest, left);
        } else if decoder.is_at_line(rest) {
            self.copy_whole_chunks(decoder, &mut rest, left);
        }
        received.advance(received.len() - rest.len());
    }

    /// Appends whole chunks to the contiguous data.
    fn extend_by_whole_chunks(&mut self, decoder: &mut Decoder, rest: &mut &[u8], mut left: usize) {
        decoder.take_whole_chunks(rest, |_, data| {
            let is_allowed =
                data.len() <= left && extend_within(&mut self.flat, data, self.held_bytes_max);
            left -= if is_allowed { data.len() } else { 0 };
            is_allowed
        });
        self.held_bytes = self.flat.capacity() as u64;
    }

    /// Copies short chunks as long as there is room.
    fn copy_whole_chunks(&mut self, decoder: &mut Decoder, rest: &mut &[u8], left: usize) {
        let Some(room) = &mut self.copied else { return };
        let input = *rest;
        let spare = room.spare_initialized_mut();
        let (mut filled, most) = (0, left.min(spare.len()));
        decoder.take_whole_chunks(rest, |at, data| {
            let is_kept = data.len() < POLICY.link_bytes_min && data.len() <= most - filled;
            if is_kept {
                copy_short(&mut spare[filled..], &input[at..], data.len());
                filled += data.len();
            }
            is_kept
        });
        room.advance_initialized(filled);
    }

    /// Returns the length from which on a run is linked.
    #[inline]
    const fn linked_bytes_min(&self) -> usize {
        if self.is_counted { POLICY.held_link_bytes_min } else { POLICY.link_bytes_min }
    }

    /// Returns whether parts of a received segment are linked: that keeps the memory below the limit,
    /// and in proportion to the `len` bytes of data.
    #[inline]
    fn may_link(&self, received: &Segment, len: u64) -> bool {
        if self.is_counted || self.assembly == Assembly::Contiguous {
            return self.is_counted;
        }
        let held = self.held_bytes() + received.held_bytes() as u64;
        held <= self.held_bytes_max && held.saturating_sub(len) <= len.max(POLICY.waste_bytes_max)
    }

    /// Gets ready to link parts of the segment received last.
    #[inline]
    fn begin_links(&mut self, received: &Segment) {
        self.flush();
        if !self.is_counted {
            self.is_counted = true;
            self.held_bytes += received.held_bytes() as u64;
        }
    }

    /// Keeps bytes that lie in segments of our own, however short: no received segment waits for
    /// them, and they join what lies before them in the same segment. Takes them out unless there is no
    /// memory for the list.
    pub(crate) fn keep_own(&mut self, bytes: &mut Sequence) -> Result<(), BodyErrorKind> {
        if self.assembly == Assembly::Contiguous {
            return core::mem::take(bytes).chunks().try_for_each(|chunk| self.extend_flat(chunk));
        }
        self.flush();
        let mut last = self.linked.chunks().next_back();
        let mut held = 0;
        for chunk in bytes.chunks() {
            if !last.is_some_and(|last| last.shares_segment_with(chunk)) {
                held += chunk.held_bytes();
            }
            last = Some(chunk);
        }
        self.reserve_links(bytes.chunk_count())?;
        self.hold(held)?;
        self.linked.append(core::mem::take(bytes));
        Ok(())
    }

    /// Takes all data out and gives the room for more back to the pool.
    pub(crate) fn take(&mut self) -> Flatten {
        (self.held_bytes, self.is_counted) = (0, false);
        match self.assembly {
            Assembly::Segmented => {
                self.flush();
                self.copied = None;
                Flatten::new(core::mem::take(&mut self.linked))
            }
            Assembly::Contiguous => Flatten::from_bytes(core::mem::take(&mut self.flat).into()),
        }
    }

    /// Gives a segment for the next copies.
    pub(crate) fn supply(&mut self, memory: SegmentMut) {
        if self.assembly == Assembly::Segmented
            && self.reserve(1 + usize::from(self.copied.is_some())).is_ok()
            && self.hold(memory.held_bytes()).is_ok()
        {
            self.flush();
            self.copied = Some(memory);
        }
    }

    /// Makes slots for links, for what was copied before them and for what is copied after them.
    #[inline]
    fn reserve_links(&mut self, count: usize) -> Result<(), BodyErrorKind> {
        self.reserve(count + 2 * usize::from(self.copied.is_some()))
    }

    /// Makes slots for chunks in the list.
    #[inline]
    fn reserve(&mut self, chunk_count: usize) -> Result<(), BodyErrorKind> {
        self.linked.try_reserve(chunk_count, &self.pool).map_err(BodyErrorKind::OutOfMemory)
    }

    /// Counts memory that is about to be held.
    fn hold(&mut self, bytes: usize) -> Result<(), BodyErrorKind> {
        if self.held_bytes() + bytes as u64 > self.held_bytes_max {
            return Err(BodyErrorKind::HeldTooMuch);
        }
        self.held_bytes += bytes as u64;
        Ok(())
    }

    /// Copies `len` bytes from the front of a received segment and takes them off.
    fn copy(&mut self, received: &mut Segment, len: usize) -> Result<(), BodyErrorKind> {
        let mut left = len;
        while left > 0 {
            if let Some(room) = self.copied.as_mut().filter(|room| room.spare_len() > 0) {
                let count = room.fill_from_slice(&received[..left]);
                received.advance(count);
                left -= count;
            } else {
                let room = self.pool.try_take_size(self.pool.segment_size());
                let room = room.map_err(BodyErrorKind::OutOfMemory)?;
                self.reserve(1 + usize::from(self.copied.is_some()))?;
                self.hold(self.pool.segment_size().bytes())?;
                self.flush();
                self.copied = Some(room);
            }
        }
        Ok(())
    }

    fn extend_flat(&mut self, bytes: &[u8]) -> Result<(), BodyErrorKind> {
        let is_allowed = extend_within(&mut self.flat, bytes, self.held_bytes_max);
        self.held_bytes = self.flat.capacity() as u64;
        is_allowed.then_some(()).ok_or(BodyErrorKind::HeldTooMuch)
    }

    /// Links the short runs copied so far; their room stays.
    #[inline]
    fn flush(&mut self) {
        if let Some(copied) = self.copied.as_mut().filter(|copied| !copied.is_empty()) {
            self.linked.push(copied.split_to(copied.len()).freeze());
        }
    }
}

/// Returns whether a run of `len` bytes at the front of a received segment is linked: when it has the
/// `least` length, or lies in front of a long one, which will hold the segment. Then a copy would be
/// a chunk as well.
#[inline]
fn is_linked(len: usize, least: usize, received: &Segment, decoder: &mut Decoder) -> bool {
    len >= least || decoder.data_behind_line(&received[len..]) >= POLICY.link_bytes_min
}

/// Appends to a vector, whose memory doubles when it is full but stays within `bytes_max`; returns
/// whether there was room.
fn extend_within(vec: &mut Vec<u8>, bytes: &[u8], bytes_max: u64) -> bool {
    let needed = vec.len() + bytes.len();
    if needed > vec.capacity() {
        if needed as u64 > bytes_max {
            return false;
        }
        let most = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        vec.reserve_exact((vec.capacity() * 2).max(needed).min(most) - vec.len());
    }
    vec.extend_from_slice(bytes);
    true
}

/// Converts a count, of which no more than memory has matters.
fn within(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
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
