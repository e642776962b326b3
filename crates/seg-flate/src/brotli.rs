//! Brotli (RFC 7932), by libraries in safe Rust.

mod decoder;
mod encoder;
mod memory;

pub use self::{decoder::BrotliDecoder, encoder::BrotliEncoder};
