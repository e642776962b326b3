//! A message that is handed out while it comes.

use seg_seq::Sequence;

use crate::message::{Message, MessageKind};

/// Some bytes of a message, in the order in which they came.
///
/// A text is validated up to here, and may be cut inside a character. Where a message is cut depends on
/// how it came, and says nothing.
#[derive(Clone, Debug)]
pub struct Part {
    kind: MessageKind,
    payload: Sequence,
    is_last: bool,
}

impl Part {
    pub(crate) fn new(message: Message, is_last: bool) -> Self {
        Self { kind: message.kind(), payload: message.into_sequence(), is_last }
    }

    /// Returns whether the message is text or binary.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Returns whether the message ends with this part. Only such a part may be empty.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.is_last
    }

    /// Returns the bytes in their chunks. Copies nothing.
    #[must_use]
    pub const fn sequence(&self) -> &Sequence {
        &self.payload
    }

    /// Turns into the bytes, in their chunks.
    #[must_use]
    pub fn into_sequence(self) -> Sequence {
        self.payload
    }
}
