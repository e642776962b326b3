//! What became of reading into the caller's own buffer.

use crate::message::MessageKind;
#[cfg(feature = "random")]
use crate::session::Found;

/// What became of `read_message_into`. No other will come: a caller has to handle each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadInto {
    /// A message of this kind is in the first `len` bytes of the buffer.
    Message {
        /// Text, which is validated, or binary.
        kind: MessageKind,
        /// Bytes of it.
        len: usize,
    },
    /// The next message has this many bytes, more than the buffer. It waits: nothing is consumed.
    TooSmall {
        /// Bytes that the buffer must have.
        needed: u64,
    },
    /// The connection was closed in order.
    Closed,
}

/// What became of `read_frame_into`. No other will come: a caller has to handle each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrameInto {
    /// The payload of a data frame is in the first `len` bytes of the buffer.
    Frame {
        /// Whether the message that it belongs to is text, which is validated up to here, or binary.
        kind: MessageKind,
        /// Bytes of it.
        len: usize,
        /// Whether the message ends with it.
        is_last: bool,
    },
    /// The next frame has this many bytes, more than the buffer. It waits: nothing is consumed.
    TooSmall {
        /// Bytes that the buffer must have.
        needed: u64,
    },
    /// The connection was closed in order.
    Closed,
}

#[cfg(feature = "random")]
impl From<Found> for ReadInto {
    fn from(found: Found) -> Self {
        match found {
            Found::Unit { kind, len, .. } => Self::Message { kind, len },
            Found::TooSmall { needed } => Self::TooSmall { needed },
            Found::Closed => Self::Closed,
        }
    }
}

#[cfg(feature = "random")]
impl From<Found> for ReadFrameInto {
    fn from(found: Found) -> Self {
        match found {
            Found::Unit { kind, len, is_last } => Self::Frame { kind, len, is_last },
            Found::TooSmall { needed } => Self::TooSmall { needed },
            Found::Closed => Self::Closed,
        }
    }
}
