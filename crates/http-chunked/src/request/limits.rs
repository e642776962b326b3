//! What a whole request may cost.

use crate::body_limits::BodyLimits;

/// Bounds on one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    pub(super) head_bytes_max: usize,
    pub(super) body: BodyLimits,
}

impl RequestLimits {
    /// Returns the defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self { head_bytes_max: 16 << 10, body: BodyLimits::new() }
    }

    /// Sets the length of a head: 1 to 65,536 bytes, default 16 KiB. A value outside that range
    /// becomes the nearest inside.
    #[must_use]
    pub const fn head_bytes_max(mut self, bytes: usize) -> Self {
        self.head_bytes_max = bytes;
        self
    }

    /// Sets the limits on the body.
    #[must_use]
    pub const fn body(mut self, limits: BodyLimits) -> Self {
        self.body = limits;
        self
    }
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self::new()
    }
}
