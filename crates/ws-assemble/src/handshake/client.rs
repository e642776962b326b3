//! The client's side.

use super::{
    HandshakeError, HandshakeErrorKind, UpgradeResponse,
    grammar::{invalid_extension, is_host, is_target, is_token},
    head::Head,
    key,
    response_reader::{INTERIM_MAX, ResponseReader},
};
#[cfg(feature = "deflate")]
use crate::deflate::{self, DeflateConfig, DeflateParams};

/// A request to open a connection, and the check of its response as it comes.
///
/// Nothing is sent that our own server would refuse: names, values and targets are checked.
///
/// # Examples
///
/// ```
/// use ws_assemble::ClientHandshake;
///
/// # fn main() -> Result<(), ws_assemble::HandshakeError> {
/// let mut client = ClientHandshake::new("example.com", "/chat", *b"the sample nonce")?
///     .protocol("chat")?
///     .field("Cookie", "a=b")?;
/// assert!(client.request().starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
///
/// let mut received: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
///     Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
///     Sec-WebSocket-Protocol: chat\r\n\r\n\x81\x02hi";
/// let Some(response) = client.push(&mut received)? else { panic!("whole") };
/// assert_eq!(response.protocol(), Some("chat"));
/// assert_eq!(received, b"\x81\x02hi");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientHandshake {
    request: Head,
    offer: Offer,
    reader: ResponseReader,
}

/// What a response is checked against.
#[derive(Clone, Debug)]
struct Offer {
    key: String,
    protocols: Vec<String>,
    #[cfg(feature = "deflate")]
    deflate: Option<DeflateConfig>,
}

impl ClientHandshake {
    /// The most interim responses that are skipped, such as 103 (RFC 9110 section 15.2).
    pub const INTERIM_MAX: usize = INTERIM_MAX;

    /// Creates a request for `target`, for example `/chat?room=1`, of `host`, which has a port unless
    /// it is the scheme's own. The nonce is to be random: see `random_nonce`.
    ///
    /// What is not ASCII in the target is percent-encoded (RFC 3987 section 3.1): `/é` becomes
    /// `/%C3%A9`.
    ///
    /// # Errors
    ///
    /// [`HandshakeErrorKind::HostInvalid`] when `host` is empty or no host.
    /// [`HandshakeErrorKind::TargetInvalid`] when `target` is neither a path nor an absolute URI, or
    /// has a fragment, a space or a control character.
    pub fn new(host: &str, target: &str, nonce: [u8; 16]) -> Result<Self, HandshakeError> {
        if host.is_empty() || !is_host(host.as_bytes()) {
            return Err(HandshakeError::new(HandshakeErrorKind::HostInvalid, 0));
        }
        let target = encoded(target);
        if !is_target(target.as_bytes()) {
            return Err(HandshakeError::new(HandshakeErrorKind::TargetInvalid, 0));
        }
        let key = key::encode(nonce);
        let mut request = Head::new(&format!("GET {target} HTTP/1.1"));
        let fields = [
            ("Host", host),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", &key),
            ("Sec-WebSocket-Version", "13"),
        ];
        for (name, value) in fields {
            request.push_own(name, value);
        }
        Ok(Self {
            request,
            offer: Offer {
                key,
                protocols: Vec::new(),
                #[cfg(feature = "deflate")]
                deflate: None,
            },
            reader: ResponseReader::new(),
        })
    }

    /// Offers a subprotocol, the favourite first.
    ///
    /// # Errors
    ///
    /// [`HandshakeErrorKind::ProtocolInvalid`] when it is no token, or offered already.
    pub fn protocol(mut self, protocol: impl Into<String>) -> Result<Self, HandshakeError> {
        let protocol = protocol.into();
        if !is_token(protocol.as_bytes()) || self.offer.protocols.contains(&protocol) {
            return Err(HandshakeError::new(HandshakeErrorKind::ProtocolInvalid, 0));
        }
        self.offer.protocols.push(protocol);
        Ok(self)
    }

