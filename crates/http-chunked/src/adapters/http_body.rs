//! `http_body::Body`, one file for each body.

pub(crate) mod bytes_body;
pub(crate) mod collect;
pub(crate) mod compress;
pub(crate) mod decompress;
pub(crate) mod segment_body;
