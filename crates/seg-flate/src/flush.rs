//! What a deflater does with the bytes that it holds back.

/// How much of the input so far is in the output when a push returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flush {
    /// As much as compresses best; the rest is held back.
    None,
    /// All of it, up to a byte's border. What is put out ends in `00 00 FF FF`, the last four bytes
    /// of an empty stored block; with nothing to flush it is such a block alone. Later input may
    /// refer back to what came before.
    Sync,
    /// As [`Sync`](Self::Sync), but nothing behind it refers back: what follows can be decoded alone. Costs less than a reset of
    /// the deflater.
    Full,
    /// All of it, and the stream has ended.
    Finish,
}
