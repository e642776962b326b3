//! Connections to URLs, over TLS, through proxies, and without either.
#![cfg(all(feature = "axum", feature = "deflate", feature = "rustls"))]

#[expect(dead_code, reason = "its main is not called")]
#[path = "../examples/axum_tls_server.rs"]
mod axum_tls_server;
#[expect(dead_code, reason = "its main is not called")]
#[path = "../examples/tls_client.rs"]
mod tls_client;

use core::net::SocketAddr;
use std::{io, sync::Arc};

use axum_tls_server::{TlsListener, axum_server, tls_server};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use seg_pool::Pool;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use ws_assemble::{
    CloseCode, CloseFrame, Connection, ConnectionError, HandshakeErrorKind, Refusal,
    TunnelHandshake, WebSocketUrl, accept, accept_with, connect, connect_url, connect_url_with,
    open_tunnel, random_nonce,
    rustls::{
        ClientConfig, Error as TlsError, RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
    tls_config,
};

/// A server's configuration, and a client's that trusts it as `localhost`.
fn configs() -> (ServerConfig, Arc<ClientConfig>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let chain: Vec<CertificateDer<'static>> = vec![cert.der().clone()];
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let mut roots = RootCertStore::empty();
    roots.add(chain[0].clone()).expect("a root");
    let server = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (server.expect("a key of the certificate"), Arc::new(client))
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    (listener, port)
}

/// Starts the example; returns its port and how to trust it.
async fn server() -> (u16, Arc<ClientConfig>) {
    let ((server, client), (listener, port)) = (configs(), listener().await);
    tokio::spawn(tls_server::serve(listener, server));
    (port, client)
}

#[tokio::test]
async fn the_examples_talk_over_tls() {
    let (port, tls) = server().await;
    for text in ["", "h\u{e9}llo", &"0123456789".repeat(30_000)] {
        // The name may have an address where nobody listens: the next one is tried.
        let answer = tls_client::ask(&format!("wss://localhost:{port}/"), &tls, text).await;
        assert_eq!(answer.expect("answered").as_deref(), Some(text));
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_holds_up_no_handshake_of_axum() {
    let ((server, tls), (listener, port)) = (configs(), listener().await);
    let listener = TlsListener::new(listener, server);
    tokio::spawn(axum_server::serve(listener));
    let silent = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    let mut failed = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    failed.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("open");
    let answer = tls_client::ask(&format!("wss://localhost:{port}/echo"), &tls, "hello").await;
    assert_eq!(answer.expect("answered").as_deref(), Some("hello"));
    drop(silent);
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_the_hosts() {
    let (port, tls) = server().await;
    let urls = [
        (format!("wss://localhost:{port}/"), &tls_config()),
        (format!("wss://127.0.0.1:{port}/"), &tls),
    ];
    for (url, tls) in urls {
        let error = connect_url_with(&url, tls, &Pool::new(), Ok).await.expect_err("refused");
        let ConnectionError::Io(error) = error else { panic!("{url}: {error}") };
        let inner = error.get_ref().and_then(|error| error.downcast_ref());
        assert!(matches!(inner, Some(TlsError::InvalidCertificate(_))), "{url}: {error}");
    }
    // What is no TLS is not taken for it.
    let error = connect_url(&format!("ws://127.0.0.1:{port}/"), &Pool::new()).await;
    assert!(error.is_err());
}

#[tokio::test]
async fn a_request_has_what_was_asked_for_with_tls_and_without() {
    let (server_config, tls) = configs();
    let acceptor = TlsAcceptor::from(Arc::new(server_config));
    for scheme in ["ws", "wss"] {
        let (listener, port) = listener().await;
        let (pool, acceptor) = (Pool::new(), acceptor.clone());
        let serve = async {
            let (stream, _) = listener.accept().await?;
            if scheme == "ws" {
                answer(stream, &pool).await
            } else {
                answer(acceptor.accept(stream).await?, &pool).await
            }
        };
        let url = format!("{scheme}://localhost:{port}/chat?room=1");
        let ask = async {
            let (mut client, response) = connect_url_with(&url, &tls, &pool, |handshake| {
                handshake.protocol("chat")?.field("Authorization", "Bearer secret")
            })
            .await?;
            assert_eq!(response.protocol(), Some("chat"));
            assert_eq!(client.protocol(), Some("chat"));
            let stream = client.get_ref();
            assert_eq!(stream.get_ref().peer_addr()?.port(), port);
            assert!(stream.get_ref().nodelay()?);
            let certificates = stream.tls().map(|tls| tls.peer_certificates().is_some());
            assert_eq!(certificates, (scheme == "wss").then_some(true));
            let message = client.next().await?.expect("open");
            assert_eq!(message.as_str(), Some("hello"));
            client.close(&CloseFrame::new(CloseCode::NORMAL, "")).await
        };
        let (served, asked) = tokio::join!(serve, ask);
        served.and(asked).expect(scheme);
    }
}

/// Checks a request and says hello.
async fn answer<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    stream: S,
    pool: &Pool,
) -> Result<(), ConnectionError> {
    let mut connection = accept_with(stream, pool, |request| {
        assert_eq!(request.target(), "/chat?room=1");
        assert!(request.host().starts_with("localhost:"));
        match request.values("authorization").next() {
            Some(b"Bearer secret") => Ok(request.accept().choose_protocol(["chat"])),
            _ => Err(Refusal::new(401)?),
        }
    })
    .await?;
    assert_eq!(connection.protocol(), Some("chat"));
    connection.send_text("hello").await?;
    assert!(connection.next().await?.is_none());
    connection.finish(0).await
}

/// Opens both ends of a connection over TLS. What the server does with its end is up to the test.
async fn pair() -> (Connection<TlsStream<TcpStream>>, Connection<ws_assemble::UrlStream<TcpStream>>)
{
    let ((server, tls), (listener, port)) = (configs(), listener().await);
    let (acceptor, pool) = (TlsAcceptor::from(Arc::new(server)), Pool::new());
    let serve = async {
        let (stream, _) = listener.accept().await?;
        accept(acceptor.accept(stream).await?, &pool).await
    };
    let url = format!("wss://localhost:{port}/");
    let (server, client) = tokio::join!(serve, connect_url_with(&url, &tls, &pool, Ok));
    (server.expect("accepted"), client.expect("opened").0)
}

/// Ends TCP without a word of TLS.
async fn cut(connection: Connection<TlsStream<TcpStream>>) {
    let (mut stream, _) = connection.into_inner().into_inner();
    stream.shutdown().await.expect("open");
}

#[tokio::test]
async fn after_a_clean_close_tls_may_end_without_close_notify() {
    for finishes in [false, true] {
        let (mut server, mut client) = pair().await;
        let serve = async {
            assert!(server.next().await.expect("a close frame").is_none());
            cut(server).await;
        };
        let close = CloseFrame::new(CloseCode::NORMAL, "");
        let (closed, ()) = tokio::join!(client.close(&close), serve);
        closed.expect("closed in order");
        assert!(client.peer_close().is_some());
        if finishes {
            client.finish(1 << 10).await.expect("closed in order");
        }
    }
    // The other way round: it is the server that waits for the client's end.
    let (mut server, mut client) = pair().await;
    let close = CloseFrame::new(CloseCode::NORMAL, "");
    let (read, closed) = tokio::join!(client.next(), server.close(&close));
    assert!(read.expect("a close frame").is_none());
    closed.expect("closed in order");
    cut(server).await;
    client.finish(1 << 10).await.expect("closed in order");
}

#[tokio::test]
async fn without_a_close_frame_the_end_of_tls_is_an_error() {
    let (server, mut client) = pair().await;
    cut(server).await;
    for _ in 0..2 {
        let error = client.next().await.expect_err("no close frame came");
        let ConnectionError::Io(error) = error else { panic!("{error}") };
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
    assert!(client.peer_close().is_none());
}

/// URLs; the host, the port and the first lines of the request, or where the URL is wrong.
type Parsed = Result<(bool, &'static str, u16, &'static str), usize>;
const URLS: [(&str, Parsed); 24] = [
    ("ws://h", Ok((false, "h", 80, "GET / HTTP/1.1\r\nHost: h\r\n"))),
    ("wss://h/", Ok((true, "h", 443, "GET / HTTP/1.1\r\nHost: h\r\n"))),
    ("WSS://h:443?a=b", Ok((true, "h", 443, "GET /?a=b HTTP/1.1\r\nHost: h\r\n"))),
    ("ws://h:443/a/?", Ok((false, "h", 443, "GET /a/? HTTP/1.1\r\nHost: h:443\r\n"))),
    ("ws://h:/a", Ok((false, "h", 80, "GET /a HTTP/1.1\r\nHost: h\r\n"))),
    ("ws://[::1]:9/", Ok((false, "::1", 9, "GET / HTTP/1.1\r\nHost: [::1]:9\r\n"))),
    ("wss://[::1]", Ok((true, "::1", 443, "GET / HTTP/1.1\r\nHost: [::1]\r\n"))),
    ("ws://h/a:b@c", Ok((false, "h", 80, "GET /a:b@c HTTP/1.1\r\nHost: h\r\n"))),
    ("ws://h/\u{e9}", Ok((false, "h", 80, "GET /%C3%A9 HTTP/1.1\r\nHost: h\r\n"))),
    ("", Err(0)),
    ("h", Err(0)),
    ("//h/", Err(0)),
    ("http://h/", Err(0)),
    ("wsss://h/", Err(0)),
    ("ws://", Err(5)),
    ("ws:///a", Err(5)),
    ("ws://:80/", Err(5)),
    ("ws://u@h/", Err(5)),
    ("ws://u:p@h/", Err(7)),
    ("ws://a b/", Err(5)),
    ("ws://h:0/", Err(7)),
    ("ws://h:65536/", Err(7)),
    ("ws://h:+1/", Err(7)),
    ("ws://h/a#b", Err(8)),
];

#[test]
fn a_url_says_where_to_connect_to_and_what_to_ask_for() {
    for (text, expected) in URLS {
        match (text.parse::<WebSocketUrl>(), expected) {
            (Ok(url), Ok((is_secure, host, port, request))) => {
                assert_eq!((url.is_secure(), url.host(), url.port()), (is_secure, host, port));
                let sent = url.handshake(random_nonce()).expect("valid").request();
                assert!(sent.starts_with(request.as_bytes()), "{text}");
            }
            (Err(error), Err(offset)) => {
                assert_eq!(error.kind(), HandshakeErrorKind::UrlInvalid, "{text}");
                assert_eq!(error.offset(), offset, "{text}");
                assert!(error.to_string().ends_with("of the URL"), "{error}");
            }
            (got, _) => panic!("{text}: {got:?}"),
        }
    }
    let url: WebSocketUrl = "ws://h/a b".parse().expect("the request refuses it");
    let error = url.handshake(random_nonce()).expect_err("a space");
    assert_eq!(error.kind(), HandshakeErrorKind::TargetInvalid);
}

#[tokio::test]
async fn a_name_that_stands_for_no_address_is_an_error_of_the_stream() {
    for url in ["ws://name.invalid/", "wss://name.invalid/"] {
        let error = connect_url(url, &Pool::new()).await.expect_err("nobody is there");
        assert!(matches!(error, ConnectionError::Io(_)), "{error}");
    }
}

/// Takes one tunnel, answers it, and joins it with a server.
async fn proxy(listener: TcpListener, answer: &'static str, target: SocketAddr) -> String {
    let (mut stream, _) = listener.accept().await.expect("loopback");
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.expect("a request"));
    }
    stream.write_all(answer.as_bytes()).await.expect("open");
    if answer.starts_with("HTTP/1.1 2") {
        let mut target = TcpStream::connect(target).await.expect("loopback");
        // How they end is for the two to tell each other.
        let _ = copy_bidirectional(&mut stream, &mut target).await;
    }
    String::from_utf8(request).expect("ASCII")
}

#[tokio::test]
async fn tls_goes_through_a_tunnel_of_a_proxy() {
    let (port, tls) = server().await;
    let (listener, proxy_port) = listener().await;
    let pool = Pool::new();
    let client = async {
        let url: WebSocketUrl = format!("wss://localhost:{port}/").parse()?;
        let stream = TcpStream::connect(("127.0.0.1", proxy_port)).await?;
        let tunnel = TunnelHandshake::new(url.host(), url.port())?;
        let tunnel = tunnel.field("Proxy-Authorization", "Basic dTpw")?;
        let stream = url.start_tls(open_tunnel(stream, tunnel).await?, &tls).await?;
        let (mut client, _) = connect(stream, url.handshake(random_nonce())?, &pool).await?;
        client.send_text("hello").await?;
        let message = client.next().await?.expect("open");
        assert_eq!(message.as_str(), Some("hello"));
        client.close(&CloseFrame::new(CloseCode::NORMAL, "")).await
    };
    let answer = "HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n";
    let target = SocketAddr::from(([127, 0, 0, 1], port));
    let (request, opened) = tokio::join!(proxy(listener, answer, target), client);
    opened.expect("opened");
    let expected = format!(
        "CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\
         Proxy-Authorization: Basic dTpw\r\n\r\n"
    );
    assert_eq!(request, expected);
}
