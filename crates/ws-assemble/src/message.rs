//! What a user gets.

#[cfg(not(feature = "portable"))]
use core::str;
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
///
/// # Invariants
///
/// - **M1** the payload of a message that is whole text is UTF-8 and never changes.
#[derive(Clone, Debug)]
pub struct Message {
    content: Content,
    payload: Linked,
}

/// What is known about a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// A whole word, as `MessageKind`.
#[repr(usize)]
pub(crate) enum Content {
    /// UTF-8, validated.
    Text,
    Binary,
    /// Part of a text, which may be cut inside a character.
    #[cfg_attr(not(feature = "random"), expect(dead_code, reason = "sessions read parts"))]
    TextPart,
}

impl Content {
    pub(crate) const fn whole(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Text => Self::Text,
            MessageKind::Binary => Self::Binary,
        }
    }

    #[cfg(feature = "random")]
    pub(crate) const fn part(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Text => Self::TextPart,
            MessageKind::Binary => Self::Binary,
        }
    }
}

impl Message {
    /// Makes a message, which is validated when it is text (M1).
    #[inline]
    pub(crate) const fn of_segment(kind: MessageKind, segment: Segment) -> Self {
        Self::of(Content::whole(kind), Linked::of(segment))
    }

    /// Makes a message, which is validated when it is whole text (M1).
    #[inline]
    pub(crate) const fn of(content: Content, payload: Linked) -> Self {
        Self { content, payload }
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
        is_text.then(|| Self::of(Content::Text, payload.into()))
    }

    /// Creates a binary message of segments, without a copy.
    #[must_use]
    pub fn binary_of(payload: Sequence) -> Self {
        Self::of(Content::Binary, payload.into())
    }

    /// Returns whether the message is text or binary.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        match self.content {
            Content::Text | Content::TextPart => MessageKind::Text,
            Content::Binary => MessageKind::Binary,
        }
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

    /// Returns the payload of a text message as one string; `None` for a binary one, and for the rest of
    /// a text that does not start with a whole character. Costs what [`data`](Self::data) does: text is
    /// validated when it is received or made.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.content {
            #[cfg(not(feature = "portable"))]
            // SAFETY: the payload is UTF-8 (M1).
            Content::Text => Some(unsafe { str::from_utf8_unchecked(self.data()) }),
            #[cfg(feature = "portable")]
            Content::Text => to_str(self.data()),
            Content::TextPart => to_str(self.data()),
            Content::Binary => None,
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
        self.kind() == other.kind() && self.sequence() == other.sequence()
    }
}

impl Eq for Message {}
