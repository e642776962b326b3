//! A tokio-tungstenite server.

use core::convert::Infallible;
use std::io;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::StatusCode;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Error, Message,
        handshake::server::{ErrorResponse, Request, Response},
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use super::{Payload, payload::fragments};

/// Serves the payload on every connection that comes, until it is dropped.
///
/// On `/text` and `/binary`, each message from the client is answered with the whole input as one
/// message of that kind, in frames of [`FRAGMENT_BYTES`](super::FRAGMENT_BYTES): a frame may end
/// inside a character.
///
/// # Errors
///
/// Returns the error of a listener that cannot accept. A connection that fails ends alone.
pub async fn serve(listener: TcpListener, payload: Payload) -> io::Result<Infallible> {
    loop {
        let (stream, _) = listener.accept().await?;
        let payload = payload.clone();
        tokio::spawn(async {
            // The client sees a connection that ends early; there is nobody else to tell.
            let _ = serve_connection(stream, payload).await;
        });
    }
}

async fn serve_connection(stream: TcpStream, payload: Payload) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut wanted = None;
    #[expect(clippy::result_large_err, reason = "tungstenite's own signature")]
    let choose = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        wanted = match request.uri().path() {
            "/text" => Some((Data::Text, payload.text)),
            "/binary" => Some((Data::Binary, payload.plain)),
            _ => {
                let mut refusal = ErrorResponse::new(None);
                *refusal.status_mut() = StatusCode::NOT_FOUND;
                return Err(refusal);
            }
        };
        Ok(response)
    };
    let mut socket = accept_hdr_async(stream, choose).await?;
    while let Some(message) = socket.next().await {
        match (message?, &wanted) {
            (Message::Text(_) | Message::Binary(_), Some((kind, bytes))) => {
                send(&mut socket, *kind, bytes.clone()).await?;
            }
            (Message::Close(_), _) => break,
            _ => {}
        }
    }
    Ok(())
}

async fn send(
    socket: &mut WebSocketStream<TcpStream>,
    kind: Data,
    bytes: Bytes,
) -> Result<(), Error> {
    let mut code = kind;
    for (fragment, last) in fragments(bytes) {
        socket.feed(Message::Frame(Frame::message(fragment, OpCode::Data(code), last))).await?;
        code = Data::Continue;
    }
    socket.flush().await
}
