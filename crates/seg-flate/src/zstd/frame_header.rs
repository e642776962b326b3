//! What comes before a frame's blocks.

use crate::inflate_error::InflateErrorKind;

/// What a frame with data starts with, little-endian (RFC 8878 section 3.1.1).
const MAGIC: [u8; MAGIC_BYTES] = 0xfd2f_b528_u32.to_le_bytes();

/// Bytes that make a frame one.
pub(super) const MAGIC_BYTES: usize = 4;

/// What a frame to skip starts with; the lowest four bits are anything (RFC 8878 section 3.1.2).
const SKIPPABLE_MAGIC: [u8; 4] = 0x184d_2a50_u32.to_le_bytes();

/// The longest header: magic number, descriptor, window or not, dictionary and content size.
const BYTES_MAX: usize = 18;

/// The smallest window, as a power of two.
const WINDOW_LOG_MIN: u32 = 10;

/// Set in a descriptor when a checksum follows the last block.
const CHECKSUM: u8 = 1 << 2;

/// A frame that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// One with blocks.
    Data { window_bytes: u64, content_bytes: Option<u64>, has_checksum: bool },
    /// One that says nothing, in so many bytes.
    Skippable { bytes: u32 },
}

/// A header that is read byte by byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameHeader {
    bytes: [u8; BYTES_MAX],
    len: usize,
}

impl FrameHeader {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; BYTES_MAX], len: 0 }
    }

    /// Returns how many bytes were read.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Returns the bytes that were read.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Returns the header of the same frame with a window of so many bytes or more, as little more as can be said in a power of two, and
    /// without the content's size. The frame has data, and its header is complete.
    pub(super) fn with_window(&self, window_bytes: u64) -> ([u8; BYTES_MAX], usize) {
        let mut bytes = [0; BYTES_MAX];
        bytes[..MAGIC_BYTES].copy_from_slice(&MAGIC);
        bytes[4] = self.bytes[4] & CHECKSUM;
        let log = window_bytes.next_power_of_two().ilog2().max(WINDOW_LOG_MIN);
        bytes[5] = u8::try_from((log - WINDOW_LOG_MIN) << 3).unwrap_or(u8::MAX);
        (bytes, 6)
    }

    /// Reads the next byte; returns the frame when it was the last one. An error has the number of
    /// bytes before what was wrong as well.
    pub(super) fn push(&mut self, byte: u8) -> Result<Option<Frame>, (InflateErrorKind, usize)> {
        let at = self.len;
        self.bytes[at] = byte;
        self.len += 1;
        let is_skippable = is_skippable(self.bytes[0]);
        let magic = if is_skippable { SKIPPABLE_MAGIC } else { MAGIC };
        match at {
            0 if !is_skippable && byte != magic[0] => Err((InflateErrorKind::HeaderInvalid, at)),
            1..=3 if byte != magic[at] => Err((InflateErrorKind::HeaderInvalid, at)),
            0..=3 => Ok(None),
            // Bit 3 is reserved.
            4 if !is_skippable && byte & 1 << 3 != 0 => Err((InflateErrorKind::FlagsReserved, at)),
            _ if is_skippable => {
                let [_, _, _, _, bytes @ .., _, _, _, _, _, _, _, _, _, _] = self.bytes;
                let bytes = u32::from_le_bytes(bytes);
                Ok((self.len == 8).then_some(Frame::Skippable { bytes }))
            }
            _ => self.data(),
        }
    }

    /// The frame, when the header is complete: descriptor, and the fields that it says there are.
    fn data(&self) -> Result<Option<Frame>, (InflateErrorKind, usize)> {
        let descriptor = self.bytes[4];
        let is_single_segment = descriptor & 1 << 5 != 0;
        let dictionary_at = 5 + usize::from(!is_single_segment);
        let size_at = dictionary_at + [0, 1, 2, 4][usize::from(descriptor & 3)];
        let end = size_at + [usize::from(is_single_segment), 2, 4, 8][usize::from(descriptor >> 6)];
        if self.len < end {
            return Ok(None);
        }
        // A dictionary without a number is none.
        if self.bytes[dictionary_at..size_at].iter().any(|&byte| byte != 0) {
            return Err((InflateErrorKind::DictionaryNeeded, dictionary_at));
        }
        let mut wide = [0; 8];
        wide[..end - size_at].copy_from_slice(&self.bytes[size_at..end]);
        // With two bytes, those that one can tell are left out.
        let least = if end - size_at == 2 { 256 } else { 0 };
        let size = u64::from_le_bytes(wide).saturating_add(least);
        Ok(Some(Frame::Data {
            window_bytes: if is_single_segment { size } else { window_bytes(self.bytes[5]) },
            content_bytes: (end > size_at).then_some(size),
            has_checksum: descriptor & CHECKSUM != 0,
        }))
    }
}

