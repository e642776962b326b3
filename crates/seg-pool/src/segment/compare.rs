//! Segments compared, hashed, ordered and shown like `[u8]`, with the types that `Bytes` compares
//! with.

use core::{
    borrow::{Borrow, BorrowMut},
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use bytes::{Bytes, BytesMut};

use crate::{segment::Segment, segment::segment_mut::SegmentMut};

fn bytes<T: AsRef<[u8]> + ?Sized>(value: &T) -> &[u8] {
    value.as_ref()
}

/// Compares the bytes of two types, the first one given.
macro_rules! compared {
    ($($({$($generics:tt)*})? $this:ty, $other:ty;)*) => {$(
        impl$(<$($generics)*>)? PartialEq<$other> for $this {
            fn eq(&self, other: &$other) -> bool {
                bytes(self) == bytes(other)
            }
        }

        impl$(<$($generics)*>)? PartialOrd<$other> for $this {
            fn partial_cmp(&self, other: &$other) -> Option<Ordering> {
                bytes(self).partial_cmp(bytes(other))
            }
        }
    )*};
}

macro_rules! like_a_slice {
    ($type:ty) => {
        compared! {
            $type, [u8];
            {const N: usize} $type, [u8; N];
            $type, Vec<u8>;
            $type, str;
            $type, String;
            $type, Bytes;
            $type, BytesMut;
            [u8], $type;
            &[u8], $type;
            {const N: usize} [u8; N], $type;
            {const N: usize} &[u8; N], $type;
            Vec<u8>, $type;
            str, $type;
            &str, $type;
            String, $type;
            Bytes, $type;
            BytesMut, $type;
        }

        impl<'a, T: ?Sized> PartialEq<&'a T> for $type
        where
            $type: PartialEq<T>,
        {
            fn eq(&self, other: &&'a T) -> bool {
                *self == **other
            }
        }

        impl<'a, T: ?Sized> PartialOrd<&'a T> for $type
        where
            $type: PartialOrd<T>,
        {
            fn partial_cmp(&self, other: &&'a T) -> Option<Ordering> {
                self.partial_cmp(*other)
            }
        }

        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                bytes(self) == bytes(other)
            }
        }

        impl Eq for $type {}

        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $type {
            fn cmp(&self, other: &Self) -> Ordering {
                bytes(self).cmp(bytes(other))
            }
        }

        impl AsRef<[u8]> for $type {
            #[inline]
            fn as_ref(&self) -> &[u8] {
                self
            }
        }

        impl Borrow<[u8]> for $type {
            #[inline]
            fn borrow(&self) -> &[u8] {
                self
            }
        }

        impl Hash for $type {
            fn hash<H: Hasher>(&self, state: &mut H) {
                bytes(self).hash(state);
            }
        }

        impl fmt::Debug for $type {
            /// Writes the bytes as a byte string literal, for example `b"5\r\nhello"`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "b\"{}\"", self.escape_ascii())
            }
        }

        impl fmt::LowerHex for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::UpperHex for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
        }
    };
}

like_a_slice!(Segment);
like_a_slice!(SegmentMut);
compared! {
    Segment, SegmentMut;
    SegmentMut, Segment;
}

impl AsMut<[u8]> for SegmentMut {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl BorrowMut<[u8]> for SegmentMut {
    fn borrow_mut(&mut self) -> &mut [u8] {
        self
    }
}
