//! Connections that HTTP servers open: hyper and axum, HTTP/1.1 and HTTP/2.
#![cfg(all(feature = "axum", feature = "deflate", feature = "http2"))]

#[expect(dead_code, reason = "its main is not called")]
#[path = "../examples/axum_server.rs"]
mod axum_server;
#[expect(dead_code, reason = "its main is not called")]
#[path = "../examples/hyper_server.rs"]
mod hyper_server;

use core::{convert::Infallible, net::SocketAddr};

use axum::{Router, response::Response as AxumResponse, routing::any};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::{Method, Request, Response, body::Incoming, ext::Protocol, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use seg_pool::{Pool, SegmentSize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use ws_assemble::{
    ClientHandshake, CloseCode, CloseFrame, Connection, ConnectionError, DeflateConfig,
    HandshakeErrorKind, Limits, Refusal, WebSocketUpgrade, connect, random_nonce, upgrade_with,
};

fn pool() -> Pool {
    Pool::builder().segment_size(SegmentSize::K1).build()
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

/// Starts both examples.
async fn examples() -> [(&'static str, SocketAddr); 2] {
    let (axum, axum_address) = listener().await;
    let (hyper, hyper_address) = listener().await;
    tokio::spawn(axum_server::serve(axum));
    tokio::spawn(hyper_server::serve(hyper));
    [("axum", axum_address), ("hyper", hyper_address)]
}

async fn open(
    address: SocketAddr,
    handshake: ClientHandshake,
) -> Result<Connection<TcpStream>, ConnectionError> {
    let stream = TcpStream::connect(address).await?;
    Ok(connect(stream, handshake, &pool()).await?.0)
}

fn client() -> ClientHandshake {
    let uri = "ws://localhost/echo".parse().expect("a URI");
    ClientHandshake::from_uri(&uri, random_nonce())
        .expect("valid")
        .deflate(DeflateConfig::default())
}

#[tokio::test]
async fn the_examples_echo_over_http_1() {
    for (name, address) in examples().await {
        let mut client = open(address, client()).await.expect(name);
        for text in [String::new(), "h\u{e9}llo ".repeat(20_000)] {
            client.send_text(&text).await.expect(name);
            let message = client.next().await.expect(name).expect("open");
            assert_eq!(message.as_str(), Some(&*text), "{name}");
        }
        client.close(&CloseFrame::new(CloseCode::NORMAL, "")).await.expect(name);
    }
}

/// Sends text, and returns the head of what comes back.
async fn answer(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("loopback");
    stream.write_all(request.as_bytes()).await.expect("open");
    let mut got = Vec::new();
    while !got.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut got).await.expect("open"), 0, "{}", got.escape_ascii());
    }
    String::from_utf8_lossy(&got).to_ascii_lowercase()
}

const FIELDS: &str = "Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// What comes before [`FIELDS`], a text in there and what takes its place, and the answer.
const REQUESTS: [(&str, [&str; 2], &str, &str); 10] = [
    ("GET /echo HTTP/1.1", ["", ""], "101", "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
    ("GET /echo HTTP/1.1", ["13", "8"], "426", "sec-websocket-version: 13"),
    ("GET /echo HTTP/1.1", ["websocket", "h2c"], "400", ""),
    ("GET /echo HTTP/1.1", ["\r\n\r\n", "\r\nSec-WebSocket-Extensions: ;;;\r\n\r\n"], "400", ""),
    ("GET /echo HTTP/1.1", ["\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello"], "400", ""),
    ("POST /echo HTTP/1.1", ["", ""], "405", "allow: get"),
    ("HEAD /echo HTTP/1.1", ["", ""], "405", "allow: get"),
    ("OPTIONS /echo HTTP/1.1", ["", ""], "405", "allow: get"),
    ("GET /echo HTTP/1.0", ["", ""], "505", ""),
    ("DELETE /echo HTTP/1.1", ["", ""], "405", "allow: get"),
];

#[tokio::test]
async fn requests_that_open_nothing_get_their_status_and_fields() {
    for (name, address) in examples().await {
        for (line, [from, to], status, field) in REQUESTS {
            let fields =
                if from.is_empty() { FIELDS.to_owned() } else { FIELDS.replacen(from, to, 1) };
            let got = answer(address, &format!("{line}\r\n{fields}")).await;
            let got_status = got.split(' ').nth(1);
            assert_eq!(got_status, Some(status), "{name}, {line}, {to:?}: {got}");
            assert!(got.contains(field), "{name}, {line}, {to:?}: {got}");
        }
    }
}

#[tokio::test]
async fn a_request_for_all_of_a_server_opens_nothing() {
    let [_, (_, hyper)] = examples().await;
    let got = answer(hyper, &format!("GET * HTTP/1.1\r\n{FIELDS}")).await;
    assert!(got.starts_with("http/1.1 400 "), "{got}");
}

#[tokio::test]
async fn frames_that_hyper_has_read_ahead_are_messages() {
    for (name, address) in examples().await {
        let mut stream = TcpStream::connect(address).await.expect("loopback");
        let sent = format!("GET /echo HTTP/1.1\r\n{FIELDS}\u{1}");
        let frame = b"\x81\x82\0\0\0\0hi";
        let sent = [&sent.as_bytes()[..sent.len() - 1], frame].concat();
        stream.write_all(&sent).await.expect("open");
        let mut got = Vec::new();
        while !got.ends_with(b"\x81\x02hi") {
            assert_ne!(stream.read_buf(&mut got).await.expect("open"), 0, "{name}");
        }
        assert!(got.starts_with(b"HTTP/1.1 101 "), "{name}");
    }
}

/// Serves one stream of whatever kind with hyper.
async fn serve_with_hyper(stream: tokio::io::DuplexStream, pool: Pool) {
    let service = service_fn(|mut request: Request<Incoming>| {
        let upgraded = upgrade_with(&mut request, &pool, |request| {
            match request.values("authorization").next() {
                Some(b"Bearer secret") => Ok(request.accept().choose_protocol(["chat"])),
                _ => Err(Refusal::new(401)?.field("WWW-Authenticate", "Bearer")?.body("who?")),
            }
        });
        let response = match upgraded {
            Ok((response, connection)) => {
                tokio::spawn(async move {
                    let mut connection = connection.await.expect("upgraded");
                    assert_eq!(connection.protocol(), Some("chat"));
                    connection.send_text("hello").await.expect("open");
                });
                response
            }
            Err(refusal) => Response::from(refusal),
        };
        async { Ok::<_, Infallible>(response.map(Full::new)) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    served.await.expect("served");
}

#[tokio::test]
async fn any_transport_is_upgraded_or_refused() {
    for (token, status) in [("Bearer secret", 101), ("Bearer other", 401)] {
        let (near, far) = tokio::io::duplex(1 << 10);
        let pool = pool();
        let client = async {
            let request = Request::get("http://localhost/?room=1")
                .header("Authorization", token)
                .header("Sec-WebSocket-Protocol", "chat, other")
                .header("Upgrade", "of the handshake itself")
                .body(())
                .expect("valid");
            let handshake = ClientHandshake::from_request(&request, random_nonce())?;
            connect(near, handshake, &pool).await
        };
        let (opened, ()) = tokio::join!(client, serve_with_hyper(far, pool.clone()));
        match opened {
            Ok((mut client, response)) => {
                assert_eq!((response.status(), response.protocol()), (status, Some("chat")));
                assert_eq!(client.protocol(), Some("chat"));
                assert_eq!(response.headers()["upgrade"], "websocket");
                let message = client.next().await.expect("valid").expect("open");
                assert_eq!(message.as_str(), Some("hello"));
            }
            Err(ConnectionError::Handshake(error)) => {
                assert_eq!(error.kind(), HandshakeErrorKind::Refused(status));
                let response = error.response().expect("a response");
                assert_eq!(response.headers()["www-authenticate"], "Bearer");
                assert_eq!(response.body(), b"who?");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

async fn echo(upgrade: WebSocketUpgrade) -> AxumResponse {
    assert_eq!(upgrade.request().host(), "server.example.com");
    let upgrade = upgrade
        .with_pool(&pool())
        .protocols(["other", "chat"])
        .deflate(&DeflateConfig::default())
        .with_limits(Limits::default().with_message_bytes_max(100_000))
        .field("X", "y")
        .expect("a field");
    assert_eq!(upgrade.protocol(), Some("chat"));
    upgrade.on_upgrade(|mut connection| async move {
        assert_eq!(connection.protocol(), Some("chat"));
        while let Ok(Some(message)) = connection.next().await {
            connection.send(&message).await.expect("open");
        }
    })
}

/// A request of HTTP/2, and what is shown of its response.
fn extended_connect(protocol: &'static str) -> Request<Empty<Bytes>> {
    Request::builder()
        .method(Method::CONNECT)
        .extension(Protocol::from_static(protocol))
        .uri("http://server.example.com/echo")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "chat")
        .header("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")
        .body(Empty::new())
        .expect("valid")
}

//= https://www.rfc-editor.org/rfc/rfc8441#section-5
#[tokio::test]
async fn a_stream_of_http_2_is_a_connection_and_compressed() {
    let (listener, address) = listener().await;
    let router = Router::new().route("/echo", any(echo));
    tokio::spawn(async { axum::serve(listener, router).await });
    let stream = TokioIo::new(TcpStream::connect(address).await.expect("loopback"));
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, http) = builder.handshake(stream).await.expect("HTTP/2");
    // The server's settings say that it knows extended CONNECT.
    while !http.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    tokio::spawn(http);

    let mut response = sender.send_request(extended_connect("websocket")).await.expect("answered");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    assert_eq!(response.headers()["x"], "y");
    assert!(!response.headers().contains_key("sec-websocket-accept"));
    let extensions = response.headers()["sec-websocket-extensions"].to_str().expect("text");
    assert!(extensions.starts_with("permessage-deflate"));
    let agreed = agreed();
    let upgraded = hyper::upgrade::on(&mut response).await.expect("upgraded");
    let client = Connection::client(TokioIo::new(upgraded), &pool());
    let mut client = client.with_deflate(&agreed);
    let text = "h\u{e9}llo ".repeat(10_000);
    for _ in 0..3 {
        client.send_text(&text).await.expect("open");
        let message = client.next().await.expect("valid").expect("open");
        assert_eq!(message.as_str(), Some(&*text));
    }
    client.close(&CloseFrame::new(CloseCode::NORMAL, "")).await.expect("closed");

    let other = sender.send_request(extended_connect("connect-udp")).await.expect("answered");
    assert_eq!(other.status(), 501);
    let get = Request::get("http://server.example.com/echo").body(Empty::new()).expect("valid");
    let refused = sender.send_request(get).await.expect("answered");
    assert_eq!(refused.status(), 405);
    let body = refused.into_body().collect().await.expect("a body").to_bytes();
    assert!(body.is_empty());
}

/// What two ends with default options agree on.
fn agreed() -> ws_assemble::DeflateParams {
    let request = client().request();
    let request = ws_assemble::ServerHandshake::new().push(&mut &request[..]);
    let acceptance = request.expect("valid").expect("whole").accept();
    acceptance.deflate(&DeflateConfig::default()).agreed_deflate().expect("offered").clone()
}

#[test]
fn a_uri_without_a_host_is_no_request() {
    for uri in ["/chat", "ws://user@h/"] {
        let error = ClientHandshake::from_uri(&uri.parse().expect("a URI"), random_nonce());
        assert_eq!(error.expect_err("refused").kind(), HandshakeErrorKind::HostInvalid, "{uri}");
    }
    for (uri, target) in [("ws://h:80", "/ "), ("wss://h?a=b", "/?a=b "), ("h", "/ ")] {
        let client = ClientHandshake::from_uri(&uri.parse().expect("a URI"), random_nonce());
        let request = client.expect("valid").request();
        assert!(request.starts_with(format!("GET {target}").as_bytes()), "{uri}");
    }
}
