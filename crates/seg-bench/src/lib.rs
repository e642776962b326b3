//! Side-by-side measurement of the layers against their peers.
//!
//! Nothing depends on this crate. It holds what a measurement needs, and the demo that puts it
//! together:
//!
//! ```text
//! this process, counted                                        child process, not counted
//!
//! demo ──▶ http-chunked ──▶ body    ◀── TCP over loopback ──   hyper origin
//!      ──▶ ws-assemble  ──▶ message ◀── TCP over loopback ──   tokio-tungstenite server
//!  │                                                              ▲
//!  └── input ─────────────────────── stdin ───────────────────────┘
//! ```
//!
//! - [`alloc_count`] counts what the receiving thread asks of the allocator.
//! - [`input`] is what is sent, [`digest`] tells whether it arrived.
//! - [`peers`] are the senders, none of them ours, in a process of their own.
//! - [`compare`] measures the layers against their peers, which come with the feature of that name.
//! - `chaos`, which has a feature of that name, soaks all layers at once.
//! - [`demo`] receives and reports, [`table`] prints.
//! - [`figures`] are what a comparison found, a [`record`] keeps them with the [`machine`] they are of.
//! - `plot` and `report`, with the feature `plot`, make pictures and a page of them.

pub mod alloc_count;
#[cfg(feature = "chaos")]
pub mod chaos;
pub mod compare;
pub mod demo;
pub mod digest;
pub mod figures;
pub mod input;
pub mod machine;
pub mod peers;
#[cfg(feature = "plot")]
pub mod plot;
pub mod record;
#[cfg(feature = "plot")]
pub mod report;
pub mod table;

/// The examples in the workspace's README are doc tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct ReadmeExamples;

/// The programs of the guide are doc tests too.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide.md")]
pub struct GuideExamples;
