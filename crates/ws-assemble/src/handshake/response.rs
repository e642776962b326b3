//! What a server answered.

use super::head::Head;
#[cfg(feature = "deflate")]
use crate::deflate::DeflateParams;

/// A server's response, as a client received it: the one that opened the connection, or, in a
/// [`HandshakeError`](crate::HandshakeError), the one that refused to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeResponse {
    pub(super) head: Head,
    #[cfg(feature = "deflate")]
    pub(super) deflate: Option<DeflateParams>,
    pub(super) body: Vec<u8>,
}

impl UpgradeResponse {
    /// Returns the status: 101, or the one of a refusal.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.start_line()[1].parse().unwrap_or_default()
    }

    /// Returns the length of the head as it was received.
    #[cfg(feature = "tokio")]
    pub(crate) const fn head_len(&self) -> usize {
        self.head.len()
    }

    /// Returns names and values of all fields, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.head.fields()
    }

    /// Returns the values of the fields of one name, in any case.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.head.values(name)
    }

    /// Returns which of the offered subprotocols the server chose.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        let value = self.head.values("sec-websocket-protocol").next()?;
        str::from_utf8(value).ok()
    }

    /// Returns how messages are compressed; `None` when they are not.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate(&self) -> Option<&DeflateParams> {
        self.deflate.as_ref()
    }

    /// Returns the start of a refusal's body, without chunk sizes: at most
    /// [`body_bytes_max`](crate::ClientHandshake::body_bytes_max) bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}
