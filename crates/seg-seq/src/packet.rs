//! Packets: bytes of a sequence in exclusive buffers, with spare bytes before and after them.

use core::{fmt, iter::FusedIterator, ops::Deref};

use bytes::Buf as _;
use seg_pool::{OutOfMemory, Pool, Segment, SegmentMut, SegmentSize};

use crate::{
    fragment::Fragments,
    packet_layout::{PacketLayout, PacketSizeError},
    sequence::Sequence,
};

/// Bytes of a line of the cache on most machines.
const LINE_BYTES: usize = 64;

impl Sequence {
    /// Copies the bytes into packets: exclusive buffers from `pool`, each of at most `mtu` bytes,
    /// of which `headroom` and `tailroom` are left for what is put around the payload.
    ///
    /// So a packet gets its header and its tag, is encrypted in place and sent as one slice. One
    /// copy of the payload; in the steady state nothing is allocated. Packets that follow each other
    /// are cut from one segment of the pool's default size, each with lines of the cache of its
    /// own, and that segment goes back when the last of them is dropped: 11 packets of most
    /// networks in 16 KiB. Packets larger than half of that have a segment of their own.
    ///
    /// [`packet_batches`](Self::packet_batches) is for packets that are sent together.
    ///
    /// # Errors
    ///
    /// [`PacketSizeError`] when no byte of `mtu` is left for the payload, or when `mtu` is above
    /// 65,536.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Pool;
    /// use seg_seq::SegmentedBuf;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = Pool::new();
    /// let mut buffer = SegmentedBuf::new(&pool);
    /// buffer.try_extend_from_slice(&[7; 3_000])?;
    /// let message = buffer.freeze();
    /// for (number, packet) in (0_u32..).zip(message.packets(&pool, 1_420, 8, 16)?) {
    ///     let mut packet = packet?;
    ///     packet.payload_mut().iter_mut().for_each(|byte| *byte ^= 0xff);
    ///     packet.prepend(&number.to_be_bytes());
    ///     packet.append(b"tag");
    ///     assert!(packet.starts_with(&number.to_be_bytes()) && packet.ends_with(b"\xf8tag"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn packets(
        &self,
        pool: &Pool,
        mtu: usize,
        headroom: usize,
        tailroom: usize,
    ) -> Result<Packets<'_>, PacketSizeError> {
        let layout = PacketLayout::new(mtu, headroom, tailroom)?;
        Ok(Packets {
            fragments: self.fragments(layout.payload_max()),
            pool: pool.clone(),
            size: SegmentSize::fitting(mtu).unwrap_or(SegmentSize::MAX),
            stride: mtu.next_multiple_of(LINE_BYTES),
            rest: None,
            headroom,
            tailroom,
        })
    }
}

/// The packets of a [`Sequence`], from [`Sequence::packets`].
#[derive(Debug)]
pub struct Packets<'a> {
    fragments: Fragments<'a>,
    pool: Pool,
    /// The smallest segment that a packet fits into.
    size: SegmentSize,
    /// From the start of a packet to that of the next one in the same segment.
    stride: usize,
    /// What is left of the segment that packets are cut from.
    rest: Option<SegmentMut>,
    headroom: usize,
    tailroom: usize,
}

impl Packets<'_> {
    /// Returns an empty buffer for one packet; `count` packets are left, this one included.
    fn try_take(&mut self, count: usize) -> Result<SegmentMut, OutOfMemory> {
        let mut buffer = match self.rest.take() {
            Some(rest) => rest,
            None => self.pool.try_take_size(self.size_for(count))?,
        };
        if count > 1 && buffer.capacity() >= 2 * self.stride {
            self.rest = Some(buffer.split_off(self.stride));
        }
        Ok(buffer)
    }

    /// Returns the size of a segment for so many packets: no larger than needed.
    fn size_for(&self, count: usize) -> SegmentSize {
        let whole = self.pool.segment_size();
        let needed = SegmentSize::fitting(self.stride.saturating_mul(count));
        needed.map_or(whole, |needed| needed.min(whole)).max(self.size)
    }
}

