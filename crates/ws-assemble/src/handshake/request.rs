//! What a client asked for.

use std::sync::Arc;

use super::{
    Acceptance, FIELDS_MAX, HandshakeError, HandshakeErrorKind,
    grammar::{invalid_extension, is_host, is_request_line, is_target, is_token, items},
    head::Head,
    key,
};

/// A client's request to open a connection, checked.
///
/// # Examples
///
/// ```
/// use ws_assemble::UpgradeRequest;
///
/// # fn main() -> Result<(), ws_assemble::HandshakeError> {
/// // As an HTTP server has read it.
/// let fields: [(&str, &[u8]); 6] = [
///     ("host", b"example.com"),
///     ("upgrade", b"websocket"),
///     ("connection", b"keep-alive, Upgrade"),
///     ("cookie", b"a=b"),
///     ("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
///     ("sec-websocket-version", b"13"),
/// ];
/// let request = UpgradeRequest::from_fields("GET /chat HTTP/1.1", fields)?;
/// assert_eq!((request.target(), request.host()), ("/chat", "example.com"));
/// assert_eq!(request.values("Cookie").next(), Some(&b"a=b"[..]));
///
/// let acceptance = request.accept();
/// let mut fields = acceptance.fields();
/// let accept: (&str, &[u8]) = ("Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// assert!(acceptance.status() == 101 && fields.any(|field| field == accept));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeRequest {
    /// Shared with the acceptance, which chooses among its offers.
    head: Arc<Head>,
}

impl UpgradeRequest {
    /// Checks a request that an HTTP server has read already: its first line, for example
    /// `GET /chat HTTP/1.1`, and the names and values of its fields. Copies them.
    ///
    /// # Errors
    ///
    /// A [`HandshakeError`], whose offset is that in the head as it would be written. A
    /// [`Refusal`](crate::Refusal) can be made of it.
    pub fn from_fields<'a>(
        request_line: &str,
        fields: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, HandshakeError> {
        if !is_request_line(request_line.as_bytes()) {
            return Err(HandshakeError::new(HandshakeErrorKind::HeadInvalid, 0));
        }
        Self::of_upgrade(copied(request_line, fields)?)
    }

    /// Checks an extended CONNECT of HTTP/2 (RFC 8441 section 4) that an HTTP server has read already:
    /// its `:protocol`, `:authority` and `:path`, and the names and values of its fields. Copies them.
    ///
    /// # Errors
    ///
    /// As [`from_fields`](Self::from_fields).
    pub fn from_connect<'a>(
        protocol: &str,
        authority: &'a str,
        target: &str,
        fields: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, HandshakeError> {
        if !protocol.eq_ignore_ascii_case("websocket") {
            return Err(HandshakeError::new(HandshakeErrorKind::ConnectProtocolUnknown, 0));
        }
        if !is_target(target.as_bytes()) {
            return Err(HandshakeError::new(HandshakeErrorKind::TargetInvalid, 0));
        }
        let fields = fields.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host"));
        let host = [("host", authority.as_bytes())];
        let head = copied(&format!("CONNECT {target} HTTP/2.0"), host.into_iter().chain(fields))?;
        Self::of(head)
    }

    /// Checks a request of HTTP/1 (RFC 6455 section 4.2.1).
    pub(super) fn of_upgrade(head: Head) -> Result<Self, HandshakeError> {
        let [method, target, version] = head.start_line();
        if method != "GET" {
            return Err(head.error(HandshakeErrorKind::MethodInvalid, method.as_bytes()));
        }
        if version != "HTTP/1.1" {
            return Err(head.error(HandshakeErrorKind::HttpVersionInvalid, version.as_bytes()));
        }
        if !is_target(target.as_bytes()) {
            // A target that is not UTF-8 is shown as an empty one, which lies elsewhere.
            return Err(HandshakeError::new(
                HandshakeErrorKind::TargetInvalid,
                head.target_offset(),
            ));
        }
        if !head.has_token("upgrade", "websocket") {
            return Err(head.missing("upgrade", HandshakeErrorKind::UpgradeMissing));
        }
        if !head.has_token("connection", "upgrade") {
            return Err(head.missing("connection", HandshakeErrorKind::ConnectionMissing));
        }
        let request = Self::of(head)?;
        let key = request.head.one("sec-websocket-key", HandshakeErrorKind::KeyInvalid)?;
        if !key::is_valid(key) {
            return Err(request.head.error(HandshakeErrorKind::KeyInvalid, key));
        }
        Ok(request)
    }

