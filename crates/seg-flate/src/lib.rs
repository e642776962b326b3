//! DEFLATE, zlib and gzip over pooled segments, with hard output limits.
//!
//! An [`Inflater`] takes compressed bytes as they come and writes what they decode to into the
//! segments of a [`SegmentedBuf`](seg_seq::SegmentedBuf). It keeps its progress in itself, so input
//! may be cut anywhere; it checks its [`Limits`] before it takes a segment, so a bomb costs no more
//! than the limit. A [`Deflater`] goes the other way.
//!
//! ```text
//!  received bytes ──▶ framing (gzip, zlib, raw) ──▶ backend ──▶ SegmentedBuf ──▶ Sequence
//!                     header, checksum, length      DEFLATE     output limit
//!  Sequence or slices ──▶ backend ──▶ framing ──▶ SegmentedBuf
//!                         DEFLATE     level, window, flush
//! ```
//!
//! # Example
//!
//! ```
//! use seg_flate::{Format, Inflater, Limits, Status};
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
//! [`Backend::Native`] decodes and is always there. What encodes, and can decode as well:
//!
//! - `zlib-rs` (default): fast.
//! - `miniz_oxide`: without unsafe code. [`Inflater::with_backend`] and [`Deflater::with_window`] choose.
//! - `brotli`: `BrotliDecoder`, whose window is one allocation of up to 16 MiB.
//! - `zstd`: `ZstdDecoder`, whose window is one allocation that grows to as much.
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "zlib-rs", feature = "miniz_oxide")))]
compile_error!(
    "seg-flate needs a library that encodes: enable the feature `zlib-rs` or `miniz_oxide`"
);

mod allowance;
mod backend;
#[cfg(feature = "brotli")]
mod brotli;
mod checksum;
mod deflate;
mod deflate_error;
mod flush;
mod format;
mod gzip;
mod inflate;
mod inflate_error;
mod level;
mod limits;
mod output_room;
mod pieces;
mod status;
mod window_bits;
mod zlib;
#[cfg(feature = "zstd")]
mod zstd;

pub use backend::Backend;
#[cfg(feature = "brotli")]
pub use brotli::BrotliDecoder;
pub use deflate::{Deflater, deflate};
pub use deflate_error::{DeflateError, DeflateErrorKind};
pub use flush::Flush;
pub use format::{Format, Trailing};
pub use inflate::{Inflater, inflate};
pub use inflate_error::{InflateError, InflateErrorKind};
pub use level::Level;
pub use limits::Limits;
pub use status::Status;
pub use window_bits::WindowBits;
#[cfg(feature = "zstd")]
pub use zstd::ZstdDecoder;

/// The examples in the README are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeExamples;
