//! What proxies answer who asks for a tunnel.
#![cfg(feature = "tokio")]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use ws_assemble::{ConnectionError, HandshakeErrorKind, TunnelHandshake, open_tunnel};

/// The name, what a proxy answers, and what comes of it, with the offset of an error.
type Row = (&'static str, &'static str, Result<(), (HandshakeErrorKind, usize)>);
const ANSWERS: [Row; 21] = [
    ("opened", "HTTP/1.1 200 Connection established\r\n\r\n", Ok(())),
    ("opened_without_a_reason", "HTTP/1.1 200\r\n\r\n", Ok(())),
    ("opened_by_http_1_0", "HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n", Ok(())),
    ("opened_by_another_status", "HTTP/1.1 204 No Content\r\n\r\n", Ok(())),
    ("a_body_is_announced", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", Ok(())),
    ("a_chunked_body_is", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Ok(())),
    ("interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Ok(())),
    (
        "authentication",
        "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nwho?",
        Err((HandshakeErrorKind::Refused(407), 9)),
    ),
    ("unreachable", "HTTP/1.1 502 Bad\r\n\r\n", Err((HandshakeErrorKind::Refused(502), 9))),
    ("redirected", "HTTP/1.1 302 Found\r\n\r\n", Err((HandshakeErrorKind::Refused(302), 9))),
    ("another_protocol", "HTTP/1.1 101 S\r\n\r\n", Err((HandshakeErrorKind::Refused(101), 9))),
    ("nothing", "", Err((HandshakeErrorKind::Truncated, 0))),
    ("half_a_head", "HTTP/1.1 200 OK\r\nX: ", Err((HandshakeErrorKind::Truncated, 20))),
    ("no_http", "SSH-2.0-OpenSSH_9.9\r\n", Err((HandshakeErrorKind::HeadInvalid, 0))),
    ("tls", "\u{16}\u{3}\u{1}\0", Err((HandshakeErrorKind::HeadInvalid, 0))),
    ("http_2", "HTTP/2 200\r\n\r\n", Err((HandshakeErrorKind::HeadInvalid, 0))),
    ("a_status_of_two_digits", "HTTP/1.1 20\r\n\r\n", Err((HandshakeErrorKind::HeadInvalid, 0))),
    ("lf_alone", "HTTP/1.1 200 OK\n\n", Err((HandshakeErrorKind::LineEndInvalid, 15))),
    ("no_field", "HTTP/1.1 200 OK\r\nhello\r\n\r\n", Err((HandshakeErrorKind::HeadInvalid, 17))),
    ("bytes_after_it", "HTTP/1.1 200 OK\r\n\r\nhi", Err((HandshakeErrorKind::BytesUnexpected, 19))),
    ("only_interim", INTERIM, Err((HandshakeErrorKind::TooManyInterim, 9))),
];
const INTERIM: &str = "HTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\n\
    HTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\n";

fn tunnel() -> TunnelHandshake {
    TunnelHandshake::new("example.com", 443).expect("a host")
}

#[tokio::test]
async fn every_answer_of_a_proxy_opens_the_tunnel_or_says_why_not() {
    for (name, answer, expected) in ANSWERS {
        let (near, mut far) = duplex(1 << 10);
        far.write_all(answer.as_bytes()).await.expect("open");
        far.shutdown().await.expect("open");
        let got = match open_tunnel(near, tunnel()).await {
            Ok(_) => Ok(()),
            Err(ConnectionError::Handshake(error)) => Err((error.kind(), error.offset())),
            Err(error) => panic!("{name}: {error}"),
        };
        assert_eq!(got, expected, "{name}");
        let mut request = Vec::new();
        far.read_to_end(&mut request).await.expect("open");
        assert_eq!(request, tunnel().request(), "{name}");
    }
}

#[test]
fn an_answer_that_is_cut_anywhere_comes_out_the_same() {
    for (name, answer, _) in ANSWERS {
        let whole = tunnel().push(&mut answer.as_bytes());
        for cut in 0..answer.len() {
            let mut tunnel = tunnel();
            let (mut first, mut second) = answer.as_bytes().split_at(cut);
            let got = match tunnel.push(&mut first) {
                Ok(None) => tunnel.push(&mut second),
                other => other,
            };
            assert_eq!(got, whole, "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_refusal_shows_what_the_proxy_wants() {
    let (_, answer, _) = ANSWERS[7];
    let error = tunnel().push(&mut answer.as_bytes()).expect_err("refused");
    let response = error.response().expect("a response");
    assert_eq!((response.status(), response.body()), (407, &b"who?"[..]));
    assert!(response.values("proxy-authenticate").eq([b"Basic"]));
}

#[test]
fn a_head_without_an_end_is_too_long() {
    let answer = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(20_000));
    let error = tunnel().push(&mut answer.as_bytes()).expect_err("too long");
    assert_eq!((error.kind(), error.offset()), (HandshakeErrorKind::HeadTooLong, 16_384));
}

#[test]
fn a_host_with_a_line_end_asks_for_nothing() {
    for host in ["", "a b", "a\r\nX: y", "u@h", "h/", "caf\u{e9}", "[::1"] {
        let error = TunnelHandshake::new(host, 443).expect_err("no host");
        assert_eq!(error.kind(), HandshakeErrorKind::HostInvalid, "{host:?}");
    }
    for (host, authority) in [("h", "h:1"), ("::1", "[::1]:1"), ("[::1]", "[::1]:1")] {
        let request = TunnelHandshake::new(host, 1).expect("a host").request();
        let expected = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        assert_eq!(request, expected.as_bytes());
    }
    for (name, value) in [("Host", "x"), ("X", "a\r\nb"), ("Content-Length", "1"), ("", "x")] {
        let error = tunnel().field(name, value).expect_err("no field");
        assert_eq!(error.kind(), HandshakeErrorKind::FieldInvalid, "{name}");
    }
}
