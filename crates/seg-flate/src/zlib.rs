//! The framing of a zlib stream (RFC 1950).

use crate::inflate_error::InflateErrorKind;
#[cfg(any(test, feature = "zlib-rs", feature = "miniz_oxide"))]
use crate::{level::Level, window_bits::WindowBits};

/// Bytes after the data: the Adler-32, big-endian.
pub(crate) const TRAILER_BYTES: usize = 4;

const DEFLATE: u8 = 8;
const WINDOW_MAX: u8 = 7;
const DICTIONARY: u8 = 1 << 5;

/// Makes a header (RFC 1950 section 2.2).
#[cfg(any(test, feature = "zlib-rs", feature = "miniz_oxide"))]
pub(crate) const fn header(level: Level, window: WindowBits) -> [u8; 2] {
    let method = (window.as_u8() - 8) << 4 | DEFLATE;
    // How hard the compressor tried, from 0 to 3.
    let tried = match level.as_u8() {
        0 | 1 => 0,
        2..=5 => 1,
        6 => 2,
        _ => 3,
    };
    let flags = tried << 6;
    let rest = u16::from_be_bytes([method, flags]) % 31;
    #[expect(clippy::cast_possible_truncation, reason = "at most 31")]
    let check = (31 - rest) as u8 % 31;
    [method, flags | check]
}

/// Checks the two bytes of a header (RFC 1950 section 2.2).
pub(crate) fn check_header(method: u8, flags: u8) -> Result<(), InflateErrorKind> {
    if method & 0x0f != DEFLATE {
        return Err(InflateErrorKind::MethodUnsupported);
    }
    if method >> 4 > WINDOW_MAX || !u16::from_be_bytes([method, flags]).is_multiple_of(31) {
        return Err(InflateErrorKind::HeaderInvalid);
    }
    if flags & DICTIONARY != 0 {
        return Err(InflateErrorKind::DictionaryNeeded);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_that_is_made_is_legal() {
        for level in 0..=9 {
            for window in 9..=15 {
                let (Some(level), Some(window)) = (Level::new(level), WindowBits::new(window))
                else {
                    panic!("{level} or {window} is out of range");
                };
                let [method, flags] = header(level, window);
                assert_eq!(check_header(method, flags), Ok(()));
                assert_eq!(method >> 4, window.as_u8() - 8);
            }
        }
        // The bytes that every zlib stream with default settings starts with.
        assert_eq!(header(Level::DEFAULT, WindowBits::MAX), [0x78, 0x9c]);
        assert_eq!(header(Level::FAST, WindowBits::MAX), [0x78, 0x01]);
        assert_eq!(header(Level::BEST, WindowBits::MAX), [0x78, 0xda]);
    }

    #[test]
    fn of_all_pairs_of_bytes_only_the_legal_headers_pass() {
        let mut legal = 0;
        for header in 0..=u16::MAX {
            let [method, flags] = header.to_be_bytes();
            let expected =
                method & 15 == 8 && method >> 4 <= 7 && header % 31 == 0 && flags & 32 == 0;
            assert_eq!(check_header(method, flags).is_ok(), expected, "{header:#06x}");
            legal += u32::from(expected);
        }
        // Eight windows, and one of 31 flag bytes; about half of those ask for no dictionary.
        assert_eq!(legal, 32);
    }
}
