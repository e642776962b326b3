//! The other implementations, over a stream whose handshake is done.

use fastwebsockets::FragmentCollector;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite;
use tokio_websockets::WebSocketStream;

use super::source::Source;

/// The longest message of a job is 16 MiB; every implementation has to take it.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// What permessage-deflate agrees on here: each message stands alone, so that a wire can be read
/// over and over.
pub(super) const DEFLATE: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The usual level of compression.
pub(super) const LEVEL: u32 = 6;

pub(super) fn tungstenite_config() -> tungstenite::protocol::WebSocketConfig {
    tungstenite::protocol::WebSocketConfig::default()
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
        .max_message_size(Some(MESSAGE_BYTES_MAX))
}

pub(super) fn tungstenite(source: Source) -> tungstenite::WebSocket<Source> {
    let role = tungstenite::protocol::Role::Server;
    tungstenite::WebSocket::from_raw_socket(source, role, Some(tungstenite_config()))
}

pub(super) fn fastwebsockets<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> FragmentCollector<S> {
    let role = fastwebsockets::Role::Server;
    let mut socket = fastwebsockets::WebSocket::after_handshake(stream, role);
    socket.set_max_message_size(MESSAGE_BYTES_MAX);
    FragmentCollector::new(socket)
}

pub(super) fn tokio_websockets<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> WebSocketStream<S> {
    tokio_websockets::ServerBuilder::new().serve(stream)
}

pub(super) fn yawc<S>(stream: S) -> yawc::WebSocket<S>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let options =
        yawc::Options::default().with_limits(MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX).with_utf8();
    yawc::WebSocket::from_stream(stream, yawc::Role::Server, options).expect("no extensions")
}

pub(super) fn yawc_deflate<S>(stream: S) -> yawc::WebSocket<S>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let options = yawc::Options::default()
        .with_limits(MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX)
        .with_compression_level(yawc::CompressionLevel::new(LEVEL))
        .server_no_context_takeover()
        .client_no_context_takeover()
        .with_utf8();
    let role = yawc::Role::Server;
    yawc::WebSocket::from_stream_with_extensions(stream, role, Some(DEFLATE), options)
        .expect("deflate is on")
}

fn sockudo_config() -> sockudo_ws::Config {
    sockudo_ws::Config::builder()
        .max_frame_size(MESSAGE_BYTES_MAX)
        .max_message_size(MESSAGE_BYTES_MAX)
        .idle_timeout(0)
        .build()
}

pub(super) fn sockudo<S>(stream: S) -> sockudo_ws::WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    sockudo_ws::WebSocketStream::server(stream, sockudo_config())
}

pub(super) fn sockudo_deflate(source: Source) -> sockudo_ws::CompressedWebSocketStream<Source> {
    let deflate = sockudo_ws::DeflateConfig {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        compression_level: LEVEL,
        ..Default::default()
    };
    sockudo_ws::CompressedWebSocketStream::server(source, sockudo_config(), deflate)
}
