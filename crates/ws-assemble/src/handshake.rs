//! The opening handshake (RFC 6455 section 4), without I/O.

mod client;
mod error;
mod fields;
mod grammar;
mod key;
mod server;

pub use client::{ClientHandshake, Granted};
pub use error::{HandshakeError, HandshakeErrorKind};
pub use server::{Refusal, ServerHandshake};

/// The longest head of a request or response that is read, in bytes.
pub const HEAD_BYTES_MAX: usize = 16 << 10;

/// The most fields that a head may have.
pub const FIELDS_MAX: usize = 100;
