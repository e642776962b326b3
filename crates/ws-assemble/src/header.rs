//! A frame's header (RFC 6455 section 5.2).

use crate::{decode_error::DecodeErrorKind, opcode::Opcode, role::Role};

/// The longest header: two bytes, a 64-bit length, a masking key.
pub const HEADER_BYTES_MAX: usize = 14;

/// The longest payload of a control frame (RFC 6455 section 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
/// Reserved for extensions that nobody negotiates here.
pub(crate) const RSV2_RSV3: u8 = 0x30;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LEN: u8 = 0x7f;
const LEN_16: u8 = 126;

/// A frame's header.
///
/// # Examples
///
/// ```
/// use ws_assemble::{Header, Opcode, Role};
///
/// let header =
///     Header { fin: true, is_compressed: false, opcode: Opcode::Text, mask: None, payload_len: 5 };
/// let (bytes, len) = header.to_bytes();
/// assert_eq!(bytes[..len], [0x81, 5]);
/// assert_eq!(Header::parse(&bytes[..len], Role::Client), Ok(Some((header, 2))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last fragment of a message, or all of it.
    pub fin: bool,
    /// Whether this starts a compressed message: the reserved bit 1, as RFC 7692 section 6 uses it.
    pub is_compressed: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The masking key of frames that a client sends.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload: at most 2^63 - 1.
    pub payload_len: u64,
}

impl Header {
    /// Reads a header that `role` receives from the front of `bytes`; also returns its length.
    /// `None` when more bytes are needed.
    ///
    /// Whether compression was agreed on is for the caller to check.
    ///
    /// What is there is checked even if more is needed, so a bad header is refused at its first bad
    /// byte however the stream is cut.
    ///
    /// # Errors
    ///
    /// What is wrong, and the index in `bytes` of the refused field.
    pub fn parse(
        bytes: &[u8],
        role: Role,
    ) -> Result<Option<(Self, usize)>, (DecodeErrorKind, usize)> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        if first & RSV2_RSV3 != 0 {
            return Err((DecodeErrorKind::ReservedBits, 0));
        }
        let opcode =
            Opcode::from_bits(first & OPCODE).ok_or((DecodeErrorKind::ReservedOpcode, 0))?;
        let (fin, is_compressed) = (first & FIN != 0, first & RSV1 != 0);
        if is_compressed && !matches!(opcode, Opcode::Text | Opcode::Binary) {
            return Err((DecodeErrorKind::ReservedBits, 0));
        }
        if opcode.is_control() && !fin {
            return Err((DecodeErrorKind::ControlFragmented, 0));
        }
        let Some(&second) = bytes.get(1) else { return Ok(None) };
        if (second & MASKED != 0) != role.receives_masked() {
            let kind = if role.receives_masked() {
                DecodeErrorKind::MaskMissing
            } else {
                DecodeErrorKind::MaskUnexpected
            };
            return Err((kind, 1));
        }
        if opcode.is_control() && usize::from(second & LEN) > CONTROL_BYTES_MAX {
            return Err((DecodeErrorKind::ControlTooLong, 1));
        }
        let Some((payload_len, len)) = Self::parse_len(bytes, second & LEN)? else {
            return Ok(None);
        };
        if !role.receives_masked() {
            return Ok(Some((Self { fin, is_compressed, opcode, mask: None, payload_len }, len)));
        }
        let Some(mask) = bytes.get(len..len + 4).and_then(|key| key.try_into().ok()) else {
            return Ok(None);
        };
        let mask = Some(mask);
        Ok(Some((Self { fin, is_compressed, opcode, mask, payload_len }, len + 4)))
    }

    /// Returns how many bytes may be read after these without going beyond the header's end: 1 and
    /// more.
    #[cfg(feature = "random")]
    pub(crate) fn missing(bytes: &[u8]) -> usize {
        let len: usize = match bytes.get(1) {
            None => 2,
            Some(second) => {
                let key = if second & MASKED == 0 { 0 } else { 4 };
                let length = match second & LEN {
                    LEN => 8,
                    LEN_16 => 2,
                    _ => 0,
                };
                2 + length + key
            }
        };
        len.saturating_sub(bytes.len()).max(1)
    }

    /// Reads the length, whose first seven bits are `short`; also returns where it ends.
    fn parse_len(
        bytes: &[u8],
        short: u8,
    ) -> Result<Option<(u64, usize)>, (DecodeErrorKind, usize)> {
        if short < LEN_16 {
            return Ok(Some((u64::from(short), 2)));
        }
        if short == LEN_16 {
            let Some(&[high, low]) = bytes.get(2..4) else { return Ok(None) };
            let len = u16::from_be_bytes([high, low]);
            if len < u16::from(LEN_16) {
                return Err((DecodeErrorKind::LengthNotMinimal, 2));
            }
            return Ok(Some((u64::from(len), 4)));
        }
        if bytes.get(2).is_some_and(|high| high & 0x80 != 0) {
            return Err((DecodeErrorKind::LengthTopBit, 2));
        }
        let Some(len) = bytes.get(2..10).and_then(|len| len.try_into().ok()) else {
            return Ok(None);
        };
        let len = u64::from_be_bytes(len);
        if len <= u64::from(u16::MAX) {
            return Err((DecodeErrorKind::LengthNotMinimal, 2));
        }
        Ok(Some((len, 10)))
    }

    /// Writes the header in its shortest form; returns the bytes and how many of them it is.
    #[must_use]
    pub fn to_bytes(&self) -> ([u8; HEADER_BYTES_MAX], usize) {
        let (word, len) = self.to_word();
        let mut bytes = [0; HEADER_BYTES_MAX];
        bytes.copy_from_slice(&word.to_le_bytes()[..HEADER_BYTES_MAX]);
        (bytes, len)
    }

    /// Makes the header in a register, the first byte lowest, and returns its length: bytes that were
    /// written one by one are slow to be copied right after.
    #[inline]
    pub(crate) const fn to_word(self) -> (u128, usize) {
        let fin = if self.fin { FIN } else { 0 };
        let first = fin | if self.is_compressed { RSV1 } else { 0 } | self.opcode as u8;
        #[expect(clippy::cast_possible_truncation, reason = "what is cut off is 0 in each case")]
        let (short, length, mut len) = match self.payload_len {
            short @ ..126 => (short as u8, 0, 2),
            medium @ 126..=0xffff => (LEN_16, (medium as u16).swap_bytes() as u128, 4),
            long => (LEN, long.swap_bytes() as u128, 10),
        };
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        let mut word = first as u128 | ((masked | short) as u128) << 8 | length << 16;
        if let Some(key) = self.mask {
            word |= (u32::from_le_bytes(key) as u128) << (8 * len);
            len += 4;
        }
        (word, len)
    }
}
