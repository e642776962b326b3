//! What a user gets.

use core::str;

use bytes::Bytes;
use seg_seq::{Flatten, Sequence};

/// Whether a message is text or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8, validated.
    Text,
    /// Any bytes; never validated.
    Binary,
}

/// A whole message.
///
/// Its payload lies where it was received, in segments, until somebody asks for one slice.
///
/// # Examples
///
/// ```
/// use ws_assemble::Message;
///
/// let message = Message::text("hello");
/// assert_eq!(message.as_str(), Some("hello"));
/// assert_eq!(message.sequence().len(), 5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    kind: MessageKind,
    payload: Flatten,
}

impl Message {
    pub(crate) const fn new(kind: MessageKind, payload: Flatten) -> Self {
        Self { kind, payload }
    }

    /// Creates a text message, copying nothing but the bytes of a borrowed text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(MessageKind::Text, Flatten::from_bytes(text.into().into()))
    }

    /// Creates a binary message without a copy.
    #[must_use]
    pub fn binary(payload: impl Into<Bytes>) -> Self {
        Self::new(MessageKind::Binary, Flatten::from_bytes(payload.into()))
    }

    /// Returns whether the message is text or binary.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Returns the number of payload bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.payload.len()
    }

    /// Returns whether the payload is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }

    /// Returns the payload in its chunks. Copies nothing.
    #[must_use]
    pub const fn sequence(&self) -> &Sequence {
        self.payload.sequence()
    }

    /// Returns the payload as one slice: the first call copies it when it lies in several chunks.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.payload.as_slice()
    }

    /// Returns the payload of a text message as one string; `None` for a binary one. Costs what
    /// [`data`](Self::data) does, and a validation of the whole.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.kind {
            MessageKind::Text => str::from_utf8(self.data()).ok(),
            MessageKind::Binary => None,
        }
    }

    /// Turns into the payload, in its chunks.
    #[must_use]
    pub fn into_sequence(self) -> Sequence {
        self.payload.into_sequence()
    }

    /// Turns into [`Bytes`]: without a copy when there is one chunk.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.payload.into_bytes()
    }
}
