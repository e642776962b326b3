//! What a whole body may cost.

use seg_flate::Trailing;

use crate::{
    content_coding::{ContentCoding, ContentCodings},
    decoder::Limits,
    framing::Framing,
    head::FieldLines,
};

/// Bounds on one body.
///
/// # Examples
///
/// ```
/// use http_chunked::{BodyLimits, Limits};
///
/// let limits = BodyLimits::new().with_body_bytes_max(1 << 30).with_chunked(Limits::new().with_trailer_fields_max(8));
/// assert_ne!(limits, BodyLimits::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    pub(crate) body_bytes_max: u64,
    /// Set, or `None` for what follows from the length.
    held_bytes_max: Option<u64>,
    pub(crate) ratio_max: u64,
    pub(crate) content_codings_max: usize,
    window_bytes_max: usize,
    pub(crate) trailing: Trailing,
    pub(crate) chunked: Limits,
}

impl BodyLimits {
    /// Returns the defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            body_bytes_max: 256 << 20,
            held_bytes_max: None,
            ratio_max: u64::MAX,
            content_codings_max: 2,
            window_bytes_max: 16 << 20,
            trailing: Trailing::Refuse,
            chunked: Limits::new(),
        }
    }

    /// Sets the bytes that a body may have, counted as they are handed on: without framing and
    /// decompressed. Default 256 MiB. Checked before bytes are kept; a `Content-Length` above it is
    /// refused before any came. With content codings, the body as it comes, and what one coding makes
    /// for the next, may have twice that and 64 KiB: neither is kept, but both take time.
    #[must_use]
    pub const fn with_body_bytes_max(mut self, bytes: u64) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// Sets the memory that a body may keep from reuse, beside its trailers: segments with their
    /// whole size, each once, however little of the body lies in them. By default twice
    /// [`body_bytes_max`](Self::body_bytes_max) and 1 MiB. Data that was taken out no longer counts.
    ///
    /// Near it, runs are copied where they would be linked. When a segment for copies would pass it as well,
    /// the body is refused as [`HeldTooMuch`](crate::BodyErrorKind::HeldTooMuch). Whatever the limit, runs are copied as
    /// soon as linking them would hold more than 128 KiB and more than the data itself beyond the
    /// data: reads of 1 KiB that came in segments of 16 KiB do not hold sixteen times their length.
    #[must_use]
    pub const fn with_held_bytes_max(mut self, bytes: u64) -> Self {
        self.held_bytes_max = Some(bytes);
        self
    }

    /// Sets how many times longer than its compressed form a body may be, beyond a first 64 KiB;
    /// with several codings, each of them. The compressed form counts in steps of 256 bytes, the
    /// last one whole, so how it was cut decides nothing. No limit by default: DEFLATE itself allows 1032, and a page
    /// of zeroes reaches it.
    #[must_use]
    pub const fn with_ratio_max(mut self, ratio: u64) -> Self {
        self.ratio_max = ratio;
        self
    }

    /// Sets how many content codings a body may have, one over the other. Default 2, at most
    /// [`ContentCodings::MAX`](crate::ContentCodings::MAX). A head with more is refused.
    #[must_use]
    pub const fn with_content_codings_max(mut self, codings: usize) -> Self {
        self.content_codings_max = codings;
        self
    }

    /// Sets the window that a `br` or `zstd` coding may need, which is one allocation beside the body.
    /// Default 16 MiB, which is as much as Brotli has; for `zstd` it is 8 MiB if it is more, which is what
    /// HTTP allows (RFC 9659 section 3). The other codings have 32 KiB.
    #[must_use]
    pub const fn with_window_bytes_max(mut self, bytes: usize) -> Self {
        self.window_bytes_max = bytes;
        self
    }

    /// Sets what becomes of data after the end of what is compressed: refused by default, as
    /// [`ContentTrailing`](crate::BodyErrorKind::ContentTrailing) or the decoder's own error, or left out of the body.
    #[must_use]
    pub const fn with_trailing(mut self, trailing: Trailing) -> Self {
        self.trailing = trailing;
        self
    }

    /// Sets the limits on chunked framing.
    #[must_use]
    pub const fn with_chunked(mut self, limits: Limits) -> Self {
        self.chunked = limits;
        self
    }

    /// Returns the most bytes of a body.
    #[must_use]
    pub const fn body_bytes_max(&self) -> u64 {
        self.body_bytes_max
    }

    /// Returns the most memory that a body may keep from reuse.
    #[must_use]
    pub const fn held_bytes_max(&self) -> u64 {
        match self.held_bytes_max {
            Some(bytes) => bytes,
            None => self.body_bytes_max.saturating_mul(2).saturating_add(1 << 20),
        }
    }

    /// Returns how many times longer than its compressed form a body may be.
    #[must_use]
    pub const fn ratio_max(&self) -> u64 {
        self.ratio_max
    }

    /// Returns the most content codings of a body.
    #[must_use]
    pub const fn content_codings_max(&self) -> usize {
        self.content_codings_max
    }

    /// Returns the largest window of a `br` or `zstd` coding.
    #[must_use]
    pub const fn window_bytes_max(&self) -> usize {
        self.window_bytes_max
    }

    /// Returns what becomes of data after the end of what is compressed.
    #[must_use]
    pub const fn trailing(&self) -> Trailing {
        self.trailing
    }

    /// Returns the limits on chunked framing.
    #[must_use]
    pub const fn chunked(&self) -> Limits {
        self.chunked
    }

    /// What the body may have in any encoded form: what does not shrink gets longer, and a short body
    /// much longer.
    pub(crate) const fn encoded_bytes(&self) -> u64 {
        self.body_bytes_max.saturating_mul(2).saturating_add(64 << 10)
    }

    /// What one decoder may make: the body, when it is the last one.
    pub(crate) fn inflate(&self, coding: ContentCoding, is_last: bool) -> seg_flate::Limits {
        let bytes_max = if is_last { self.body_bytes_max } else { self.encoded_bytes() };
        seg_flate::Limits::default()
            .with_output_bytes_max(bytes_max)
            .with_ratio_max(self.ratio_max)
            .with_trailing(self.trailing)
            .with_window_bytes_max(self.window_bytes_max.min(coding.window_bytes_max()))
    }

    /// Whether a declared length is above the limit, and where in the head it says so: it is
    /// refused before any of the body came.
    pub(crate) fn refuses(
        &self,
        framing: Framing,
        codings: ContentCodings,
        fields: &FieldLines,
    ) -> Option<usize> {
        let is_long = matches!(framing, Framing::Length(length)
            if codings.is_identity() && length > self.body_bytes_max);
        is_long.then(|| fields.places("content-length").next().map_or(0, |place| place.start))
    }
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self::new()
    }
}
