//! What a decoder wants next.

/// What an [`Inflater`](crate::Inflater) or another decoder wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The input is used up; the stream goes on, or a gzip member or a Zstandard frame ended and another
    /// may follow.
    NeedInput,
    /// The stream has ended. What is left of the input lies behind it.
    End,
}
