//! Packets that lie next to each other in one segment, for one system call.

use core::{fmt, iter::FusedIterator, ops::Deref};

use seg_pool::{OutOfMemory, Pool, Segment, SegmentMut, SegmentSize};

use crate::{
    fragment::Fragments,
    packet_layout::{PacketLayout, PacketSizeError},
    sequence::Sequence,
};

/// The most bytes that a system sends at once: what an IPv4 datagram of 65,535 bytes holds beside
/// its own header and that of UDP. Linux cuts a longer send into packets only if it fits one datagram.
const BATCH_BYTES_MAX: usize = 65_535 - 20 - 8;

/// The most packets that a system sends at once: `UDP_MAX_SEGMENTS` of Linux before 6.9, which
/// allows 128.
const PACKETS_MAX: usize = 64;

impl Sequence {
    /// Copies the bytes into batches of packets: each batch is one segment from `pool`, in which the
    /// packets lie next to each other, so that one system call sends all of them.
    ///
    /// Every packet is `headroom` bytes for a header, the payload, and `tailroom` bytes for a tag,
    /// `mtu` bytes together; only the last packet of the sequence may be shorter. Header and tag
    /// are zeroes until they are written. The stride of the packets is what `UDP_SEGMENT` of Linux
    /// (generic segmentation offload) cuts at. A batch has at most 65,507 bytes and 64 packets;
    /// [`packets_max`](PacketBatches::packets_max) asks for fewer.
    ///
    /// One copy of the payload. A batch takes one segment, the smallest that holds it; in the steady
    /// state nothing is allocated.
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
    /// buffer.try_extend_from_slice(&[7; 100_000])?;
    /// let (message, mut number) = (buffer.freeze(), 0_u64);
    /// for batch in message.packet_batches(&pool, 1_200, 8, 16)? {
    ///     let mut batch = batch?;
    ///     for packet in batch.packets_mut() {
    ///         packet.header.copy_from_slice(&number.to_be_bytes());
    ///         packet.payload.iter_mut().for_each(|byte| *byte ^= 0xff); // encrypts in place
    ///         packet.tag.copy_from_slice(&[1; 16]);
    ///         number += 1;
    ///     }
    ///     // One call: `batch[..]` with a segment size of `batch.stride()`.
    ///     assert!(batch.len() <= 65_507 && batch.stride() == 1_200);
    /// }
    /// assert_eq!(number, 86);
    /// # Ok(())
    /// # }
    /// ```
    pub fn packet_batches(
        &self,
        pool: &Pool,
        mtu: usize,
        headroom: usize,
        tailroom: usize,
    ) -> Result<PacketBatches<'_>, PacketSizeError> {
        let layout = PacketLayout::new(mtu, headroom, tailroom)?;
        Ok(PacketBatches {
            fragments: self.fragments(layout.payload_max()),
            pool: pool.clone(),
            layout,
            packets_max: packets_in_a_batch(mtu),
        })
    }
}

/// How many packets of `mtu` bytes one system call sends: at least one.
pub(crate) const fn packets_in_a_batch(mtu: usize) -> usize {
    match BATCH_BYTES_MAX / mtu {
        0 => 1,
        count if count < PACKETS_MAX => count,
        _ => PACKETS_MAX,
    }
}

/// The batches of packets of a [`Sequence`], from [`Sequence::packet_batches`].
#[derive(Debug)]
pub struct PacketBatches<'a> {
    fragments: Fragments<'a>,
    pool: Pool,
    layout: PacketLayout,
    packets_max: usize,
}

impl PacketBatches<'_> {
    /// Limits the packets of a batch, where a window or a [`Budget`](seg_pool::Budget) has space for
    /// fewer than 64. 0 means 1; more than fit a batch change nothing.
    #[must_use]
    pub fn with_packets_max(mut self, count: usize) -> Self {
        self.packets_max = count.clamp(1, packets_in_a_batch(self.layout.mtu));
        self
    }

    /// Returns the most packets of a batch.
    #[must_use]
    pub const fn packets_max(&self) -> usize {
        self.packets_max
    }

    /// Returns how many packets are in the next batch, and how many bytes.
    fn next_len(&self) -> (usize, usize) {
        let (left, _) = self.fragments.size_hint();
        let count = left.min(self.packets_max);
        let around = self.layout.headroom + self.layout.tailroom;
        let payload = self.fragments.next_bytes(count);
        (count, payload + count * around)
    }
}

