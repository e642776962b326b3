//! Comparing and hashing sequences by their bytes, however they are cut.

use core::{
    cmp::Ordering,
    hash::{Hash, Hasher},
    iter::once,
};

use bytes::{Bytes, BytesMut};
use seg_pool::{Segment, SegmentMut};

use crate::{fragment::Fragment, sequence::Sequence};

/// Bytes that are hashed at once: few calls of the hasher, and a small copy where a cut lies
/// between.
const HASH_BYTES: usize = 512;

/// Compares the bytes of a sequence with those of another type, however they are cut.
macro_rules! compared {
    ($($({$($generics:tt)*})? $other:ty;)*) => {$(
        impl$(<$($generics)*>)? PartialEq<$other> for Sequence {
            fn eq(&self, other: &$other) -> bool {
                equals(self, other.as_ref())
            }
        }

        impl$(<$($generics)*>)? PartialOrd<$other> for Sequence {
            fn partial_cmp(&self, other: &$other) -> Option<Ordering> {
                Some(order(slices(self), once(other.as_ref())))
            }
        }

        impl$(<$($generics)*>)? PartialEq<Sequence> for $other {
            fn eq(&self, other: &Sequence) -> bool {
                equals(other, self.as_ref())
            }
        }

        impl$(<$($generics)*>)? PartialOrd<Sequence> for $other {
            fn partial_cmp(&self, other: &Sequence) -> Option<Ordering> {
                Some(order(once(self.as_ref()), slices(other)))
            }
        }
    )*};
}

// Those that `Bytes` compares with, and those that sequences are made of.
compared! {
    [u8];
    {const N: usize} [u8; N];
    Vec<u8>;
    str;
    String;
    Bytes;
    BytesMut;
    Segment;
    SegmentMut;
}

impl<'a, T: ?Sized> PartialEq<&'a T> for Sequence
where
    Self: PartialEq<T>,
{
    fn eq(&self, other: &&'a T) -> bool {
        *self == **other
    }
}

impl<'a, T: ?Sized> PartialOrd<&'a T> for Sequence
where
    Self: PartialOrd<T>,
{
    fn partial_cmp(&self, other: &&'a T) -> Option<Ordering> {
        self.partial_cmp(*other)
    }
}

fn equals(sequence: &Sequence, bytes: &[u8]) -> bool {
    sequence.len() == bytes.len() as u64 && sequence.starts_with(bytes)
}

impl PartialEq for Sequence {
    /// Compares the bytes, however they are cut.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && order(slices(self), slices(other)).is_eq()
    }
}

impl Eq for Sequence {}

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

impl PartialEq for Fragment<'_> {
    /// Compares the bytes, however they are cut.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && order(self.slices(), other.slices()).is_eq()
    }
}

impl Eq for Fragment<'_> {}

impl PartialEq<[u8]> for Fragment<'_> {
    /// Compares the bytes, however they are cut.
    fn eq(&self, other: &[u8]) -> bool {
        self.len() == other.len() && order(self.slices(), once(other)).is_eq()
    }
}

impl<const N: usize> PartialEq<[u8; N]> for Fragment<'_> {
    fn eq(&self, other: &[u8; N]) -> bool {
        *self == other[..]
    }
}

impl PartialEq<Vec<u8>> for Fragment<'_> {
    fn eq(&self, other: &Vec<u8>) -> bool {
        *self == other[..]
    }
}

impl<'a, T: ?Sized> PartialEq<&'a T> for Fragment<'_>
where
    Self: PartialEq<T>,
{
    fn eq(&self, other: &&'a T) -> bool {
        *self == **other
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
