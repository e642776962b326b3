//! Packets of linked fragments: sent by one system call that gathers.

use core::{fmt, iter::FusedIterator};
use std::io::IoSlice;

use seg_pool::{OutOfMemory, Pool, SegmentMut, SegmentSize};

use crate::{
    fragment::{Fragment, Fragments},
    packet_batch::packets_in_a_batch,
    packet_layout::{PacketLayout, PacketSizeError},
    sequence::Sequence,
};

impl Sequence {
    /// Returns the bytes in batches of packets whose payload stays where it lies: only headers and
    /// tags have a buffer, a segment from `pool` for each batch.
    ///
    /// For payload that is not encrypted here, or was already: the system gathers the
    /// [slices](FragmentBatch::io_slices) of all packets of a batch in one `sendmsg`. With `UDP_SEGMENT` of
    /// Linux it cuts them at the [stride](FragmentBatch::stride), wherever slices end. The packets
    /// have the same bytes as those of [`packet_batches`](Self::packet_batches).
    ///
    /// Copies nothing; in the steady state nothing is allocated. A batch ends before
    /// its packets have more than 1,024 slices, the most that most systems gather; only one packet
    /// alone can have more.
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
    /// for batch in message.fragment_batches(&pool, 1_200, 2, 0)? {
    ///     let mut batch = batch?;
    ///     for (number, (header, fragment, _)) in (0_u16..).zip(batch.packets_mut()) {
    ///         header.copy_from_slice(&number.to_be_bytes());
    ///         assert!(fragment.len() <= 1_198);
    ///     }
    ///     let lens: Vec<_> = batch.io_slices().map(|slice| slice.len()).collect();
    ///     assert_eq!(lens, [2, 1_198, 2, 1_198, 2, 604]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn fragment_batches(
        &self,
        pool: &Pool,
        mtu: usize,
        headroom: usize,
        tailroom: usize,
    ) -> Result<FragmentBatches<'_>, PacketSizeError> {
        let layout = PacketLayout::new(mtu, headroom, tailroom)?;
        Ok(FragmentBatches {
            fragments: self.fragments(layout.payload_max()),
            pool: pool.clone(),
            layout,
        })
    }
}

/// The most slices of a gathering call: `IOV_MAX` of Linux and of most others.
const SLICES_MAX: usize = 1_024;

/// The batches of fragments of a [`Sequence`], from [`Sequence::fragment_batches`].
#[derive(Debug)]
pub struct FragmentBatches<'a> {
    fragments: Fragments<'a>,
    pool: Pool,
    layout: PacketLayout,
}

impl<'a> FragmentBatches<'a> {
    /// Returns how many packets are in the next batch, and how many bytes of payload.
    fn next_count(&self) -> (usize, usize) {
        let around = usize::from(self.layout.headroom > 0) + usize::from(self.layout.tailroom > 0);
        let (mut slices, mut payload) = (0, 0);
        let packets = self.fragments.clone().take(packets_in_a_batch(self.layout.mtu));
        let count = packets
            .take_while(|fragment| {
                let first = slices == 0;
                slices += around + fragment.slices().count();
                let fits = first || slices <= SLICES_MAX;
                payload += if fits { fragment.len() } else { 0 };
                fits
            })
            .count();
        (count, payload)
    }

    fn try_next(&mut self, count: usize, payload: usize) -> Result<FragmentBatch<'a>, OutOfMemory> {
        let PacketLayout { mtu, headroom, tailroom } = self.layout;
        let around = count * (headroom + tailroom);
        let size = SegmentSize::fitting(around).unwrap_or(SegmentSize::MAX);
        let mut buffer = self.pool.try_take_size(size)?;
        buffer.spare_initialized_mut()[..around].fill(0);
        buffer.advance_initialized(around);
        let fragments = self.fragments.clone();
        self.fragments.by_ref().take(count).for_each(drop);
        let len = around + payload;
        Ok(FragmentBatch { buffer, fragments, count, len, stride: mtu, headroom, tailroom })
    }
}

impl<'a> Iterator for FragmentBatches<'a> {
    type Item = Result<FragmentBatch<'a>, OutOfMemory>;

    /// Returns the next batch, or [`OutOfMemory`] when the pool has no segment for its headers and
    /// tags. No packet is lost then: a later call returns the batch.
    fn next(&mut self) -> Option<Self::Item> {
        let (count, payload) = self.next_count();
        (count > 0).then(|| self.try_next(count, payload))
    }
}

impl FusedIterator for FragmentBatches<'_> {}

/// Packets whose payload is linked, from [`Sequence::fragment_batches`].
pub struct FragmentBatch<'a> {
    /// The header and the tag of the first packet, then those of the second, and so on.
    buffer: SegmentMut,
    /// From the first packet of the batch on; `count` of them belong to it.
    fragments: Fragments<'a>,
    count: usize,
    len: usize,
    stride: usize,
    headroom: usize,
    tailroom: usize,
}

impl<'a> FragmentBatch<'a> {
    /// Returns the length of every packet but the last, which may be shorter.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// Returns the bytes of all packets together, at least one.
    #[allow(clippy::len_without_is_empty, reason = "no batch is empty")]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns the number of packets, at least one.
    #[must_use]
    pub const fn packet_count(&self) -> usize {
        self.count
    }

    /// Returns the header, the payload and the tag of each packet. Header and tag are zeroes until
    /// they are written.
    pub fn packets_mut(&mut self) -> impl Iterator<Item = (&mut [u8], Fragment<'a>, &mut [u8])> {
        let (headroom, around) = (self.headroom, self.headroom + self.tailroom);
        let mut rest = &mut self.buffer[..];
        self.fragments.clone().take(self.count).map(move |fragment| {
            let (packet, after) = core::mem::take(&mut rest).split_at_mut(around);
            rest = after;
            let (header, tag) = packet.split_at_mut(headroom);
            (header, fragment, tag)
        })
    }

    /// Returns all packets as slices for one call that gathers, none of them empty.
    pub fn io_slices(&self) -> impl Iterator<Item = IoSlice<'_>> {
        let around = self.headroom + self.tailroom;
        let packets = self.fragments.clone().take(self.count).enumerate();
        packets
            .flat_map(move |(index, fragment)| {
                let packet = &self.buffer[index * around..][..around];
                let (header, tag) = packet.split_at(self.headroom);
                core::iter::once(header).chain(fragment.slices()).chain(core::iter::once(tag))
            })
            .filter(|slice| !slice.is_empty())
            .map(IoSlice::new)
    }
}

impl fmt::Debug for FragmentBatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FragmentBatch")
            .field("packet_count", &self.count)
            .field("stride", &self.stride)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
