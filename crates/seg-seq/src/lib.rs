//! Segmented byte sequences that read like one slice.
//!
//! A message that arrives in pieces stays in pieces: a [`SegmentedBuf`] gathers them, a
//! [`Sequence`] hands them on, a [`Reader`] reads across them. Nothing is copied to make a message
//! contiguous until somebody asks for it ([`Flatten`]), and no allocation grows with the message.
//!
//! ```text
//!              copy, link or read                 split_to, take, freeze
//!  &[u8], Segment, Bytes, io::Read ──▶ SegmentedBuf ──▶ Sequence ──▶ Reader: Read + BufRead + Seek
//!                                                          │ ├─────▶ chunks, io_slices, Buf
//!                                                          │ └─────▶ slice, split_to: no copy
//!                                                          ▼
//!                                                       Flatten ──▶ &[u8], Bytes
//! ```
//!
//! # Example
//!
//! ```
//! use std::io::Read;
//! use seg_pool::Pool;
//! use seg_seq::SegmentedBuf;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = Pool::new();
//! let mut buffer = SegmentedBuf::new(&pool);
//! let mut socket: &[u8] = &[7; 100_000];
//! while buffer.fill_from(&mut socket)? > 0 {}
//! let message = buffer.freeze();
//! assert_eq!((message.len(), message.chunk_count()), (100_000, 7));
//!
//! let mut last = [0; 10];
//! message.slice(99_990..).as_reader().read_exact(&mut last)?;
//! assert_eq!(last, [7; 10]);
//! # Ok(())
//! # }
//! ```
//!
//! # What it is not
//!
//! Not a rope: bytes inside a sequence do not change and nothing is inserted in the middle.
//! Positions and lengths are `u64`; a sequence may be longer than memory when chunks repeat.

mod chunk_list;
mod flatten;
mod reader;
mod segmented_buf;
mod sequence;

pub use flatten::Flatten;
pub use reader::Reader;
pub use segmented_buf::SegmentedBuf;
pub use sequence::{Chunks, Sequence};

/// The examples in the README are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeExamples;
