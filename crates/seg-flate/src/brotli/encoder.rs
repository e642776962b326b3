//! Encoding.

use core::fmt;

use brotli::enc::{
    StandardAlloc,
    encode::{
        BrotliEncoderOperation as Operation, BrotliEncoderParameter, BrotliEncoderStateStruct,
    },
};
use seg_seq::SegmentedBuf;

use crate::{
    deflate_error::{DeflateError, DeflateErrorKind},
    encode::{Encode, EncodeProgress, Flush},
    level::Level,
};

/// The window of what is encoded, as a power of two: that of most servers. At level 9, 4 MiB.
const WINDOW_BITS: u32 = 22;

/// Encodes one Brotli stream (RFC 7932), pushed piece by piece: HTTP's `br`.
///
/// Made of `brotli`, which is safe Rust. Its state is several MiB of allocations outside of pools; it is allocated when the
/// first byte comes, and freed when the stream is finished, or the encoder is dropped or reset.
///
/// # Examples
///
/// ```
/// use seg_flate::{BrotliDecoder, BrotliEncoder, Decode, Encode, Flush, Level, Limits};
/// use seg_pool::Pool;
/// use seg_seq::SegmentedBuf;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new();
/// let (mut wire, mut output) = (SegmentedBuf::new(&pool), SegmentedBuf::new(&pool));
/// BrotliEncoder::new(Level::FAST).push(&mut &b"hello"[..], Flush::Finish, &mut wire)?;
/// let mut decoder = BrotliDecoder::new(Limits::default());
/// decoder.push_sequence(&mut wire.freeze(), &mut output)?;
/// decoder.finish()?;
/// assert_eq!(output.freeze(), b"hello");
/// # Ok(())
/// # }
/// ```
pub struct BrotliEncoder {
    level: Level,
    /// There while a stream is open.
    engine: Option<Box<BrotliEncoderStateStruct<StandardAlloc>>>,
    progress: EncodeProgress,
}

impl BrotliEncoder {
    /// Creates an encoder. The level is the quality of the library, which has two more above 9. Allocates nothing.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self { level, engine: None, progress: EncodeProgress::default() }
    }

    /// Makes the encoder ready for another stream, whatever became of the last one.
    pub fn reset(&mut self) {
        *self = Self::new(self.level);
    }

    fn encode(
        &mut self,
        input: &mut &[u8],
        flush: Flush,
        output: &mut SegmentedBuf,
    ) -> Result<(), DeflateErrorKind> {
        let operation = match flush {
            Flush::None => Operation::BROTLI_OPERATION_PROCESS,
            Flush::Sync | Flush::Full => Operation::BROTLI_OPERATION_FLUSH,
            Flush::Finish => Operation::BROTLI_OPERATION_FINISH,
        };
        let engine = self.engine.get_or_insert_with(|| {
            let mut engine = Box::new(BrotliEncoderStateStruct::new(StandardAlloc::default()));
            let quality = u32::from(self.level.as_u8());
            engine.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_QUALITY, quality);
            engine.set_parameter(BrotliEncoderParameter::BROTLI_PARAM_LGWIN, WINDOW_BITS);
            engine
        });
        let mut is_taken = false;
        loop {
            while engine.has_more_output() {
                let spare = output.try_spare_initialized_mut();
                let spare = spare.map_err(DeflateErrorKind::OutOfMemory)?;
                let mut len = spare.len();
                // What it returns may be longer than what it says there is.
                let encoded = engine.take_output(&mut len);
                spare[..len].copy_from_slice(&encoded[..len]);
                output.advance_initialized(len);
                self.progress.produced += len as u64;
            }
            if is_taken && input.is_empty() {
                return Ok(());
            }
            let (mut available, mut taken) = (input.len(), 0);
            let is_done = engine.compress_stream(
                operation,
                &mut available,
                input,
                &mut taken,
                &mut 0,
                &mut [],
                &mut 0,
                &mut None,
                &mut |_, _, _, _| (),
            );
            // There is input after an end that is not all in the output.
            if !is_done && !input.is_empty() {
                return Err(DeflateErrorKind::Finished);
            }
            *input = &input[taken..];
            self.progress.consumed += taken as u64;
            is_taken = true;
        }
    }
}

impl Encode for BrotliEncoder {
    fn push(
        &mut self,
        input: &mut &[u8],
        flush: Flush,
        output: &mut SegmentedBuf,
    ) -> Result<(), DeflateError> {
        if self.progress.begin(input, flush)? {
            let result = self.encode(input, flush, output);
            if self.progress.end(result, flush)? {
                self.engine = None;
            }
        }
        Ok(())
    }

    fn consumed(&self) -> u64 {
        self.progress.consumed
    }

    fn produced(&self) -> u64 {
        self.progress.produced
    }
}

impl fmt::Debug for BrotliEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrotliEncoder")
            .field("level", &self.level)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}
