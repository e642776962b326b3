//! Strict HTTP/1.1 chunked bodies assembled from received segments without copies.
#![forbid(unsafe_code)]

mod assembly;
mod body;
mod body_assembler;
mod body_error;
mod body_limits;
mod content;
mod decode_error;
mod decoder;
mod extensions;
mod forbidden_trailer;
mod framing;
mod gather;
mod limits;
mod octet;
mod response;
mod response_error;
mod trailers;

pub use assembly::Assembly;
pub use body::{Body, TextError};
pub use body_assembler::{BodyAssembler, Progress};
pub use body_error::{BodyError, BodyErrorKind};
pub use body_limits::BodyLimits;
pub use content::ContentCoding;
pub use decode_error::{DecodeError, DecodeErrorKind};
pub use decoder::{Decoder, Step};
pub use extensions::{Extension, Extensions};
pub use forbidden_trailer::is_forbidden_trailer;
pub use framing::Framing;
pub use limits::Limits;
pub use response::{
    Fields, Head, RequestMethod, Response, ResponseLimits, ResponseReader, ResponseStep,
};
pub use response_error::{ResponseError, ResponseErrorKind};
pub use trailers::{Trailers, TrailersIter};
