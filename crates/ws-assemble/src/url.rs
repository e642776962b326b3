//! URLs of WebSockets.

use core::str::FromStr;

use crate::handshake::{ClientHandshake, HandshakeError, HandshakeErrorKind};

/// A URL with the scheme `ws` or `wss` (RFC 6455 section 3): where to connect to, whether by TLS, and
/// what to ask for.
///
/// # Examples
///
/// ```
/// use ws_assemble::WebSocketUrl;
///
/// # fn main() -> Result<(), ws_assemble::HandshakeError> {
/// let url: WebSocketUrl = "wss://example.com/chat?room=1".parse()?;
/// assert_eq!((url.is_secure(), url.host(), url.port()), (true, "example.com", 443));
/// let request = url.handshake(*b"the sample nonce")?.request();
/// assert!(request.starts_with(b"GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketUrl {
    is_secure: bool,
    /// Without the brackets of IPv6.
    host: String,
    port: u16,
    /// As `Host` has it: the port stands in it unless it is the scheme's own.
    authority: String,
    target: String,
}

impl WebSocketUrl {
    /// Returns whether the scheme is `wss`, so that TLS is spoken.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Returns the name or the address of the server. An address of IPv6 has no brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port: 80 for `ws` and 443 for `wss` when the URL has none.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Creates the request for this URL. The nonce is to be random: see `random_nonce`.
    ///
    /// # Errors
    ///
    /// [`HandshakeErrorKind::TargetInvalid`] when the path or the query has a space or a control
    /// character. What is not ASCII there is percent-encoded.
    pub fn handshake(&self, nonce: [u8; 16]) -> Result<ClientHandshake, HandshakeError> {
        ClientHandshake::new(&self.authority, &self.target, nonce)
    }
}

/// Fails with [`HandshakeErrorKind::UrlInvalid`], and the offset in the URL, when the scheme is another,
/// or there is no host, a user, a port of 0 or above 65,535, or a fragment, which a URL of a WebSocket
/// must not have.
impl FromStr for WebSocketUrl {
    type Err = HandshakeError;

    fn from_str(url: &str) -> Result<Self, HandshakeError> {
        let invalid = |at| HandshakeError::new(HandshakeErrorKind::UrlInvalid, at);
        let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid(0))?;
        let is_secure = scheme.eq_ignore_ascii_case("wss");
        if !is_secure && !scheme.eq_ignore_ascii_case("ws") {
            return Err(invalid(0));
        }
        if let Some(at) = url.find('#') {
            return Err(invalid(at));
        }
        let start = url.len() - rest.len();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = match authority.rfind(':') {
            Some(at) if !authority[at..].contains(']') => (&authority[..at], &authority[at + 1..]),
            _ => (authority, ""),
        };
        let default_port = if is_secure { 443 } else { 80 };
        let port = match port {
            "" => default_port,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| invalid(start + host.len() + 1))?,
            _ => return Err(invalid(start + host.len() + 1)),
        };
        let authority =
            if port == default_port { host.to_owned() } else { format!("{host}:{port}") };
        // The request's own rules for hosts decide.
        if host.is_empty() || ClientHandshake::new(&authority, "/", [0; 16]).is_err() {
            return Err(invalid(start));
        }
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        Ok(Self {
            is_secure,
            host: bare.unwrap_or(host).to_owned(),
            port,
            authority,
            target: if target.starts_with('/') { target.to_owned() } else { format!("/{target}") },
        })
    }
}
