//! Segmented byte sequences that read like one slice.
//!
//! A message that arrives in pieces stays in pieces: a [`SegmentedBuf`] gathers them, a
//! [`Sequence`] hands them on, a [`Reader`] reads across them. Nothing is copied to make a message
//! contiguous until somebody asks for it ([`Flatten`]), and no allocation grows with the message.
//!
//! ```text
//!           copy, link, read or share-or-copy           split_to, split, freeze
//!  &[u8], Segment, Bytes, io::Read ─────▶ SegmentedBuf ─────▶ Sequence
//!                                                                │
//!      ┌───────────────┬────────────────┬──────────────┬─────────┴──────┬───────────────┐
//!      ▼               ▼                ▼              ▼                ▼               ▼
//!   Reader          chunks,         slice, split   find, position,   fragments,      Flatten,
//!   Read, BufRead,  io_slices,      append:        ==, Ord, Hash     packets: to     into_bytes:
//!   Seek, parsing   Buf             no copy        across cuts       the network     one slice
//! ```
//!
//! # Where to look
//!
//! - **Gather** what comes in: [`SegmentedBuf::fill_from`], [`SegmentedBuf::push`] and, when little
//!   of a segment is kept, [`SegmentedBuf::link_or_copy`] with its [`LinkPolicy`].
//!   [`Sequence::compact`] undoes what held too much.
//! - **Parse**: [`Reader`] has std's traits, integers, varints, [`take_until`](Reader::take_until)
//!   and checkpoints. A value that is cut by a chunk's edge is read like any other.
//! - **Send**: [`Sequence::io_slices`] for a vectored write, [`Sequence::packet_batches`] for
//!   datagrams that are encrypted in place and sent together, [`Sequence::packets`] for single ones,
//!   [`Sequence::fragments`] and [`Sequence::fragment_batches`] for those that are sent as they lie.
//! - **Receive** datagrams: [`DatagramBuf`] cuts apart what one call received, [`ReplayWindow`]
//!   refuses what comes twice, [`Reassembler`] links fragments into messages.
//! - Every method that panics on a range that is not there has a `try_` twin ([`RangeError`]).
//!
//! # What the pool's limit covers
//!
//! | memory | in the pool's limit and budgets | counted in | given back |
//! |---|---|---|---|
//! | the bytes of a [`Sequence`] or a [`SegmentedBuf`], in whole segments | yes | `Stats::in_use_bytes`, `held_bytes` of the type | with the last view |
//! | the list of several chunks, in segments of 256 B to 64 KiB | yes | `Stats::in_use_bytes`, `held_bytes`, [`Sequence::list_bytes`] | when one chunk or none is left, or with the sequence |
//! | a list whose chunks are all adopted or static | no: the [global pool](seg_pool::Pool::global) has no limit | that pool's `Stats` | as above |
//! | adopted `Bytes` and `Vec`s | no: they are their owner's | `held_bytes` | with the last view |
//! | the one slice of several chunks that [`Flatten::as_slice`], [`Sequence::to_vec`] and [`Sequence::into_bytes`] make | no: one allocation of the whole length | nothing | with it |
//! | where a [`Reassembler`] notes which fragments came | no: at most `messages_max` + 1 times `gaps_max` + 2 times 64 B, 1 MiB by default | nothing | with it |
//!
//! # Features
//!
//! - `compio`: `IoVectoredBuf` of [compio](https://docs.rs/compio), which runs on io_uring, for
//!   [`Sequence`], and its buffer traits for segments. Off by default.
//! - `tokio`: `AsyncRead`, `AsyncBufRead` and `AsyncSeek` for [`Reader`], `AsyncWrite` for
//!   [`SegmentedBuf`], and `SegmentedBuf::fill_from_async`. Off by default.
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
// docs.rs sets this, with a nightly compiler: each item then says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

// What lies where.
//
// chunk_list, block    chunks with running offsets: one in place, more in blocks that lie in segments of the pool
// sequence             the read-only view of a list
// segmented_buf, fill  the growing view, and receiving into its tail
// link_policy, compact what is linked and what is copied; copying what was linked
// find, compare, chunks, range   looking at bytes across cuts; what is wrong with a range
// reader, tokio_io     a sequence as a file: `Read`, `BufRead`, `Seek`, integers; the same on tokio
// flatten              one slice, when somebody asks
// fragment, fragment_batch, packet, packet_batch   a sequence in parts, for the network
// datagram, replay_window, reassembler             parts from the network, made into messages

mod assembly;
mod block;
mod bytes_traits;
mod chunk_list;
mod chunks;
mod compact;
mod compare;
#[cfg(feature = "compio")]
mod compio_buf;
mod datagram;
mod fill;
mod find;
mod flatten;
mod fragment;
mod fragment_batch;
mod link_policy;
mod packet;
mod packet_batch;
mod packet_layout;
mod range;
mod reader;
mod reassembler;
mod replay_window;
mod segmented_buf;
mod sequence;
#[cfg(feature = "tokio")]
mod tokio_io;

pub use assembly::Assembly;
pub use chunks::{Chunks, IntoChunks};
pub use datagram::{Datagram, DatagramBuf, DatagramError, DatagramErrorKind, Datagrams};
pub use flatten::Flatten;
pub use fragment::{Fragment, FragmentSlices, Fragments};
pub use fragment_batch::{FragmentBatch, FragmentBatches};
pub use link_policy::{LinkPolicy, Linkable};
pub use packet::{Packet, Packets};
pub use packet_batch::{PacketBatch, PacketBatches, PacketParts};
pub use packet_layout::{PacketSizeError, PacketSizeErrorKind};
pub use range::{CutError, RangeError, RangeErrorKind};
pub use reader::{Checkpoint, ReadError, ReadErrorKind, Reader};
pub use reassembler::{
    FragmentId, Reassembler, ReassemblyError, ReassemblyErrorKind, ReassemblyLimits,
};
pub use replay_window::{ReplayError, ReplayErrorKind, ReplayWindow};
pub use segmented_buf::SegmentedBuf;
pub use sequence::Sequence;

/// The examples in the README are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeExamples;
