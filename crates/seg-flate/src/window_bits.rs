//! How far back a deflater refers.

/// How far back a deflater refers, as a power of two: 9 to 15, so 512 bytes to 32 KiB.
///
/// An inflater needs none: it decodes every window.
///
/// # Examples
///
/// ```
/// use seg_flate::WindowBits;
///
/// assert_eq!(WindowBits::new(15), Some(WindowBits::MAX));
/// // No DEFLATE compressor in wide use makes the window of 256 bytes that RFC 1950 allows.
/// assert_eq!(WindowBits::new(8), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowBits(u8);

impl WindowBits {
    /// The window of 512 bytes.
    pub const MIN: Self = Self(9);
    /// The window of 32 KiB.
    pub const MAX: Self = Self(15);

    /// Creates a window from 9 to 15, or nothing from a number beyond.
    #[must_use]
    pub const fn new(bits: u8) -> Option<Self> {
        if bits >= 9 && bits <= 15 { Some(Self(bits)) } else { None }
    }

    /// Returns the power of two.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self.0
    }

    /// Returns the window in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        1 << self.0
    }
}

impl Default for WindowBits {
    fn default() -> Self {
        Self::MAX
    }
}
