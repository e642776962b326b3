//! What can be wrong with the head of either kind of message.

use crate::{request_error::RequestErrorKind, response_error::ResponseErrorKind};

/// What requests and responses have in common; each tells it in its own error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadErrorKind {
    /// Only of a request.
    Target,
    Version,
    StartLine,
    FieldLine,
    BareLf,
    HeadTooLong,
    TooManyFields,
    OutOfMemory,
    LengthInvalid,
    LengthsDiffer,
    LengthAndTransferCoding,
    TransferCodingInHttp10,
    ChunkedNotLast,
    TransferCodingUnsupported,
    ContentCodingUnsupported,
}

impl From<HeadErrorKind> for ResponseErrorKind {
    fn from(kind: HeadErrorKind) -> Self {
        match kind {
            HeadErrorKind::Version => Self::Version,
            HeadErrorKind::StartLine | HeadErrorKind::Target => Self::StatusLine,
            HeadErrorKind::FieldLine => Self::FieldLine,
            HeadErrorKind::BareLf => Self::BareLf,
            HeadErrorKind::HeadTooLong => Self::HeadTooLong,
            HeadErrorKind::TooManyFields => Self::TooManyFields,
            HeadErrorKind::OutOfMemory => Self::OutOfMemory,
            HeadErrorKind::LengthInvalid => Self::LengthInvalid,
            HeadErrorKind::LengthsDiffer => Self::LengthsDiffer,
            HeadErrorKind::LengthAndTransferCoding => Self::LengthAndTransferCoding,
            HeadErrorKind::TransferCodingInHttp10 => Self::TransferCodingInHttp10,
            HeadErrorKind::ChunkedNotLast => Self::ChunkedNotLast,
            HeadErrorKind::TransferCodingUnsupported => Self::TransferCodingUnsupported,
            HeadErrorKind::ContentCodingUnsupported => Self::ContentCodingUnsupported,
        }
    }
}

impl From<HeadErrorKind> for RequestErrorKind {
    fn from(kind: HeadErrorKind) -> Self {
        match kind {
            HeadErrorKind::Version => Self::Version,
            HeadErrorKind::StartLine => Self::RequestLine,
            HeadErrorKind::Target => Self::Target,
            HeadErrorKind::FieldLine => Self::FieldLine,
            HeadErrorKind::BareLf => Self::BareLf,
            HeadErrorKind::HeadTooLong => Self::HeadTooLong,
            HeadErrorKind::TooManyFields => Self::TooManyFields,
            HeadErrorKind::OutOfMemory => Self::OutOfMemory,
            HeadErrorKind::LengthInvalid => Self::LengthInvalid,
            HeadErrorKind::LengthsDiffer => Self::LengthsDiffer,
            HeadErrorKind::LengthAndTransferCoding => Self::LengthAndTransferCoding,
            HeadErrorKind::TransferCodingInHttp10 => Self::TransferCodingInHttp10,
            HeadErrorKind::ChunkedNotLast => Self::ChunkedNotLast,
            HeadErrorKind::TransferCodingUnsupported => Self::TransferCodingUnsupported,
            HeadErrorKind::ContentCodingUnsupported => Self::ContentCodingUnsupported,
        }
    }
}
