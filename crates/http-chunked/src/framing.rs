//! Where a body ends.

/// How the end of a body is found (RFC 9112 §6.3). No other will come: the RFC has these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The chunked coding says so.
    Chunked,
    /// After this many octets.
    Length(u64),
    /// When the connection closes. A body cut short cannot be told from a whole one.
    UntilClose,
}
