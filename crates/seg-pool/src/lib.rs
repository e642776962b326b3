//! Pooled, page-aligned byte segments with out-of-band metadata.
//!
//! A [`Pool`] gives [`SegmentMut`]s of 256 B to 64 KiB: buffers with one owner, to read a socket
//! into. [`freeze`](SegmentMut::freeze) makes one a [`Segment`]: shared, immutable, sliceable
//! without a copy. When the last view of a segment is dropped, on whatever thread, the segment is
//! ready for its next use. In the steady state nothing is allocated, locked or zeroed.
//!
//! ```text
//!  Pool::take ──▶ SegmentMut ──freeze──▶ Segment ──clone, slice──▶ Segment …
//!     ▲              │ drop                 │ drop of the last
//!     │              ▼                      ▼
//!     └─────── this thread's magazines ◀────┘
//!                    │ ▲  full or empty: a whole magazine at once
//!                    ▼ │
//!                  depot  ◀──▶ other threads
//!                    │ ▲
//!                    ▼ │
//!               64 KiB slabs ◀──▶ the system
//! ```
//!
//! # Example
//!
//! ```
//! use seg_pool::Pool;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = Pool::builder().bytes_max(64 << 20).build();
//! let mut source: &[u8] = b"GET / HTTP/1.1\r\n\r\nrest";
//!
//! let mut buffer = pool.try_take(16_384)?;
//! buffer.read_from(&mut source)?;
//! let head = buffer.split_to(18).freeze();
//! assert!(head.ends_with(b"\r\n\r\n"));
//! assert_eq!(buffer, b"rest");
//! # Ok(())
//! # }
//! ```
//!
//! # With `bytes`
//!
//! [`SegmentMut`] is [`BufMut`](bytes::BufMut) and [`Buf`](bytes::Buf), [`Segment`] is `Buf`: that is
//! also how bytes are dropped from the front (`advance`). `Segment::from(bytes)` and
//! `Bytes::from(segment)` go both ways without a copy, each with one small allocation.
//!
//! # Features
//!
//! - `metrics`: `Stats::record` for the `metrics` crate.
//! - `report`: `Pool::report`, which tells for each segment in use who took it, when, and how much
//!   of it is viewed. For debugging: handles grow from 24 to 32 bytes, taking reads the clock, and
//!   the list of slabs grows in one allocation.
//!
//! # What it is not
//!
//! Not an allocator for values, and not a growing buffer: a segment never moves and never grows.
//! Messages longer than a segment are sequences of segments, which is `seg-seq`'s work. Nothing
//! here opens a socket.

mod budget;
mod cache;
mod limit;
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
mod pool;
mod pool_builder;
#[cfg(feature = "report")]
mod report;
mod segment;
mod shared;
mod size;
mod slab;
mod sync;
mod take;
mod take_error;
mod thread;

pub use budget::{Budget, BudgetStats};
pub use limit::out_of_memory::{Cause, OutOfMemory};
pub use pool::Pool;
pub use pool_builder::PoolBuilder;
#[cfg(feature = "report")]
pub use report::{HeldSegment, Report};
pub use segment::{Segment, segment_mut::SegmentMut};
pub use shared::stats::{ClassStats, Stats};
pub use size::{SLAB_BYTES, SegmentSize, SizeError};
pub use take::Take;
pub use take_error::TakeError;

/// The examples in the README are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeExamples;
