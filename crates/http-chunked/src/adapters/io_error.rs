//! The errors as `std::io::Error`, for what reads and writes through std's traits.

use std::io::{self, ErrorKind};

use crate::{
    body_error::{BodyError, BodyErrorKind},
    decode_error::{DecodeError, DecodeErrorKind},
    encode_error::{EncodeError, EncodeErrorKind},
    request_error::{RequestError, RequestErrorKind},
    response_error::{ResponseError, ResponseErrorKind},
};

/// The kind that a body's error has.
const fn body_kind(kind: BodyErrorKind) -> ErrorKind {
    match kind {
        BodyErrorKind::Truncated => ErrorKind::UnexpectedEof,
        BodyErrorKind::OutOfMemory => ErrorKind::OutOfMemory,
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

impl From<ResponseError> for io::Error {
    /// Keeps the error inside; its kind is `UnexpectedEof`, `OutOfMemory` or `InvalidData`.
    fn from(error: ResponseError) -> Self {
        let kind = match error.kind() {
            ResponseErrorKind::Truncated => ErrorKind::UnexpectedEof,
            ResponseErrorKind::OutOfMemory => ErrorKind::OutOfMemory,
            ResponseErrorKind::Body(kind) => body_kind(kind),
            _ => ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

impl From<RequestError> for io::Error {
    /// Keeps the error inside; its kind is `UnexpectedEof`, `OutOfMemory` or `InvalidData`.
    fn from(error: RequestError) -> Self {
        let kind = match error.kind() {
            RequestErrorKind::Truncated => ErrorKind::UnexpectedEof,
            RequestErrorKind::OutOfMemory => ErrorKind::OutOfMemory,
            RequestErrorKind::Body(kind) => body_kind(kind),
            _ => ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
