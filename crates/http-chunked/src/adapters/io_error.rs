//! The errors as `std::io::Error`, for what reads and writes through std's traits.

use std::io::{self, ErrorKind};

#[cfg(feature = "tokio")]
use seg_pool::OutOfMemory;

use crate::{
    body::{BodyError, BodyErrorKind},
    decoder::{DecodeError, DecodeErrorKind},
    encoder::{EncodeError, EncodeErrorKind},
    head::{HeadWriteError, HeadWriteErrorKind},
    message::MessageError,
};

/// Returns the limit that was met when a reader had no memory.
#[cfg(feature = "tokio")]
pub(super) fn out_of_memory(error: &io::Error) -> Option<OutOfMemory> {
    error.get_ref()?.source()?.downcast_ref().copied()
}

/// The kind that a body's error has.
const fn body_kind(kind: BodyErrorKind) -> ErrorKind {
    match kind {
        BodyErrorKind::Truncated => ErrorKind::UnexpectedEof,
        BodyErrorKind::OutOfMemory(_) => ErrorKind::OutOfMemory,
        _ => ErrorKind::InvalidData,
    }
}

impl From<BodyError> for io::Error {
    /// Keeps the error inside; its kind is `UnexpectedEof`, `OutOfMemory` or `InvalidData`.
    fn from(error: BodyError) -> Self {
        Self::new(body_kind(error.kind()), error)
    }
}

impl From<DecodeError> for io::Error {
    /// Keeps the error inside; its kind is `UnexpectedEof` or `InvalidData`.
    fn from(error: DecodeError) -> Self {
        let kind = match error.kind() {
            DecodeErrorKind::Truncated => ErrorKind::UnexpectedEof,
            _ => ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

impl From<EncodeError> for io::Error {
    /// Keeps the error inside; its kind is `OutOfMemory` or `InvalidInput`.
    fn from(error: EncodeError) -> Self {
        let kind = match error.kind() {
            EncodeErrorKind::OutOfMemory(_) => ErrorKind::OutOfMemory,
            EncodeErrorKind::Ended => ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

impl From<HeadWriteError> for io::Error {
    /// Keeps the error inside; its kind is `OutOfMemory` or `InvalidInput`.
    fn from(error: HeadWriteError) -> Self {
        let kind = match error.kind() {
            HeadWriteErrorKind::OutOfMemory(_) => ErrorKind::OutOfMemory,
            _ => ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

impl From<MessageError> for io::Error {
    /// Keeps the error inside; its kind is `UnexpectedEof`, `OutOfMemory` or `InvalidData`.
    fn from(error: MessageError) -> Self {
        let kind = match error.kind() {
            kind if kind.is_truncated() => ErrorKind::UnexpectedEof,
            kind if kind.out_of_memory().is_some() => ErrorKind::OutOfMemory,
            _ => ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