impl Iterator for PacketBatches<'_> {
    type Item = Result<PacketBatch, OutOfMemory>;

    /// Returns the next batch, or [`OutOfMemory`] when the pool has no segment for it. No packet is
    /// lost then: a later call returns the batch.
    fn next(&mut self) -> Option<Self::Item> {
        let (count, len) = self.next_len();
        if count == 0 {
            return None;
        }
        let size = SegmentSize::fitting(len).unwrap_or(SegmentSize::MAX);
        let mut segment = match self.pool.try_take_size(size) {
            Ok(segment) => segment,
            Err(error) => return Some(Err(error)),
        };
        let PacketLayout { mtu, headroom, tailroom } = self.layout;
        let mut rest = &mut segment.spare_initialized_mut()[..len];
        for fragment in self.fragments.by_ref().take(count) {
            let (header, after) = rest.split_at_mut(headroom);
            let (payload, after) = after.split_at_mut(fragment.len());
            let (tag, after) = after.split_at_mut(tailroom);
            header.fill(0);
            fragment.copy_to_slice(payload);
            tag.fill(0);
            rest = after;
        }
        segment.advance_initialized(len);
        Some(Ok(PacketBatch { segment, stride: mtu, headroom, tailroom }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.fragments.size_hint().0.div_ceil(self.packets_max);
        (count, Some(count))
    }
}

impl FusedIterator for PacketBatches<'_> {}

/// Packets with a single owner that lie next to each other, from [`Sequence::packet_batches`].
///
/// Derefs to all of their bytes, which one system call sends with [`stride`](Self::stride) as the
/// length of a packet. Sendable to any thread; its memory goes back to the pool when it is dropped.
pub struct PacketBatch {
    segment: SegmentMut,
    stride: usize,
    headroom: usize,
    tailroom: usize,
}

impl PacketBatch {
    /// Returns the bytes from the start of a packet to that of the next one: the length of every
    /// packet but the last, which may be shorter.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// Returns the number of packets, at least one.
    #[must_use]
    pub const fn packet_count(&self) -> usize {
        self.segment.len().div_ceil(self.stride)
    }

    /// Returns the packets, each as three slices that can be written at once.
    pub fn packets_mut(&mut self) -> impl ExactSizeIterator<Item = PacketParts<'_>> {
        let (headroom, tailroom) = (self.headroom, self.tailroom);
        self.segment.chunks_mut(self.stride).map(move |packet| {
            let (header, rest) = packet.split_at_mut(headroom);
            let (payload, tag) = rest.split_at_mut(rest.len() - tailroom);
            PacketParts { header, payload, tag }
        })
    }

    /// Turns into the buffer of the packets' bytes. Copies nothing;
    /// [`SegmentMut::split_to`] gives each packet an owner of its own.
    #[must_use]
    pub fn into_segment(self) -> SegmentMut {
        self.segment
    }

    /// Turns into shared, immutable bytes: to be sent again until they are acknowledged, for
    /// example. Copies nothing.
    #[must_use]
    pub fn freeze(self) -> Segment {
        self.segment.freeze()
    }
}

impl Deref for PacketBatch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.segment
    }
}

impl AsRef<[u8]> for PacketBatch {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for PacketBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketBatch")
            .field("packet_count", &self.packet_count())
            .field("stride", &self.stride)
            .field("len", &self.segment.len())
            .field("headroom", &self.headroom)
            .field("tailroom", &self.tailroom)
            .finish()
    }
}

/// The parts of one packet, which authenticated encryption needs at once.
#[derive(Debug, PartialEq, Eq)]
pub struct PacketParts<'a> {
    /// What stands before the payload.
    pub header: &'a mut [u8],
    /// The payload, to be encrypted or decrypted in place.
    pub payload: &'a mut [u8],
    /// What stands after the payload.
    pub tag: &'a mut [u8],
}