    /// Checks what requests of all versions of HTTP have in common.
    fn of(head: Head) -> Result<Self, HandshakeError> {
        let length = head.values("content-length").find(|value| *value != b"0");
        if let Some(value) = length.or_else(|| head.values("transfer-encoding").next()) {
            return Err(head.error(HandshakeErrorKind::BodyUnexpected, value));
        }
        let host = head.one("host", HandshakeErrorKind::HostMissing)?;
        if !is_host(host) {
            return Err(head.error(HandshakeErrorKind::HostInvalid, host));
        }
        let version = head.one("sec-websocket-version", HandshakeErrorKind::VersionUnsupported)?;
        if version != b"13" {
            return Err(head.error(HandshakeErrorKind::VersionUnsupported, version));
        }
        for value in head.values("sec-websocket-protocol") {
            let other = items(value).find(|item| !is_token(item));
            if let Some(part) = other.or_else(|| items(value).next().is_none().then_some(value)) {
                return Err(head.error(HandshakeErrorKind::ProtocolInvalid, part));
            }
        }
        let mut protocols: Vec<_> = head.list("sec-websocket-protocol").collect();
        protocols.sort_unstable();
        if let Some(pair) = protocols.windows(2).find(|pair| pair[0] == pair[1]) {
            let second = pair.iter().max_by_key(|item| item.as_ptr()).copied().unwrap_or_default();
            return Err(head.error(HandshakeErrorKind::ProtocolInvalid, second));
        }
        if let Some(part) = head.values("sec-websocket-extensions").find_map(invalid_extension) {
            return Err(head.error(HandshakeErrorKind::ExtensionsInvalid, part));
        }
        Ok(Self { head: Arc::new(head) })
    }

    /// Returns the method: `GET`, or `CONNECT` in HTTP/2.
    #[must_use]
    pub fn method(&self) -> &str {
        self.head.start_line()[0]
    }

    /// Returns the request's target, for example `/chat?room=1`; it may be an absolute URI.
    #[must_use]
    pub fn target(&self) -> &str {
        self.head.start_line()[1]
    }

    /// Returns the value of `Host`, or the authority of HTTP/2.
    #[must_use]
    pub fn host(&self) -> &str {
        let value = self.head.values("host").next().unwrap_or_default();
        // It was checked, and is ASCII.
        str::from_utf8(value).unwrap_or_default()
    }

    /// Returns names and values of all fields, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.head.fields()
    }

    /// Returns the values of the fields of one name, in any case.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.head.values(name)
    }

    /// Returns the subprotocols that the client offers, its favourite first.
    pub fn protocols(&self) -> impl Iterator<Item = &str> {
        // They were checked, and are ASCII.
        self.head.list("sec-websocket-protocol").filter_map(|item| str::from_utf8(item).ok())
    }

    /// Begins the response that opens the connection.
    #[must_use]
    pub fn accept(&self) -> Acceptance {
        Acceptance::new(&self.head)
    }
}

fn copied<'a>(
    start_line: &str,
    fields: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<Head, HandshakeError> {
    let mut head = Head::new(start_line);
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index == FIELDS_MAX {
            return Err(HandshakeError::new(HandshakeErrorKind::TooManyFields, head.len()));
        }
        let invalid = |error: HandshakeError| {
            HandshakeError::new(HandshakeErrorKind::HeadInvalid, error.offset())
        };
        head.push(name, value).map_err(invalid)?;
    }
    Ok(head)
}
