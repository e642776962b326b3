//! How much of a message is taken in.

/// Limits of a [`Decoder`](crate::Decoder), each checked before anything is linked for it.
///
/// # Examples
///
/// ```
/// use ws_assemble::Limits;
///
/// let limits = Limits::default().message_bytes_max(1 << 20).fragments_max(100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) message_bytes_max: u64,
    pub(crate) fragments_max: u32,
    pub(crate) empty_fragments_max: u32,
    pub(crate) held_bytes_max: u64,
    inflated_bytes_max: Option<u64>,
}

impl Limits {
    /// Limits the payload of a message, all fragments together, decompressed or not. 64 MiB by
    /// default.
    #[must_use]
    pub const fn message_bytes_max(mut self, bytes: u64) -> Self {
        self.message_bytes_max = bytes;
        self
    }

    /// Limits the fragments of a message. 131,072 by default: 8 MiB in fragments of 64 bytes.
    #[must_use]
    pub const fn fragments_max(mut self, count: u32) -> Self {
        self.fragments_max = count;
        self
    }

    /// Limits the fragments of a message without payload. 128 by default.
    #[must_use]
    pub const fn empty_fragments_max(mut self, count: u32) -> Self {
        self.empty_fragments_max = count;
        self
    }

    /// Limits the memory that a message keeps: its segments with their whole sizes, as small
    /// fragments may lie in large segments. 256 MiB by default.
    #[must_use]
    pub const fn held_bytes_max(mut self, bytes: u64) -> Self {
        self.held_bytes_max = bytes;
        self
    }

    /// Limits what a compressed message becomes, where that differs from
    /// [`message_bytes_max`](Self::message_bytes_max): that one then limits only what comes. It is
    /// checked on the way, piece by piece.
    #[must_use]
    pub const fn inflated_bytes_max(mut self, bytes: u64) -> Self {
        self.inflated_bytes_max = Some(bytes);
        self
    }

    /// Returns how long a message may become.
    pub(crate) const fn inflated(&self) -> u64 {
        match self.inflated_bytes_max {
            Some(bytes) => bytes,
            None => self.message_bytes_max,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes_max: 64 << 20,
            fragments_max: 1 << 17,
            empty_fragments_max: 128,
            held_bytes_max: 256 << 20,
            inflated_bytes_max: None,
        }
    }
}