/// Whether a frame that starts with this byte is to be skipped.
const fn is_skippable(byte: u8) -> bool {
    byte & 0xf0 == SKIPPABLE_MAGIC[0]
}

/// The size that a window descriptor stands for: a power of two and up to seven eighths more (RFC 8878
/// section 3.1.1.1.2).
const fn window_bytes(descriptor: u8) -> u64 {
    let power = 1 << (WINDOW_LOG_MIN + (descriptor >> 3) as u32);
    power + power / 8 * (descriptor & 7) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wire: &[u8]) -> Result<Option<Frame>, (InflateErrorKind, usize)> {
        let mut header = FrameHeader::new();
        let mut read = Ok(None);
        for &byte in wire {
            assert_eq!(read, Ok(None), "too early: {wire:?}");
            read = header.push(byte);
        }
        read
    }

    fn data(window_bytes: u64, content_bytes: Option<u64>, has_checksum: bool) -> Frame {
        Frame::Data { window_bytes, content_bytes, has_checksum }
    }

    #[test]
    fn every_combination_of_fields_is_read() {
        for (fields, frame) in [
            (&[0x00, 0x00][..], data(1 << 10, None, false)),
            (&[0x04, 0x6b], data((8 << 20) / 8 * 11, None, true)),
            (&[0x00, 0xff], data((1 << 41) + 7 * (1 << 38), None, false)),
            (&[0x20, 0x05], data(5, Some(5), false)),
            (&[0x60, 0x05, 0x01], data(517, Some(517), false)),
            (&[0x40, 0x58, 0x00, 0x00], data(2 << 20, Some(256), false)),
            (&[0x80, 0x58, 0, 0, 0, 1], data(2 << 20, Some(1 << 24), false)),
            (&[0xe4, 0, 0, 0, 0, 0, 1, 0, 0], data(1 << 40, Some(1 << 40), true)),
            (&[0x21, 0, 7], data(7, Some(7), false)),
            (&[0xc3, 0x58, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0], data(2 << 20, Some(9), false)),
        ] {
            assert_eq!(read(&[&MAGIC, fields].concat()), Ok(Some(frame)), "{fields:?}");
        }
        for lowest in 0..16 {
            let wire = [0x50 | lowest, 0x2a, 0x4d, 0x18, 1, 2, 3, 4];
            assert_eq!(read(&wire), Ok(Some(Frame::Skippable { bytes: 0x0403_0201 })));
        }
    }

    #[test]
    fn a_window_can_be_made_smaller() {
        for (window_bytes, expected) in [(1, 1 << 10), (1 << 10, 1 << 10), (129 << 10, 256 << 10)] {
            for (descriptor, has_checksum) in [(0x00, false), (0x04, true)] {
                let mut header = FrameHeader::new();
                for byte in [&MAGIC[..], &[descriptor, 0x68]].concat() {
                    header.push(byte).expect("a valid header");
                }
                let (bytes, len) = header.with_window(window_bytes);
                assert_eq!(read(&bytes[..len]), Ok(Some(data(expected, None, has_checksum))));
            }
        }
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        use InflateErrorKind::{DictionaryNeeded, FlagsReserved, HeaderInvalid};
        for (wire, expected) in [
            (&[0x27][..], (HeaderInvalid, 0)),
            (&[0x28, 0x2a], (HeaderInvalid, 1)),
            (&[0x50, 0x2a, 0x4d, 0xfd], (HeaderInvalid, 3)),
            (&[0x28, 0xb5, 0x2f, 0xfd, 0x08], (FlagsReserved, 4)),
            (&[0x28, 0xb5, 0x2f, 0xfd, 0x02, 0x58, 0, 1], (DictionaryNeeded, 6)),
            (&[0x28, 0xb5, 0x2f, 0xfd, 0x21, 1, 1], (DictionaryNeeded, 5)),
        ] {
            assert_eq!(read(wire), Err(expected));
        }
    }
}
