//! Why a stream of frames was refused.

use core::{error::Error, fmt};

use seg_pool::OutOfMemory;

use crate::close_code::CloseCode;

/// A stream of frames that breaks the rules or a limit, and where.
///
/// Messages that were complete before it were handed out; the same error comes back from then on.
/// The connection is to be closed with [`close_code`](Self::close_code).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    kind: DecodeErrorKind,
    offset: u64,
}

/// The reason in a [`DecodeError`]. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// A reserved bit is set that no extension gave a meaning (RFC 6455 section 5.2).
    ReservedBits,
    /// The opcode is 3 to 7 or 11 to 15 (RFC 6455 section 5.2).
    ReservedOpcode,
    /// A control frame is fragmented (RFC 6455 section 5.5).
    ControlFragmented,
    /// A control frame has more than 125 bytes of payload (RFC 6455 section 5.5).
    ControlTooLong,
    /// A client's frame is not masked (RFC 6455 section 5.1).
    MaskMissing,
    /// A server's frame is masked (RFC 6455 section 5.1).
    MaskUnexpected,
    /// A length is not in its shortest form (RFC 6455 section 5.2).
    LengthNotMinimal,
    /// The top bit of a 64-bit length is set (RFC 6455 section 5.2).
    LengthTopBit,
    /// A continuation without a message to continue (RFC 6455 section 5.4).
    ContinuationUnexpected,
    /// A new message while another is open (RFC 6455 section 5.4).
    MessageUnfinished,
    /// A text message is not UTF-8 (RFC 6455 section 8.1).
    Utf8Invalid,
    /// A close frame's body is one byte (RFC 6455 section 5.5.1).
    CloseTooShort,
    /// A close frame's code must not be sent (RFC 6455 section 7.4).
    CloseCodeInvalid,
    /// A message is longer than [`Limits::message_bytes_max`](crate::Limits::message_bytes_max).
    MessageTooLong,
    /// A message has more fragments than [`Limits::fragments_max`](crate::Limits::fragments_max).
    TooManyFragments,
    /// A message has more empty fragments than
    /// [`Limits::empty_fragments_max`](crate::Limits::empty_fragments_max).
    TooManyEmptyFragments,
    /// A message keeps more memory than [`Limits::held_bytes_max`](crate::Limits::held_bytes_max).
    HeldTooMuch,
    /// A compressed message is no DEFLATE (RFC 7692 section 7.2.2).
    DeflateInvalid,
    /// The stream ended inside a frame, a message, or without a close frame.
    Truncated,
    /// The pool had no segment.
    OutOfMemory(OutOfMemory),
}

impl DecodeError {
    pub(crate) const fn new(kind: DecodeErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Returns the offset of the refused byte or field in the stream of frames. Of compressed payload
    /// it is where the frame's payload starts, or where the message ends that is wrong as a whole.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the code to close the connection with (RFC 6455 section 7.4.1).
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        match self.kind {
            DecodeErrorKind::Utf8Invalid | DecodeErrorKind::DeflateInvalid => {
                CloseCode::INVALID_PAYLOAD
            }
            DecodeErrorKind::MessageTooLong
            | DecodeErrorKind::TooManyFragments
            | DecodeErrorKind::TooManyEmptyFragments
            | DecodeErrorKind::HeldTooMuch => CloseCode::TOO_BIG,
            DecodeErrorKind::OutOfMemory(_) => CloseCode::TRY_AGAIN_LATER,
            _ => CloseCode::PROTOCOL,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            DecodeErrorKind::ReservedBits => "reserved bits are set",
            DecodeErrorKind::ReservedOpcode => "reserved opcode",
            DecodeErrorKind::ControlFragmented => "fragmented control frame",
            DecodeErrorKind::ControlTooLong => "control frame is too long",
            DecodeErrorKind::MaskMissing => "a client's frame is not masked",
            DecodeErrorKind::MaskUnexpected => "a server's frame is masked",
            DecodeErrorKind::LengthNotMinimal => "length is not in its shortest form",
            DecodeErrorKind::LengthTopBit => "top bit of the length is set",
            DecodeErrorKind::ContinuationUnexpected => "continuation without a message",
            DecodeErrorKind::MessageUnfinished => "a message starts inside another",
            DecodeErrorKind::Utf8Invalid => "text is not UTF-8",
            DecodeErrorKind::CloseTooShort => "close body of one byte",
            DecodeErrorKind::CloseCodeInvalid => "invalid close code",
            DecodeErrorKind::MessageTooLong => {
                "message is longer than `message_bytes_max` or `inflated_bytes_max`"
            }
            DecodeErrorKind::TooManyFragments => "message has more fragments than `fragments_max`",
            DecodeErrorKind::TooManyEmptyFragments => {
                "message has more empty fragments than `empty_fragments_max`"
            }
            DecodeErrorKind::HeldTooMuch => "message keeps more memory than `held_bytes_max`",
            DecodeErrorKind::DeflateInvalid => "a compressed message is no DEFLATE",
            DecodeErrorKind::Truncated => "the stream is truncated",
            DecodeErrorKind::OutOfMemory(_) => "out of memory",
        };
        write!(f, "{what}, at byte {} of the stream", self.offset)
    }
}

impl Error for DecodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            DecodeErrorKind::OutOfMemory(error) => Some(error),
            _ => None,
        }
    }
}
