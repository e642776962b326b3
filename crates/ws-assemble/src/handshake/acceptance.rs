//! A server's answer that opens the connection.

use std::sync::Arc;

use super::{HandshakeError, head::Head, key};
#[cfg(feature = "deflate")]
use crate::deflate::{self, DeflateConfig, DeflateParams};

/// The response that opens a connection: with a subprotocol, compression and fields of your own, or
/// none of that.
///
/// # Examples
///
/// ```
/// # use ws_assemble::{HandshakeError, UpgradeRequest};
/// # fn example(request: &UpgradeRequest) -> Result<(), HandshakeError> {
/// let acceptance = request
///     .accept()
///     .choose_protocol(["chat.v2", "chat"])
///     .field("Set-Cookie", "seen=1")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Acceptance {
    request: Arc<Head>,
    response: Head,
    #[cfg(feature = "deflate")]
    deflate: Option<DeflateParams>,
}

impl Acceptance {
    pub(super) fn new(request: &Arc<Head>) -> Self {
        let mut acceptance = Self {
            request: Arc::clone(request),
            response: Head::new("HTTP/1.1 101 Switching Protocols"),
            #[cfg(feature = "deflate")]
            deflate: None,
        };
        if acceptance.status() == 101 {
            let key = request.values("sec-websocket-key").next().unwrap_or_default();
            acceptance.response.push_own("Upgrade", "websocket");
            acceptance.response.push_own("Connection", "Upgrade");
            acceptance.response.push_own("Sec-WebSocket-Accept", &key::accept(key));
        }
        acceptance
    }

    /// Chooses the first of these subprotocols that the client offers, if it offers one. Chosen
    /// already, it stays.
    #[must_use]
    pub fn choose_protocol<P: AsRef<str>>(mut self, ours: impl IntoIterator<Item = P>) -> Self {
        let is_offered = |protocol: &P| {
            let mut offers = self.request.list("sec-websocket-protocol");
            offers.any(|offer| offer == protocol.as_ref().as_bytes())
        };
        let chosen = ours.into_iter().find(is_offered);
        if let Some(protocol) = chosen.filter(|_| self.protocol().is_none()) {
            self.response.push_own("Sec-WebSocket-Protocol", protocol.as_ref());
        }
        self
    }

    /// Compresses messages as far as the client offers it, in its order (RFC 7692 section 7.1). An
    /// offer with a parameter that is unknown, doubled or invalid is passed over. Agreed on already,
    /// it stays.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, config: &DeflateConfig) -> Self {
        if self.deflate.is_none() {
            let offers = self.request.list("sec-websocket-extensions");
            self.deflate = deflate::respond(offers, config);
            if let Some(agreed) = &self.deflate {
                let value = deflate::response_value(agreed);
                self.response.push_own("Sec-WebSocket-Extensions", &value);
            }
        }
        self
    }

    /// Adds a field, after those that are there.
    ///
    /// # Errors
    ///
    /// [`HandshakeErrorKind::FieldInvalid`](crate::HandshakeErrorKind::FieldInvalid) when the name is no token or one that the handshake
    /// itself sends, or the value has a line end or another control character.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, HandshakeError> {
        self.response.push_foreign(name, value.as_ref())?;
        Ok(self)
    }

    /// Returns the status: 101, or 200 for an extended CONNECT of HTTP/2.
    #[must_use]
    pub fn status(&self) -> u16 {
        if self.request.start_line()[0] == "CONNECT" { 200 } else { 101 }
    }

    /// Returns names and values of all fields, for who writes the response by other means.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.response.fields()
    }

    /// Returns the subprotocol that was chosen.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        let value = self.response.values("sec-websocket-protocol").next()?;
        str::from_utf8(value).ok()
    }

    /// Returns how messages are compressed; `None` when they are not.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn agreed_deflate(&self) -> Option<&DeflateParams> {
        self.deflate.as_ref()
    }

    /// Returns the response as HTTP/1.1 has it.
    #[must_use]
    pub fn response(&self) -> Vec<u8> {
        self.response.to_bytes()
    }
}
