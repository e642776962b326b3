//! Why a message was refused.

use core::{error::Error, fmt};

use seg_pool::OutOfMemory;

use crate::{
    body::{BodyError, BodyErrorKind},
    head::HeadErrorKind,
};

/// A message that was refused, and where.
///
/// After it the position in the stream is unknown: answer a request with
/// [`status`](MessageErrorKind::status) and close the connection. The reader returns the same error
/// until it is [reset](crate::MessageReader::reset). Only [out of
/// memory](MessageErrorKind::out_of_memory) is different: nothing is lost, and the same call goes on
/// when there is memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageError {
    kind: MessageErrorKind,
    offset: u64,
}

/// The reason in a [`MessageError`]. A message has these two parts, so there will be no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageErrorKind {
    /// The head is wrong.
    Head(HeadErrorKind),
    /// The body is wrong.
    Body(BodyErrorKind),
}

impl From<HeadErrorKind> for MessageErrorKind {
    fn from(kind: HeadErrorKind) -> Self {
        Self::Head(kind)
    }
}

impl From<BodyErrorKind> for MessageErrorKind {
    fn from(kind: BodyErrorKind) -> Self {
        Self::Body(kind)
    }
}

impl MessageErrorKind {
    /// Returns the status code with which a server answers a request that was refused (RFC 9110
    /// §15.5, §15.6, RFC 6585). A gateway answers 502 for a response that was refused.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Head(kind) => kind.status(),
            Self::Body(BodyErrorKind::TooLong | BodyErrorKind::HeldTooMuch) => 413,
            Self::Body(BodyErrorKind::OutOfMemory(_)) => 503,
            Self::Body(_) => 400,
        }
    }

    /// Returns the limit that was met when it is memory that was missing: then the error is not
    /// final, and nothing is lost.
    #[must_use]
    pub const fn out_of_memory(self) -> Option<OutOfMemory> {
        match self {
            Self::Head(HeadErrorKind::OutOfMemory(error)) => Some(error),
            Self::Head(_) => None,
            Self::Body(kind) => kind.out_of_memory(),
        }
    }

    /// Returns whether the input ended before the message did.
    #[must_use]
    pub const fn is_truncated(self) -> bool {
        matches!(self, Self::Head(HeadErrorKind::Truncated) | Self::Body(BodyErrorKind::Truncated))
    }
}

impl MessageError {
    pub(super) const fn in_head(kind: HeadErrorKind, offset: u64) -> Self {
        Self { kind: MessageErrorKind::Head(kind), offset }
    }

    /// Places the error of a body that starts at `body_start`.
    pub(super) const fn in_body(error: BodyError, body_start: u64) -> Self {
        let kind = MessageErrorKind::Body(error.kind());
        Self { kind, offset: body_start + error.offset() }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> MessageErrorKind {
        self.kind
    }

    /// Returns the octets between the start of the message, an empty line before a request and
    /// interim responses included, and the one that was refused or did not come; for a wrong field,
    /// its value; for one that is missing, the length of the head.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for MessageErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(kind) => kind.fmt(f),
            Self::Body(kind) => kind.fmt(f),
        }
    }
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of the message", self.kind, self.offset)
    }
}

impl Error for MessageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            MessageErrorKind::Head(kind) => kind.source(),
            MessageErrorKind::Body(kind) => kind.source(),
        }
    }
}
