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
//! # What the pool's limit covers
//!
//! | memory | in [`bytes_max`](PoolBuilder::bytes_max) and budgets | counted in | given back by |
//! |---|---|---|---|
//! | the bytes of segments, in slabs of 64 KiB, in use or idle | the limit covers all slabs, a budget its segments in use | [`Stats::held_bytes`] | [`Pool::trim`], [`Pool::trim_idle`], by itself in use, the pool's end |
//! | lists of chunks, which `seg-seq` keeps in segments | as the segments that they are | [`Stats::in_use_bytes`] | with the list |
//! | idle segments in a thread's cache | as above; and [`thread_cache_bytes_max`](PoolBuilder::thread_cache_bytes_max) a thread, for all threads of a limited pool a quarter of the limit | [`Stats::idle_bytes`] | the thread: `trim`, its next use after `trim_idle` or when the pool runs out of memory, its end |
//! | idle segments on their way between threads, up to 64 magazines of a size | as above | [`Stats::idle_bytes`] | any thread: `trim`, `trim_idle`, or when the pool runs out of memory |
//! | slab metadata: 64 B a segment, which is 25 % for 256 B segments and 0.4 % for 16 KiB; in pages of their own | no | [`Stats::metadata_bytes`] | with its slabs |
//! | magazines of 256 B, caches of 128 B for each thread and size | no | [`Stats::metadata_bytes`] | `trim`, the thread's end |
//! | the pool itself: fixed tables of about 30 KiB | no | nothing | the pool's end |
//! | a budget, 0.2 KiB; a waiter, about 0.1 KiB while it waits | no | nothing | its last handle and segment; the waiter's end |
//! | adopted `Bytes`, `Vec`s and static bytes, with 128 B for a header | no: they are their owner's | [`Segment::held_bytes`] of each | its last view |
//! | what [`Bytes::from(segment)`](bytes::Bytes) keeps: the segment | as the segment, and one small allocation of `bytes` | as the segment | the last `Bytes` |
//!
//! Metadata is not in the limit because it would make it impossible to say how many segments a
//! limit allows; it follows from the slabs, and is never more than a quarter of them, plus a run of
//! pages of 64 KiB for each size that is used.
//!
//! # With `bytes`
//!
//! [`SegmentMut`] is [`BufMut`](bytes::BufMut) and [`Buf`](bytes::Buf), [`Segment`] is `Buf`: that is
//! also how bytes are dropped from the front (`advance`). `Segment::from(bytes)` and
//! `Bytes::from(segment)` go both ways without a copy, each with one small allocation.
//!
//! # Features
//!
//! - `compio`: `IoBuf` and `IoBufMut` of [compio](https://docs.rs/compio), which runs on io_uring, for segments.
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
// docs.rs sets this, with a nightly compiler: each item then says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

// What lies where. Each line imports from the lines above it only (`tests/layers.rs` checks that).
//
// sync, size   the one door to atomics, locks, queues and thread-locals; the sizes of segments
// limit/       the account of a budget, the queue of those who wait, what a refusal says
// memory/      pages from the system, boxes whose allocation may fail, intrusive lists, slab metadata
// slab/        slabs of 64 KiB, headers of a cache line each, the free list of one size; adopted `Bytes`
// cache/       magazines, the depot where threads exchange them, the counters that other threads read
// shared/      what all threads share: the arena, its size classes, what lies under its lock
// thread/      the cache of one thread: two magazines of each size
// segment/     the counted handle, `SegmentMut`, `Segment`, and their traits of `bytes`
// the rest     `Pool`, `PoolBuilder`, `Budget`, `Take`, and the reports of who holds what

mod budget;
mod cache;
mod limit;
mod memory;
#[cfg(feature = "metrics")]
mod metrics;
mod pool;
mod pool_builder;
mod pool_ref;
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
pub use pool_ref::PoolRef;
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
