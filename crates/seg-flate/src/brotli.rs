//! Decoding Brotli (RFC 7932).

mod memory;

use core::fmt;

use brotli_decompressor::{
    BrotliDecoderErrorCode as Code, BrotliDecompressStream, BrotliResult, BrotliState, HuffmanCode,
};
use seg_seq::SegmentedBuf;

use self::memory::Memory;
use crate::{
    allowance::Allowance,
    inflate_error::{InflateError, InflateErrorKind},
    limits::Limits,
    status::Status,
};

/// Bytes that the library adds to a window.
const WINDOW_SLACK: usize = 1 << 10;

/// The largest table: the codes of 256 trees.
const TABLE_BYTES_MAX: usize = 2 << 20;

type Engine = BrotliState<Memory<u8>, Memory<u32>, Memory<HuffmanCode>>;

/// Decodes one Brotli stream (RFC 7932), pushed piece by piece: HTTP's `br`.
///
/// Made of `brotli-decompressor`, which is safe Rust. Unlike the rest of this crate it needs **large
/// allocations**: the window is one, of up to 16 MiB and as large as the stream says it needs, before
/// its data came; [`Limits::window_bytes_max`] bounds it. Tables are up to 4 MiB more. What is
/// decoded is copied out of the window into segments. [`reset`](Self::reset) keeps the memory, so
/// that the next stream like the last one allocates nothing. How the input is cut changes no result.
///
/// # Examples
///
/// ```
/// use seg_flate::{BrotliDecoder, Limits, Status};
/// use seg_pool::Pool;
/// use seg_seq::SegmentedBuf;
///
/// # fn main() -> Result<(), seg_flate::InflateError> {
/// let mut output = SegmentedBuf::new(&Pool::new());
/// let mut decoder = BrotliDecoder::new(Limits::default());
/// // "hello" in one block that is not compressed, and an empty last one.
/// let mut input = &b"\x21\x10\x00\x04hello\x03"[..];
/// assert_eq!(decoder.push(&mut input, &mut output)?, Status::End);
/// decoder.finish()?;
/// assert_eq!(output.freeze(), b"hello");
/// # Ok(())
/// # }
/// ```
pub struct BrotliDecoder {
    engine: Box<Engine>,
    bytes: Memory<u8>,
    words: Memory<u32>,
    codes: Memory<HuffmanCode>,
    limits: Limits,
    allowance: Allowance,
    state: State,
    /// Compressed bytes consumed.
    consumed: u64,
    /// Decoded bytes produced.
    produced: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Data,
    End,
    Failed(InflateError),
}

impl BrotliDecoder {
    /// Creates a decoder. Allocates its state of about 8 KiB; the rest when streams need it.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let bytes_max = limits.window_bytes_max.saturating_add(WINDOW_SLACK);
        let (bytes, words, codes) =
            (Memory::new(bytes_max), Memory::new(TABLE_BYTES_MAX), Memory::new(TABLE_BYTES_MAX));
        let engine = Engine::new_strict(bytes.clone(), words.clone(), codes.clone());
        Self {
            engine: Box::new(engine),
            bytes,
            words,
            codes,
            allowance: Allowance::new(&limits),
            limits,
            state: State::Data,
            consumed: 0,
            produced: 0,
        }
    }

    /// Makes the decoder ready for another stream, whatever became of the last one. Keeps the
    /// memory.
    pub fn reset(&mut self) {
        *self.engine =
            Engine::new_strict(self.bytes.clone(), self.words.clone(), self.codes.clone());
        self.allowance = Allowance::new(&self.limits);
        self.state = State::Data;
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
    /// unless the stream ends before or fails.
    ///
    /// # Errors
    ///
    /// An [`InflateError`]; what was decoded before it is in `output`.
    pub fn push(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
    ) -> Result<Status, InflateError> {
        loop {
            match self.state {
                State::Data => {}
                State::End => return Ok(Status::End),
                State::Failed(error) => return Err(error),
            }
            match self.decode_once(input, output) {
                Ok(false) => {}
                Ok(true) if matches!(self.state, State::Data) => return Ok(Status::NeedInput),
                Ok(true) => return Ok(Status::End),
                Err(kind) => {
                    let error = InflateError::new(kind, self.consumed);
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
    /// [`Truncated`](InflateErrorKind::Truncated) when the stream has not ended, otherwise the error
    /// that there was before.
    pub fn finish(&mut self) -> Result<(), InflateError> {
        match self.state {
            State::End => Ok(()),
            State::Failed(error) => Err(error),
            State::Data => {
                let error = InflateError::new(InflateErrorKind::Truncated, self.consumed);
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    /// Calls the engine once; returns whether there is nothing more to do now.
    fn decode_once(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
    ) -> Result<bool, InflateErrorKind> {
        let allowed = self.allowance.output(&self.limits);
        let left = usize::try_from(allowed.saturating_sub(self.produced)).unwrap_or(usize::MAX);
        // With nothing left, one byte beside the output shows whether the stream goes on.
        let mut probe = [0];
        let spare = match left {
            0 => &mut probe[..],
            _ => output.try_spare_initialized_mut().map_err(InflateErrorKind::OutOfMemory)?,
        };
        let (mut room, mut produced) = (spare.len().min(left.max(1)), 0);
        let (mut available, mut consumed) = (self.allowance.input(self.consumed, input.len()), 0);
        let result = BrotliDecompressStream(
            &mut available,
            &mut consumed,
            input,
            &mut room,
            &mut produced,
            spare,
            &mut 0,
            &mut self.engine,
        );
        *input = &input[consumed..];
        self.consumed += consumed as u64;
        if left == 0 && produced > 0 {
            return Err(self.limits.exceeded(self.produced));
        }
        output.advance_initialized(produced);
        self.produced += produced as u64;
        match result {
            BrotliResult::ResultSuccess => self.state = State::End,
            BrotliResult::NeedsMoreInput if room > 0 => {
                self.allowance.drained(self.consumed);
                return Ok(input.is_empty());
            }
            // A full output may hide more that the engine holds.
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => return Ok(false),
            BrotliResult::ResultFailure => return Err(refusal(&self.engine.error_code)),
        }
        Ok(true)
    }
}

/// What an error of the library means.
fn refusal(code: &Code) -> InflateErrorKind {
    match code {
        Code::BROTLI_DECODER_ERROR_FORMAT_WINDOW_BITS => InflateErrorKind::HeaderInvalid,
        Code::BROTLI_DECODER_ERROR_ALLOC_RING_BUFFER_1
        | Code::BROTLI_DECODER_ERROR_ALLOC_RING_BUFFER_2 => InflateErrorKind::WindowTooLarge,
        _ => InflateErrorKind::DataCorrupt,
    }
}

impl fmt::Debug for BrotliDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrotliDecoder")
            .field("consumed", &self.consumed)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}
