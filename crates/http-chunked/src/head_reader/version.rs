//! `HTTP/1.0` or `HTTP/1.1`, an octet at a time (RFC 9112 §2.3).

use crate::head_error::HeadErrorKind;

const PREFIX: &[u8] = b"HTTP/1.";

/// A place in the version: behind so many octets of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VersionPlace(usize);

impl VersionPlace {
    /// Returns whether the version is complete.
    pub(crate) const fn is_end(self) -> bool {
        self.0 > PREFIX.len()
    }

    /// Returns the place that an octet leads to.
    pub(crate) fn next(self, octet: u8) -> Result<Self, HeadErrorKind> {
        let is_right = match PREFIX.get(self.0) {
            Some(&expected) => octet == expected,
            None => self.0 == PREFIX.len() && matches!(octet, b'0' | b'1'),
        };
        is_right.then_some(Self(self.0 + 1)).ok_or(HeadErrorKind::Version)
    }
}
