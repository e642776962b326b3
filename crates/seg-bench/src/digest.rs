//! A fingerprint to compare what was received with what was sent.

use core::fmt;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes, and how many they were.
///
/// # Examples
///
/// ```
/// use seg_bench::digest::Digest;
///
/// let whole = Digest::of_chunks([b"hello".as_slice()]);
/// assert_eq!(Digest::of_chunks([b"he".as_slice(), b"", b"llo"]), whole);
/// assert_ne!(Digest::of_chunks([b"hallo".as_slice()]), whole);
/// assert_eq!(whole.len(), 5);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    sha256: [u8; 32],
    len: u64,
}

impl Digest {
    /// Reads every chunk once, in order; where the cuts are makes no difference. Allocates nothing.
    #[must_use]
    pub fn of_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut state = Sha256::new();
        let mut len = 0;
        for chunk in chunks {
            state.update(chunk);
            len += chunk.len() as u64;
        }
        Self { sha256: state.finalize().into(), len }
    }

    /// Returns the number of bytes that were read.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a digest is no collection")]
    pub const fn len(&self) -> u64 {
        self.len
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, sha256 ", self.len)?;
        self.sha256.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
