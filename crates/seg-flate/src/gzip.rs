//! The framing of a gzip member (RFC 1952).

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
use crate::level::Level;
use crate::{checksum::crc32, inflate_error::InflateErrorKind};

/// Bytes after a member's data: CRC-32 and length, each little-endian.
pub(crate) const TRAILER_BYTES: usize = 8;

const MAGIC_1: u8 = 0x1f;
const MAGIC_2: u8 = 0x8b;
/// What a member starts with.
pub(crate) const MAGIC: [u8; 2] = [MAGIC_1, MAGIC_2];
const DEFLATE: u8 = 8;

const FHCRC: u8 = 1 << 1;
const FEXTRA: u8 = 1 << 2;
const FNAME: u8 = 1 << 3;
const FCOMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// Makes a member's header without name, comment or time (RFC 1952 section 2.3).
#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
pub(crate) const fn header(level: Level) -> [u8; HEADER_BYTES] {
    // XFL says how hard the compressor tried; the operating system is unknown (255).
    let tried = match level.as_u8() {
        9 => 2,
        0 | 1 => 4,
        _ => 0,
    };
    [MAGIC[0], MAGIC[1], DEFLATE, 0, 0, 0, 0, 0, tried, 255]
}

/// Bytes of a header without fields.
pub(crate) const HEADER_BYTES: usize = 10;

/// Returns whether these bytes are a whole header, one without fields: most are.
pub(crate) const fn is_whole_header(bytes: &[u8; HEADER_BYTES]) -> bool {
    matches!(bytes, [MAGIC_1, MAGIC_2, DEFLATE, 0, ..])
}

/// A member's header, read byte by byte. Its fields are checked and skipped.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    field: Field,
    flags: u8,
    /// CRC-32 of the bytes so far, of which FHCRC is the lower half. Counted only where there is one.
    crc: u32,
}

#[derive(Clone, Copy, Debug)]
enum Field {
    /// The fixed ten bytes, by index.
    Fixed(u8),
    ExtraLenLow,
    ExtraLenHigh(u8),
    Extra(u16),
    Name,
    Comment,
    CrcLow,
    CrcHigh(u8),
    End,
}

impl Header {
    pub(crate) const fn new() -> Self {
        Self { field: Field::Fixed(0), flags: 0, crc: 0 }
    }

    /// Whether the header is complete.
    pub(crate) const fn is_complete(&self) -> bool {
        matches!(self.field, Field::End)
    }

    /// Reads the next byte.
    pub(crate) fn push(&mut self, byte: u8) -> Result<(), InflateErrorKind> {
        let crc = self.crc;
        if self.flags & FHCRC != 0 {
            self.crc = crc32(crc, &[byte]);
        }
        self.field = match self.field {
            Field::Fixed(index @ (0 | 1)) if byte != MAGIC[usize::from(index)] => {
                return Err(InflateErrorKind::HeaderInvalid);
            }
            Field::Fixed(2) if byte != DEFLATE => return Err(InflateErrorKind::MethodUnsupported),
            Field::Fixed(3) if byte & RESERVED != 0 => return Err(InflateErrorKind::FlagsReserved),
            Field::Fixed(3) => {
                self.flags = byte;
                if byte & FHCRC != 0 {
                    self.crc = crc32(0, &[MAGIC[0], MAGIC[1], DEFLATE, byte]);
                }
                Field::Fixed(4)
            }
            Field::Fixed(9) => self.field_from(FEXTRA),
            Field::Fixed(index) => Field::Fixed(index + 1),
            Field::ExtraLenLow => Field::ExtraLenHigh(byte),
            Field::ExtraLenHigh(low) => match u16::from_le_bytes([low, byte]) {
                0 => self.field_from(FNAME),
                len => Field::Extra(len),
            },
            Field::Extra(1) => self.field_from(FNAME),
            Field::Extra(left) => Field::Extra(left - 1),
            Field::Name if byte == 0 => self.field_from(FCOMMENT),
            Field::Comment if byte == 0 => self.field_from(FHCRC),
            Field::CrcLow => {
                // The checksum covers what lies before it.
                self.crc = crc;
                Field::CrcHigh(byte)
            }
            Field::CrcHigh(low) if u32::from(u16::from_le_bytes([low, byte])) == crc & 0xffff => {
                Field::End
            }
            Field::CrcHigh(_) => return Err(InflateErrorKind::HeaderChecksum),
            same @ (Field::Name | Field::Comment | Field::End) => same,
        };
        Ok(())
    }

    /// Returns the first field that is there, from `flag` on in the order of the format.
    const fn field_from(&self, flag: u8) -> Field {
        // FHCRC comes last, though its flag is the lowest of them.
        if flag == FEXTRA && self.flags & FEXTRA != 0 {
            Field::ExtraLenLow
        } else if (flag == FEXTRA || flag == FNAME) && self.flags & FNAME != 0 {
            Field::Name
        } else if flag != FHCRC && self.flags & FCOMMENT != 0 {
            Field::Comment
        } else if self.flags & FHCRC != 0 {
            Field::CrcLow
        } else {
            Field::End
        }
    }
}
