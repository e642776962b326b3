//! The version of HTTP/1, an octet at a time (RFC 9112 §2.3).

use super::HeadErrorKind;

const PREFIX: &[u8] = b"HTTP/1.";

/// A place in the version: after so many octets of it.
#[expect(unnameable_types, reason = "part of a sealed trait")]
#[derive(Clone, Copy, Debug, Default)]
pub struct VersionPlace(usize);

impl VersionPlace {
    /// Returns whether the version is complete.
    pub(super) const fn is_end(self) -> bool {
        self.0 > PREFIX.len()
    }

    /// Returns the place that an octet leads to.
    pub(super) fn next(self, octet: u8) -> Result<Self, HeadErrorKind> {
        let is_right = match PREFIX.get(self.0) {
            Some(&expected) => octet == expected,
            None => self.0 == PREFIX.len() && octet.is_ascii_digit(),
        };
        is_right.then_some(Self(self.0 + 1)).ok_or(HeadErrorKind::Version)
    }
}

/// The minor version as which a message is processed that has this digit: a later one of HTTP/1 is
/// read as HTTP/1.1, the highest that is known here (RFC 9110 §2.5).
pub(super) fn minor_version(digit: Option<&u8>) -> u8 {
    u8::from(digit != Some(&b'0'))
}
