//! What a user gets.

use std::borrow::Cow;

use bytes::Bytes;
use seg_pool::Segment;
use seg_seq::Sequence;

use crate::{
    linked::Linked,
    opcode::Opcode,
    utf8::{Utf8Validator, to_str},
};

/// Whether a message is text or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
// A whole word, so that messages consist of words: parts of one are moved apart, and the processor
// has to wait for the whole when it is read again right after.
#[repr(usize)]
pub enum MessageKind {
    /// UTF-8, validated.
    Text,
    /// Any bytes; never validated.
    Binary,
}

impl MessageKind {
    /// Returns the opcode of a message's first frame.
    pub(crate) const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
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
#[derive(Clone, Debug)]
pub struct Message {
    kind: MessageKind,
    payload: Linked,
}

impl Message {
    #[inline]
    pub(crate) const fn of_segment(kind: MessageKind, segment: Segment) -> Self {
        Self::of(kind, Linked::of(segment))
    }

    #[inline]
    pub(crate) const fn of(kind: MessageKind, payload: Linked) -> Self {
        Self { kind, payload }
    }

    /// Creates a text message, copying nothing but the bytes of a borrowed text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::of_segment(MessageKind::Text, Bytes::from(text.into()).into())
    }

    /// Creates a binary message without a copy.
    #[must_use]
    pub fn binary(payload: impl Into<Bytes>) -> Self {
        Self::of_segment(MessageKind::Binary, payload.into().into())
    }

    /// Creates a text message of segments, without a copy; `None` when they are not UTF-8.
    #[must_use]
    pub fn text_of(payload: Sequence) -> Option<Self> {
        let mut utf8 = Utf8Validator::new();
        let is_text = payload.chunks().all(|chunk| utf8.push(chunk).is_ok()) && utf8.is_complete();
        is_text.then(|| Self::of(MessageKind::Text, payload.into()))
    }

    /// Creates a binary message of segments, without a copy.
    #[must_use]
    pub fn binary_of(payload: Sequence) -> Self {
        Self::of(MessageKind::Binary, payload.into())
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
        self.len() == 0
    }

    /// Returns the payload in its chunks. Copies nothing; owned, and an atomic increment, when there
    /// is one chunk.
    #[must_use]
    pub fn sequence(&self) -> Cow<'_, Sequence> {
        self.payload.sequence()
    }

    /// Returns the payload as one slice: the first call copies it when it lies in several chunks.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.payload.as_slice()
    }

    /// Copies the payload into `buffer`, chunk by chunk.
    ///
    /// # Panics
    ///
    /// Panics when `buffer` has another length than the payload.
    pub fn copy_to_slice(&self, buffer: &mut [u8]) {
        let Some(list) = self.payload.list() else { return buffer.copy_from_slice(self.data()) };
        assert!(buffer.len() as u64 == list.len(), "a buffer of another length");
        let mut rest = buffer;
        for chunk in list.chunks() {
            let (here, behind) = rest.split_at_mut(chunk.len());
            here.copy_from_slice(chunk);
            rest = behind;
        }
    }

    /// Returns the chunks; `None` when there is at most one, which [`data`](Self::data) is then.
    #[inline]
    pub(crate) fn list(&self) -> Option<&Sequence> {
        self.payload.list()
    }

    /// Returns the payload of a text message as one string; `None` for a binary one. Costs what
    /// [`data`](Self::data) does, and a validation of the whole.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.kind {
            MessageKind::Text => to_str(self.data()),
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

/// Messages are equal when kind and bytes are, wherever those lie.
impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.sequence() == other.sequence()
    }
}

impl Eq for Message {}
