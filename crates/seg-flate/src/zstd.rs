//! Decoding Zstandard (RFC 8878).

mod backward_bits;
mod block;
mod frame;
mod frame_header;
mod fse_table;
mod huffman_table;
mod length_codes;
mod literals;
mod sequences;
mod window;
mod xxh64;

use core::fmt;

use seg_seq::SegmentedBuf;

use self::frame::{Open, State};
use crate::{
    allowance::Allowance,
    inflate_error::{InflateError, InflateErrorKind},
    limits::Limits,
    status::Status,
};

/// Decodes Zstandard frames (RFC 8878), pushed piece by piece: HTTP's `zstd`.
///
/// Any number of frames one behind the other, those to skip included; checksums and content sizes are
/// checked. Safe Rust, made for this crate. Unlike the rest of it, it needs **larger allocations**: the
/// window is one, which grows with what is decoded to the size that the frame says it needs;
/// [`Limits::window_bytes_max`] bounds it, and is looked at before any is taken. Blocks that came cut
/// and literals are up to 128 KiB more each, tables 21 KiB.
///
/// A block, which makes at most 128 KiB, is decoded when all of it came, and what it makes is copied
/// out of the window into segments: nothing is held back for more. [`reset`](Self::reset) keeps the
/// memory, so that the next stream like the last one allocates nothing. How the input is cut changes
/// no result. Dictionaries are not known.
///
/// # Examples
///
/// ```
/// use seg_flate::{Limits, Status, ZstdDecoder};
/// use seg_pool::Pool;
/// use seg_seq::SegmentedBuf;
///
/// # fn main() -> Result<(), seg_flate::InflateError> {
/// let mut output = SegmentedBuf::new(&Pool::new());
/// let mut decoder = ZstdDecoder::new(Limits::default());
/// // "hello" in one block that is not compressed.
/// let mut input = &b"\x28\xb5\x2f\xfd\x20\x05\x29\x00\x00hello"[..];
/// assert_eq!(decoder.push(&mut input, &mut output)?, Status::NeedInput);
/// decoder.finish()?;
/// assert_eq!(output.freeze(), b"hello");
/// # Ok(())
/// # }
/// ```
pub struct ZstdDecoder {
    /// The frame that is being decoded, and what decodes it.
    open: Box<Open>,
    limits: Limits,
    state: State,
    /// Compressed bytes consumed.
    consumed: u64,
    /// Decoded bytes produced.
    produced: u64,
}

impl ZstdDecoder {
    /// Creates a decoder. Allocates its tables of about 21 KiB; the rest when streams need it.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            open: Box::new(Open::new()),
            limits,
            state: State::start(),
            consumed: 0,
            produced: 0,
        }
    }

    /// Makes the decoder ready for another stream, whatever became of the last one. Keeps the
    /// memory.
    pub fn reset(&mut self) {
        self.open.window.reset(0);
        self.state = State::start();
        (self.consumed, self.produced) = (0, 0);
    }

    /// Returns the compressed bytes consumed so far.
    #[must_use]
    pub const fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Returns the decoded bytes produced so far.
    #[must_use]
    pub const fn produced(&self) -> u64 {
        self.produced
    }

    /// Decodes `input` into `output` and advances `input` behind what was consumed: all of it,
    /// unless what follows the last frame is to be left or decoding fails. The status is
    /// [`NeedInput`](Status::NeedInput) behind a frame as well, because another one may follow.
    ///
    /// # Errors
    ///
    /// An [`InflateError`]; what was decoded before it is in `output`. Of a block that is refused there
    /// is nothing.
    pub fn push(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
    ) -> Result<Status, InflateError> {
        loop {
            let moved = match self.state {
                State::End => return Ok(Status::End),
                State::Failed(error) => return Err(error),
                _ => self.drain(output).and_then(|()| self.step(input)),
            };
            match moved {
                Ok(true) => {}
                Ok(false) => return Ok(Status::NeedInput),
                Err((kind, offset)) => {
                    let error = InflateError::new(kind, offset);
                    // Want of memory passes; everything else is the stream's fault.
                    if !matches!(kind, InflateErrorKind::OutOfMemory(_)) {
                        self.state = State::Failed(error);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Tells the decoder that no input follows.
    ///
    /// # Errors
    ///
    /// [`Truncated`](InflateErrorKind::Truncated) when there was no frame, the last one has not ended or
    /// not all of it is in the output, otherwise the error that there was before.
    pub fn finish(&mut self) -> Result<(), InflateError> {
        match self.state {
            State::End => Ok(()),
            State::Between if self.open.window.fresh_len() == 0 => Ok(()),
            State::Failed(error) => Err(error),
            _ => {
                let error = InflateError::new(InflateErrorKind::Truncated, self.consumed);
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    /// Moves what was decoded to the output, as far as the limits allow.
    fn drain(&mut self, output: &mut SegmentedBuf) -> Result<(), (InflateErrorKind, u64)> {
        while self.open.window.fresh_len() > 0 {
            let left = self.left(self.consumed);
            if left == 0 {
                return Err((self.limits.exceeded(self.produced), self.consumed));
            }
            let spare = output.try_spare_initialized_mut();
            let spare =
                spare.map_err(|error| (InflateErrorKind::OutOfMemory(error), self.consumed))?;
            let fresh = self.open.window.fresh();
            let len = fresh.len().min(spare.len()).min(left);
            let fresh = &fresh[..len];
            spare[..len].copy_from_slice(fresh);
            if let Some(checksum) = &mut self.open.checksum {
                checksum.update(fresh);
            }
            output.advance_initialized(len);
            self.open.window.take(len);
            self.produced += len as u64;
        }
        Ok(())
    }

    /// How much more output there may be when so many bytes are consumed.
    fn left(&self, consumed: u64) -> usize {
        let allowed = Allowance::at(&self.limits, consumed);
        usize::try_from(allowed.saturating_sub(self.produced)).unwrap_or(usize::MAX)
    }
}

impl fmt::Debug for ZstdDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZstdDecoder")
            .field("consumed", &self.consumed)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}
