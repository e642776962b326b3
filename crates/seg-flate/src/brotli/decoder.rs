//! Decoding.

use core::fmt;

use brotli_decompressor::{
    BrotliDecoderErrorCode as Code, BrotliDecoderHasMoreOutput, BrotliDecoderTakeOutput,
    BrotliDecompressStream, BrotliResult, BrotliState,
};
use seg_seq::SegmentedBuf;

use super::memory::Memory;
use crate::{
    decode::{Decode, Status},
    inflate_error::{InflateError, InflateErrorKind},
    limits::Limits,
    ratio_limiter::{RatioLimiter, STEP_BYTES},
};

/// Bytes that the library adds to a window.
const WINDOW_SLACK: usize = 1 << 10;

/// The largest table: the codes of 256 trees.
const TABLE_BYTES_MAX: usize = 2 << 20;

type Engine = BrotliState<Memory, Memory, Memory>;

/// Decodes one Brotli stream (RFC 7932), pushed piece by piece: HTTP's `br`.
///
/// Made of `brotli-decompressor`, which is safe Rust. Unlike the rest of this crate it needs **large
/// allocations** outside of pools: the window is one, of up to 16 MiB and as large as the stream says it needs, before
/// its data came; [`Limits::window_bytes_max`] bounds it. Tables are up to 4 MiB more. All of it is taken when the first bytes
/// come and freed when the stream ends or fails, or the decoder is dropped or reset. What is
/// decoded is copied out of the window into segments.
///
/// The offset of an error of [`Limits`] is a multiple of 256: the limit was met in the 256 bytes that follow. The
/// library does not say where. And there is one kind of fault for which the library breaks what [`Decode`] promises: literals that go on
/// past the end of their block are noticed where a piece of input ends or where the literals end, so the output before that
/// error, and its offset, depend on the cut.
///
/// # Examples
///
/// ```
/// use seg_flate::{BrotliDecoder, Decode, Limits, Status};
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
    /// There from the first byte to the end of the stream.
    engine: Option<Box<Engine>>,
    limits: Limits,
    ratio_limiter: RatioLimiter,
    state: State,
    /// Whether the library may hold decoded bytes.
    is_pending: bool,
    /// Compressed bytes consumed.
    consumed: u64,
    /// Decoded bytes produced.
    produced: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Data,
    /// The data is refused for this reason; what was decoded before is not all in the output.
    Refused(InflateErrorKind),
    End,
    Failed(InflateError),
}

