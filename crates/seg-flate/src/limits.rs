//! How far decoding goes.

use crate::{format::Trailing, inflate_error::InflateErrorKind};

/// Limits of an [`Inflater`](crate::Inflater) or of a Brotli or Zstandard decoder, each checked before
/// memory is taken for it.
///
/// # Examples
///
/// ```
/// use seg_flate::Limits;
///
/// let limits = Limits::default().with_output_bytes_max(16 << 20).with_ratio_max(200);
/// assert_eq!((limits.output_bytes_max(), limits.ratio_max()), (16 << 20, 200));
/// assert_eq!((limits.header_bytes_max(), limits.window_bytes_max()), ((16 << 10) + 10, 16 << 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) output_bytes_max: u64,
    pub(crate) ratio_max: u64,
    pub(crate) header_bytes_max: u64,
    pub(crate) trailing: Trailing,
    pub(crate) window_bytes_max: usize,
}

impl Limits {
    /// Limits the decoded bytes of a stream, all gzip members or Zstandard frames together. 256 MiB by
    /// default.
    #[must_use]
    pub const fn with_output_bytes_max(mut self, bytes: u64) -> Self {
        self.output_bytes_max = bytes;
        self
    }

    /// Limits how many times the output may be larger than the input, beyond a first 64 KiB of
    /// output. The input counts in steps of 256 bytes, the last one whole, so a stream that is
    /// refused is refused however it is cut. No limit by default: DEFLATE itself allows 1032, and a page of zeroes reaches it.
    #[must_use]
    pub const fn with_ratio_max(mut self, ratio: u64) -> Self {
        self.ratio_max = ratio;
        self
    }

    /// Limits the bytes of one gzip header, which holds names and comments of any length. 16 KiB
    /// and 10 bytes by default.
    #[must_use]
    pub const fn with_header_bytes_max(mut self, bytes: u64) -> Self {
        self.header_bytes_max = bytes;
        self
    }

    /// Limits the window of a Brotli stream or a Zstandard frame, which is one allocation: 16 MiB by
    /// default, which is as much as Brotli has, and twice what HTTP allows `zstd` (RFC 9659). What needs
    /// more is refused when it says so. The window of DEFLATE is 32 KiB whatever the limit.
    #[must_use]
    pub const fn with_window_bytes_max(mut self, bytes: usize) -> Self {
        self.window_bytes_max = bytes;
        self
    }

    /// Sets what becomes of bytes after the last gzip member or Zstandard frame. They are refused by
    /// default.
    #[must_use]
    pub const fn with_trailing(mut self, trailing: Trailing) -> Self {
        self.trailing = trailing;
        self
    }

    /// What is wrong when more than `produced` bytes are decoded, which is all that is allowed.
    pub(crate) const fn exceeded(&self, produced: u64) -> InflateErrorKind {
        if produced >= self.output_bytes_max {
            InflateErrorKind::OutputTooLong
        } else {
            InflateErrorKind::RatioTooHigh
        }
    }

    /// The output that `input` compressed bytes may have made.
    pub(crate) const fn output_for(&self, input: u64) -> u64 {
        const FREE_BYTES: u64 = 64 << 10;
        let by_ratio = input.saturating_mul(self.ratio_max).saturating_add(FREE_BYTES);
        if by_ratio < self.output_bytes_max { by_ratio } else { self.output_bytes_max }
    }

    /// Returns the most decoded bytes of a stream.
    #[must_use]
    pub const fn output_bytes_max(&self) -> u64 {
        self.output_bytes_max
    }

    /// Returns how many times larger than the input the output may be.
    #[must_use]
    pub const fn ratio_max(&self) -> u64 {
        self.ratio_max
    }

    /// Returns the most bytes of one gzip header.
    #[must_use]
    pub const fn header_bytes_max(&self) -> u64 {
        self.header_bytes_max
    }

    /// Returns the largest window of a Brotli stream or a Zstandard frame.
    #[must_use]
    pub const fn window_bytes_max(&self) -> usize {
        self.window_bytes_max
    }

    /// Returns what becomes of bytes after the last gzip member or Zstandard frame.
    #[must_use]
    pub const fn trailing(&self) -> Trailing {
        self.trailing
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            output_bytes_max: 256 << 20,
            ratio_max: u64::MAX,
            header_bytes_max: (16 << 10) + 10,
            trailing: Trailing::Refuse,
            window_bytes_max: 16 << 20,
        }
    }
}
