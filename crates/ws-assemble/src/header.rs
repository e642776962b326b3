//! A frame's header (RFC 6455 section 5.2).

use crate::{
    error::DecodeErrorKind,
    opcode::{Opcode, Role},
};

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
        let mut bytes = [0; HEADER_BYTES_MAX];
        bytes[0] = if self.fin { FIN } else { 0 }
            | if self.is_compressed { RSV1 } else { 0 }
            | self.opcode as u8;
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        let mut len = 2;
        let short = u8::try_from(self.payload_len).ok().filter(|&short| short < LEN_16);
        if let Some(short) = short {
            bytes[1] = masked | short;
        } else if let Ok(medium) = u16::try_from(self.payload_len) {
            bytes[1] = masked | LEN_16;
            bytes[2..4].copy_from_slice(&medium.to_be_bytes());
            len = 4;
        } else {
            bytes[1] = masked | LEN;
            bytes[2..10].copy_from_slice(&self.payload_len.to_be_bytes());
            len = 10;
        }
        if let Some(key) = self.mask {
            bytes[len..len + 4].copy_from_slice(&key);
            len += 4;
        }
        (bytes, len)
    }
}