impl BrotliDecoder {
    /// Creates a decoder. Allocates nothing before the first byte.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            engine: None,
            ratio_limiter: RatioLimiter::new(&limits),
            limits,
            state: State::Data,
            is_pending: false,
            consumed: 0,
            produced: 0,
        }
    }

    /// Returns the limits.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Makes the decoder ready for another stream, whatever became of the last one.
    pub fn reset(&mut self) {
        *self = Self::new(self.limits);
    }

    /// Calls the engine once; returns whether there is nothing more to do now.
    fn decode_once(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
    ) -> Result<bool, InflateErrorKind> {
        if self.engine.is_none() && input.is_empty() {
            return Ok(true);
        }
        let left = self.output_left();
        // The library decodes as much as a window ahead of what it puts out. Nearer to a limit it gets no more than a step
        // of the input, so that the step in which the limit is met does not depend on how much came.
        let (input_max, output_max) = match left.saturating_sub(self.limits.window_bytes_max) {
            0 => {
                (usize::try_from(STEP_BYTES - self.consumed % STEP_BYTES).unwrap_or(1), left.max(1))
            }
            far => (usize::MAX, far),
        };
        let mut available = match self.is_pending {
            true => 0,
            false => self.ratio_limiter.input(self.consumed, input.len()).min(input_max),
        };
        // With nothing left, one byte beside the output shows whether the stream goes on.
        let mut probe = [0];
        let spare = match left {
            0 => &mut probe[..],
            _ => output.try_spare_initialized_mut().map_err(InflateErrorKind::OutOfMemory)?,
        };
        let engine = self.engine.get_or_insert_with(|| {
            let bytes_max = self.limits.window_bytes_max.saturating_add(WINDOW_SLACK);
            let tables = Memory { bytes_max: TABLE_BYTES_MAX };
            Box::new(Engine::new_strict(Memory { bytes_max }, tables, tables))
        });
        let (mut free, mut produced, mut consumed) = (spare.len().min(output_max), 0, 0);
        let result = BrotliDecompressStream(
            &mut available,
            &mut consumed,
            input,
            &mut free,
            &mut produced,
            spare,
            &mut 0,
            engine,
        );
        *input = &input[consumed..];
        self.consumed += consumed as u64;
        if left == 0 && produced > 0 {
            return Err(self.limits.exceeded(self.produced));
        }
        output.advance_initialized(produced);
        self.produced += produced as u64;
        // A full output may hide more that the engine holds.
        self.is_pending = free == 0;
        match result {
            BrotliResult::ResultSuccess => {
                self.state = State::End;
                self.engine = None;
            }
            BrotliResult::NeedsMoreInput if !self.is_pending => {
                self.ratio_limiter.drained(self.consumed);
                return Ok(input.is_empty());
            }
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => return Ok(false),
            BrotliResult::ResultFailure => {
                self.state = State::Refused(refusal(&engine.error_code));
                // With these values the library gives out what it decoded before.
                engine.error_code = Code::BROTLI_DECODER_SUCCESS;
                engine.meta_block_remaining_len = engine.meta_block_remaining_len.max(0);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes a segment of what was decoded before the data was refused; returns whether that is all.
    fn drain_once(&mut self, output: &mut SegmentedBuf) -> Result<bool, InflateErrorKind> {
        let left = self.output_left();
        let engine = self.engine.as_mut().filter(|engine| BrotliDecoderHasMoreOutput(engine));
        let Some(engine) = engine else { return Ok(true) };
        if left == 0 {
            return Err(self.limits.exceeded(self.produced));
        }
        let spare = output.try_spare_initialized_mut().map_err(InflateErrorKind::OutOfMemory)?;
        let mut len = spare.len().min(left);
        let decoded = BrotliDecoderTakeOutput(engine, &mut len);
        spare[..len].copy_from_slice(&decoded[..len]);
        output.advance_initialized(len);
        self.produced += len as u64;
        Ok(len == 0)
    }

    /// How much more output there may be for the input so far.
    fn output_left(&self) -> usize {
        let allowed = self.ratio_limiter.output(&self.limits);
        usize::try_from(allowed.saturating_sub(self.produced)).unwrap_or(usize::MAX)
    }

    fn fail(&mut self, kind: InflateErrorKind) -> InflateError {
        let is_limit =
            matches!(kind, InflateErrorKind::OutputTooLong | InflateErrorKind::RatioTooHigh);
        let offset = match is_limit {
            true => self.consumed.saturating_sub(1) / STEP_BYTES * STEP_BYTES,
            false => self.consumed,
        };
        let error = InflateError::new(kind, offset);
        if !kind.is_passing() {
            self.engine = None;
            self.state = State::Failed(error);
        }
        error
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

impl Decode for BrotliDecoder {
    fn push_bounded(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
        output_bytes_max: u64,
    ) -> Result<Status, InflateError> {
        loop {
            let moved = match self.state {
                State::Data => self.decode_once(input, output),
                State::Refused(kind) => match self.drain_once(output) {
                    Ok(true) => Err(kind),
                    other => other,
                },
                State::End => return Ok(Status::End),
                State::Failed(error) => return Err(error),
            };
            match moved {
                Ok(false) if output.len() >= output_bytes_max => return Ok(Status::NeedOutput),
                Ok(false) => {}
                Ok(true) if matches!(self.state, State::Data) => return Ok(Status::NeedInput),
                Ok(true) => return Ok(Status::End),
                Err(kind) => return Err(self.fail(kind)),
            }
        }
    }

    fn finish(&mut self) -> Result<(), InflateError> {
        match self.state {
            State::End => Ok(()),
            State::Failed(error) => Err(error),
            State::Refused(kind) => Err(self.fail(kind)),
            State::Data => Err(self.fail(InflateErrorKind::Truncated)),
        }
    }

    fn consumed(&self) -> u64 {
        self.consumed
    }

    fn produced(&self) -> u64 {
        self.produced
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
