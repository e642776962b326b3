//! The peers, seen by clients that are not ours either.

use core::net::SocketAddr;
use std::io::Read;

use flate2::read::GzDecoder;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, StatusCode, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use seg_bench::peers::{FRAGMENT_BYTES, Payload, serve_http, serve_ws};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime,
};
use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};

const LEN: usize = 5 * FRAGMENT_BYTES + 1;

/// Not UTF-8: every byte value, again and again.
fn input() -> Vec<u8> {
    (0..=255).cycle().take(LEN).collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_io().build().expect("a runtime").block_on(future)
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Asks for each target on one connection.
async fn get(targets: &[&str]) -> Vec<(Response<()>, Bytes)> {
    let payload = Payload::new(input()).expect("memory");
    let (listener, address) = listen().await;
    tokio::spawn(serve_http(listener, payload));
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("a client");
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for target in targets {
        let request = Request::get(*target)
            .header("host", "localhost")
            .body(Empty::<Bytes>::new())
            .expect("a request");
        sender.ready().await.expect("a connection that is kept");
        let (parts, body) = sender.send_request(request).await.expect("a response").into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        answers.push((Response::from_parts(parts, ()), body));
    }
    answers
}

#[test]
fn the_origin_sends_the_input_chunked_and_keeps_the_connection() {
    for (head, body) in block_on(get(&["/plain", "/plain"])) {
        assert_eq!(head.headers()["transfer-encoding"], "chunked");
        assert!(!head.headers().contains_key("content-encoding"));
        assert_eq!(body, input());
    }
}

#[test]
fn the_origin_sends_the_input_as_gzip() {
    let (head, body) = block_on(get(&["/gzip"])).remove(0);
    assert_eq!(head.headers()["transfer-encoding"], "chunked");
    assert_eq!(head.headers()["content-encoding"], "gzip");
    let mut plain = Vec::new();
    GzDecoder::new(&*body).read_to_end(&mut plain).expect("gzip");
    assert_eq!(plain, input());
}

#[test]
fn the_origin_has_nothing_else() {
    let (head, body) = block_on(get(&["/other"])).remove(0);
    assert_eq!(head.status(), StatusCode::NOT_FOUND);
    assert_eq!(body, "not found\n");
}

/// Asks for the message twice on one connection.
async fn ask(target: &str) -> Result<[Message; 2], Error> {
    let payload = Payload::new(input()).expect("memory");
    let (listener, address) = listen().await;
    tokio::spawn(serve_ws(listener, payload));
    let stream = TcpStream::connect(address).await?;
    let config = WebSocketConfig::default().max_frame_size(Some(FRAGMENT_BYTES));
    let (mut socket, _) =
        client_async_with_config(format!("ws://{address}{target}"), stream, Some(config)).await?;
    let mut messages = Vec::new();
    for _ in 0..2 {
        socket.send(Message::text("again")).await?;
        messages.push(socket.next().await.expect("a message")?);
    }
    socket.close(None).await?;
    Ok(messages.try_into().expect("two messages"))
}

#[test]
fn the_server_sends_the_input_as_one_binary_message_in_small_frames() {
    for message in block_on(ask("/binary")).expect("messages") {
        assert_eq!(message, Message::binary(input()));
    }
}

#[test]
fn the_server_sends_what_is_not_utf8_as_latin1() {
    let text: String = input().into_iter().map(char::from).collect();
    for message in block_on(ask("/text")).expect("messages") {
        assert_eq!(message, Message::text(text.clone()));
    }
}

#[test]
fn the_server_has_nothing_else() {
    let error = block_on(ask("/other")).expect_err("no such resource");
    assert!(matches!(error, Error::Http(response) if response.status() == 404));
}
