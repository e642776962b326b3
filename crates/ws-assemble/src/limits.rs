//! How much of a message is taken in.

/// Limits of a [`Decoder`](crate::Decoder), each checked before anything is linked for it.
///
/// # Examples
///
/// ```
/// use ws_assemble::Limits;
///
/// let limits = Limits::default().with_message_bytes_max(1 << 20).with_fragments_max(100);
/// assert_eq!(limits.message_bytes_max(), 1 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    message_bytes_max: u64,
    fragments_max: u32,
    empty_fragments_max: u32,
    held_bytes_max: u64,
    /// [`AS_MESSAGE`](Self::AS_MESSAGE) where it does not differ from that of messages.
    inflated_bytes_max: u64,
}

impl Limits {
    /// Limits the payload of a message, all fragments together, decompressed or not. 64 MiB by
    /// default.
    #[must_use]
    pub const fn with_message_bytes_max(mut self, bytes: u64) -> Self {
        self.message_bytes_max = bytes;
        self
    }

    /// Limits the fragments of a message. 131,072 by default: 8 MiB in fragments of 64 bytes.
    #[must_use]
    pub const fn with_fragments_max(mut self, count: u32) -> Self {
        self.fragments_max = count;
        self
    }

    /// Limits the fragments of a message without payload. 128 by default.
    #[must_use]
    pub const fn with_empty_fragments_max(mut self, count: u32) -> Self {
        self.empty_fragments_max = count;
        self
    }

    /// Limits the memory that a message keeps: its segments with their whole sizes, as small
    /// fragments may lie in large segments. 256 MiB by default.
    #[must_use]
    pub const fn with_held_bytes_max(mut self, bytes: u64) -> Self {
        self.held_bytes_max = bytes;
        self
    }

    /// Limits what a compressed message becomes, where that differs from
    /// [`with_message_bytes_max`](Self::with_message_bytes_max): that one then limits only what comes. It is
    /// checked on the way, piece by piece.
    #[must_use]
    pub const fn with_inflated_bytes_max(mut self, bytes: u64) -> Self {
        // One less than all is as good as no limit.
        self.inflated_bytes_max = if bytes == Self::AS_MESSAGE { bytes - 1 } else { bytes };
        self
    }

    /// Returns the most payload of a message.
    #[must_use]
    pub const fn message_bytes_max(&self) -> u64 {
        self.message_bytes_max
    }

    /// Returns the most fragments of a message.
    #[must_use]
    pub const fn fragments_max(&self) -> u32 {
        self.fragments_max
    }

    /// Returns the most fragments of a message without payload.
    #[must_use]
    pub const fn empty_fragments_max(&self) -> u32 {
        self.empty_fragments_max
    }

    /// Returns the most memory that a message keeps.
    #[must_use]
    pub const fn held_bytes_max(&self) -> u64 {
        self.held_bytes_max
    }

    /// Returns the most that a compressed message becomes.
    #[must_use]
    pub const fn inflated_bytes_max(&self) -> u64 {
        match self.inflated_bytes_max {
            Self::AS_MESSAGE => self.message_bytes_max,
            bytes => bytes,
        }
    }

    const AS_MESSAGE: u64 = u64::MAX;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes_max: 64 << 20,
            fragments_max: 1 << 17,
            empty_fragments_max: 128,
            held_bytes_max: 256 << 20,
            inflated_bytes_max: Self::AS_MESSAGE,
        }
    }
}
