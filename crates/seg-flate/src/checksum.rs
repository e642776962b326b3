//! CRC-32 and Adler-32, from `zlib-rs` where it is compiled in: its Adler-32 is several times as fast.

use crate::format::Format;

/// Continues a CRC-32 (RFC 1952 section 8), which starts at 0.
pub(crate) fn crc32(start: u32, bytes: &[u8]) -> u32 {
    #[cfg(feature = "zlib-rs")]
    return zlib_rs::crc32::crc32(start, bytes);
    #[cfg(not(feature = "zlib-rs"))]
    {
        let mut hasher = crc32fast::Hasher::new_with_initial(start);
        hasher.update(bytes);
        hasher.finalize()
    }
}

/// Continues an Adler-32 (RFC 1950 section 8), which starts at 1.
pub(crate) fn adler32(start: u32, bytes: &[u8]) -> u32 {
    #[cfg(feature = "zlib-rs")]
    return zlib_rs::adler32::adler32(start, bytes);
    #[cfg(not(feature = "zlib-rs"))]
    {
        let mut adler = adler2::Adler32::from_checksum(start);
        adler.write_slice(bytes);
        adler.checksum()
    }
}

/// Returns the checksum of no data: an Adler-32 starts at 1, a CRC-32 at 0.
pub(crate) const fn checksum_start(format: Format) -> u32 {
    matches!(format, Format::Zlib | Format::Deflate) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sums_come_out_however_the_bytes_are_cut() {
        let bytes = b"123456789";
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(crc32(crc32(0, head), tail), 0xcbf4_3926);
            assert_eq!(adler32(adler32(1, head), tail), 0x091e_01de);
        }
    }
}
