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
//! use http_chunked::{MessageStep, ResponseReader};
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
//!         break reader.take_message();
//!     }
//!     let mut received = received.freeze();
//!     loop {
//!         match reader.push(&mut received)? {
//!             MessageStep::NeedMore => break,
//!             MessageStep::End => break 'response reader.take_message(),
//!             MessageStep::Head | MessageStep::Interim => {}
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
//! Not a client or a server: it opens no connection and knows no timeouts.
//!
//! # Features
//!
//! - `zlib-rs` (default): compresses gzip and deflate with zlib-rs, fast. Decompressing them needs no feature.
//! - `miniz_oxide`: compresses them with miniz_oxide, without unsafe code.
//! - `brotli`: `br` as well, both ways; its window is one allocation of up to 16 MiB.
//! - `zstd`: `zstd` as well, both ways, by a library in C; its window is one allocation of up to 8 MiB.
//! - `tokio`: `AsyncRead`, `AsyncBufRead` and `AsyncWrite` on [`Incoming`] and [`ChunkedWriter`].
//! - `tokio-util`: `ChunkedCodec`, a `Decoder` and `Encoder` of its own.
//! - `http`: requests, responses and header maps of `http`, both ways; heads written from its parts.
//! - `http-body`: bodies of segments and of `Bytes`, `Body::collect`, and `Decompress` and `Compress` over any body, for
//!   hyper and what is built on it: axum, reqwest, tonic.
//! - `tower`: layers that decode the bodies of responses for a client, and of requests for a server, and that encode
//!   a server's responses.
//!
//! For `futures-io` use the feature `tokio` with `tokio_util::compat`: a socket of `futures-io` becomes one of
//! tokio by `compat()`, and an [`Incoming`] or a [`ChunkedWriter`] over it one of `futures-io` again.
// docs.rs sets this, with a nightly compiler: each item then says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

// What lies where.
//
// decoder/, octet, trailers   the grammar of chunked bodies; it knows nothing of storage
// body/                the decoder over received segments: what is linked, copied, decompressed
// content, content_coding, accept_encoding   codings of content, and which one a client accepts
// head/, message, framing     requests and responses: the head, the length of the body, what follows
// encoder              the way back
// adapters/            one file for each runtime and each library of HTTP types; a feature compiles each

mod accept_encoding;
mod adapters;
mod body;
mod content;
mod content_coding;
mod decoder;
mod encoder;
mod framing;
mod head;
mod message;
mod octet;
mod trailers;

pub use accept_encoding::AcceptEncoding;
pub use adapters::chunked_writer::ChunkedWriter;
#[cfg(feature = "tokio-util")]
pub use adapters::codec::{ChunkedCodec, ChunkedPart};
#[cfg(feature = "http-body")]
pub use adapters::http_body::{
    bytes_body::BytesBody,
    collect::CollectError,
    compress::{Compress, CompressError},
    decompress::{Decompress, DecompressError},
    segment_body::SegmentBody,
};
pub use adapters::incoming::{Incoming, Receive};
#[cfg(feature = "tower")]
pub use adapters::tower::{
    CompressFuture, CompressLayer, CompressService, DecompressFuture, DecompressLayer,
    DecompressRequestFuture, DecompressRequestLayer, DecompressRequestService, DecompressService,
};
pub use body::{Body, BodyAssembler, BodyError, BodyErrorKind, BodyLimits, Progress, TextError};
pub use content_coding::{ContentCoding, ContentCodings, ContentEncoder};
pub use decoder::{
    DecodeError, DecodeErrorKind, Decoder, Extension, Extensions, Limits, Run, Step,
};
pub use encoder::{EncodeError, EncodeErrorKind, Encoder};
pub use framing::Framing;
pub use head::{
    Fields, Head, HeadErrorKind, HeadWriteError, HeadWriteErrorKind, HeadWriter, RequestHead,
    RequestLine, RequestMethod, ResponseHead, StartLine, StatusLine,
};
pub use message::{
    Message, MessageError, MessageErrorKind, MessageLimits, MessageReader, MessageStep, Request,
    RequestReader, Response, ResponseReader,
};
pub use seg_flate::{Contexts, Encode, Flush, Level, Trailing};
pub use seg_seq::Assembly;
pub use trailers::{TrailerError, TrailerErrorKind, Trailers, TrailersIter, is_forbidden_trailer};

/// The examples in the README are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeExamples;