    /// Offers to compress messages.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, config: DeflateConfig) -> Self {
        self.offer.deflate = Some(config);
        self
    }

    /// Adds a field, for example `Authorization`, `Cookie` or `Origin`, after those that are there. A
    /// name may be given several times.
    ///
    /// # Errors
    ///
    /// [`HandshakeErrorKind::FieldInvalid`] when the name is no token or one that the handshake
    /// itself sends, or the value has a line end or another control character.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, HandshakeError> {
        self.request.push_foreign(name, value.as_ref())?;
        Ok(self)
    }

    /// Limits the head of each response, in bytes. 16 KiB by default.
    #[must_use]
    pub const fn with_head_bytes_max(mut self, bytes: usize) -> Self {
        self.reader.heads.head_bytes_max = bytes;
        self
    }

    /// Returns how long the head of a response may be.
    #[must_use]
    pub const fn head_bytes_max(&self) -> usize {
        self.reader.heads.head_bytes_max
    }

    /// Limits how much of a refusal's body is kept, in bytes. 4 KiB by default.
    #[must_use]
    pub const fn with_body_bytes_max(mut self, bytes: usize) -> Self {
        self.reader.body_bytes_max = bytes;
        self
    }

    /// Returns how much of a refusal's body is kept.
    #[must_use]
    pub const fn body_bytes_max(&self) -> usize {
        self.reader.body_bytes_max
    }

    /// Returns the request as it is sent.
    #[must_use]
    pub fn request(&self) -> Vec<u8> {
        let mut request = self.request.clone();
        if !self.offer.protocols.is_empty() {
            request.push_own("Sec-WebSocket-Protocol", &self.offer.protocols.join(", "));
        }
        #[cfg(feature = "deflate")]
        if let Some(config) = &self.offer.deflate {
            request.push_own("Sec-WebSocket-Extensions", &deflate::offer(config));
        }
        request.to_bytes()
    }

    /// Takes what belongs to the response from the front of `received`; what stays there are frames.
    /// `None` when more bytes are needed: call again with those that come next.
    ///
    /// Interim responses are skipped.
    ///
    /// # Errors
    ///
    /// A [`HandshakeError`]. When the server refused, it has the
    /// [`response`](HandshakeError::response). The same error comes back from then on.
    pub fn push(
        &mut self,
        received: &mut &[u8],
    ) -> Result<Option<UpgradeResponse>, HandshakeError> {
        let offer = &self.offer;
        self.reader.push(received, |status| status == "101", |head| offer.check(head))
    }

    /// Returns why the handshake fails when the stream ends now: the server refused, and its body ends
    /// with the stream, or the response is truncated.
    #[must_use]
    pub fn finish(self) -> HandshakeError {
        self.reader.finish()
    }
}

impl Offer {
    /// Checks a response that switches protocols (RFC 6455 section 4.1).
    fn check(&self, head: Head) -> Result<UpgradeResponse, HandshakeError> {
        let [version, ..] = head.start_line();
        if version != "HTTP/1.1" {
            return Err(head.error(HandshakeErrorKind::HttpVersionInvalid, version.as_bytes()));
        }
        // Another protocol beside it would lie on top of ours.
        if !head.has_token("upgrade", "websocket") || head.list("upgrade").count() != 1 {
            return Err(head.missing("upgrade", HandshakeErrorKind::UpgradeMissing));
        }
        if !head.has_token("connection", "upgrade") {
            return Err(head.missing("connection", HandshakeErrorKind::ConnectionMissing));
        }
        let accept = head.one("sec-websocket-accept", HandshakeErrorKind::AcceptMismatch)?;
        if accept != key::accept(self.key.as_bytes()).as_bytes() {
            return Err(head.error(HandshakeErrorKind::AcceptMismatch, accept));
        }
        if let Some(part) = head.values("sec-websocket-extensions").find_map(invalid_extension) {
            return Err(head.error(HandshakeErrorKind::ExtensionsInvalid, part));
        }
        #[cfg(feature = "deflate")]
        let deflate = self.check_extensions(&head)?;
        #[cfg(not(feature = "deflate"))]
        if let Some(extension) = head.list("sec-websocket-extensions").next() {
            return Err(head.error(HandshakeErrorKind::ExtensionUnexpected, extension));
        }
        let is_offered = |value: &[u8]| self.protocols.iter().any(|own| own.as_bytes() == value);
        let mut chosen = head.values("sec-websocket-protocol").enumerate();
        if let Some((_, value)) = chosen.find(|&(index, value)| index > 0 || !is_offered(value)) {
            return Err(head.error(HandshakeErrorKind::ProtocolUnexpected, value));
        }
        drop(chosen);
        Ok(UpgradeResponse {
            head,
            #[cfg(feature = "deflate")]
            deflate,
            body: Vec::new(),
        })
    }

    /// Checks that the server grants nothing but the compression that was offered.
    #[cfg(feature = "deflate")]
    fn check_extensions(&self, head: &Head) -> Result<Option<DeflateParams>, HandshakeError> {
        let mut extensions = head.list("sec-websocket-extensions");
        let Some(first) = extensions.next() else { return Ok(None) };
        let unexpected = |at| head.error(HandshakeErrorKind::ExtensionUnexpected, at);
        let agreed = self.deflate.as_ref().and_then(|ours| deflate::accept_response(first, ours));
        let agreed = agreed.ok_or_else(|| unexpected(first))?;
        match extensions.next() {
            Some(second) => Err(unexpected(second)),
            None => Ok(Some(agreed)),
        }
    }
}

/// Returns a target with what is not ASCII in percent-encoded form.
fn encoded(target: &str) -> String {
    let mut encoded = String::with_capacity(target.len());
    for byte in target.bytes() {
        match byte {
            0..=0x7f => encoded.push(char::from(byte)),
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}
