//! The client's side.

use httparse::{Response, Status};

use super::{
    HandshakeError, HandshakeErrorKind,
    fields::{self, Fields, check, first_error, room},
    grammar::is_token,
    key,
};
#[cfg(feature = "deflate")]
use crate::deflate::{self, Deflate, DeflateOptions};

/// A request to open a connection, and the check of its response.
///
/// # Examples
///
/// ```
/// use ws_assemble::ClientHandshake;
///
/// # fn main() -> Result<(), ws_assemble::HandshakeError> {
/// let client = ClientHandshake::new("example.com", "/chat", *b"the sample nonce").protocol("chat");
/// assert!(client.request().contains("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
///
/// let response = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
///     Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
///     Sec-WebSocket-Protocol: chat\r\n\r\n\x81\x02hi";
/// let Some((granted, len)) = client.parse(response)? else { panic!("whole") };
/// assert_eq!(granted.protocol.as_deref(), Some("chat"));
/// assert_eq!(&response[len..], b"\x81\x02hi");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientHandshake {
    host: String,
    target: String,
    key: String,
    protocols: Vec<String>,
    #[cfg(feature = "deflate")]
    deflate: Option<DeflateOptions>,
}

/// What a server granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Granted {
    /// One of the subprotocols that were offered.
    pub protocol: Option<String>,
    /// How messages are compressed.
    #[cfg(feature = "deflate")]
    pub deflate: Option<Deflate>,
}

impl ClientHandshake {
    /// Creates a request for `target`, for example `/chat`, of `host`, which has a port unless it is
    /// the scheme's own. The nonce is to be random: see `random_nonce`.
    ///
    /// # Panics
    ///
    /// Panics when `host` or `target` is empty or holds a space or a control character, which would
    /// make another request of it.
    #[must_use]
    pub fn new(host: impl Into<String>, target: impl Into<String>, nonce: [u8; 16]) -> Self {
        let (host, target) = (host.into(), target.into());
        assert!(
            is_plain(&host) && is_plain(&target),
            "a host and a target are not empty and have no spaces"
        );
        Self {
            host,
            target,
            key: key::encode(nonce),
            protocols: Vec::new(),
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }

    /// Offers a subprotocol, the favourite first.
    ///
    /// # Panics
    ///
    /// Panics when it is no token.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        let protocol = protocol.into();
        assert!(is_token(protocol.as_bytes()), "a subprotocol is a token");
        self.protocols.push(protocol);
        self
    }

    /// Offers to compress messages.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate(mut self, options: DeflateOptions) -> Self {
        self.deflate = Some(options);
        self
    }

    /// Returns the request.
    #[must_use]
    pub fn request(&self) -> String {
        let Self { host, target, key, protocols, .. } = self;
        let mut request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        );
        if !protocols.is_empty() {
            request += &format!("Sec-WebSocket-Protocol: {}\r\n", protocols.join(", "));
        }
        #[cfg(feature = "deflate")]
        if let Some(options) = &self.deflate {
            request += &format!("Sec-WebSocket-Extensions: {}\r\n", deflate::offer(options));
        }
        request + "\r\n"
    }

    /// Reads the response from the front of `head`; returns what the server chose and the
    /// response's length, behind which frames may lie already. `None` when more bytes are
    /// needed: call again with all of them.
    ///
    /// # Errors
    ///
    /// A [`HandshakeError`].
    pub fn parse(&self, head: &[u8]) -> Result<Option<(Granted, usize)>, HandshakeError> {
        let mut room = room();
        let mut response = Response::new(&mut room);
        // What lies beyond the limit changes nothing.
        let head = &head[..head.len().min(super::HEAD_BYTES_MAX)];
        let parsed = response.parse(head).map_err(|error| {
            first_error(head, error, |head| Response::new(&mut fields::room()).parse(head).is_err())
        })?;
        let Status::Complete(len) = parsed else {
            check(head, false)?;
            return Ok(None);
        };
        check(&head[..len], true)?;
        let fields = Fields { head: &head[..len], fields: response.headers };
        let status = response.code.unwrap_or_default();
        if status != 101 {
            return Err(HandshakeError::new(HandshakeErrorKind::StatusUnexpected(status), 9));
        }
        if response.version != Some(1) {
            return Err(HandshakeError::new(HandshakeErrorKind::HttpVersionInvalid, 0));
        }
        // Another protocol beside it would lie on top of ours (section 4.1).
        if !fields.has_token("upgrade", "websocket") || fields.list("upgrade").count() != 1 {
            return Err(fields.missing("upgrade", HandshakeErrorKind::UpgradeMissing));
        }
        if !fields.has_token("connection", "upgrade") {
            return Err(fields.missing("connection", HandshakeErrorKind::ConnectionMissing));
        }
        let accept = fields.one("sec-websocket-accept", HandshakeErrorKind::AcceptMismatch)?;
        if accept != key::accept(self.key.as_bytes()).as_bytes() {
            return Err(fields.error(HandshakeErrorKind::AcceptMismatch, accept));
        }
        #[cfg(feature = "deflate")]
        let deflate = self.check_extensions(&fields)?;
        #[cfg(not(feature = "deflate"))]
        if let Some(extension) = fields.list("sec-websocket-extensions").next() {
            return Err(fields.error(HandshakeErrorKind::ExtensionUnexpected, extension));
        }
        let mut chosen = fields.all("sec-websocket-protocol");
        let protocol =
            match (chosen.next(), chosen.next()) {
                (None, _) => None,
                (Some(value), None) => {
                    let offered = self.protocols.iter().find(|offered| offered.as_bytes() == value);
                    Some(offered.cloned().ok_or_else(|| {
                        fields.error(HandshakeErrorKind::ProtocolUnexpected, value)
                    })?)
                }
                (Some(_), Some(second)) => {
                    return Err(fields.error(HandshakeErrorKind::ProtocolUnexpected, second));
                }
            };
        let granted = Granted {
            protocol,
            #[cfg(feature = "deflate")]
            deflate,
        };
        Ok(Some((granted, len)))
    }

    /// Checks that the server grants nothing but the compression that was offered.
    #[cfg(feature = "deflate")]
    fn check_extensions(&self, fields: &Fields<'_>) -> Result<Option<Deflate>, HandshakeError> {
        let mut extensions = fields.list("sec-websocket-extensions");
        let Some(first) = extensions.next() else { return Ok(None) };
        let unexpected = |at| fields.error(HandshakeErrorKind::ExtensionUnexpected, at);
        if let Some(second) = extensions.next() {
            return Err(unexpected(second));
        }
        let agreed = self.deflate.as_ref().and_then(|ours| deflate::accept_response(first, ours));
        agreed.map(Some).ok_or_else(|| unexpected(first))
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte > b' ' && byte != 0x7f)
}
