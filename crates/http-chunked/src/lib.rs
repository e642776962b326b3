//! Strict HTTP/1.1 chunked bodies assembled from received segments without copies (RFC 9112).
//!
//! A [`BodyAssembler`] takes received segments and leaves what belongs to the next message in them;
//! the [`Body`] it gives lies where it was received. A [`ResponseReader`] or a [`RequestReader`] puts
//! the head before it. None of them reads a socket; [`Incoming`] does that for them. The grammar alone
//! is [`Decoder`], for those who keep their data themselves. An [`Encoder`] goes the other way, over a
//! socket as [`ChunkedWriter`].
//!
//! ```text
//!             ResponseReader, RequestReader
//!            ┌──────────────────────────────────────────┐
//!  received  │ head ──▶ end of the body (RFC 9112 §6.3) │
//!  Segment ─▶│              ▼                           │
//!            │       BodyAssembler                      │
//!            │ ┌──────────────────────────────────────┐ │
//!            │ │ Decoder ──▶ link or copy ──▶ inflate │ │──▶ Body: Sequence, bytes or text
//!            │ └──────────────────────────────────────┘ │──▶ Trailers
//!            └──────────────────────────────────────────┘
//!  what is left of the segment: the next message
//! ```
//!
//! # Example
//!
//! ```
//! use http_chunked::{ResponseReader, ResponseStep};
//! use seg_pool::Pool;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut socket =
//!     &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"[..];
//! let pool = Pool::new();
//! let mut reader = ResponseReader::new(&pool);
//! let response = 'response: loop {
//!     let mut received = pool.try_take(16_384)?;
//!     if received.read_from(&mut socket)? == 0 {
//!         reader.finish()?; // a body may go until the connection is closed
//!         break reader.take_response();
//!     }
//!     let mut received = received.freeze();
//!     loop {
//!         match reader.push(&mut received)? {
//!             ResponseStep::NeedMore => break,
//!             ResponseStep::End => break 'response reader.take_response(),
//!             ResponseStep::Head | ResponseStep::Interim => {}
//!         }
//!     }
//! };
//! assert_eq!(response.expect("a whole response").body().text(), Ok("hello"));
//! # Ok(())
//! # }
//! ```
//!
//! # What it is not
//!
//! Not a client or a server: it opens no connection, writes no heads and knows no timeouts.
//!
//! # Features
//!
//! - `zlib-rs` (default): seg-flate with zlib-rs, whose checksums are fast.
//! - `miniz_oxide`: seg-flate with miniz_oxide instead, without unsafe code in it.
//! - `brotli`: decompresses `br` as well; its window is one allocation of up to 16 MiB.
//! - `zstd`: decompresses `zstd` as well; its window is one allocation that grows to up to 8 MiB.
//! - `tokio`: `AsyncRead`, `AsyncBufRead` and `AsyncWrite` on [`Incoming`] and [`ChunkedWriter`].
//! - `tokio-util`: `ChunkedCodec`, a `Decoder` and `Encoder` of its own.
//! - `http-body`: `SegmentBody` and `Body::collect`, for hyper and what is built on it.
#![forbid(unsafe_code)]

mod adapters;
mod assembly;
mod body;
mod body_assembler;
mod body_error;
mod body_limits;
mod content;
mod content_coding;
mod declared_framing;
mod decode_error;
mod decoder;
mod encode_error;
mod encoder;
mod extensions;
mod fields;
mod forbidden_trailer;
mod framing;
mod gather;
mod head_error;
mod head_reader;
mod limits;
mod octet;
mod request;
mod request_error;
mod response;
mod response_error;
mod trailer_error;
mod trailers;

pub use adapters::chunked_writer::ChunkedWriter;
#[cfg(feature = "tokio-util")]
pub use adapters::codec::{ChunkedCodec, ChunkedPart};
#[cfg(feature = "http-body")]
pub use adapters::http_body::{CollectError, SegmentBody};
pub use adapters::incoming::{Incoming, MessageReader};
pub use assembly::Assembly;
pub use body::{Body, TextError};
pub use body_assembler::{BodyAssembler, Progress};
pub use body_error::{BodyError, BodyErrorKind};
pub use body_limits::BodyLimits;
pub use content_coding::{ContentCoding, ContentCodings};
pub use decode_error::{DecodeError, DecodeErrorKind};
pub use decoder::{Decoder, Step};
pub use encode_error::{EncodeError, EncodeErrorKind};
pub use encoder::Encoder;
pub use extensions::{Extension, Extensions};
pub use fields::Fields;
pub use forbidden_trailer::is_forbidden_trailer;
pub use framing::Framing;
pub use limits::Limits;
pub use request::{Request, RequestHead, RequestLimits, RequestReader, RequestStep};
pub use request_error::{RequestError, RequestErrorKind};
pub use response::{
    RequestMethod, Response, ResponseHead, ResponseLimits, ResponseReader, ResponseStep,
};
pub use response_error::{ResponseError, ResponseErrorKind};
pub use trailer_error::{TrailerError, TrailerErrorKind};
pub use trailers::{Trailers, TrailersIter};

/// The examples in the README are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeExamples;
