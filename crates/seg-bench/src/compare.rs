//! Contenders side by side: the same job, interleaved, in one process.
//!
//! A [`Job`] is one task with several [`Contender`]s: ours, the peers, and the physical floors. The
//! [harness](measure) checks each contender's output, then times them in turn (A B C A B C), so
//! that a machine whose speed drifts slows all of them, and counts what each asks of the
//! allocator. [`Figures`](crate::figures::Figures) are what comes out.

mod contender;
mod harness;
#[cfg(feature = "compare")]
pub mod jobs;
#[cfg(feature = "compare")]
mod raw_alloc;
#[cfg(feature = "compare")]
pub mod tls;

pub use contender::{Contender, Job, Kind};
pub use harness::{Effort, measure};
