//! A body that was received.

mod assembler;
mod data;
mod error;
mod limits;

use core::{error::Error, fmt, str};

use bytes::Bytes;
use seg_seq::{Flatten, Sequence};

pub(crate) use self::data::Data;
pub use self::{
    assembler::{BodyAssembler, Progress},
    error::{BodyError, BodyErrorKind},
    limits::BodyLimits,
};
use crate::trailers::Trailers;

/// A body and its trailers.
///
/// The bytes lie in the segments they were received in. [`bytes`](Self::bytes) and
/// [`text`](Self::text) make them contiguous on first use: that copies them once, into an
/// allocation of the body's size, unless there is one chunk; later calls find the copy.
///
/// # Examples
///
/// ```
/// use http_chunked::{BodyAssembler, Framing};
/// use seg_pool::{Pool, Segment};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new();
/// let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
/// assembler.push(&mut Segment::from_static(b"4\r\ngr\xc3\xbc\r\n1\r\nn\r\n0\r\n\r\n"))?;
/// let body = assembler.take_body();
/// assert_eq!(body.sequence(), b"gr\xc3\xbcn");
/// assert_eq!(body.text()?, "grün");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    data: Flatten,
    trailers: Trailers,
}

impl Body {
    pub(crate) const fn new(data: Flatten, trailers: Trailers) -> Self {
        Self { data, trailers }
    }

    /// Sets trailers that came another way than through the chunked coding.
    #[cfg(feature = "http-body")]
    pub(crate) fn with_trailers(mut self, trailers: Trailers) -> Self {
        self.trailers = trailers;
        self
    }

    /// Returns the number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.data.len()
    }

    /// Returns whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Returns the bytes where they lie. Copies nothing.
    #[must_use]
    pub const fn sequence(&self) -> &Sequence {
        self.data.sequence()
    }

    /// Returns the bytes as one slice. The first call copies them when there are several chunks.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.data.as_slice()
    }

    /// Returns the bytes as text. Copies as [`bytes`](Self::bytes) does; each call checks the
    /// UTF-8 again.
    ///
    /// # Errors
    ///
    /// [`TextError`] when the body is not UTF-8.
    pub fn text(&self) -> Result<&str, TextError> {
        str::from_utf8(self.bytes())
            .map_err(|error| TextError { offset: error.valid_up_to() as u64 })
    }

    /// Returns the trailer fields; none when the body was not chunked.
    #[must_use]
    pub const fn trailers(&self) -> &Trailers {
        &self.trailers
    }

    /// Turns into the bytes where they lie. Drops trailers and a contiguous copy.
    #[must_use]
    pub fn into_sequence(self) -> Sequence {
        self.data.into_sequence()
    }

    /// Turns into [`Bytes`]. Copies when there are several chunks and no contiguous copy yet.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.data.into_bytes()
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

/// A body that is not UTF-8, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextError {
    offset: u64,
}

impl TextError {
    /// Returns the bytes before the first that is not UTF-8.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not UTF-8 at byte {} of the body", self.offset)
    }
}

impl Error for TextError {}
