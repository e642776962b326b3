//! Bridges to other crates' traits, one file each. The protocol knows none of them.

pub(crate) mod chunked_writer;
#[cfg(feature = "tokio-util")]
pub(crate) mod codec;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http-body")]
pub(crate) mod http_body;
pub(crate) mod incoming;
mod io_error;
#[cfg(feature = "tower")]
pub(crate) mod tower;
