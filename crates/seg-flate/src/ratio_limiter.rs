//! How much output the input so far allows.

use crate::limits::Limits;

/// The ratio counts the input in steps of so many bytes, an unfinished one whole. It is looked at
/// only where a step ends, so that neither the cuts of the input nor how far a backend looks ahead
/// decide what is refused.
pub(crate) const STEP_BYTES: u64 = 256;

/// Limits the output of a stream to a multiple of its input.
///
/// ```text
///  input   0 ······· 256 ······· 512 ··▶ consumed <= step_end: the decoder is given no more than
///                                        this, and the next step once nothing is left to produce
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct RatioLimiter {
    step_end: u64,
}

impl RatioLimiter {
    /// Creates the limiter of a stream that begins. Without a ratio all input is one step.
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self { step_end: if limits.ratio_max == u64::MAX { u64::MAX } else { STEP_BYTES } }
    }

    /// Returns the output that may come of the first `consumed` bytes, for a decoder that knows how many
    /// it needed.
    #[cfg(feature = "zstd")]
    pub(crate) const fn output_at(limits: &Limits, consumed: u64) -> u64 {
        let steps = consumed.div_ceil(STEP_BYTES);
        limits.output_for(steps.saturating_mul(STEP_BYTES))
    }

    /// Says that a header of the stream ends after `consumed` bytes, and made no output.
    pub(crate) const fn begin(&mut self, consumed: u64) {
        if consumed > self.step_end {
            self.step_end = consumed.next_multiple_of(STEP_BYTES);
        }
    }

    /// Returns how many of `available` bytes after the consumed ones belong to the step.
    pub(crate) fn input(&self, consumed: u64, available: usize) -> usize {
        usize::try_from(self.step_end - consumed).map_or(available, |left| left.min(available))
    }

    /// Returns the output that may come of all input up to the end of the step.
    pub(crate) const fn output(&self, limits: &Limits) -> u64 {
        limits.output_for(self.step_end)
    }

    /// Says that all output of the `consumed` bytes was produced: the next step begins after this one.
    pub(crate) const fn drained(&mut self, consumed: u64) {
        if consumed == self.step_end {
            self.step_end = self.step_end.saturating_add(STEP_BYTES);
        }
    }
}
