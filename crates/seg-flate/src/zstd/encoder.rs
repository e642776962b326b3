//! Encoding.

use core::fmt;

use seg_pool::OutOfMemory;
use seg_seq::SegmentedBuf;
use zstd_safe::{
    CCtx, CParameter, InBuffer, OutBuffer, ResetDirective, zstd_sys::ZSTD_EndDirective,
};

use super::MEMORY_ALLOCATION;
use crate::{
    contexts::{Context, Contexts},
    deflate_error::{DeflateError, DeflateErrorKind},
    encode::{Encode, EncodeProgress, Flush},
    level::Level,
};

/// The library does not say how much it asked for.
const CONTEXT_OUT_OF_MEMORY: DeflateErrorKind =
    DeflateErrorKind::OutOfMemory(OutOfMemory::system(0));

/// Encodes one Zstandard frame (RFC 8878), pushed piece by piece: HTTP's `zstd`.
///
/// Made of `zstd-safe`, the reference library, which is C. The frame has no checksum, and no size, as it is not known when the
/// frame begins. Its window is 4 MiB at most, of the 8 MiB that HTTP allows (RFC 9659 section 3). The library's state is
/// from 1 MiB for [`Level::FAST`] to 40 MiB for [`Level::BEST`], outside of pools; it is allocated when the first
/// byte comes, and freed or left to [`Contexts`] when the stream is finished or the encoder is dropped.
///
/// # Examples
///
/// ```
/// use seg_flate::{Decode, Encode, Flush, Level, Limits, ZstdDecoder, ZstdEncoder};
/// use seg_pool::Pool;
/// use seg_seq::SegmentedBuf;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new();
/// let (mut wire, mut output) = (SegmentedBuf::new(&pool), SegmentedBuf::new(&pool));
/// ZstdEncoder::new(Level::DEFAULT).push(&mut &b"hello"[..], Flush::Finish, &mut wire)?;
/// let mut decoder = ZstdDecoder::new(Limits::default());
/// decoder.push_sequence(&mut wire.freeze(), &mut output)?;
/// decoder.finish()?;
/// assert_eq!(output.freeze(), b"hello");
/// # Ok(())
/// # }
/// ```
pub struct ZstdEncoder {
    level: Level,
    contexts: Contexts,
    /// There while a frame is open.
    context: Option<CCtx<'static>>,
    progress: EncodeProgress,
}

impl ZstdEncoder {
    /// Creates an encoder. The library's levels of the same numbers are used, and 1 for [`Level::STORE`]: it stores
    /// nothing. Allocates nothing.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self {
            level,
            contexts: Contexts::default(),
            context: None,
            progress: EncodeProgress::default(),
        }
    }

    /// Sets who keeps the library's state when this encoder no longer needs it. By default it is freed.
    #[must_use]
    pub fn with_contexts(mut self, contexts: &Contexts) -> Self {
        self.contexts = contexts.clone();
        self
    }

    /// Returns the bytes that the library has allocated for this encoder now.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.context.as_ref().map_or(0, CCtx::sizeof)
    }

    /// Makes the encoder ready for another frame, whatever became of the last one.
    pub fn reset(&mut self) {
        self.leave();
        self.progress = EncodeProgress::default();
    }

    /// Returns the library's state, which this makes when there is none.
    fn open(&mut self) -> Result<&mut CCtx<'static>, DeflateErrorKind> {
        let context = match self.context.take() {
            Some(context) => context,
            None => {
                let kept = self.contexts.take(|context| matches!(context, Context::ZstdEncoder(_)));
                let mut context = match kept {
                    Some(Context::ZstdEncoder(context)) => context,
                    _ => CCtx::try_create().ok_or(CONTEXT_OUT_OF_MEMORY)?,
                };
                let level = i32::from(self.level.as_u8().max(1));
                let set = context.set_parameter(CParameter::CompressionLevel(level));
                set.map_err(|_| CONTEXT_OUT_OF_MEMORY)?;
                context
            }
        };
        Ok(self.context.insert(context))
    }

    /// Gives the library's state away.
    fn leave(&mut self) {
        if let Some(mut context) = self.context.take()
            && context.reset(ResetDirective::SessionOnly).is_ok()
        {
            let bytes = context.sizeof();
            self.contexts.leave(Context::ZstdEncoder(context), bytes);
        }
    }

    fn encode(
        &mut self,
        input: &mut &[u8],
        flush: Flush,
        output: &mut SegmentedBuf,
    ) -> Result<(), DeflateErrorKind> {
        let directive = match flush {
            Flush::None => ZSTD_EndDirective::ZSTD_e_continue,
            Flush::Sync | Flush::Full => ZSTD_EndDirective::ZSTD_e_flush,
            Flush::Finish => ZSTD_EndDirective::ZSTD_e_end,
        };
        loop {
            let spare = output.try_spare_initialized_mut();
            let spare = spare.map_err(DeflateErrorKind::OutOfMemory)?;
            let (mut from, mut to) = (InBuffer::around(input), OutBuffer::around(spare));
            let result = self.open()?.compress_stream2(&mut to, &mut from, directive);
            let (taken, made) = (from.pos(), to.pos());
            // Nothing else fails: but for input after an end that is not all in the output.
            let held = result.map_err(|code| match code {
                MEMORY_ALLOCATION => CONTEXT_OUT_OF_MEMORY,
                _ => DeflateErrorKind::Finished,
            })?;
            *input = &input[taken..];
            self.progress.consumed += taken as u64;
            self.progress.produced += made as u64;
            output.advance_initialized(made);
            if input.is_empty() && (held == 0 || flush == Flush::None) {
                return Ok(());
            }
        }
    }
}

impl Encode for ZstdEncoder {
    fn push(
        &mut self,
        input: &mut &[u8],
        flush: Flush,
        output: &mut SegmentedBuf,
    ) -> Result<(), DeflateError> {
        if self.progress.begin(input, flush)? {
            let result = self.encode(input, flush, output);
            if self.progress.end(result, flush)? {
                self.leave();
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

impl Drop for ZstdEncoder {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for ZstdEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZstdEncoder")
            .field("level", &self.level)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}
