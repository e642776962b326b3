//! What the compressed bytes are wrapped in.

/// The wrapping of a DEFLATE stream (RFC 1951). More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// One or more gzip members (RFC 1952), each with its header, CRC-32 and length checked.
    Gzip,
    /// A zlib stream (RFC 1950), with its Adler-32 checked.
    Zlib,
    /// No wrapping.
    Raw,
    /// HTTP's `deflate`: a zlib stream (RFC 9110 section 8.4.1.2), or a raw one as some servers
    /// send. Told apart by all of the zlib header's rules, not by its first byte alone; a raw stream
    /// whose first two bytes happen to obey them all is taken for zlib.
    Deflate,
}

/// What to do with bytes after the end of a gzip member or a Zstandard frame that start no further one: that do not begin with
/// all of the magic number, of two or four bytes. More variants may come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trailing {
    /// They are an error.
    #[default]
    Refuse,
    /// They are left in the input, and the stream has ended. Those that came in an earlier push, because the input was cut
    /// inside of what could have been a magic number, are [`leftover`](crate::Decode::leftover).
    Leave,
}
