//! The server's side.

use httparse::{Header, Request, Status};

use super::{
    HandshakeError, HandshakeErrorKind,
    fields::{self, Fields, check, first_error, room},
    grammar::{is_host, is_target, is_token},
    key,
};
#[cfg(feature = "deflate")]
use crate::deflate::{self, Deflate, DeflateOptions};

/// A client's request, checked.
///
/// # Examples
///
/// ```
/// use ws_assemble::ServerHandshake;
///
/// # fn main() -> Result<(), ws_assemble::HandshakeError> {
/// let head = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
///     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
///     Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// let Some((request, len)) = ServerHandshake::parse(head)? else { panic!("whole") };
/// assert_eq!((request.target(), len), ("/chat", head.len()));
/// let response = request.accept(Some("superchat"));
/// assert!(response.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ServerHandshake {
    target: String,
    host: String,
    key: String,
    protocols: Vec<String>,
    #[cfg(feature = "deflate")]
    extensions: Vec<Vec<u8>>,
}

impl ServerHandshake {
    /// Reads a request from the front of `head`; also returns its length, behind which frames may
    /// lie already. `None` when more bytes are needed: call again with all of them.
    ///
    /// # Errors
    ///
    /// A [`HandshakeError`]; [`Refusal`] says what to answer.
    pub fn parse(head: &[u8]) -> Result<Option<(Self, usize)>, HandshakeError> {
        let mut room = room();
        let mut request = Request::new(&mut room);
        // What lies beyond the limit changes nothing.
        let head = &head[..head.len().min(super::HEAD_BYTES_MAX)];
        let parsed = request.parse(head).map_err(|error| {
            first_error(head, error, |head| Request::new(&mut fields::room()).parse(head).is_err())
        })?;
        let Status::Complete(len) = parsed else {
            check(head, false)?;
            return Ok(None);
        };
        check(&head[..len], true)?;
        let fields = Fields { head: &head[..len], fields: request.headers };
        if request.method != Some("GET") {
            return Err(HandshakeError::new(HandshakeErrorKind::MethodInvalid, 0));
        }
        if request.version != Some(1) {
            return Err(HandshakeError::new(HandshakeErrorKind::HttpVersionInvalid, 0));
        }
        let target = request.path.unwrap_or_default();
        if !is_target(target.as_bytes()) {
            return Err(fields.error(HandshakeErrorKind::TargetInvalid, target.as_bytes()));
        }
        let handshake = Self::of(target, &fields)?;
        Ok(Some((handshake, len)))
    }

    /// Checks a GET request of HTTP/1.1 that an HTTP server has read already: its target, and the
    /// names and values of its fields.
    ///
    /// # Errors
    ///
    /// A [`HandshakeError`], whose offset is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use ws_assemble::ServerHandshake;
    ///
    /// # fn main() -> Result<(), ws_assemble::HandshakeError> {
    /// let fields: [(&str, &[u8]); 5] = [
    ///     ("host", b"example.com"),
    ///     ("upgrade", b"websocket"),
    ///     ("connection", b"keep-alive, Upgrade"),
    ///     ("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    ///     ("sec-websocket-version", b"13"),
    /// ];
    /// let request = ServerHandshake::from_fields("/chat", fields)?;
    /// assert_eq!(request.accept_value(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_fields<'a>(
        target: &str,
        fields: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, HandshakeError> {
        let mut room = room();
        let mut count = 0;
        for (name, value) in fields {
            let slot = room.get_mut(count);
            let too_many = HandshakeError::new(HandshakeErrorKind::TooManyFields, 0);
            *slot.ok_or(too_many)? = Header { name, value };
            count += 1;
        }
        Self::of(target, &Fields { head: &[], fields: &room[..count] })
    }

