//! What a whole body may cost.

use crate::limits::Limits;

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
    pub(crate) chunked: Limits,
}

impl BodyLimits {
    /// Returns the defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self { body_bytes_max: 256 << 20, chunked: Limits::new() }
    }

    /// Sets the bytes that a body may have, counted as they are handed on: without framing and
    /// decompressed. Default 256 MiB. Checked before bytes are kept; a `Content-Length` above it is
    /// refused before any came.
    #[must_use]
    pub const fn body_bytes_max(mut self, bytes: u64) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// Sets the limits on chunked framing.
    #[must_use]
    pub const fn chunked(mut self, limits: Limits) -> Self {
        self.chunked = limits;
        self
    }

    pub(crate) const fn is_above(&self, bytes: u64) -> bool {
        bytes > self.body_bytes_max
    }
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self::new()
    }
}
