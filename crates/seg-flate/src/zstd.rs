//! Zstandard (RFC 8878), by its reference library.

mod decoder;
mod encoder;
mod frame_header;

pub use self::{decoder::ZstdDecoder, encoder::ZstdEncoder};

/// The library's code for an allocation that failed.
const MEMORY_ALLOCATION: usize = 0_usize.wrapping_sub(64);
