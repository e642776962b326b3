//! The way through frames: headers, blocks, checksums.

use super::{
    ZstdDecoder,
    block::{BLOCK_BYTES_MAX, BlockDecoder, BlockHeader, Content, HEADER_BYTES},
    frame_header::{Frame, FrameHeader},
    window::Window,
    xxh64::Xxh64,
};
use crate::{
    format::Trailing,
    inflate_error::{InflateError, InflateErrorKind},
};

/// Bytes of the checksum behind the last block, little-endian: the lower half of the XXH64.
const CHECKSUM_BYTES: usize = 4;

/// What comes next.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    FrameHeader(FrameHeader),
    /// The bytes of a block's header.
    BlockHeader([u8; HEADER_BYTES], usize),
    /// So many bytes as they are.
    Raw(usize),
    /// One byte that stands for so many.
    Repeated(usize),
    /// A compressed block of so many bytes.
    Compressed(usize),
    /// Behind a block, all of which is in the output.
    BlockEnd,
    Checksum([u8; CHECKSUM_BYTES], usize),
    /// So many bytes of a frame that says nothing.
    Skip(u32),
    /// Behind a frame.
    Between,
    End,
    Failed(InflateError),
}

/// The frame that is being decoded, and what is kept from frame to frame to decode it.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) window: Window,
    /// That of the data so far, if it is looked at.
    pub(super) checksum: Option<Xxh64>,
    decoder: BlockDecoder,
    /// The first bytes of a compressed block that came in pieces.
    block: Vec<u8>,
    /// The most that a block of this frame may have or make.
    block_bytes_max: usize,
    is_last_block: bool,
    content_bytes: Option<u64>,
    /// What the blocks made so far.
    decoded: u64,
}

/// Whether the state moved on (`true`) or waits for input, or what was wrong and where.
pub(super) type Moved = Result<bool, (InflateErrorKind, u64)>;

impl State {
    pub(super) const fn start() -> Self {
        Self::FrameHeader(FrameHeader::new())
    }
}

impl Open {
    pub(super) const fn new() -> Self {
        Self {
            window: Window::new(),
            checksum: None,
            decoder: BlockDecoder::new(),
            block: Vec::new(),
            block_bytes_max: 0,
            is_last_block: false,
            content_bytes: None,
            decoded: 0,
        }
    }

    fn reset(&mut self, window_bytes: usize, content_bytes: Option<u64>, has_checksum: bool) {
        self.window.reset(window_bytes);
        self.checksum = has_checksum.then(Xxh64::new);
        self.decoder.reset();
        self.block.clear();
        self.block_bytes_max = window_bytes.min(BLOCK_BYTES_MAX);
        self.content_bytes = content_bytes;
        self.decoded = 0;
    }

    /// Counts what a block makes, which the frame's content size may not allow.
    fn count(&mut self, len: usize) -> Result<(), InflateErrorKind> {
        self.decoded += len as u64;
        match self.content_bytes {
            Some(most) if self.decoded > most => Err(InflateErrorKind::LengthMismatch),
            _ => Ok(()),
        }
    }
}

impl ZstdDecoder {
    /// Goes one step, once everything that was decoded is in the output.
    pub(super) fn step(&mut self, input: &mut &[u8]) -> Moved {
        match self.state {
            State::FrameHeader(header) => self.frame_header(header, input),
            State::BlockHeader(bytes, len) => self.block_header(bytes, len, input),
            State::Raw(left) => self.raw(left, input),
            State::Repeated(len) => self.repeated(len, input),
            State::Compressed(len) => self.compressed(len, input),
            State::BlockEnd => self.block_end(),
            State::Checksum(bytes, len) => self.checksum(bytes, len, input),
            State::Skip(left) => {
                let len = input.len().min(left as usize);
                *input = &input[len..];
                self.consumed += len as u64;
                let left = left - u32::try_from(len).unwrap_or(left);
                self.state = if left == 0 { State::Between } else { State::Skip(left) };
                Ok(left == 0)
            }
            State::Between => self.between(input),
            State::End | State::Failed(_) => Ok(false),
        }
    }

    fn next_byte(&mut self, input: &mut &[u8]) -> Option<u8> {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        self.consumed += 1;
        Some(byte)
    }

    fn frame_header(&mut self, mut header: FrameHeader, input: &mut &[u8]) -> Moved {
        while let Some(byte) = self.next_byte(input) {
            let behind = header.len() as u64 + 1;
            let start = self.consumed - behind;
            let frame = header.push(byte);
            match frame.map_err(|(kind, at)| (kind, start + at as u64))? {
                None => {}
                Some(Frame::Skippable { bytes }) => {
                    self.state = State::Skip(bytes);
                    return Ok(true);
                }
                Some(Frame::Data { window_bytes, content_bytes, has_checksum }) => {
                    let window = usize::try_from(window_bytes).ok();
                    let window = window.filter(|&bytes| bytes <= self.limits.window_bytes_max);
                    // The place of the descriptor, or of the content size in its stead.
                    let refused = (InflateErrorKind::WindowTooLarge, start + 5);
                    self.open.reset(window.ok_or(refused)?, content_bytes, has_checksum);
                    self.state = State::BlockHeader([0; HEADER_BYTES], 0);
                    return Ok(true);
                }
            }
        }
        self.state = State::FrameHeader(header);
        Ok(false)
    }

