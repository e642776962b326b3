//! Comparing and hashing sequences by their bytes, however they are cut.

use core::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};

use crate::sequence::Sequence;

/// Bytes that are hashed at once: few calls of the hasher, and a small copy where a cut lies
/// between.
const HASH_BYTES: usize = 512;

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Sequence {
    /// Compares the bytes, however they are cut.
    fn eq(&self, other: &T) -> bool {
        let other = other.as_ref();
        self.len() == other.len() as u64 && self.starts_with(other)
    }
}

impl PartialEq for Sequence {
    /// Compares the bytes, however they are cut.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && order(slices(self), slices(other)).is_eq()
    }
}

impl Eq for Sequence {}

impl<T: AsRef<[u8]> + ?Sized> PartialOrd<T> for Sequence {
    /// Compares the bytes as slices are compared, however they are cut.
    fn partial_cmp(&self, other: &T) -> Option<Ordering> {
        Some(order(slices(self), core::iter::once(other.as_ref())))
    }
}

impl PartialOrd for Sequence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sequence {
    /// Compares the bytes as slices are compared, however they are cut.
    fn cmp(&self, other: &Self) -> Ordering {
        order(slices(self), slices(other))
    }
}

impl Hash for Sequence {
    /// Hashes the bytes: equal sequences have equal hashes with every hasher, however they are
    /// cut. The hash is not that of a slice.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.len());
        // A hasher may see where one write ends and the next begins, so writes end at fixed
        // offsets and not where chunks do.
        let (mut block, mut filled) = ([0; HASH_BYTES], 0);
        for mut slice in slices(self) {
            if filled > 0 {
                let (head, rest) = slice.split_at(slice.len().min(HASH_BYTES - filled));
                block[filled..filled + head.len()].copy_from_slice(head);
                filled += head.len();
                slice = rest;
                if filled < HASH_BYTES {
                    continue;
                }
                state.write(&block);
            }
            let whole = slice.chunks_exact(HASH_BYTES);
            let rest = whole.remainder();
            whole.for_each(|whole| state.write(whole));
            block[..rest.len()].copy_from_slice(rest);
            filled = rest.len();
        }
        state.write(&block[..filled]);
    }
}

fn slices(sequence: &Sequence) -> impl Iterator<Item = &[u8]> {
    sequence.slices_from(0, 0)
}

/// Compares what two series of slices hold.
fn order<'a, 'b>(
    mut ours: impl Iterator<Item = &'a [u8]>,
    mut theirs: impl Iterator<Item = &'b [u8]>,
) -> Ordering {
    let (mut one, mut two): (&[u8], &[u8]) = (&[], &[]);
    loop {
        if one.is_empty() {
            one = ours.next().unwrap_or_default();
        }
        if two.is_empty() {
            two = theirs.next().unwrap_or_default();
        }
        let len = one.len().min(two.len());
        if len == 0 {
            // No chunk is empty, so the one that has no more bytes is at its end.
            return one.len().cmp(&two.len());
        }
        let order = one[..len].cmp(&two[..len]);
        if order.is_ne() {
            return order;
        }
        (one, two) = (&one[len..], &two[len..]);
    }
}
