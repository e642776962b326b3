//! The types of the `http` crate.

use ::http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri,
    header::{HOST, SEC_WEBSOCKET_PROTOCOL},
    request::Parts,
};
use bytes::Bytes;

use crate::handshake::{
    Acceptance, ClientHandshake, HandshakeError, Refusal, UpgradeRequest, UpgradeResponse,
    is_own_field,
};

impl ClientHandshake {
    /// Creates a request for a URI, for example `ws://example.com:8080/chat`. Its scheme changes
    /// nothing: whether there is TLS is for who opens the stream.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new): a URI without a host, or with a user before the host, is refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use ws_assemble::{ClientHandshake, HandshakeError};
    ///
    /// # fn main() -> Result<(), HandshakeError> {
    /// let uri = http::Uri::from_static("wss://example.com/chat?room=1");
    /// let client = ClientHandshake::from_uri(&uri, *b"the sample nonce")?;
    /// assert!(client.request().starts_with(b"GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\n"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_uri(uri: &Uri, nonce: [u8; 16]) -> Result<Self, HandshakeError> {
        Self::new(uri.authority().map_or("", |authority| authority.as_str()), &target(uri), nonce)
    }

    /// Creates a request with the URI and the fields of another. The host is that of the URI, or of
    /// `Host` where the URI has none. `Sec-WebSocket-Protocol` is what is offered. Other fields that
    /// the handshake itself sends, or that frame a body, are left out; so is the body.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), [`protocol`](Self::protocol) and [`field`](Self::field).
    pub fn from_request<B>(request: &Request<B>, nonce: [u8; 16]) -> Result<Self, HandshakeError> {
        let (uri, headers) = (request.uri(), request.headers());
        let mut handshake = Self::new(authority(uri, headers), &target(uri), nonce)?;
        for (name, value) in headers {
            if name == SEC_WEBSOCKET_PROTOCOL {
                for protocol in value.as_bytes().split(|&byte| byte == b',') {
                    handshake =
                        handshake.protocol(String::from_utf8_lossy(protocol.trim_ascii()))?;
                }
            } else if !is_own_field(name.as_str()) {
                handshake = handshake.field(name.as_str(), value)?;
            }
        }
        Ok(handshake)
    }
}

impl UpgradeRequest {
    /// Checks a request of HTTP/1.1 that an HTTP server has read already.
    ///
    /// # Errors
    ///
    /// As [`from_fields`](Self::from_fields).
    pub fn from_parts(parts: &Parts) -> Result<Self, HandshakeError> {
        let line = format!("{} {} {:?}", parts.method, parts.uri, parts.version);
        Self::from_fields(&line, fields(&parts.headers))
    }

    /// Returns all fields. Copies them.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        headers(self.fields())
    }
}

impl UpgradeResponse {
    /// Returns all fields. Copies them.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        headers(self.fields())
    }
}

/// The response without a body that opens the connection.
impl From<&Acceptance> for Response<Bytes> {
    fn from(acceptance: &Acceptance) -> Self {
        response(acceptance.status(), acceptance.fields(), Bytes::new())
    }
}

impl From<Refusal> for Response<Bytes> {
    fn from(refusal: Refusal) -> Self {
        let body = Bytes::copy_from_slice(refusal.body_bytes());
        response(refusal.status(), refusal.fields(), body)
    }
}

fn response<'a>(
    status: u16,
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    body: Bytes,
) -> Response<Bytes> {
    let mut response = Response::new(body);
    // A status of three digits is one.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    *response.headers_mut() = headers(fields);
    response
}

/// Copies fields, whose names and values were checked.
fn headers<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}

pub(super) fn fields(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}

/// Returns the host of a URI or, where it has none, of `Host`.
pub(super) fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    let host = || headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    uri.authority().map_or_else(host, |authority| authority.as_str())
}

/// Returns the path and the query, with the slash that a URI may lack after its host.
pub(super) fn target(uri: &Uri) -> String {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    if target.starts_with('?') { format!("/{target}") } else { target.to_owned() }
}
