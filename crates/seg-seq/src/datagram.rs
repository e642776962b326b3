//! Datagrams that one system call received together, each a buffer of its own.

use core::{
    error::Error,
    fmt,
    iter::FusedIterator,
    ops::{Deref, DerefMut},
};

use seg_pool::{OutOfMemory, Pool, Segment, SegmentMut, SegmentSize};

use crate::packet_batch::PacketParts;

/// What a datagram socket receives into: a segment of 64 KiB, which is longer than a datagram can
/// be, so that nothing is truncated.
///
/// With `UDP_GRO` of Linux (generic receive offload) one call receives up to 64 KiB of datagrams of
/// one length, next to each other; [`split`](Self::split) cuts them apart without a copy. Each
/// is decrypted where it lies, and its payload is linked into a message.
///
/// A short receive would keep 64 KiB from reuse for the sake of a few bytes. So those below
/// [`link_bytes_min`](Self::link_bytes_min) are copied: to the rest of a segment that an earlier
/// receive did not fill, or to one of the pool's usual size, which is filled up by many of them.
/// That costs less than the system call. In the steady state nothing is allocated.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use seg_seq::{DatagramBuf, SegmentedBuf};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new();
/// let mut buffer = DatagramBuf::new(&pool);
/// let mut message = SegmentedBuf::new(&pool);
/// // A socket does this, and says that it received 32 bytes in datagrams of 12.
/// buffer.try_spare_mut()?[..32].copy_from_slice(b"01hello, wtt02orld. Hett03llo!tt");
/// for mut datagram in buffer.split(32, 12)? {
///     let parts = datagram.parts_mut(2, 2)?;
///     parts.payload.make_ascii_uppercase(); // decrypts in place
///     message.push(datagram.into_payload(2, 2)?);
/// }
/// assert_eq!(message.freeze(), b"HELLO, WORLD. HELLO!");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DatagramBuf {
    pool: Pool,
    /// What the next receive fills: a segment of the largest size, empty.
    buffer: Option<SegmentMut>,
    /// What short receives are copied to: empty, with spare capacity.
    tail: Option<SegmentMut>,
    link_bytes_min: usize,
}

/// At most four times the bytes received are kept from reuse by a link.
const LINK_BYTES_MIN: usize = 16 << 10;

impl DatagramBuf {
    /// Creates a buffer that takes its segments from `pool`, when they are needed.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone(), buffer: None, tail: None, link_bytes_min: LINK_BYTES_MIN }
    }

    /// Returns the fewest bytes of a receive that are linked; fewer are copied. 16 KiB by default.
    #[must_use]
    pub const fn link_bytes_min(&self) -> usize {
        self.link_bytes_min
    }

    /// Sets the fewest bytes of a receive that are linked: 0 to copy none.
    pub const fn set_link_bytes_min(&mut self, bytes: usize) {
        self.link_bytes_min = bytes;
    }

    /// Returns the 64 KiB that the next receive fills, from their start. What they hold is
    /// unspecified.
    ///
    /// Takes a segment when the last one was linked. A byte is zeroed at most once in the life of a
    /// slab.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the pool has no segment; nothing changes then.
    pub fn try_spare_mut(&mut self) -> Result<&mut [u8], OutOfMemory> {
        let buffer = match self.buffer.take() {
            Some(buffer) => buffer,
            None => self.pool.try_take_size(SegmentSize::MAX)?,
        };
        Ok(self.buffer.insert(buffer).spare_initialized_mut())
    }

    /// Returns the datagrams that were received: `len` bytes in all, cut every `stride` bytes. The
    /// last one may be shorter.
    ///
    /// Copies nothing from [`link_bytes_min`](Self::link_bytes_min) on, nor when the pool has no
    /// segment for a copy; at most one atomic increment for 63 datagrams. An empty datagram is no
    /// datagram here.
    ///
    /// # Errors
    ///
    /// [`DatagramError`] when a system cannot have received that: the bytes stay where they are.
    pub fn split(&mut self, len: usize, stride: usize) -> Result<Datagrams, DatagramError> {
        let capacity = self.buffer.as_ref().map_or(0, SegmentMut::capacity);
        let kind = if len > capacity {
            Some(DatagramErrorKind::LengthAboveBuffer)
        } else if stride > capacity {
            Some(DatagramErrorKind::StrideAboveBuffer)
        } else if stride == 0 && len > 0 {
            Some(DatagramErrorKind::StrideZero)
        } else if stride > len {
            Some(DatagramErrorKind::Truncated)
        } else {
            None
        };
        if let Some(kind) = kind {
            return Err(DatagramError { kind, len, expected: stride });
        }
        Ok(Datagrams { rest: self.take_received(len), stride })
    }

    /// Returns the first `len` bytes of the buffer as a part of their own.
    fn take_received(&mut self, len: usize) -> Option<SegmentMut> {
        let mut buffer = self.buffer.take().filter(|_| len > 0)?;
        buffer.advance_initialized(len);
        if len < self.link_bytes_min
            && let Some(mut tail) = self.take_tail(len)
        {
            tail.extend_from_slice(&buffer);
            buffer.clear();
            self.buffer = Some(buffer);
            let received = tail.split_to(len);
            self.tail = Some(tail);
            return Some(received);
        }
        let rest = buffer.split_off(len);
        let spare = |tail: &Option<SegmentMut>| tail.as_ref().map_or(0, SegmentMut::spare_len);
        if rest.spare_len() > spare(&self.tail) {
            self.tail = Some(rest);
        }
        Some(buffer)
    }

    /// Returns a part that `len` bytes fit into, if the pool has one.
    fn take_tail(&mut self, len: usize) -> Option<SegmentMut> {
        let fits = |tail: &mut SegmentMut| {
            tail.try_reclaim();
            tail.spare_len() >= len
        };
        self.tail.take_if(fits).or_else(|| {
            let size = SegmentSize::fitting(len).ok()?.max(self.pool.segment_size());
            self.pool.try_take_size(size).ok()
        })
    }

    /// Gives the segments back that no datagram lies in: for a socket that has been idle.
    pub fn trim(&mut self) {
        (self.buffer, self.tail) = (None, None);
    }
}

