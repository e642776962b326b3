//! The opening handshake of both sides (RFC 6455 section 4).

use ws_assemble::{
    ClientHandshake, FIELDS_MAX, Granted, HEAD_BYTES_MAX, HandshakeErrorKind, Refusal,
    ServerHandshake,
};

/// RFC 6455 section 1.3.
const NONCE: [u8; 16] = *b"the sample nonce";
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const REQUEST_LINE: &str = "GET /chat?room=1 HTTP/1.1";
const REQUEST: [&str; 6] = [
    "Host: server.example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: chat, superchat",
    "Sec-WebSocket-Version: 13",
];

const STATUS_LINE: &str = "HTTP/1.1 101 Switching Protocols";
const RESPONSE: [&str; 4] = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "Sec-WebSocket-Protocol: chat",
];

fn head(first: &str, fields: &[&str]) -> String {
    fields.iter().fold(format!("{first}\r\n"), |head, field| head + field + "\r\n") + "\r\n"
}

/// The fields with the one of `name` replaced by others.
fn with<'a>(fields: &[&'a str], name: &str, others: &[&'a str]) -> Vec<&'a str> {
    let mut result = Vec::new();
    for field in fields {
        match field.split_once(':') {
            Some((found, _)) if found == name => result.extend_from_slice(others),
            _ => result.push(*field),
        }
    }
    assert_ne!(result, fields, "no field {name}");
    result
}

fn client() -> ClientHandshake {
    ClientHandshake::new("server.example.com", "/chat", NONCE)
        .protocol("chat")
        .protocol("superchat")
}

#[track_caller]
fn refused_request(head: &str) -> (HandshakeErrorKind, u16) {
    let error = ServerHandshake::parse(head.as_bytes()).expect_err("refused");
    assert!(error.offset() <= head.len());
    let refusal = Refusal::new(error);
    assert!(refusal.response().starts_with(&format!("HTTP/1.1 {} ", refusal.status())));
    (error.kind(), refusal.status())
}

#[track_caller]
fn refused_response(head: &str) -> HandshakeErrorKind {
    let error = client().parse(head.as_bytes()).expect_err("refused");
    assert!(error.offset() <= head.len());
    error.kind()
}

#[test]
fn the_example_of_the_rfc_opens_a_connection_on_both_sides() {
    let head = head(REQUEST_LINE, &REQUEST);
    let (request, len) = ServerHandshake::parse(head.as_bytes()).expect("valid").expect("whole");
    assert_eq!(len, head.len());
    assert_eq!(request.target(), "/chat?room=1");
    assert_eq!(request.host(), "server.example.com");
    assert_eq!(request.protocols(), ["chat", "superchat"]);
    let response = request.accept(Some("chat"));
    assert!(response.contains(&format!("Sec-WebSocket-Accept: {ACCEPT}\r\n")));
    let opened = client().parse(response.as_bytes()).expect("valid");
    let (granted, len) = opened.expect("whole");
    assert_eq!((granted.protocol.as_deref(), len), (Some("chat"), response.len()));
}

#[test]
fn a_request_of_ours_is_one_that_we_accept() {
    let sent = client().request();
    assert!(sent.contains(&format!("Sec-WebSocket-Key: {KEY}\r\n")));
    let (request, len) = ServerHandshake::parse(sent.as_bytes()).expect("valid").expect("whole");
    assert_eq!(
        (request.target(), request.host(), len),
        ("/chat", "server.example.com", sent.len())
    );
    assert_eq!(request.protocols(), ["chat", "superchat"]);
    let response = request.accept(None);
    assert_eq!(client().parse(response.as_bytes()), Ok(Some((Granted::default(), response.len()))));
}

#[test]
fn tokens_stand_in_lists_and_in_any_case() {
    let fields = [
        "HOST: server.example.com",
        "upgrade: h2c",
        "UPGRADE: foo/1, WebSocket",
        "connection: keep-alive , ,\tupGRADE",
        "sec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==\t ",
        "Sec-WebSocket-Protocol: a,b",
        "sec-websocket-protocol: ,c ,",
        "SEC-WEBSOCKET-VERSION:13",
    ];
    let head = head(REQUEST_LINE, &fields);
    let (request, _) = ServerHandshake::parse(head.as_bytes()).expect("valid").expect("whole");
    assert_eq!(request.protocols(), ["a", "b", "c"]);
    assert!(request.accept(Some("c")).contains(ACCEPT));
}

#[test]
fn a_token_inside_another_is_none() {
    let fields = with(&REQUEST, "Upgrade", &["Upgrade: websocketx, x websocket"]);
    let kind = HandshakeErrorKind::UpgradeMissing;
    assert_eq!(refused_request(&head(REQUEST_LINE, &fields)), (kind, 400));
    let fields = with(&REQUEST, "Connection", &["Connection: no-upgrade, keep-alive"]);
    let kind = HandshakeErrorKind::ConnectionMissing;
    assert_eq!(refused_request(&head(REQUEST_LINE, &fields)), (kind, 400));
}

#[test]
fn a_request_without_one_of_its_fields_is_refused() {
    let missing = [
        ("Host", HandshakeErrorKind::HostMissing, 400),
        ("Upgrade", HandshakeErrorKind::UpgradeMissing, 400),
        ("Connection", HandshakeErrorKind::ConnectionMissing, 400),
        ("Sec-WebSocket-Key", HandshakeErrorKind::KeyInvalid, 400),
        ("Sec-WebSocket-Version", HandshakeErrorKind::VersionUnsupported, 426),
    ];
    for (name, kind, status) in missing {
        let head = head(REQUEST_LINE, &with(&REQUEST, name, &[]));
        assert_eq!(refused_request(&head), (kind, status), "{name}");
        let error = ServerHandshake::parse(head.as_bytes()).expect_err("refused");
        assert_eq!(error.offset(), head.len(), "{name}");
    }
}

#[test]
fn a_request_with_a_field_twice_is_refused() {
    let host = "Host: other.example.com";
    let key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
    let version = "Sec-WebSocket-Version: 13";
    let doubled = [
        (host, HandshakeErrorKind::HostMissing),
        (key, HandshakeErrorKind::KeyInvalid),
        (version, HandshakeErrorKind::VersionUnsupported),
    ];
    for (field, kind) in doubled {
        let head = head(REQUEST_LINE, &[&REQUEST[..], &[field]].concat());
        assert_eq!(refused_request(&head).0, kind, "{field}");
        let error = ServerHandshake::parse(head.as_bytes()).expect_err("refused");
        let (_, value) = field.split_once(": ").expect("name: value");
        assert_eq!(Some(error.offset()), head.rfind(value), "{field}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc9112#section-3.2
#[test]
fn a_host_that_is_none_is_refused_where_it_stands() {
    for host in ["a b", "a, b", "user@a", "a/b", "a:b", "a:80:80", "[]", "[::1", "a]", "caf\u{e9}"]
    {
        let field = format!("Host: {host}");
        let head = head(REQUEST_LINE, &with(&REQUEST, "Host", &[&field]));
        assert_eq!(refused_request(&head), (HandshakeErrorKind::HostInvalid, 400), "{host}");
        let error = ServerHandshake::parse(head.as_bytes()).expect_err("refused");
        assert_eq!(Some(error.offset()), head.find(host), "{host}");
    }
    for host in ["", "a", "a_b.example:", "a:8080", "127.0.0.1:80", "[::1]", "[fe80::1]:443"] {
        let field = format!("Host: {host}");
        let head = head(REQUEST_LINE, &with(&REQUEST, "Host", &[&field]));
        let (request, _) = ServerHandshake::parse(head.as_bytes()).expect("valid").expect("whole");
        assert_eq!(request.host(), host);
    }
}

#[test]
fn a_target_is_a_path_or_an_absolute_uri() {
    for target in ["*", "chat", "a:443", "ftp://a/chat", "/chat#part", "/caf\u{e9}", "?a"] {
        let head = head(&format!("GET {target} HTTP/1.1"), &REQUEST);
        assert_eq!(refused_request(&head), (HandshakeErrorKind::TargetInvalid, 400), "{target}");
        let error = ServerHandshake::parse(head.as_bytes()).expect_err("refused");
        assert_eq!(error.offset(), 4, "{target}");
    }
    // Browsers send the last as it is.
    for target in ["/", "//", "HTTP://a/chat", "ws://a/chat?b", "/a?b|c"] {
        let head = head(&format!("GET {target} HTTP/1.1"), &REQUEST);
        let (request, _) = ServerHandshake::parse(head.as_bytes()).expect("valid").expect("whole");
        assert_eq!(request.target(), target);
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.3
#[test]
fn a_subprotocol_that_is_no_token_is_refused_where_it_stands() {
    for offer in ["a b", "\"a\"", "a;b", "a/b", "caf\u{e9}"] {
        let field = format!("Sec-WebSocket-Protocol: chat, {offer}");
        let head = head(REQUEST_LINE, &with(&REQUEST, "Sec-WebSocket-Protocol", &[&field]));
        assert_eq!(refused_request(&head), (HandshakeErrorKind::ProtocolInvalid, 400), "{offer}");
        let error = ServerHandshake::parse(head.as_bytes()).expect_err("refused");
        assert_eq!(Some(error.offset()), head.find(offer), "{offer}");
    }
}

#[test]
fn a_request_that_announces_a_body_is_refused() {
    for field in ["Content-Length: 5", "Content-Length: 00", "Transfer-Encoding: chunked"] {
        let head = head(REQUEST_LINE, &[&REQUEST[..], &[field]].concat());
        assert_eq!(refused_request(&head), (HandshakeErrorKind::BodyUnexpected, 400), "{field}");
    }
    let head = head(REQUEST_LINE, &[&REQUEST[..], &["Content-Length: 0"]].concat());
    assert!(ServerHandshake::parse(head.as_bytes()).is_ok_and(|request| request.is_some()));
}

#[test]
fn a_key_that_is_not_16_bytes_in_base64_is_refused() {
    let keys = [
        "Sec-WebSocket-Key:",
        "Sec-WebSocket-Key: c2hvcnQ=",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j_Q==",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==",
        "Sec-WebSocket-Key: dGhlIHNhbXBs ZSBub25jZQ==",
    ];
    for key in keys {
        let head = head(REQUEST_LINE, &with(&REQUEST, "Sec-WebSocket-Key", &[key]));
        assert_eq!(refused_request(&head), (HandshakeErrorKind::KeyInvalid, 400), "{key}");
    }
}

#[test]
fn another_version_is_answered_with_426_and_ours() {
    for version in ["8", "0", "14", "013", "13, 8", ""] {
        let field = format!("Sec-WebSocket-Version: {version}");
        let head = head(REQUEST_LINE, &with(&REQUEST, "Sec-WebSocket-Version", &[&field]));
        let error = ServerHandshake::parse(head.as_bytes()).expect_err("refused");
        assert_eq!(error.kind(), HandshakeErrorKind::VersionUnsupported, "{version}");
        let response = Refusal::new(error).response();
        assert!(response.starts_with("HTTP/1.1 426 "));
        assert!(response.contains("\r\nSec-WebSocket-Version: 13\r\n"));
        // RFC 9110 sections 7.8 and 15.5.22: a 426 names the protocol, and `Connection` the field.
        assert!(response.contains("\r\nUpgrade: websocket\r\n"));
        assert!(response.contains("\r\nConnection: upgrade, close\r\n"));
    }
}

#[test]
fn another_method_or_version_of_http_is_refused() {
    let method = HandshakeErrorKind::MethodInvalid;
    for line in ["POST /chat HTTP/1.1", "get /chat HTTP/1.1", "HEAD /chat HTTP/1.1"] {
        assert_eq!(refused_request(&head(line, &REQUEST)), (method, 405), "{line}");
    }
    let old = refused_request(&head("GET /chat HTTP/1.0", &REQUEST));
    assert_eq!(old, (HandshakeErrorKind::HttpVersionInvalid, 505));
}

#[test]
fn what_is_no_http_is_refused() {
    let invalid = (HandshakeErrorKind::HeadInvalid, 400);
    assert_eq!(refused_request("\x16\x03\x01 hello"), invalid);
    assert_eq!(refused_request("GET /chat HTTP/2.0\r\n\r\n"), invalid);
    assert_eq!(refused_request(&head(REQUEST_LINE, &["no field"])), invalid);
    assert_eq!(refused_request(&head(REQUEST_LINE, &["Host: a", " folded"])), invalid);
    assert_eq!(refused_response("SSH-2.0-server\r\n"), HandshakeErrorKind::HeadInvalid);
}

#[test]
fn a_head_may_have_100_fields_and_16_kib() {
    let many = [&REQUEST[..], &["X: y"; FIELDS_MAX - REQUEST.len()]].concat();
    assert!(
        ServerHandshake::parse(head(REQUEST_LINE, &many).as_bytes()).is_ok_and(|it| it.is_some())
    );
    let too_many = head(REQUEST_LINE, &[&many[..], &["X: y"]].concat());
    assert_eq!(refused_request(&too_many), (HandshakeErrorKind::TooManyFields, 431));
    let too_many = head(STATUS_LINE, &["X: y"; FIELDS_MAX + 1]);
    assert_eq!(refused_response(&too_many), HandshakeErrorKind::TooManyFields);

    let rest = HEAD_BYTES_MAX - head(REQUEST_LINE, &REQUEST).len() - "X: \r\n".len();
    for (more, fits) in [(0, true), (1, false)] {
        let field = format!("X: {}", "y".repeat(rest + more));
        let long = head(REQUEST_LINE, &[&REQUEST[..], &[&field]].concat());
        assert_eq!(long.len(), HEAD_BYTES_MAX + more);
        assert_eq!(ServerHandshake::parse(long.as_bytes()).is_ok(), fits);
    }
}

#[test]
fn a_head_without_an_end_is_refused_at_16_kib() {
    let endless = format!("{REQUEST_LINE}\r\nX: {}", "y".repeat(HEAD_BYTES_MAX));
    assert!(
        ServerHandshake::parse(&endless.as_bytes()[..HEAD_BYTES_MAX - 1])
            .is_ok_and(|it| it.is_none())
    );
    let too_long = (HandshakeErrorKind::HeadTooLong, 431);
    assert_eq!(refused_request(&endless[..HEAD_BYTES_MAX]), too_long);
    let endless = format!("{STATUS_LINE}\r\nX: {}", "y".repeat(HEAD_BYTES_MAX));
    assert_eq!(refused_response(&endless), HandshakeErrorKind::HeadTooLong);
}

#[test]
fn what_stands_behind_a_head_is_left_to_the_decoder() {
    let mut request = head(REQUEST_LINE, &REQUEST).into_bytes();
    request.extend_from_slice(b"\x81\x80\x00\xff\x00\xff");
    let (_, len) = ServerHandshake::parse(&request).expect("valid").expect("whole");
    assert_eq!(&request[len..], b"\x81\x80\x00\xff\x00\xff");

    let mut response = head(STATUS_LINE, &RESPONSE).into_bytes();
    response.extend_from_slice(&[0x82; HEAD_BYTES_MAX]);
    let (_, len) = client().parse(&response).expect("valid").expect("whole");
    assert_eq!(len, head(STATUS_LINE, &RESPONSE).len());
}

#[test]
fn a_head_is_not_whole_before_its_last_byte() {
    let request = head(REQUEST_LINE, &REQUEST);
    for cut in 0..request.len() {
        let parsed = ServerHandshake::parse(&request.as_bytes()[..cut]).expect("a good start");
        assert!(parsed.is_none(), "cut at {cut}");
    }
    let response = head(STATUS_LINE, &RESPONSE);
    for cut in 0..response.len() {
        assert_eq!(client().parse(&response.as_bytes()[..cut]), Ok(None), "cut at {cut}");
    }
}

#[test]
fn a_response_without_one_of_its_fields_is_refused() {
    let missing = [
        ("Upgrade", HandshakeErrorKind::UpgradeMissing),
        ("Connection", HandshakeErrorKind::ConnectionMissing),
        ("Sec-WebSocket-Accept", HandshakeErrorKind::AcceptMismatch),
    ];
    for (name, kind) in missing {
        let head = head(STATUS_LINE, &with(&RESPONSE, name, &[]));
        assert_eq!(refused_response(&head), kind, "{name}");
    }
    let head = head(STATUS_LINE, &with(&RESPONSE, "Sec-WebSocket-Protocol", &[]));
    assert_eq!(client().parse(head.as_bytes()), Ok(Some((Granted::default(), head.len()))));
}

#[test]
fn a_response_that_grants_something_else_is_refused() {
    let others = [
        ("Upgrade: h2c", HandshakeErrorKind::UpgradeMissing),
        ("Upgrade: websocket, h2c", HandshakeErrorKind::UpgradeMissing),
        ("Connection: close", HandshakeErrorKind::ConnectionMissing),
        ("Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", HandshakeErrorKind::AcceptMismatch),
        ("Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==", HandshakeErrorKind::AcceptMismatch),
        ("Sec-WebSocket-Protocol: other", HandshakeErrorKind::ProtocolUnexpected),
        ("Sec-WebSocket-Protocol: Chat", HandshakeErrorKind::ProtocolUnexpected),
        ("Sec-WebSocket-Protocol: chat, superchat", HandshakeErrorKind::ProtocolUnexpected),
        ("Sec-WebSocket-Protocol:", HandshakeErrorKind::ProtocolUnexpected),
    ];
    for (field, kind) in others {
        let (name, value) = field.split_once(':').expect("name: value");
        let head = head(STATUS_LINE, &with(&RESPONSE, name, &[field]));
        assert_eq!(refused_response(&head), kind, "{field}");
        let error = client().parse(head.as_bytes()).expect_err("refused");
        if !value.is_empty() {
            assert_eq!(Some(error.offset()), head.find(value.trim()), "{field}");
        }
    }
}

#[test]
fn a_response_with_more_than_was_asked_for_is_refused() {
    let more = [
        ("Sec-WebSocket-Extensions: permessage-deflate", HandshakeErrorKind::ExtensionUnexpected),
        ("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", HandshakeErrorKind::AcceptMismatch),
        ("Sec-WebSocket-Protocol: superchat", HandshakeErrorKind::ProtocolUnexpected),
    ];
    for (field, kind) in more {
        let head = head(STATUS_LINE, &[&RESPONSE[..], &[field]].concat());
        assert_eq!(refused_response(&head), kind, "{field}");
    }
}

#[test]
fn a_response_of_another_status_is_refused_with_it() {
    for status in [100, 200, 301, 401, 426, 503] {
        let head = head(&format!("HTTP/1.1 {status} Other"), &RESPONSE);
        assert_eq!(refused_response(&head), HandshakeErrorKind::StatusUnexpected(status));
    }
}

#[test]
fn a_response_of_http_1_0_is_refused() {
    let head = head("HTTP/1.0 101 Switching Protocols", &RESPONSE);
    assert_eq!(refused_response(&head), HandshakeErrorKind::HttpVersionInvalid);
}

#[test]
#[should_panic(expected = "was not offered")]
fn a_server_cannot_choose_what_was_not_offered() {
    let head = head(REQUEST_LINE, &REQUEST);
    let (request, _) = ServerHandshake::parse(head.as_bytes()).expect("valid").expect("whole");
    let _ = request.accept(Some("other"));
}

#[test]
fn a_client_cannot_be_made_to_send_another_request() {
    let hosts = ["a b", "a\r\nX: y", "a\n", "", "\t", "a\x7f"];
    for text in hosts {
        let host = std::panic::catch_unwind(|| ClientHandshake::new(text, "/", NONCE));
        let target = std::panic::catch_unwind(|| ClientHandshake::new("a", text, NONCE));
        assert!(host.is_err() && target.is_err(), "{text:?}");
    }
    for protocol in ["", "a b", "a,b", "a\r\n", "a;b", "a\"", "caf\u{e9}"] {
        let offer = std::panic::catch_unwind(|| client().protocol(protocol));
        assert!(offer.is_err(), "{protocol:?}");
    }
}

#[test]
fn a_line_that_ends_with_a_line_feed_alone_is_refused_there() {
    let request = head(REQUEST_LINE, &REQUEST);
    let response = head(STATUS_LINE, &RESPONSE);
    let ends: Vec<_> = request.match_indices("\r\n").map(|(index, _)| index).collect();
    for index in ends {
        let mut bare = request.clone();
        bare.remove(index);
        let error = ServerHandshake::parse(bare.as_bytes()).expect_err("refused");
        assert_eq!((error.kind(), error.offset()), (HandshakeErrorKind::LineEndInvalid, index));
        assert_eq!(Refusal::new(error).status(), 400);
        // Nor is it waited for what comes behind it.
        let error = ServerHandshake::parse(&bare.as_bytes()[..=index]).expect_err("refused");
        assert_eq!((error.kind(), error.offset()), (HandshakeErrorKind::LineEndInvalid, index));
    }
    let ends: Vec<_> = response.match_indices("\r\n").map(|(index, _)| index).collect();
    for index in ends {
        let mut bare = response.clone();
        bare.remove(index);
        assert_eq!(refused_response(&bare), HandshakeErrorKind::LineEndInvalid);
    }
    // What follows the head is no part of it.
    let (_, len) =
        ServerHandshake::parse((request.clone() + "\n").as_bytes()).expect("valid").expect("whole");
    assert_eq!(len, request.len());
}

#[test]
fn the_first_error_is_told_wherever_a_head_is_cut() {
    let heads: [&[u8]; 4] = [
        b"\nHTT\0P/2.1",
        b"GET / HTTP/1.1\nHost: \0\r\n\r\n",
        b"G\0T / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\nb: \x7f\r\n\r\n",
    ];
    for head in heads {
        let whole = ServerHandshake::parse(head).expect_err("broken").kind();
        for end in 0..head.len() {
            if let Err(error) = ServerHandshake::parse(&head[..end]) {
                assert_eq!(error.kind(), whole, "{end} of {}", head.escape_ascii());
            }
        }
    }
}
