//! Segments compared, hashed, ordered and shown like `[u8]`.

use core::{
    borrow::Borrow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use crate::{segment::Segment, segment::segment_mut::SegmentMut};

macro_rules! like_a_slice {
    ($type:ty) => {
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

        impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for $type {
            fn eq(&self, other: &T) -> bool {
                **self == *other.as_ref()
            }
        }

        impl Eq for $type {}

        impl<T: AsRef<[u8]> + ?Sized> PartialOrd<T> for $type {
            fn partial_cmp(&self, other: &T) -> Option<Ordering> {
                (**self).partial_cmp(other.as_ref())
            }
        }

        impl Ord for $type {
            fn cmp(&self, other: &Self) -> Ordering {
                (**self).cmp(other)
            }
        }

        impl Hash for $type {
            fn hash<H: Hasher>(&self, state: &mut H) {
                (**self).hash(state);
            }
        }

        impl PartialEq<$type> for [u8] {
            fn eq(&self, other: &$type) -> bool {
                *self == **other
            }
        }

        impl PartialEq<$type> for &[u8] {
            fn eq(&self, other: &$type) -> bool {
                **self == **other
            }
        }

        impl PartialEq<$type> for Vec<u8> {
            fn eq(&self, other: &$type) -> bool {
                **self == **other
            }
        }

        impl fmt::Debug for $type {
            /// Writes the bytes as a byte string literal, for example `b"5\r\nhello"`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "b\"{}\"", self.escape_ascii())
            }
        }
    };
}

like_a_slice!(Segment);
like_a_slice!(SegmentMut);
