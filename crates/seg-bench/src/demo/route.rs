//! The ways a message travels.

use serde::Serialize;

/// A protocol, and what the sender does to the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Route {
    /// An HTTP/1.1 response, chunked.
    #[serde(rename = "http/plain")]
    HttpPlain,
    /// An HTTP/1.1 response, gzip, chunked.
    #[serde(rename = "http/gzip")]
    HttpGzip,
    /// A WebSocket text message in fragments.
    #[serde(rename = "ws/text")]
    WsText,
    /// A WebSocket binary message in fragments.
    #[serde(rename = "ws/binary")]
    WsBinary,
}

impl Route {
    /// Every route, in the order of the table.
    pub const ALL: [Self; 4] = [Self::HttpPlain, Self::HttpGzip, Self::WsText, Self::WsBinary];

    /// Returns the name in the table: protocol and resource.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HttpPlain => "http/plain",
            Self::HttpGzip => "http/gzip",
            Self::WsText => "ws/text",
            Self::WsBinary => "ws/binary",
        }
    }

    /// Returns the resource to ask the peer for.
    #[must_use]
    pub const fn target(self) -> &'static str {
        match self {
            Self::HttpPlain => "/plain",
            Self::HttpGzip => "/gzip",
            Self::WsText => "/text",
            Self::WsBinary => "/binary",
        }
    }
}
