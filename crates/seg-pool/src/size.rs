//! The sizes that segments come in.

use core::{error::Error, fmt};

/// Bytes in a slab, the unit in which a pool takes memory from the system: 64 KiB.
pub const SLAB_BYTES: usize = 1 << 16;

/// A segment size: a power of two from 256 B to 64 KiB. There is a size class for each, and no other will come.
///
/// A value of this type is always a size that pools have, so nothing that takes one can fail for
/// its sake. The default is 16 KiB, the size of a large TLS record and of a typical socket read.
/// There will be no other sizes: a `match` needs no arm for more.
///
/// # Examples
///
/// ```
/// use seg_pool::SegmentSize;
///
/// # fn main() -> Result<(), seg_pool::SizeError> {
/// assert_eq!(SegmentSize::fitting(1_400)?, SegmentSize::K2);
/// assert_eq!(SegmentSize::exact(4_096)?.bytes(), 4_096);
/// assert!(SegmentSize::exact(1_400).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SegmentSize {
    /// 256 B, for control frames and short headers.
    B256,
    /// 512 B.
    B512,
    /// 1 KiB.
    K1,
    /// 2 KiB, for one network packet.
    K2,
    /// 4 KiB, one page.
    K4,
    /// 8 KiB.
    K8,
    /// 16 KiB, the default.
    #[default]
    K16,
    /// 32 KiB.
    K32,
    /// 64 KiB, a whole slab.
    K64,
}

impl SegmentSize {
    /// Every size, smallest first.
    pub const ALL: [Self; 9] = [
        Self::B256,
        Self::B512,
        Self::K1,
        Self::K2,
        Self::K4,
        Self::K8,
        Self::K16,
        Self::K32,
        Self::K64,
    ];

    /// The smallest size, 256 B.
    pub const MIN: Self = Self::B256;

    /// The largest size, 64 KiB.
    pub const MAX: Self = Self::K64;

    /// Returns the smallest size that holds `len` bytes.
    ///
    /// # Errors
    ///
    /// [`SizeError`] when `len` is above 64 KiB. A `len` of 0 gives the smallest size.
    #[inline]
    pub const fn fitting(len: usize) -> Result<Self, SizeError> {
        if len > Self::MAX.bytes() {
            return Err(SizeError { requested: len });
        }
        let rounded = if len < Self::MIN.bytes() { Self::MIN.bytes() } else { len };
        let index =
            rounded.next_power_of_two().trailing_zeros() - Self::MIN.bytes().trailing_zeros();
        Ok(Self::ALL[index as usize])
    }

    /// Returns the size of exactly `len` bytes.
    ///
    /// # Errors
    ///
    /// [`SizeError`] when no size has exactly `len` bytes.
    #[inline]
    pub const fn exact(len: usize) -> Result<Self, SizeError> {
        match Self::fitting(len) {
            Ok(size) if size.bytes() == len => Ok(size),
            _ => Err(SizeError { requested: len }),
        }
    }

    /// Returns the number of bytes in a segment of this size.
    #[inline]
    #[must_use]
    pub const fn bytes(self) -> usize {
        256 << self as u32
    }

    /// Returns how many segments of this size one slab holds: 256 down to 1.
    #[inline]
    #[must_use]
    pub const fn per_slab(self) -> usize {
        SLAB_BYTES / self.bytes()
    }

    #[inline]
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl TryFrom<usize> for SegmentSize {
    type Error = SizeError;

    /// Converts a length in bytes that some size has [exactly](Self::exact).
    fn try_from(bytes: usize) -> Result<Self, SizeError> {
        Self::exact(bytes)
    }
}

impl fmt::Display for SegmentSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes();
        if bytes < 1024 { write!(f, "{bytes} B") } else { write!(f, "{} KiB", bytes / 1024) }
    }
}

/// A length that no segment size serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeError {
    requested: usize,
}

impl SizeError {
    /// Returns the length that was asked for, in bytes.
    #[must_use]
    pub const fn requested_bytes(&self) -> usize {
        self.requested
    }
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requested = self.requested;
        if requested > SLAB_BYTES {
            write!(f, "{requested} bytes are more than the largest segment holds ({SLAB_BYTES})")
        } else {
            write!(f, "no segment size has exactly {requested} bytes")
        }
    }
}

impl Error for SizeError {}
