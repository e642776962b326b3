//! The server's side.

use super::{HandshakeError, UpgradeRequest, grammar::is_request_line, head_reader::HeadReader};

/// Reads a client's request as it comes.
///
/// Looks at each byte once. Holds what has come of the head, on the heap, and nothing before the first
/// byte.
///
/// # Examples
///
/// ```
/// use ws_assemble::ServerHandshake;
///
/// # fn main() -> Result<(), ws_assemble::HandshakeError> {
/// let mut received: &[u8] = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
///     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
///     Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\x80";
/// let mut handshake = ServerHandshake::new();
/// let Some(request) = handshake.push(&mut received)? else { panic!("whole") };
/// assert_eq!((request.target(), received), ("/chat", &b"\x81\x80"[..]));
/// let response = request.accept().choose_protocol(["superchat"]).response();
/// assert!(response.ends_with(b"Sec-WebSocket-Protocol: superchat\r\n\r\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ServerHandshake {
    reader: HeadReader,
    failed: Option<HandshakeError>,
}

impl ServerHandshake {
    /// Creates a handshake for which nothing has come.
    #[must_use]
    pub const fn new() -> Self {
        Self { reader: HeadReader::new(), failed: None }
    }

    /// Limits the request's head, in bytes. 16 KiB by default.
    #[must_use]
    pub const fn with_head_bytes_max(mut self, bytes: usize) -> Self {
        self.reader.head_bytes_max = bytes;
        self
    }

    /// Returns how long the request's head may be.
    #[must_use]
    pub const fn head_bytes_max(&self) -> usize {
        self.reader.head_bytes_max
    }

    /// Takes what belongs to the request from the front of `received`; what stays there are frames.
    /// `None` when more bytes are needed: call again with those that come next.
    ///
    /// # Errors
    ///
    /// A [`HandshakeError`], of which a [`Refusal`](crate::Refusal) can be made. The same error comes
    /// back from then on.
    pub fn push(&mut self, received: &mut &[u8]) -> Result<Option<UpgradeRequest>, HandshakeError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let read = self.reader.read(received, is_request_line);
        let request = read.and_then(|head| head.map(UpgradeRequest::of_upgrade).transpose());
        request.inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// Returns why the handshake fails when the stream ends now.
    #[must_use]
    pub fn finish(self) -> HandshakeError {
        self.failed.unwrap_or_else(|| HandshakeError::truncated(self.reader.len()))
    }
}

impl Default for ServerHandshake {
    fn default() -> Self {
        Self::new()
    }
}
