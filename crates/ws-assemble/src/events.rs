//! What an operator needs to see, as events of the crate `tracing`, whose target is `ws_assemble`.
//! Without the feature these functions are empty.
//!
//! Which connection an event is about is said by the span in which the user drives it.

#![cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, reason = "they are what the events have")
)]

use std::io;

use seg_pool::OutOfMemory;

use crate::{
    close_frame::PeerClose, decode_error::DecodeError, handshake::HandshakeError, role::Role,
};

/// A server has refused a request.
pub(crate) fn request_refused(status: u16, error: &HandshakeError) {
    #[cfg(feature = "tracing")]
    tracing::info!(
        target: "ws_assemble",
        status,
        kind = ?error.kind(),
        offset = error.offset(),
        "request refused"
    );
}

/// A client was refused, or cannot use what the server answered.
pub(crate) fn handshake_failed(error: &HandshakeError) {
    #[cfg(feature = "tracing")]
    tracing::info!(
        target: "ws_assemble",
        kind = ?error.kind(),
        offset = error.offset(),
        "handshake failed"
    );
}

/// This end sends a close frame with this body.
pub(crate) fn close_sent(role: Role, body: &[u8]) {
    #[cfg(feature = "tracing")]
    {
        let code = body.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
        tracing::debug!(target: "ws_assemble", ?role, code, "close frame sent");
    }
}

/// The peer's close frame came.
pub(crate) fn close_received(role: Role, close: &PeerClose) {
    #[cfg(feature = "tracing")]
    tracing::debug!(
        target: "ws_assemble",
        ?role,
        code = close.status(),
        reason = close.reason(),
        "close frame received"
    );
}

/// The peer met a limit, broke a rule, or ended the stream without a close frame.
pub(crate) fn decoding_failed(role: Role, error: &DecodeError) {
    #[cfg(feature = "tracing")]
    {
        use crate::decode_error::DecodeErrorKind;

        let (kind, offset) = (error.kind(), error.offset());
        match kind {
            DecodeErrorKind::MessageTooLong
            | DecodeErrorKind::TooManyFragments
            | DecodeErrorKind::TooManyEmptyFragments
            | DecodeErrorKind::HeldTooMuch => {
                tracing::warn!(target: "ws_assemble", ?role, ?kind, offset, "limit met");
            }
            DecodeErrorKind::Truncated => {
                tracing::info!(target: "ws_assemble", ?role, offset, "connection lost");
            }
            _ => tracing::info!(target: "ws_assemble", ?role, ?kind, offset, "rule broken"),
        }
    }
}

/// The stream failed before the connection was closed in order.
pub(crate) fn stream_failed(role: Role, kind: io::ErrorKind) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: "ws_assemble", ?role, ?kind, "stream failed");
}

/// A connection begins to wait for memory.
pub(crate) fn memory_awaited(error: &OutOfMemory) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: "ws_assemble",
        requested_bytes = error.requested_bytes(),
        available_bytes = error.available_bytes(),
        bytes_max = error.bytes_max(),
        cause = ?error.cause(),
        "waiting for memory"
    );
}
