//! What a whole message may cost.

use crate::body::BodyLimits;

/// Bounds on one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    pub(super) head_bytes_max: usize,
    pub(super) interim_max: u32,
    pub(super) body: BodyLimits,
}

impl MessageLimits {
    /// Returns the defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self { head_bytes_max: 16 << 10, interim_max: 16, body: BodyLimits::new() }
    }

    /// Sets the length of a head: 1 to 65,536 bytes, as a head lies in one segment; default 16 KiB. A value outside that range
    /// becomes the nearest inside.
    #[must_use]
    pub const fn with_head_bytes_max(mut self, bytes: usize) -> Self {
        self.head_bytes_max = match bytes {
            0 => 1,
            1..=65_536 => bytes,
            _ => 65_536,
        };
        self
    }

    /// Sets the number of interim responses before the final one. Default 16. Means nothing for
    /// requests.
    #[must_use]
    pub const fn with_interim_max(mut self, responses: u32) -> Self {
        self.interim_max = responses;
        self
    }

    /// Sets the limits on the body.
    #[must_use]
    pub const fn with_body(mut self, limits: BodyLimits) -> Self {
        self.body = limits;
        self
    }

    /// Returns the most bytes of a head.
    #[must_use]
    pub const fn head_bytes_max(&self) -> usize {
        self.head_bytes_max
    }

    /// Returns the most interim responses before the final one.
    #[must_use]
    pub const fn interim_max(&self) -> u32 {
        self.interim_max
    }

    /// Returns the limits on the body.
    #[must_use]
    pub const fn body(&self) -> BodyLimits {
        self.body
    }
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self::new()
    }
}
