//! Runs of a received segment that will be linked.

use core::ops::Range;

/// Runs in order, found but not linked yet.
///
/// To count a reference waits for all reads before it, and no read behind it starts before it is
/// done. So the runs of a segment are all found before the first is linked.
#[derive(Debug)]
pub(super) struct Runs {
    list: [Range<usize>; Self::MAX],
    len: usize,
    bytes: u64,
}

impl Runs {
    /// A segment of 16 KiB has no more, in chunks of one size.
    const MAX: usize = 18;

    pub(super) const fn new() -> Self {
        Self { list: [const { 0..0 }; Self::MAX], len: 0, bytes: 0 }
    }

    /// Returns the bytes of all runs.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) const fn is_full(&self) -> bool {
        self.len == Self::MAX
    }

    /// Adds a run behind the others; returns whether there was room. Its bytes are still to be
    /// [counted](Self::count).
    #[inline]
    pub(super) fn add(&mut self, run: Range<usize>) -> bool {
        let Some(free) = self.list.get_mut(self.len) else { return false };
        *free = run;
        self.len += 1;
        true
    }

    /// Counts the bytes of runs that were added.
    pub(super) const fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub(super) fn as_slice(&self) -> &[Range<usize>] {
        &self.list[..self.len]
    }

    /// Forgets all runs.
    pub(super) const fn clear(&mut self) {
        (self.len, self.bytes) = (0, 0);
    }
}
