//! What a chunked body may cost.

/// The largest size that [`Limits::chunk_bytes_max`] can allow: it fits a signed offset.
const CHUNK_BYTES_MAX: u64 = i64::MAX as u64;
/// The most digits that fit in 64 bits.
const SIZE_DIGITS_MAX: u8 = 16;

/// Bounds on one chunked body, each with a default that ordinary senders never meet.
///
/// Every limit is checked before the octet that would pass it is taken, so a refused body costs no
/// more than an accepted one. How long the *data* may become is not decided here but where it is
/// kept: see [`BodyLimits`](crate::BodyLimits).
///
/// # Examples
///
/// ```
/// use http_chunked::{DecodeErrorKind, Decoder, Limits};
///
/// let limits = Limits::new().with_trailer_fields_max(0);
/// let mut decoder = Decoder::with_limits(limits);
/// let error = decoder.step(&mut &b"0\r\nExpires: 0\r\n\r\n"[..]).unwrap_err();
/// assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::TooManyTrailers, 3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) size_digits_max: u8,
    pub(crate) chunk_bytes_max: u64,
    pub(crate) size_line_bytes_max: usize,
    pub(crate) framing_excess_bytes_max: u64,
    pub(crate) trailer_bytes_max: usize,
    pub(crate) trailer_fields_max: usize,
}

impl Limits {
    /// Returns the defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            size_digits_max: SIZE_DIGITS_MAX,
            chunk_bytes_max: CHUNK_BYTES_MAX,
            size_line_bytes_max: 4096,
            framing_excess_bytes_max: 16 << 10,
            trailer_bytes_max: 16 << 10,
            trailer_fields_max: 128,
        }
    }

    /// Sets the number of digits in a chunk size, leading zeros included: 1 to 16, default 16.
    /// A value outside that range becomes the nearest inside.
    #[must_use]
    pub const fn with_size_digits_max(mut self, digits: u8) -> Self {
        self.size_digits_max = match digits {
            0 => 1,
            1..=SIZE_DIGITS_MAX => digits,
            _ => SIZE_DIGITS_MAX,
        };
        self
    }

    /// Sets the number of data octets that one chunk may announce: at most 2^63 - 1, the default.
    /// Nothing is ever reserved for an announced size.
    #[must_use]
    pub const fn with_chunk_bytes_max(mut self, bytes: u64) -> Self {
        self.chunk_bytes_max = if bytes < CHUNK_BYTES_MAX { bytes } else { CHUNK_BYTES_MAX };
        self
    }

    /// Sets the length of a size line: size, whitespace and extensions, without its CRLF. Default
    /// 4,096 bytes.
    #[must_use]
    pub const fn with_size_line_bytes_max(mut self, bytes: usize) -> Self {
        self.size_line_bytes_max = bytes;
        self
    }

    /// Sets how much framing a body may carry beyond what its data allows. Default 16 KiB.
    ///
    /// Each chunk is allowed 16 bytes and twice its data; what its size line and two CRLFs take
    /// beyond that adds up over the body, and what they stay below is taken off again, down to 0.
    /// So one-byte chunks pass for ever and long extensions on tiny chunks do not.
    #[must_use]
    pub const fn with_framing_excess_bytes_max(mut self, bytes: u64) -> Self {
        self.framing_excess_bytes_max = bytes;
        self
    }

    /// Sets the length of the trailer section, all its field lines with their CRLFs. Default
    /// 16 KiB. The decoder keeps trailer fields, so this bounds its memory.
    #[must_use]
    pub const fn with_trailer_bytes_max(mut self, bytes: usize) -> Self {
        self.trailer_bytes_max = bytes;
        self
    }

    /// Sets the number of trailer fields. Default 128.
    #[must_use]
    pub const fn with_trailer_fields_max(mut self, fields: usize) -> Self {
        self.trailer_fields_max = fields;
        self
    }

    /// Returns the most digits of a chunk size.
    #[must_use]
    pub const fn size_digits_max(&self) -> u8 {
        self.size_digits_max
    }

    /// Returns the most data octets of one chunk.
    #[must_use]
    pub const fn chunk_bytes_max(&self) -> u64 {
        self.chunk_bytes_max
    }

    /// Returns the most octets of a size line, without its CRLF.
    #[must_use]
    pub const fn size_line_bytes_max(&self) -> usize {
        self.size_line_bytes_max
    }

    /// Returns the most framing that a body may have beyond what its data allows.
    #[must_use]
    pub const fn framing_excess_bytes_max(&self) -> u64 {
        self.framing_excess_bytes_max
    }

    /// Returns the most octets of the trailer section.
    #[must_use]
    pub const fn trailer_bytes_max(&self) -> usize {
        self.trailer_bytes_max
    }

    /// Returns the most trailer fields.
    #[must_use]
    pub const fn trailer_fields_max(&self) -> usize {
        self.trailer_fields_max
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
