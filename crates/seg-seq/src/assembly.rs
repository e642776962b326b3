//! The two ways to put a message together.

/// How what was received is put together to a message or a body. The bytes are the same. There will be no third way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Assembly {
    /// Received segments are linked; only short runs are copied. No allocation grows with the
    /// message.
    #[default]
    Segmented,
    /// Received bytes are copied into one vector that grows. Plain and obviously right: what the
    /// other way is tested and measured against.
    Contiguous,
}

impl Assembly {
    /// Both ways.
    pub const ALL: [Self; 2] = [Self::Segmented, Self::Contiguous];
}
