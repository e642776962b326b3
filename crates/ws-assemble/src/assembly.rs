//! The two ways to keep a message.

/// How messages are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Assembly {
    /// Received segments are unmasked in place and linked: no copy, no allocation.
    #[default]
    Segmented,
    /// Payload is copied into one growing buffer: the plain way, and the reference for the other.
    Contiguous,
}
