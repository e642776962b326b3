//! What all handles, threads and segments of one pool share.

pub(crate) mod arena;
mod central;
pub(crate) mod settings;
pub(crate) mod size_class;
pub(crate) mod stats;
