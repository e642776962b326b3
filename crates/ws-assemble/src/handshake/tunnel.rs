//! A tunnel through a proxy.

use super::{
    HandshakeError, HandshakeErrorKind, UpgradeResponse, grammar::is_host, head::Head,
    response_reader::ResponseReader,
};

/// A request to an HTTP proxy to open a tunnel to a host, and the check of its response as it comes
/// (CONNECT: RFC 9110 section 9.3.6). Without I/O; `open_tunnel` does it over a stream.
///
/// # Examples
///
/// ```
/// use ws_assemble::TunnelHandshake;
///
/// # fn main() -> Result<(), ws_assemble::HandshakeError> {
/// let mut tunnel = TunnelHandshake::new("example.com", 443)?
///     .field("Proxy-Authorization", "Basic dXNlcjpwYXNz")?;
/// assert!(tunnel.request().starts_with(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443"));
///
/// let mut received: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
/// assert_eq!(tunnel.push(&mut received)?.map(|response| response.status()), Some(200));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TunnelHandshake {
    request: Head,
    reader: ResponseReader,
}

impl TunnelHandshake {
    /// Creates a request for a tunnel to a host, which may be a name or an address, with or without
    /// the brackets of IPv6.
    ///
    /// # Errors
    ///
    /// [`HandshakeErrorKind::HostInvalid`] when `host` is empty or no host.
    pub fn new(host: &str, port: u16) -> Result<Self, HandshakeError> {
        let is_bare_ipv6 = host.contains(':') && !host.starts_with('[');
        let authority =
            if is_bare_ipv6 { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        if host.is_empty() || !is_host(authority.as_bytes()) {
            return Err(HandshakeError::new(HandshakeErrorKind::HostInvalid, 0));
        }
        let mut request = Head::new(&format!("CONNECT {authority} HTTP/1.1"));
        request.push_own("Host", &authority);
        Ok(Self { request, reader: ResponseReader::new() })
    }

    /// Adds a field, for example `Proxy-Authorization`.
    ///
    /// # Errors
    ///
    /// [`HandshakeErrorKind::FieldInvalid`], as
    /// [`ClientHandshake::field`](crate::ClientHandshake::field).
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, HandshakeError> {
        self.request.push_foreign(name, value.as_ref())?;
        Ok(self)
    }

    /// Returns the request as it is sent.
    #[must_use]
    pub fn request(&self) -> Vec<u8> {
        self.request.to_bytes()
    }

    /// Takes the response from the front of `received`; what stays there comes through the tunnel.
    /// `None` when more bytes are needed: call again with those that come next.
    ///
    /// Every status from 200 to 299 opens the tunnel, and fields that would announce a body are ignored
    /// then, as the RFC asks. Interim responses are skipped. A head has at most 16 KiB, and of the body
    /// of a refusal 4 KiB are kept.
    ///
    /// # Errors
    ///
    /// A [`HandshakeError`]. When the proxy refused, it has the
    /// [`response`](HandshakeError::response). The same error comes back from then on.
    pub fn push(
        &mut self,
        received: &mut &[u8],
    ) -> Result<Option<UpgradeResponse>, HandshakeError> {
        self.reader.push(
            received,
            |status| status.starts_with('2'),
            |head| {
                Ok(UpgradeResponse {
                    head,
                    #[cfg(feature = "deflate")]
                    deflate: None,
                    body: Vec::new(),
                })
            },
        )
    }

    /// Returns why there is no tunnel when the stream ends now.
    #[must_use]
    pub fn finish(self) -> HandshakeError {
        self.reader.finish()
    }
}