    fn of(target: &str, fields: &Fields<'_>) -> Result<Self, HandshakeError> {
        let length = fields.all("content-length").find(|value| *value != b"0");
        if let Some(value) = length.or_else(|| fields.all("transfer-encoding").next()) {
            return Err(fields.error(HandshakeErrorKind::BodyUnexpected, value));
        }
        let host = fields.one("host", HandshakeErrorKind::HostMissing)?;
        if !is_host(host) {
            return Err(fields.error(HandshakeErrorKind::HostInvalid, host));
        }
        if !fields.has_token("upgrade", "websocket") {
            return Err(fields.missing("upgrade", HandshakeErrorKind::UpgradeMissing));
        }
        if !fields.has_token("connection", "upgrade") {
            return Err(fields.missing("connection", HandshakeErrorKind::ConnectionMissing));
        }
        let version =
            fields.one("sec-websocket-version", HandshakeErrorKind::VersionUnsupported)?;
        if version != b"13" {
            return Err(fields.error(HandshakeErrorKind::VersionUnsupported, version));
        }
        let key = fields.one("sec-websocket-key", HandshakeErrorKind::KeyInvalid)?;
        if !key::is_valid(key) {
            return Err(fields.error(HandshakeErrorKind::KeyInvalid, key));
        }
        if let Some(other) = fields.list("sec-websocket-protocol").find(|item| !is_token(item)) {
            return Err(fields.error(HandshakeErrorKind::ProtocolInvalid, other));
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Self {
            target: target.to_owned(),
            host: text(host),
            key: text(key),
            protocols: fields.list("sec-websocket-protocol").map(text).collect(),
            #[cfg(feature = "deflate")]
            extensions: fields.list("sec-websocket-extensions").map(<[u8]>::to_vec).collect(),
        })
    }

    /// Returns the request's target, for example `/chat?room=1`.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the value of `Host`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the value of `Sec-WebSocket-Accept`, for who writes the response by other means.
    #[must_use]
    pub fn accept_value(&self) -> String {
        key::accept(self.key.as_bytes())
    }

    /// Returns the subprotocols that the client offers, its favourite first.
    #[must_use]
    pub fn protocols(&self) -> &[String] {
        &self.protocols
    }

    /// Chooses among the compressions that the client offers, in its order; `None` when it offers
    /// none that can be done (RFC 7692 section 7.1). An offer with a parameter that is unknown,
    /// doubled or invalid is passed over.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(&self, options: &DeflateOptions) -> Option<Deflate> {
        deflate::respond(self.extensions.iter().map(Vec::as_slice), options)
    }

    /// Returns the response that opens the connection with this compression.
    ///
    /// # Panics
    ///
    /// As [`accept`](Self::accept).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn accept_deflate(&self, protocol: Option<&str>, agreed: &Deflate) -> String {
        let mut response = self.accept(protocol);
        response.truncate(response.len() - "\r\n".len());
        let value = deflate::response_value(agreed);
        response + "Sec-WebSocket-Extensions: " + &value + "\r\n\r\n"
    }

    /// Returns the response that opens the connection, with one of the offered subprotocols or none.
    ///
    /// # Panics
    ///
    /// Panics when the subprotocol was not offered.
    #[must_use]
    pub fn accept(&self, protocol: Option<&str>) -> String {
        let mut response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n",
            self.accept_value()
        );
        if let Some(protocol) = protocol {
            let offered = self.protocols.iter().any(|offered| offered == protocol);
            assert!(offered, "the subprotocol {protocol:?} was not offered");
            response += &format!("Sec-WebSocket-Protocol: {protocol}\r\n");
        }
        response + "\r\n"
    }
}

/// The response to a request that was refused.
#[derive(Clone, Copy, Debug)]
pub struct Refusal(HandshakeError);

impl Refusal {
    /// Creates the response to a request that failed with this error.
    #[must_use]
    pub const fn new(error: HandshakeError) -> Self {
        Self(error)
    }

    /// Returns the status: 426 for a version other than 13, 431 for a head that is too large, 405
    /// for another method, 505 for HTTP/1.0, 400 otherwise.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.0.kind() {
            HandshakeErrorKind::VersionUnsupported => 426,
            HandshakeErrorKind::HeadTooLong | HandshakeErrorKind::TooManyFields => 431,
            HandshakeErrorKind::MethodInvalid => 405,
            HandshakeErrorKind::HttpVersionInvalid => 505,
            _ => 400,
        }
    }

    /// Returns the response, which ends the connection.
    #[must_use]
    pub const fn response(&self) -> &'static str {
        match self.status() {
            426 => {
                "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\n\
                 Upgrade: websocket\r\nConnection: upgrade, close\r\n\
                 Content-Length: 0\r\n\r\n"
            }
            431 => {
                "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\
                 Content-Length: 0\r\n\r\n"
            }
            405 => {
                "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nConnection: close\r\n\
                 Content-Length: 0\r\n\r\n"
            }
            505 => {
                "HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\n\
                 Content-Length: 0\r\n\r\n"
            }
            _ => "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        }
    }
}
