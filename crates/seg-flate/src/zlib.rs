//! The framing of a zlib stream (RFC 1950).

use crate::error::InflateErrorKind;

/// Bytes behind the data: the Adler-32, big-endian.
pub(crate) const TRAILER_BYTES: usize = 4;

const DEFLATE: u8 = 8;
const WINDOW_MAX: u8 = 7;
const DICTIONARY: u8 = 1 << 5;

/// Checks the two bytes of a header (RFC 1950 section 2.2).
pub(crate) fn check_header(method: u8, flags: u8) -> Result<(), InflateErrorKind> {
    if method & 0x0f != DEFLATE {
        return Err(InflateErrorKind::MethodUnsupported);
    }
    if method >> 4 > WINDOW_MAX || u16::from_be_bytes([method, flags]) % 31 != 0 {
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
