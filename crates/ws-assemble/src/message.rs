//! What a user gets.
#![cfg_attr(not(feature = "portable"), expect(unsafe_code, reason = "listed in docs/unsafe.md"))]

#[cfg(not(feature = "portable"))]
use core::str;

use bytes::Bytes;
use once_cell::race::OnceBox;
use seg_pool::Segment;
use seg_seq::Sequence;

use crate::{
    opcode::Opcode,
    utf8::{Utf8Validator, to_str},
};

/// Whether a message is text or not. No other will come: RFC 6455 has these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
// A whole word: a load of a word whose parts were stored one by one right before waits for the store
// buffer.
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
    payload: Sequence,
    /// The payload in one slice, when it lies in several chunks and somebody asked for it. One word, so
    /// that a message which is never asked stays small.
    flat: OnceBox<Bytes>,
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
    pub(crate) fn of_segment(kind: MessageKind, segment: Segment) -> Self {
        Self::of(Content::whole(kind), segment.into())
    }

    /// Makes a message, which is validated when it is whole text (M1).
    #[inline]
    pub(crate) const fn of(content: Content, payload: Sequence) -> Self {
        Self { content, payload, flat: OnceBox::new() }
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
        is_text.then(|| Self::of(Content::Text, payload))
    }

    /// Creates a binary message of segments, without a copy.
    #[must_use]
    pub fn binary_of(payload: Sequence) -> Self {
        Self::of(Content::Binary, payload)
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
    pub const fn len(&self) -> u64 {
        self.payload.len()
    }

    /// Returns whether the payload is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }

    /// Returns the payload in its chunks. Copies nothing.
    #[inline]
    #[must_use]
    pub const fn sequence(&self) -> &Sequence {
        &self.payload
    }

    /// Returns the payload as one slice: the first call copies it when it lies in several chunks.
    /// Threads that ask for the first time at once may each copy it.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        let mut chunks = self.payload.chunks();
        match (chunks.next(), chunks.len()) {
            (None, _) => &[],
            (Some(only), 0) => only,
            _ => self.flat.get_or_init(|| Box::new(self.payload.to_vec().into())),
        }
    }

    /// Copies the payload into `buffer`, chunk by chunk.
    ///
    /// # Panics
    ///
    /// Panics when `buffer` has another length than the payload.
    pub fn copy_to_slice(&self, buffer: &mut [u8]) {
        assert!(buffer.len() as u64 == self.len(), "a buffer of another length");
        let mut rest = buffer;
        for chunk in self.payload.chunks() {
            let (here, after) = rest.split_at_mut(chunk.len());
            here.copy_from_slice(chunk);
            rest = after;
        }
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
        self.payload
    }

    /// Turns into [`Bytes`]: without a copy when there is one chunk. Several chunks are copied, unless
    /// [`data`](Self::data) did so before.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.flat.get() {
            Some(flat) => flat.clone(),
            None => self.payload.into_bytes(),
        }
    }
}

/// Messages are equal when kind and bytes are, wherever those lie.
impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.sequence() == other.sequence()
    }
}

impl Eq for Message {}
