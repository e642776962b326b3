//! The other implementations, opened over a [`Source`] behind its handshake.

use fastwebsockets::FragmentCollector;
use tokio_tungstenite::tungstenite;
use tokio_websockets::WebSocketStream;

use super::source::Source;

/// The longest message of a job is 16 MiB; every implementation has to take it.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

pub(super) fn tungstenite(source: Source) -> tungstenite::WebSocket<Source> {
    let config = tungstenite::protocol::WebSocketConfig::default()
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
        .max_message_size(Some(MESSAGE_BYTES_MAX));
    let role = tungstenite::protocol::Role::Server;
    tungstenite::WebSocket::from_raw_socket(source, role, Some(config))
}

pub(super) fn fastwebsockets(source: Source) -> FragmentCollector<Source> {
    let role = fastwebsockets::Role::Server;
    let mut socket = fastwebsockets::WebSocket::after_handshake(source, role);
    socket.set_max_message_size(MESSAGE_BYTES_MAX);
    FragmentCollector::new(socket)
}

pub(super) fn tokio_websockets(source: Source) -> WebSocketStream<Source> {
    tokio_websockets::ServerBuilder::new().serve(source)
}

pub(super) fn yawc(source: Source) -> yawc::WebSocket<Source> {
    let options =
        yawc::Options::default().with_limits(MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX).with_utf8();
    yawc::WebSocket::from_stream(source, yawc::Role::Server, options).expect("no extensions")
}