/// The datagrams of one receive, from [`DatagramBuf::split`].
#[derive(Debug)]
pub struct Datagrams {
    rest: Option<SegmentMut>,
    stride: usize,
}

impl Iterator for Datagrams {
    type Item = Datagram;

    #[inline]
    fn next(&mut self) -> Option<Datagram> {
        let rest = self.rest.as_mut()?;
        let segment =
            if rest.len() > self.stride { rest.split_to(self.stride) } else { self.rest.take()? };
        Some(Datagram { segment })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.rest.as_ref().map_or(0, |rest| rest.len().div_ceil(self.stride));
        (count, Some(count))
    }
}

impl ExactSizeIterator for Datagrams {}

impl FusedIterator for Datagrams {}

/// A received datagram with a single owner. Never empty.
///
/// Derefs to its bytes. Sendable to any thread.
#[derive(Debug)]
pub struct Datagram {
    segment: SegmentMut,
}

impl Datagram {
    /// Returns the first `header_bytes`, the last `tag_bytes` and what lies between, which may be
    /// nothing: what authenticated encryption needs at once.
    ///
    /// # Errors
    ///
    /// [`DatagramErrorKind::TooShort`] when header and tag are longer than the datagram: anybody can
    /// send anything to a UDP port.
    pub fn parts_mut(
        &mut self,
        header_bytes: usize,
        tag_bytes: usize,
    ) -> Result<PacketParts<'_>, DatagramError> {
        let payload_end = self.payload_end(header_bytes, tag_bytes)?;
        let (rest, tag) = self.segment.split_at_mut(payload_end);
        let (header, payload) = rest.split_at_mut(header_bytes);
        Ok(PacketParts { header, payload, tag })
    }

    /// Turns into the payload alone, to be linked into a message. Copies nothing.
    ///
    /// # Errors
    ///
    /// As [`parts_mut`](Self::parts_mut); the datagram is dropped then.
    pub fn into_payload(
        mut self,
        header_bytes: usize,
        tag_bytes: usize,
    ) -> Result<Segment, DatagramError> {
        let payload_end = self.payload_end(header_bytes, tag_bytes)?;
        Ok(self.segment.freeze_range(header_bytes..payload_end))
    }

    /// Turns into the buffer of the datagram's bytes. Copies nothing.
    #[must_use]
    pub fn into_segment(self) -> SegmentMut {
        self.segment
    }

    fn payload_end(&self, header_bytes: usize, tag_bytes: usize) -> Result<usize, DatagramError> {
        let (len, expected) = (self.segment.len(), header_bytes.saturating_add(tag_bytes));
        if expected > len {
            return Err(DatagramError { kind: DatagramErrorKind::TooShort, len, expected });
        }
        Ok(len - tag_bytes)
    }
}

impl Deref for Datagram {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.segment
    }
}

impl DerefMut for Datagram {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.segment
    }
}

/// A receive that cannot be cut into datagrams, or a datagram that cannot be divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatagramError {
    kind: DatagramErrorKind,
    len: usize,
    /// The stride, or the bytes of header and tag.
    expected: usize,
}

/// What is wrong with a receive or a datagram. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatagramErrorKind {
    /// More bytes are said to be received than the buffer holds.
    LengthAboveBuffer,
    /// The stride is longer than the buffer.
    StrideAboveBuffer,
    /// Bytes were received with a stride of 0.
    StrideZero,
    /// The stride is longer than what was received: the only datagram lacks its end.
    Truncated,
    /// The datagram is shorter than its header and its tag.
    TooShort,
}

impl DatagramError {
    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> DatagramErrorKind {
        self.kind
    }

    /// Returns the bytes that were received, or those of the datagram.
    #[must_use]
    pub const fn received_bytes(&self) -> usize {
        self.len
    }

    /// Returns the stride; for [`DatagramErrorKind::TooShort`] the bytes of header and tag.
    #[must_use]
    pub const fn expected_bytes(&self) -> usize {
        self.expected
    }
}

impl fmt::Display for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, len, expected } = self;
        match kind {
            DatagramErrorKind::LengthAboveBuffer => {
                write!(f, "{len} received bytes are more than the buffer holds")
            }
            DatagramErrorKind::StrideAboveBuffer => {
                write!(f, "a stride of {expected} bytes is longer than the buffer")
            }
            DatagramErrorKind::StrideZero => write!(f, "{len} received bytes have a stride of 0"),
            DatagramErrorKind::Truncated => {
                write!(f, "a datagram of {expected} bytes was truncated to {len}")
            }
            DatagramErrorKind::TooShort => {
                write!(f, "a datagram of {len} bytes is shorter than header and tag ({expected})")
            }
        }
    }
}

impl Error for DatagramError {}
