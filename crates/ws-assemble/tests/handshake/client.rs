//! The client's side.

use ws_assemble::{ClientHandshake, HandshakeErrorKind};

use crate::{KEY, NONCE, RESPONSE, STATUS_LINE, accepted, client, head, response, with};

#[test]
fn a_request_of_ours_is_one_that_we_accept() {
    for (target, sent) in
        [("/chat", "/chat"), ("/\u{e9}?\u{20ac}", "/%C3%A9?%E2%82%AC"), ("/?", "/?")]
    {
        let client = ClientHandshake::new("server.example.com:80", target, NONCE).expect("valid");
        let client = client.protocol("chat").expect("a token");
        let client = client.field("Cookie", "a=b").expect("a field");
        let client = client.field("Authorization", b"Basic \xff").expect("a field");
        let client = client.field("cookie", "c=d").expect("a field");
        let (request, len) = accepted(client.request());
        assert_eq!(len, client.request().len());
        assert_eq!((request.target(), request.host()), (sent, "server.example.com:80"));
        assert!(request.protocols().eq(["chat"]));
        assert!(request.values("sec-websocket-key").eq([KEY.as_bytes()]));
        assert!(request.values("cookie").eq([b"a=b", b"c=d"]));
        assert!(request.values("authorization").eq([b"Basic \xff"]));
        let answer = request.accept().choose_protocol(["chat"]).field("X", "y").expect("a field");
        let (opened, len) = response(&client, answer.response()).expect("valid").expect("whole");
        assert_eq!((opened.status(), opened.protocol()), (101, Some("chat")));
        assert_eq!(len, answer.response().len());
        assert!(opened.values("x").eq([b"y"]));
        assert!(opened.fields().eq(answer.fields()) && opened.body().is_empty());
    }
}

#[test]
fn a_request_that_our_server_refuses_is_not_made() {
    let targets = ["", "nopath", "*", "/#frag", "/a b", "/\r\nX: y", "/\t", "/\x7f", "ftp://a/"];
    for target in targets {
        let error = ClientHandshake::new("a", target, NONCE).expect_err("refused");
        assert_eq!(error.kind(), HandshakeErrorKind::TargetInvalid, "{target:?}");
    }
    for host in ["", "a b", "a/b", "u@a", "a\r\nX: y", "a\n", "\t", "a\x7f", "caf\u{e9}", "a:b"] {
        let error = ClientHandshake::new(host, "/", NONCE).expect_err("refused");
        assert_eq!(error.kind(), HandshakeErrorKind::HostInvalid, "{host:?}");
    }
    for protocol in ["", "a b", "a,b", "a\r\n", "a;b", "a\"", "caf\u{e9}", "chat"] {
        let error = client().protocol(protocol).expect_err("refused");
        assert_eq!(error.kind(), HandshakeErrorKind::ProtocolInvalid, "{protocol:?}");
    }
}

#[test]
fn a_response_is_not_whole_before_its_last_byte() {
    let whole = head(STATUS_LINE, &RESPONSE);
    for cut in 0..whole.len() {
        let mut client = client();
        assert_eq!(client.push(&mut &whole.as_bytes()[..cut]), Ok(None), "cut at {cut}");
        let error = client.finish();
        assert_eq!((error.kind(), error.offset()), (HandshakeErrorKind::Truncated, cut));
    }
}

#[test]
fn what_comes_after_a_response_is_left_to_the_decoder() {
    let whole = head(STATUS_LINE, &RESPONSE);
    let received = [whole.as_bytes(), &[0x82; 20_000]].concat();
    let (_, len) = response(&client(), received).expect("valid").expect("whole");
    assert_eq!(len, whole.len());
}

/// A refusal and its body on the wire; what is shown of the body; whether its end is known.
const REFUSALS: [(u16, &str, &str, &str, bool); 11] = [
    (401, "Content-Length: 5", "who?!frames", "who?!", true),
    (401, "Content-Length: 0", "", "", true),
    (302, "Content-Length: 50", "part", "part", false),
    (200, "Content-Length: x", "", "", true),
    (204, "X: y", "", "", true),
    (503, "X: y", "all", "all", false),
    (403, "Transfer-Encoding: chunked", "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", "abcde", true),
    (403, "Transfer-Encoding: chunked", "3\r\nabc\r\n", "abc", false),
    (403, "Transfer-Encoding: chunked", "3\r\nabcd", "abc", true),
    (403, "Transfer-Encoding: chunked", "ffffffffffffffffff\r\nabc", "", true),
    (500, "Content-Length: 99", "0123456789abcdef0123", "0123456789abcdef", true),
];

#[test]
fn a_refusal_shows_its_status_its_fields_and_the_start_of_its_body() {
    let bytes_max = "0123456789abcdef".len();
    for (status, field, wire, body, is_ended) in REFUSALS {
        let head = head(&format!("HTTP/1.1 {status} Other"), &[field, "WWW-Authenticate: Basic"]);
        let client = client().with_body_bytes_max(bytes_max);
        assert_eq!(client.body_bytes_max(), bytes_max);
        let received = head + wire;
        let error = match response(&client, &received) {
            Err(error) => {
                assert!(is_ended, "{status} {wire:?}");
                error
            }
            Ok(opened) => {
                assert!(!is_ended && opened.is_none(), "{status} {wire:?}");
                let mut client = client;
                assert_eq!(client.push(&mut received.as_bytes()), Ok(None));
                client.finish()
            }
        };
        assert_eq!(error.kind(), HandshakeErrorKind::Refused(status));
        let refused = error.response().expect("a response");
        assert_eq!((refused.status(), refused.body()), (status, body.as_bytes()), "{wire:?}");
        assert!(refused.values("www-authenticate").eq([b"Basic"]));
        assert!(error.to_string().contains(&status.to_string()));
    }
}

#[test]
fn a_refusal_after_interim_responses_is_shown() {
    let received = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 No\r\nContent-Length: 2\r\n\r\nno";
    let error = response(&client(), received).expect_err("refused");
    assert_eq!(error.kind(), HandshakeErrorKind::Refused(404));
    assert_eq!(error.response().map(|response| response.body()), Some(&b"no"[..]));
}

#[test]
fn the_limit_of_a_response_is_what_was_set() {
    let whole = head(STATUS_LINE, &with(&RESPONSE, "Sec-WebSocket-Protocol", &[]));
    for (bytes_max, is_good) in [(whole.len(), true), (whole.len() - 1, false)] {
        let client = client().with_head_bytes_max(bytes_max);
        assert_eq!(client.head_bytes_max(), bytes_max);
        // The limit is that of each head, interim ones apart.
        let received = format!("HTTP/1.1 103 Early Hints\r\n\r\n{whole}");
        match response(&client, received) {
            Ok(opened) => assert!(is_good && opened.is_some()),
            Err(error) => {
                assert!(!is_good);
                assert_eq!(error.kind(), HandshakeErrorKind::HeadTooLong);
            }
        }
    }
}
