//! How hard a deflater tries.

/// A compression level: 0 stores, 1 is fast, 9 is small.
///
/// # Examples
///
/// ```
/// use seg_flate::Level;
///
/// assert_eq!(Level::new(6), Some(Level::DEFAULT));
/// assert_eq!(Level::new(10), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// Compresses nothing: the bytes are stored in blocks.
    pub const STORE: Self = Self(0);
    /// The fastest level that compresses.
    pub const FAST: Self = Self(1);
    /// What most programs use: 6.
    pub const DEFAULT: Self = Self(6);
    /// The smallest output.
    pub const BEST: Self = Self(9);

    /// Creates a level from 0 to 9, or nothing from a number beyond.
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if level <= 9 { Some(Self(level)) } else { None }
    }

    /// Returns the number.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self.0
    }
}

impl Default for Level {
    fn default() -> Self {
        Self::DEFAULT
    }
}
