//! What a whole body may cost.

use crate::{content_coding::ContentCodings, fields::FieldLines, framing::Framing, limits::Limits};

/// Bounds on one body.
///
/// # Examples
///
/// ```
/// use http_chunked::{BodyLimits, Limits};
///
/// let limits = BodyLimits::new().body_bytes_max(1 << 30).chunked(Limits::new().trailer_fields_max(8));
/// assert_ne!(limits, BodyLimits::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    pub(crate) body_bytes_max: u64,
    pub(crate) ratio_max: u64,
    pub(crate) content_codings_max: usize,
    pub(crate) chunked: Limits,
}

impl BodyLimits {
    /// Returns the defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            body_bytes_max: 256 << 20,
            ratio_max: u64::MAX,
            content_codings_max: 2,
            chunked: Limits::new(),
        }
    }

    /// Sets the bytes that a body may have, counted as they are handed on: without framing and
    /// decompressed. Default 256 MiB. Checked before bytes are kept; a `Content-Length` above it is
    /// refused before any came.
    #[must_use]
    pub const fn body_bytes_max(mut self, bytes: u64) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// Sets how many times longer than its compressed form a body may be, beyond a first 64 KiB;
    /// with several codings, each of them. No limit by default: DEFLATE itself allows 1032, and a
    /// page of zeroes reaches it.
    #[must_use]
    pub const fn ratio_max(mut self, ratio: u64) -> Self {
        self.ratio_max = ratio;
        self
    }

    /// Sets how many content codings a body may have, one over the other. Default 2, at most
    /// [`ContentCodings::MAX`](crate::ContentCodings::MAX). A head with more is refused.
    #[must_use]
    pub const fn content_codings_max(mut self, codings: usize) -> Self {
        self.content_codings_max = codings;
        self
    }

    /// Sets the limits on chunked framing.
    #[must_use]
    pub const fn chunked(mut self, limits: Limits) -> Self {
        self.chunked = limits;
        self
    }

    /// What one decoder may make.
    pub(crate) fn inflate(&self) -> seg_flate::Limits {
        seg_flate::Limits::default().output_bytes_max(self.body_bytes_max).ratio_max(self.ratio_max)
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
