//! The opening handshake (RFC 6455 section 4), without I/O.

mod acceptance;
mod client;
mod error;
mod grammar;
mod head;
mod head_reader;
mod key;
mod refusal;
mod refused_body;
mod request;
mod response;
mod response_reader;
mod server;
mod tunnel;

pub use acceptance::Acceptance;
pub use client::ClientHandshake;
pub use error::{HandshakeError, HandshakeErrorKind};
#[cfg(feature = "http")]
pub(crate) use grammar::is_own_field;
pub use refusal::Refusal;
pub use request::UpgradeRequest;
pub use response::UpgradeResponse;
pub use server::ServerHandshake;
pub use tunnel::TunnelHandshake;

/// The most fields that a head may have.
pub const FIELDS_MAX: usize = 100;

/// The longest head that is read by default, in bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Bytes of a head that are read at a time, on the stack: a silent peer costs no memory.
#[cfg(feature = "random")]
pub(crate) const READ_BYTES: usize = 2 << 10;

/// What a peer may still send after it was refused, in bytes.
#[cfg(feature = "random")]
pub(crate) const DISCARD_BYTES_MAX: u64 = 256 << 10;
