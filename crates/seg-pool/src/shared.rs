//! What all handles, threads and segments of one pool share.

pub(crate) mod arena;
pub(crate) mod central;
pub(crate) mod stats;
