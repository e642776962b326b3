//! DEFLATE, zlib, gzip, Brotli and Zstandard over pooled segments, with hard output limits.
//!
//! An [`Inflater`] takes compressed bytes as they come and writes what they decode to into the
//! segments of a [`SegmentedBuf`](seg_seq::SegmentedBuf). It keeps its progress in itself, so input
//! may be cut anywhere; it checks its [`Limits`] before it takes a segment, so a bomb costs no more
//! than the limit. A [`Deflater`] goes the other way.
//!
//! ```text
//!  received bytes ──▶ framing (gzip, zlib, raw) ──▶ engine ──▶ SegmentedBuf ──▶ Sequence
//!                     header, checksum, length      DEFLATE    output limit
//!  Sequence or slices ──▶ backend ──▶ framing ──▶ SegmentedBuf
//!                         DEFLATE     level, window, flush
//! ```
//!
//! # Example
//!
//! ```
//! use seg_flate::{Decode, Format, Inflater, Limits, Status};
//! use seg_pool::Pool;
//! use seg_seq::SegmentedBuf;
//!
//! # fn main() -> Result<(), seg_flate::InflateError> {
//! // "hello" in one stored block, cut in two.
//! let (first, second) = (b"\x01\x05\x00\xfa", b"\xffhello");
//!
//! let mut output = SegmentedBuf::new(&Pool::new());
//! let mut inflater = Inflater::new(Format::Raw, Limits::default());
//! assert_eq!(inflater.push(&mut &first[..], &mut output)?, Status::NeedInput);
//! assert_eq!(inflater.push(&mut &second[..], &mut output)?, Status::End);
//! inflater.finish()?;
//! assert_eq!(output.freeze(), b"hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! [`Inflater`] decodes DEFLATE with code of this crate, in safe Rust, and is always there. What a program encodes, and the other
//! codings, are features:
//!
//! - `zlib-rs` (default): [`Deflater`], fast.
//! - `miniz_oxide`: [`Deflater`] without unsafe code. With both, [`Deflater::with_window`] chooses.
//! - `brotli`: `BrotliDecoder` and `BrotliEncoder`. A decoder's window is one allocation of up to 16 MiB.
//! - `zstd`: `ZstdDecoder` and `ZstdEncoder`, by the reference library, which is C. A decoder's window is one allocation of as much.
//!
//! All decoders are [`Decode`], all encoders [`Encode`]. [`Contexts`] keep their states for streams to come, but for those of Brotli.
// docs.rs sets this, with a nightly compiler: each item then says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

// What lies where.
//
// decode, encode       what all codings have in common
// inflate, engine/     our decoder of DEFLATE: `engine/fast` where input and output are plenty, `symbols` at the ends
// format, gzip, zlib, checksum   what is around the compressed data
// deflate, backend/    encoding DEFLATE by a library
// brotli/, zstd/       Brotli and Zstandard by libraries, each with the feature of its name
// limits, ratio_limiter, output, pieces   checks before memory is taken; what is written into and read from
// contexts             states of codings between two streams: nothing else keeps any

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
mod backend;
#[cfg(feature = "brotli")]
mod brotli;
mod checksum;
mod contexts;
mod decode;
#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
mod deflate;
mod deflate_error;
mod encode;
mod engine;
mod format;
mod gzip;
mod inflate;
mod inflate_error;
mod level;
mod limits;
mod output;
mod pieces;
mod ratio_limiter;
mod window_bits;
mod zlib;
#[cfg(feature = "zstd")]
mod zstd;

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
pub use backend::Backend;
#[cfg(feature = "brotli")]
pub use brotli::{BrotliDecoder, BrotliEncoder};
pub use contexts::Contexts;
pub use decode::{Decode, Status};
#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
pub use deflate::{Deflater, deflate};
pub use deflate_error::{DeflateError, DeflateErrorKind};
pub use encode::{Encode, Flush};
pub use format::{Format, Trailing};
pub use inflate::{Inflater, inflate};
pub use inflate_error::{InflateError, InflateErrorKind};
pub use level::Level;
pub use limits::Limits;
pub use window_bits::WindowBits;
#[cfg(feature = "zstd")]
pub use zstd::{ZstdDecoder, ZstdEncoder};

/// The examples in the README are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeExamples;
