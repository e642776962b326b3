//! What is around the data: headers, checksums and lengths.

use super::Inflater;
use crate::{
    checksum::checksum_start,
    format::{Format, Trailing},
    gzip,
    inflate_error::{InflateError, InflateErrorKind},
    zlib,
};

/// The gzip member that is being decoded, or the whole stream of another format.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Member {
    /// Where its header starts in the input.
    header_start: u64,
    /// Where its data starts in the output.
    output_start: u64,
    /// That of its data so far.
    pub(super) checksum: u32,
}

/// What comes next.
#[derive(Clone, Debug)]
pub(super) enum State {
    GzipHeader(gzip::Header),
    /// The bytes of a zlib header, or of what may be one.
    ZlibHeader([u8; 2], usize),
    /// DEFLATE data in this envelope; the bytes come before the input. They are those that a raw
    /// stream shares with what could have been a zlib header.
    Data(Envelope, [u8; 2], usize),
    Trailer(Envelope, [u8; gzip::TRAILER_BYTES], usize),
    /// After a gzip member, or also after a byte that may start another.
    Between(bool),
    /// The stream has ended; whether that byte follows it.
    End(bool),
    Failed(InflateError),
}

/// What follows the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    Gzip,
    Zlib,
    Raw,
}

/// Whether the state moved on (`true`) or waits for input, or what was wrong and where.
pub(super) type StepResult = Result<bool, (InflateErrorKind, u64)>;

impl Inflater {
    fn next_byte(&mut self, input: &mut &[u8]) -> Option<u8> {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        self.consumed += 1;
        Some(byte)
    }

    pub(super) fn gzip_header(&mut self, input: &mut &[u8]) -> StepResult {
        let is_start = self.consumed == self.member.header_start;
        if let (true, Some((header, rest))) = (is_start, input.split_first_chunk())
            && gzip::is_whole_header(header)
            && self.limits.header_bytes_max >= header.len() as u64
        {
            *input = rest;
            self.consumed += header.len() as u64;
            self.state = State::Data(Envelope::Gzip, [0; 2], 0);
            return Ok(true);
        }
        while let Some(byte) = self.next_byte(input) {
            let offset = self.consumed - 1;
            let State::GzipHeader(header) = &mut self.state else { return Ok(true) };
            header.push(byte).map_err(|kind| (kind, offset))?;
            if header.is_complete() {
                self.state = State::Data(Envelope::Gzip, [0; 2], 0);
                return Ok(true);
            }
            if self.consumed - self.member.header_start >= self.limits.header_bytes_max {
                return Err((InflateErrorKind::HeaderTooLong, offset));
            }
        }
        Ok(false)
    }

    pub(super) fn zlib_header(&mut self, input: &mut &[u8]) -> StepResult {
        let State::ZlibHeader(mut bytes, mut count) = self.state else { return Ok(true) };
        while count < bytes.len() {
            let Some(byte) = self.next_byte(input) else {
                self.state = State::ZlibHeader(bytes, count);
                // One byte can be a whole raw stream no more than half a header can.
                return Ok(false);
            };
            bytes[count] = byte;
            count += 1;
        }
        self.state = match (zlib::check_header(bytes[0], bytes[1]), self.format) {
            (Ok(()), _) => State::Data(Envelope::Zlib, [0; 2], 0),
            // A header that asks for a dictionary obeys the rules by which it is known.
            (Err(kind), Format::Deflate) if kind != InflateErrorKind::DictionaryNeeded => {
                State::Data(Envelope::Raw, bytes, 2)
            }
            (Err(kind), _) => {
                let offset = u64::from(kind != InflateErrorKind::MethodUnsupported);
                return Err((kind, offset));
            }
        };
        Ok(true)
    }

    pub(super) fn trailer(&mut self, input: &mut &[u8]) -> StepResult {
        let State::Trailer(envelope, mut bytes, mut count) = self.state else { return Ok(true) };
        let len = match envelope {
            Envelope::Gzip => gzip::TRAILER_BYTES,
            _ => zlib::TRAILER_BYTES,
        };
        let (new, rest) = input.split_at(input.len().min(len - count));
        bytes[count..count + new.len()].copy_from_slice(new);
        *input = rest;
        self.consumed += new.len() as u64;
        count += new.len();
        if count < len {
            self.state = State::Trailer(envelope, bytes, count);
            return Ok(false);
        }
        let start = self.consumed - len as u64;
        let [a, b, c, d, e, f, g, h] = bytes;
        if envelope == Envelope::Zlib {
            if u32::from_be_bytes([a, b, c, d]) != self.member.checksum {
                return Err((InflateErrorKind::ChecksumMismatch, start));
            }
            self.state = State::End(false);
            return Ok(true);
        }
        if u32::from_le_bytes([a, b, c, d]) != self.member.checksum {
            return Err((InflateErrorKind::ChecksumMismatch, start));
        }
        // ISIZE is the length modulo 2^32.
        let produced = self.produced - self.member.output_start;
        if u64::from(u32::from_le_bytes([e, f, g, h])) != produced & 0xffff_ffff {
            return Err((InflateErrorKind::LengthMismatch, start + 4));
        }
        self.state = State::Between(false);
        Ok(true)
    }

    /// Looks whether another gzip member follows, which its first two bytes say.
    pub(super) fn between(&mut self, input: &mut &[u8]) -> StepResult {
        let State::Between(has_first) = self.state else { return Ok(true) };
        let start = self.consumed - u64::from(has_first);
        let magic = &gzip::MAGIC[usize::from(has_first)..];
        let len = magic.len().min(input.len());
        if input[..len] == magic[..len] {
            if len < magic.len() {
                self.consumed += len as u64;
                *input = &input[len..];
                self.state = State::Between(has_first || len > 0);
                return Ok(false);
            }
            if let Some(engine) = &mut self.engine {
                engine.reset();
            }
            self.member = Member {
                header_start: start,
                output_start: self.produced,
                checksum: checksum_start(Format::Gzip),
            };
            let mut header = gzip::Header::new();
            if has_first {
                header.push(gzip::MAGIC[0]).map_err(|kind| (kind, start))?;
            }
            self.state = State::GzipHeader(header);
            return Ok(true);
        }
        if self.limits.trailing == Trailing::Refuse {
            return Err((InflateErrorKind::TrailingData, start));
        }
        self.consumed = start;
        self.state = State::End(has_first);
        Ok(true)
    }
}

impl State {
    pub(super) const fn start(format: Format) -> Self {
        match format {
            Format::Gzip => Self::GzipHeader(gzip::Header::new()),
            Format::Zlib | Format::Deflate => Self::ZlibHeader([0; 2], 0),
            Format::Raw => Self::Data(Envelope::Raw, [0; 2], 0),
        }
    }
}

impl Member {
    pub(super) fn start(format: Format) -> Self {
        Self { checksum: checksum_start(format), ..Self::default() }
    }
}