impl Iterator for Packets<'_> {
    type Item = Result<Packet, OutOfMemory>;

    /// Returns the next packet, or [`OutOfMemory`] when the pool has no segment for it. The packet is
    /// not lost then: a later call returns it.
    fn next(&mut self) -> Option<Self::Item> {
        let (count, _) = self.fragments.size_hint();
        if count == 0 {
            return None;
        }
        let mut segment = match self.try_take(count) {
            Ok(segment) => segment,
            Err(error) => return Some(Err(error)),
        };
        let fragment = self.fragments.next()?;
        // What the headroom holds is never shown: `prepend` writes it before.
        segment.spare_initialized_mut();
        segment.advance_initialized(self.headroom);
        fragment.slices().for_each(|slice| segment.extend_from_slice(slice));
        let payload_end = segment.len();
        Some(Ok(Packet {
            segment,
            start: self.headroom,
            payload_start: self.headroom,
            payload_end,
            end_max: payload_end + self.tailroom,
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.fragments.size_hint()
    }
}

impl FusedIterator for Packets<'_> {}

/// A packet with a single owner: what was prepended, the payload, what was appended.
///
/// Derefs to all of it. Sendable to any thread; its memory goes back to the pool when it is dropped.
pub struct Packet {
    /// Filled from the front of the headroom to the end of the packet.
    segment: SegmentMut,
    /// First byte of the packet; the headroom before it is free.
    start: usize,
    payload_start: usize,
    payload_end: usize,
    /// Where the tailroom ends.
    end_max: usize,
}

impl Packet {
    /// Returns the payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.segment[self.payload_start..self.payload_end]
    }

    /// Returns the payload, to be changed in place.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        &mut self.segment[self.payload_start..self.payload_end]
    }

    /// Returns what was prepended, and the payload: the two that authenticated encryption needs at
    /// once.
    pub fn parts_mut(&mut self) -> (&mut [u8], &mut [u8]) {
        let (header, payload) = self.segment[self.start..self.payload_end]
            .split_at_mut(self.payload_start - self.start);
        (header, payload)
    }

    /// Returns how many bytes can still be prepended.
    #[must_use]
    pub const fn headroom(&self) -> usize {
        self.start
    }

    /// Returns how many bytes can still be appended.
    #[must_use]
    pub fn tailroom(&self) -> usize {
        self.end_max - self.segment.len()
    }

    /// Puts `bytes` before the packet: of two calls, the second one's bytes come first.
    ///
    /// # Panics
    ///
    /// Panics when they are more than the [`headroom`](Self::headroom).
    pub fn prepend(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.start, "the headroom is too short");
        let start = self.start - bytes.len();
        self.segment[start..self.start].copy_from_slice(bytes);
        self.start = start;
    }

    /// Puts `bytes` after the packet.
    ///
    /// # Panics
    ///
    /// Panics when they are more than the [`tailroom`](Self::tailroom).
    pub fn append(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.tailroom(), "the tailroom is too short");
        self.segment.extend_from_slice(bytes);
    }

    /// Turns into the buffer of just the packet's bytes. Copies nothing.
    #[must_use]
    pub fn into_segment(mut self) -> SegmentMut {
        self.segment.advance(self.start);
        self.segment
    }

    /// Turns into shared, immutable bytes: to be sent again later, for example. Copies nothing.
    #[must_use]
    pub fn freeze(self) -> Segment {
        self.into_segment().freeze()
    }
}

impl Deref for Packet {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.segment[self.start..]
    }
}

impl AsRef<[u8]> for Packet {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("headroom", &self.headroom())
            .field("header_len", &(self.payload_start - self.start))
            .field("payload_len", &(self.payload_end - self.payload_start))
            .field("tail_len", &(self.segment.len() - self.payload_end))
            .field("tailroom", &self.tailroom())
            .finish()
    }
}
