//! `miniz_oxide` as an engine.

use miniz_oxide::inflate::{
    TINFLStatus,
    core::{
        DecompressorOxide, TINFL_LZ_DICT_SIZE, decompress_with_limit,
        inflate_flags::{
            TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32,
            TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
        },
    },
};

use super::{Outcome, Progress};

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
