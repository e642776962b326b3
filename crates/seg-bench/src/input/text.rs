//! An input as text.

use std::borrow::Cow;

/// An input in UTF-8, as a text message has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text<'a> {
    /// The input is UTF-8 already.
    Utf8(&'a [u8]),
    /// The input is not UTF-8, so each byte was taken as the Latin-1 character of that number.
    FromLatin1(Vec<u8>),
}

impl<'a> Text<'a> {
    /// Returns the UTF-8 bytes without copying.
    #[must_use]
    pub fn into_bytes(self) -> Cow<'a, [u8]> {
        match self {
            Self::Utf8(bytes) => Cow::Borrowed(bytes),
            Self::FromLatin1(bytes) => Cow::Owned(bytes),
        }
    }
}

/// Returns `bytes` as UTF-8. Copies, and grows to at most twice the length, only what is not UTF-8.
///
/// # Examples
///
/// ```
/// use seg_bench::input::{Text, as_text};
///
/// assert_eq!(as_text("é".as_bytes()), Text::Utf8("é".as_bytes()));
/// assert_eq!(as_text(b"a\xE9"), Text::FromLatin1("aé".into()));
/// ```
#[must_use]
pub fn as_text(bytes: &[u8]) -> Text<'_> {
    if core::str::from_utf8(bytes).is_ok() {
        return Text::Utf8(bytes);
    }
    let high = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    let mut text = Vec::with_capacity(bytes.len() + high);
    for &byte in bytes {
        let mut encoded = [0; 2];
        text.extend_from_slice(char::from(byte).encode_utf8(&mut encoded).as_bytes());
    }
    Text::FromLatin1(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_latin1_character() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = as_text(&bytes).into_bytes().into_owned();
        let text = String::from_utf8(text).expect("UTF-8");
        let back: Vec<u32> = text.chars().map(u32::from).collect();
        assert_eq!(back, (0..=255).collect::<Vec<u32>>());
        assert_eq!(text.len(), 128 + 2 * 128);
    }
}
