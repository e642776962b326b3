//! How long a part of a segment is, and how long it can get.

/// A length and a capacity of at most 64 KiB, in one word.
///
/// One word, because two halves written apart and moved together stall the processor: the load of
/// the whole has to wait until both stores have left the store buffer (4 ns on each take).
#[derive(Clone, Copy)]
pub(crate) struct Extent(u64);

impl Extent {
    /// Packs both. Neither may be above 64 KiB.
    #[inline]
    pub(crate) const fn new(len: usize, capacity: usize) -> Self {
        debug_assert!(len <= capacity && capacity <= 1 << 16, "a part of a segment");
        Self((capacity as u64) << 32 | len as u64)
    }

    #[inline]
    pub(crate) const fn len(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }

    #[inline]
    pub(crate) const fn capacity(self) -> usize {
        (self.0 >> 32) as usize
    }

    #[inline]
    pub(crate) const fn spare(self) -> usize {
        self.capacity() - self.len()
    }
}
