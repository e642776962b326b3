//! `miniz_oxide` as an engine.

use miniz_oxide::{
    deflate::core::{
        CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress,
        create_comp_flags_from_zip_params,
    },
    inflate::{
        TINFLStatus,
        core::{
            DecompressorOxide, TINFL_LZ_DICT_SIZE, decompress_with_limit,
            inflate_flags::{
                TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32,
                TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
            },
        },
    },
};

use super::{Compressed, Outcome, Progress};
use crate::{flush::Flush, level::Level, window_bits::WindowBits};

/// What the library takes for window bits to mean a stream without wrapping.
const RAW: i32 = -15;

/// The decoder decodes into a window of its own, from where the output is copied.
///
/// The library's ready-made stream would do that as well, but on a window used before it takes a
/// distance that reaches in front of the stream for valid, and gives out what an earlier stream left
/// there.
pub(crate) struct Engine {
    decoder: Box<DecompressorOxide>,
    window: Box<[u8]>,
    /// Where the next byte goes: `position < window.len()`.
    position: usize,
    /// Whether all of the window belongs to this stream.
    is_wrapped: bool,
}

impl Engine {
    pub(super) fn new() -> Self {
        Self {
            decoder: Box::default(),
            window: vec![0; TINFL_LZ_DICT_SIZE].into_boxed_slice(),
            position: 0,
            is_wrapped: false,
        }
    }

    pub(super) fn reset(&mut self) {
        self.decoder.init();
        self.position = 0;
        self.is_wrapped = false;
    }

    pub(super) fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        let mut progress = Progress { consumed: 0, produced: 0, outcome: Outcome::More };
        loop {
            // The first time through the window, the library checks distances against the stream's
            // start only when it is told that the buffer does not wrap. Later all of them are valid.
            let wrapping =
                if self.is_wrapped { 0 } else { TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF };
            let (status, consumed, produced) = decompress_with_limit(
                &mut self.decoder,
                &input[progress.consumed..],
                &mut self.window,
                self.position,
                output.len() - progress.produced,
                TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_IGNORE_ADLER32 | wrapping,
            );
            let decoded = &self.window[self.position..self.position + produced];
            output[progress.produced..progress.produced + produced].copy_from_slice(decoded);
            progress.consumed += consumed;
            progress.produced += produced;
            self.position += produced;
            let has_window_end = self.position == self.window.len();
            if has_window_end {
                self.position = 0;
                self.is_wrapped = true;
            }
            match status {
                TINFLStatus::Done => progress.outcome = Outcome::End,
                TINFLStatus::NeedsMoreInput => {}
                // The window's end, and not the output's, may have been the reason.
                TINFLStatus::HasMoreOutput => {
                    if has_window_end && progress.produced < output.len() {
                        continue;
                    }
                }
                _ => progress.outcome = Outcome::Corrupt,
            }
            return progress;
        }
    }
}

/// The library cannot be told how far to look back (its window parameter is not kept to at level 1),
/// so below 32 KiB only runs of one byte and the frequency of bytes are made use of.
pub(crate) struct Compressor(Box<CompressorOxide>);

impl Compressor {
    pub(super) fn new(level: Level, window: WindowBits) -> Self {
        let (level, strategy) = match level.as_u8() {
            level if level == 0 || window == WindowBits::MAX => {
                (level, CompressionStrategy::Default)
            }
            // Level 1 takes no notice of the strategy.
            level => (level.max(2), CompressionStrategy::RLE),
        };
        let flags = create_comp_flags_from_zip_params(level.into(), RAW, strategy.into());
        Self(Box::new(CompressorOxide::new(flags)))
    }

    pub(super) fn reset(&mut self) {
        self.0.reset();
    }

    pub(super) fn deflate(&mut self, input: &[u8], output: &mut [u8], flush: Flush) -> Compressed {
        let is_full_flush = flush == Flush::Full;
        let flush = match flush {
            Flush::None => TDEFLFlush::None,
            // Unlike `Sync` and `Full`, it adds no second empty block when it is called again.
            Flush::Sync | Flush::Full => TDEFLFlush::SyncOpt,
            Flush::Finish => TDEFLFlush::Finish,
        };
        let mut done = Compressed { consumed: 0, produced: 0, is_end: false };
        loop {
            let (input, output) = (&input[done.consumed..], &mut output[done.produced..]);
            let room = output.len();
            let (status, consumed, produced) = compress(&mut self.0, input, output, flush);
            done.consumed += consumed;
            done.produced += produced;
            done.is_end = status == TDEFLStatus::Done;
            // A call that has the rest of an earlier block to write does nothing else: neither does it
            // take input nor flush. Another one does.
            if done.is_end || produced == 0 || produced == room {
                if is_full_flush && produced < room {
                    // At a byte's border, with nothing held back, only the history is left to forget.
                    self.reset();
                }
                return done;
            }
        }
    }
}