    fn block_header(
        &mut self,
        mut bytes: [u8; HEADER_BYTES],
        mut len: usize,
        input: &mut &[u8],
    ) -> Moved {
        if !self.gather(&mut bytes, &mut len, input) {
            self.state = State::BlockHeader(bytes, len);
            return Ok(false);
        }
        let start = self.consumed - HEADER_BYTES as u64;
        let header = BlockHeader::read(bytes, self.open.block_bytes_max);
        let header = header.map_err(|kind| (kind, start))?;
        self.open.is_last_block = header.is_last;
        self.state = match header.content {
            Content::Raw(size) | Content::Repeated(size) => {
                self.open.count(size).map_err(|kind| (kind, start))?;
                match header.content {
                    Content::Repeated(_) => State::Repeated(size),
                    _ => State::Raw(size),
                }
            }
            Content::Compressed(size) => State::Compressed(size),
        };
        Ok(true)
    }

    /// Takes bytes as they are. They may be fewer than came: so that where they were cut does not
    /// decide which are refused, a limit is looked at before they are taken.
    fn raw(&mut self, left: usize, input: &mut &[u8]) -> Moved {
        if left == 0 {
            self.state = State::BlockEnd;
            return Ok(true);
        }
        if input.is_empty() {
            return Ok(false);
        }
        let allowed = self.left(self.consumed + 1);
        if allowed == 0 {
            return Err((self.limits.exceeded(self.produced), self.consumed));
        }
        let (bytes, rest) = input.split_at(input.len().min(left).min(allowed));
        self.open.window.extend_long(bytes);
        *input = rest;
        self.consumed += bytes.len() as u64;
        self.state = State::Raw(left - bytes.len());
        Ok(true)
    }

    fn repeated(&mut self, len: usize, input: &mut &[u8]) -> Moved {
        let Some(byte) = self.next_byte(input) else { return Ok(false) };
        self.open.window.fill(byte, len);
        self.state = State::BlockEnd;
        Ok(true)
    }

    /// Decodes a block that came whole where it lies; one that came in pieces is copied together.
    fn compressed(&mut self, len: usize, input: &mut &[u8]) -> Moved {
        let open = &mut *self.open;
        let (bytes, rest) = input.split_at(input.len().min(len - open.block.len()));
        *input = rest;
        self.consumed += bytes.len() as u64;
        let block = if bytes.len() == len {
            bytes
        } else {
            open.block.extend_from_slice(bytes);
            if open.block.len() < len {
                return Ok(false);
            }
            &open.block
        };
        let end = self.consumed;
        open.decoder
            .decode(block, open.block_bytes_max, &mut open.window)
            .map_err(|kind| (kind, end))?;
        open.block.clear();
        open.count(open.window.fresh_len()).map_err(|kind| (kind, end))?;
        self.state = State::BlockEnd;
        Ok(true)
    }

    fn block_end(&mut self) -> Moved {
        let open = &self.open;
        self.state = if !open.is_last_block {
            State::BlockHeader([0; HEADER_BYTES], 0)
        } else if open.content_bytes.is_some_and(|size| size != open.decoded) {
            return Err((InflateErrorKind::LengthMismatch, self.consumed));
        } else if open.checksum.is_some() {
            State::Checksum([0; CHECKSUM_BYTES], 0)
        } else {
            State::Between
        };
        Ok(true)
    }

    /// Fills `bytes` from `len` on; returns whether all of them are there.
    fn gather(&mut self, bytes: &mut [u8], len: &mut usize, input: &mut &[u8]) -> bool {
        while *len < bytes.len() {
            let Some(byte) = self.next_byte(input) else { return false };
            bytes[*len] = byte;
            *len += 1;
        }
        true
    }

    fn checksum(
        &mut self,
        mut bytes: [u8; CHECKSUM_BYTES],
        mut len: usize,
        input: &mut &[u8],
    ) -> Moved {
        if !self.gather(&mut bytes, &mut len, input) {
            self.state = State::Checksum(bytes, len);
            return Ok(false);
        }
        let sum = self.open.checksum.as_ref().map_or(0, Xxh64::finish);
        if u64::from(u32::from_le_bytes(bytes)) != sum & 0xffff_ffff {
            let start = self.consumed - CHECKSUM_BYTES as u64;
            return Err((InflateErrorKind::ChecksumMismatch, start));
        }
        self.state = State::Between;
        Ok(true)
    }

    /// Looks whether another frame follows.
    fn between(&mut self, input: &[u8]) -> Moved {
        self.state = match input.first() {
            None => return Ok(false),
            Some(&byte) if FrameHeader::starts_with(byte) => State::start(),
            Some(_) if self.limits.trailing == Trailing::Leave => State::End,
            Some(_) => return Err((InflateErrorKind::TrailingData, self.consumed)),
        };
        Ok(true)
    }
}
