//! The part of a pool's memory that the global allocator does not see.

use seg_pool::Pool;

use crate::alloc_count::Scope;

/// What a pool takes from the system at a time.
const SLAB_BYTES: u64 = 64 * 1024;

/// Reads a pool's slabs, so that they can be counted with the allocations.
///
/// Where the pool maps its slabs straight from the system, each is an allocation of 64 KiB that no
/// global allocator counts. Where it asks the global allocator, they are counted already and this is
/// always 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slabs {
    are_mapped: bool,
}

/// The slabs of one pool at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) bytes: u64,
    /// The most that `bytes` has been.
    pub(super) bytes_max: u64,
}

impl Slabs {
    /// Finds out which way slabs come, by taking one.
    pub(super) fn probe() -> Self {
        let scope = Scope::start();
        let segment = Pool::new().try_take(1);
        let counts = scope.finish();
        drop(segment);
        Self { are_mapped: counts.largest_bytes < SLAB_BYTES }
    }

    pub(super) fn held_by(self, pool: &Pool) -> Held {
        if !self.are_mapped {
            return Held::default();
        }
        let stats = pool.stats();
        Held { bytes: stats.held_bytes() as u64, bytes_max: stats.held_bytes_peak() as u64 }
    }
}

impl Held {
    /// Returns how many slabs there are more than `before`.
    pub(super) const fn slabs_since(self, before: Self) -> u64 {
        self.bytes.saturating_sub(before.bytes) / SLAB_BYTES
    }

    /// Returns the size of the largest allocation that a slab was: 0 when there was none.
    pub(super) const fn largest_bytes(self) -> u64 {
        if self.bytes_max == 0 { 0 } else { SLAB_BYTES }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_are_whole_and_seen_one_by_one() {
        // No counting allocator is installed here, so every slab counts as mapped.
        let slabs = Slabs::probe();
        let pool = Pool::new();
        let before = slabs.held_by(&pool);
        assert_eq!((before, before.largest_bytes()), (Held::default(), 0));
        let taken = [pool.take(65_536), pool.take(65_536), pool.take(1)];
        let after = slabs.held_by(&pool);
        assert_eq!((after.slabs_since(before), after.largest_bytes()), (3, 65_536));
        assert_eq!(before.slabs_since(after), 0);
        drop(taken);
    }
}
