//! A server's answer that refuses the connection.

use super::{HandshakeError, HandshakeErrorKind, head::Head};

/// The response to a request that is refused: for an error of the handshake, or for reasons of your
/// own, with any status, fields and body.
///
/// An error becomes 426 with `Sec-WebSocket-Version: 13` for another version, 405 with `Allow` for
/// another method, 505 for another version of HTTP, 431 for a head that is too large, 501 for an
/// extended CONNECT of another protocol, 500 for what this server could not send, and 400 otherwise.
///
/// # Examples
///
/// ```
/// use ws_assemble::Refusal;
///
/// # fn main() -> Result<(), ws_assemble::HandshakeError> {
/// let refusal = Refusal::new(401)?.field("WWW-Authenticate", "Basic")?.body("who are you?");
/// assert!(refusal.response().starts_with(b"HTTP/1.1 401 Unauthorized\r\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Refusal {
    status: u16,
    head: Head,
    body: Vec<u8>,
    error: HandshakeError,
}

impl Refusal {
    /// Creates a response with this status, for example 401, without fields or a body.
    ///
    /// # Errors
    ///
    /// [`HandshakeErrorKind::StatusInvalid`] for a status below 300 or above 999.
    pub fn new(status: u16) -> Result<Self, HandshakeError> {
        if !(300..=999).contains(&status) {
            return Err(HandshakeError::new(HandshakeErrorKind::StatusInvalid, 0));
        }
        Ok(Self::of(status, HandshakeError::new(HandshakeErrorKind::Refused(status), 0)))
    }

    fn of(status: u16, error: HandshakeError) -> Self {
        let head = Head::new(&format!("HTTP/1.1 {status} {}", reason(status)));
        Self { status, head, body: Vec::new(), error }
    }

    /// Adds a field, after those that are there.
    ///
    /// # Errors
    ///
    /// [`HandshakeErrorKind::FieldInvalid`] when the name is no token or that of a field that frames
    /// the body, or the value has a line end or another control character.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, HandshakeError> {
        self.head.push_foreign(name, value.as_ref())?;
        Ok(self)
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns names and values of all fields but those that frame the body or end the connection,
    /// for who writes the response by other means.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.head.fields()
    }

    /// Returns the body, for who writes the response by other means.
    #[must_use]
    pub fn body_bytes(&self) -> &[u8] {
        &self.body
    }

    /// Returns what the refusal was made of:
    /// [`HandshakeErrorKind::Refused`] when the server's own code refused.
    #[must_use]
    pub const fn error(&self) -> &HandshakeError {
        &self.error
    }

    /// Returns the response as HTTP/1.1 has it, body included. It ends the connection.
    #[must_use]
    pub fn response(&self) -> Vec<u8> {
        let mut head = self.head.clone();
        head.push_own("Connection", "close");
        head.push_own("Content-Length", &self.body.len().to_string());
        [head.to_bytes(), self.body.clone()].concat()
    }
}

impl From<HandshakeError> for Refusal {
    fn from(error: HandshakeError) -> Self {
        let (status, fields): (_, &[_]) = match error.kind() {
            // A 426 names the protocol, and `Connection` the field (RFC 9110 sections 7.8 and
            // 15.5.22; RFC 6455 section 4.4).
            HandshakeErrorKind::VersionUnsupported => (
                426,
                &[
                    ("Sec-WebSocket-Version", "13"),
                    ("Upgrade", "websocket"),
                    ("Connection", "Upgrade"),
                ],
            ),
            HandshakeErrorKind::MethodInvalid => (405, &[("Allow", "GET")]),
            HandshakeErrorKind::HttpVersionInvalid => (505, &[]),
            HandshakeErrorKind::HeadTooLong | HandshakeErrorKind::TooManyFields => (431, &[]),
            // RFC 9220 section 3.
            HandshakeErrorKind::ConnectProtocolUnknown => (501, &[]),
            HandshakeErrorKind::Refused(status) => (status, &[]),
            HandshakeErrorKind::FieldInvalid | HandshakeErrorKind::StatusInvalid => (500, &[]),
            _ => (400, &[]),
        };
        let mut refusal = Self::of(status, error);
        for (name, value) in fields {
            refusal.head.push_own(name, value);
        }
        refusal
    }
}

/// Returns the words for a status. They mean nothing to a program, and may be missing.
const fn reason(status: u16) -> &'static str {
    match status {
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
