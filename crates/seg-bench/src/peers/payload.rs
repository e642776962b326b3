//! What the peers send, ready to be sent.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use super::FRAGMENT_BYTES;
use crate::input;

/// One input in the three forms in which it travels. Clones share the bytes.
#[derive(Clone, Debug)]
pub struct Payload {
    /// The input itself.
    pub plain: Bytes,
    /// The input through flate2's gzip.
    pub gzip: Bytes,
    /// The input as UTF-8, see [`input::as_text`].
    pub text: Bytes,
}

impl Payload {
    /// Prepares an input, so that no sender has to compress or convert while it is being measured.
    ///
    /// # Errors
    ///
    /// Returns what the compressor reports; it writes to memory only.
    pub fn new(input: Vec<u8>) -> io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&input)?;
        let gzip = encoder.finish()?.into();
        let converted = match input::as_text(&input) {
            input::Text::Utf8(_) => None,
            input::Text::FromLatin1(text) => Some(Bytes::from(text)),
        };
        let plain = Bytes::from(input);
        Ok(Self { text: converted.unwrap_or_else(|| plain.clone()), plain, gzip })
    }
}

/// Cuts `bytes` into fragments without copying: each with whether it is the last; at least one.
pub(super) fn fragments(mut bytes: Bytes) -> impl Iterator<Item = (Bytes, bool)> {
    let mut done = false;
    core::iter::from_fn(move || {
        if done {
            return None;
        }
        let fragment = bytes.split_to(bytes.len().min(FRAGMENT_BYTES));
        done = bytes.is_empty();
        Some((fragment, done))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_fragment_is_short_and_marked() {
        let cases = [(0, vec![0]), (1, vec![1]), (FRAGMENT_BYTES, vec![FRAGMENT_BYTES])];
        for (len, want) in cases {
            let lens: Vec<_> =
                fragments(vec![7; len].into()).map(|(fragment, _)| fragment.len()).collect();
            assert_eq!(lens, want);
        }
        let last: Vec<_> =
            fragments(vec![7; 2 * FRAGMENT_BYTES + 1].into()).map(|(_, last)| last).collect();
        assert_eq!(last, [false, false, true]);
    }
}
