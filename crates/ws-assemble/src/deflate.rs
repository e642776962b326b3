//! Compressed messages: permessage-deflate (RFC 7692).

mod compressor;
mod config;
mod decompressor;
mod negotiate;

pub use compressor::MessageCompressor;
pub use config::{DeflateConfig, DeflateParams};
pub(crate) use decompressor::MessageDecompressor;
pub(crate) use negotiate::{accept_response, offer, respond, response_value};

/// What a flushed block ends in. It is not sent, and added again before a message is decoded (RFC
/// 7692 sections 7.2.1 and 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
