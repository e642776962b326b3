//! The server's side.

use ws_assemble::{HandshakeErrorKind, Refusal, ServerHandshake, UpgradeRequest};

use crate::{ACCEPT, REQUEST, REQUEST_LINE, accepted, head, request, with};

fn refusal(head: &str) -> Refusal {
    Refusal::from(request(head).expect_err("refused"))
}

#[test]
fn a_request_shows_all_that_it_has() {
    let fields = [&REQUEST[..], &["Cookie: a=b", "cookie:c=d\t ", "X: \u{e9}"]].concat();
    let (request, _) = accepted(head(REQUEST_LINE, &fields));
    assert_eq!((request.method(), request.target()), ("GET", "/chat?room=1"));
    assert_eq!(request.host(), "server.example.com");
    assert!(request.protocols().eq(["chat", "superchat"]));
    assert!(request.values("COOKIE").eq([b"a=b", b"c=d"]));
    assert_eq!(request.fields().count(), REQUEST.len() + 3);
    assert_eq!(request.fields().last(), Some(("X", "\u{e9}".as_bytes())));
    assert_eq!(request.values("missing").count(), 0);
}

#[test]
fn a_server_answers_with_fields_of_its_own() {
    let (request, _) = accepted(head(REQUEST_LINE, &REQUEST));
    let acceptance = request.accept().field("Set-Cookie", "a=b").expect("a field");
    let acceptance = acceptance.field("set-cookie", b"c=\xff").expect("another");
    let accept: (&str, &[u8]) = ("Sec-WebSocket-Accept", ACCEPT.as_bytes());
    let expected: [(&str, &[u8]); 5] = [
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        accept,
        ("Set-Cookie", b"a=b"),
        ("set-cookie", b"c=\xff"),
    ];
    assert!(acceptance.fields().eq(expected));
    let response = acceptance.response();
    assert!(response.starts_with(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"));
    assert!(response.ends_with(b"\r\nset-cookie: c=\xff\r\n\r\n"));
}

#[test]
fn a_server_chooses_its_favourite_among_the_offers_and_once() {
    let (request, _) = accepted(head(REQUEST_LINE, &REQUEST));
    let chosen = request.accept().choose_protocol(["other", "superchat", "chat"]);
    assert_eq!(chosen.protocol(), Some("superchat"));
    let again = chosen.choose_protocol(["chat"]);
    assert_eq!(again.fields().filter(|(name, _)| *name == "Sec-WebSocket-Protocol").count(), 1);
    let none = request.accept().choose_protocol(["Chat", "", "chat, superchat"]);
    assert_eq!(none.protocol(), None);
    let without = head(REQUEST_LINE, &with(&REQUEST, "Sec-WebSocket-Protocol", &[]));
    assert_eq!(accepted(without).0.accept().choose_protocol(["chat"]).protocol(), None);
}

#[test]
fn a_refusal_says_what_would_be_accepted() {
    let version = with(&REQUEST, "Sec-WebSocket-Version", &["Sec-WebSocket-Version: 8"]);
    let refused = refusal(&head(REQUEST_LINE, &version));
    // RFC 9110 sections 7.8 and 15.5.22: a 426 names the protocol, and `Connection` the field.
    let expected: [(&str, &[u8]); 3] =
        [("Sec-WebSocket-Version", b"13"), ("Upgrade", b"websocket"), ("Connection", b"Upgrade")];
    assert!(refused.status() == 426 && refused.fields().eq(expected));
    let refused = refusal(&head("POST / HTTP/1.1", &REQUEST));
    let allow: (&str, &[u8]) = ("Allow", b"GET");
    assert!(refused.status() == 405 && refused.fields().eq([allow]));
    let response = String::from_utf8(refused.response()).expect("text");
    assert_eq!(
        response,
        "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nConnection: close\r\n\
         Content-Length: 0\r\n\r\n"
    );
}

#[test]
fn a_server_refuses_with_any_status_fields_and_body() {
    let refused = Refusal::new(401).expect("a status");
    let refused = refused.field("WWW-Authenticate", "Basic").expect("a field").body("who?");
    assert_eq!((refused.status(), refused.body_bytes()), (401, &b"who?"[..]));
    assert_eq!(refused.error().kind(), HandshakeErrorKind::Refused(401));
    assert!(refused.fields().eq([("WWW-Authenticate", &b"Basic"[..])]));
    assert_eq!(
        String::from_utf8(refused.response()).expect("text"),
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nConnection: close\r\n\
         Content-Length: 4\r\n\r\nwho?"
    );
    for status in [0, 99, 101, 200, 299, 1000] {
        let error = Refusal::new(status).expect_err("no refusal");
        assert_eq!(error.kind(), HandshakeErrorKind::StatusInvalid, "{status}");
    }
    assert!(Refusal::new(999).expect("a status").response().starts_with(b"HTTP/1.1 999 \r\n"));
}

#[test]
fn the_limit_of_the_head_is_what_was_set() {
    let whole = head(REQUEST_LINE, &REQUEST);
    for (bytes_max, is_good) in [(whole.len(), true), (whole.len() - 1, false), (0, false)] {
        let mut handshake = ServerHandshake::new().with_head_bytes_max(bytes_max);
        assert_eq!(handshake.head_bytes_max(), bytes_max);
        match handshake.push(&mut whole.as_bytes()) {
            Ok(request) => assert!(is_good && request.is_some(), "{bytes_max}"),
            Err(error) => {
                assert!(!is_good, "{bytes_max}");
                let kind = HandshakeErrorKind::HeadTooLong;
                assert_eq!((error.kind(), error.offset()), (kind, bytes_max));
                // The same error, whatever comes.
                assert_eq!(handshake.push(&mut whole.as_bytes()).expect_err("refused"), error);
                assert_eq!(handshake.finish(), error);
            }
        }
    }
}

#[test]
fn a_head_that_does_not_end_is_truncated() {
    let whole = head(REQUEST_LINE, &REQUEST);
    for end in 0..whole.len() {
        let mut handshake = ServerHandshake::new();
        assert!(handshake.push(&mut &whole.as_bytes()[..end]).expect("a good start").is_none());
        let error = handshake.finish();
        assert_eq!((error.kind(), error.offset()), (HandshakeErrorKind::Truncated, end));
    }
}

#[test]
fn what_comes_after_a_head_is_left_to_the_decoder() {
    let whole = head(REQUEST_LINE, &REQUEST);
    let received = [whole.as_bytes(), b"\x81\x80\x00\xff\x00\xff\r\n"].concat();
    assert_eq!(accepted(received).1, whole.len());
}

#[test]
fn a_line_that_ends_with_a_line_feed_alone_is_refused_there() {
    let whole = head(REQUEST_LINE, &REQUEST);
    for (index, _) in whole.match_indices("\r\n") {
        let mut bare = whole.clone();
        bare.remove(index);
        // Nor is it waited for what comes after it.
        for received in [&bare[..], &bare[..=index]] {
            let error = request(received).expect_err("refused");
            assert_eq!((error.kind(), error.offset()), (HandshakeErrorKind::LineEndInvalid, index));
        }
    }
}

#[test]
fn a_request_that_an_http_server_has_read_is_checked_alike() {
    let fields = REQUEST.map(|field| field.split_once(": ").expect("name: value"));
    let fields = fields.map(|(name, value)| (name, value.as_bytes()));
    let request = UpgradeRequest::from_fields(REQUEST_LINE, fields).expect("valid");
    assert_eq!(request.target(), "/chat?room=1");
    assert!(request.fields().eq(fields));
    let refused = [
        ("POST / HTTP/1.1", HandshakeErrorKind::MethodInvalid),
        ("GET / HTTP/1.0", HandshakeErrorKind::HttpVersionInvalid),
        ("GET * HTTP/1.1", HandshakeErrorKind::TargetInvalid),
        ("GET / HTTP/1.1\r\nX: y", HandshakeErrorKind::HeadInvalid),
        ("GET /", HandshakeErrorKind::HeadInvalid),
    ];
    for (line, kind) in refused {
        let error = UpgradeRequest::from_fields(line, fields).expect_err("refused");
        assert_eq!(error.kind(), kind, "{line:?}");
    }
    for field in [("a b", &b""[..]), ("a", b"b\r\nc: d"), ("", b"")] {
        let fields = fields.into_iter().chain([field]);
        let error = UpgradeRequest::from_fields(REQUEST_LINE, fields).expect_err("refused");
        assert_eq!(error.kind(), HandshakeErrorKind::HeadInvalid, "{field:?}");
    }
    let many = fields.into_iter().chain([("x", &b""[..]); ws_assemble::FIELDS_MAX]);
    let error = UpgradeRequest::from_fields(REQUEST_LINE, many).expect_err("refused");
    assert_eq!(error.kind(), HandshakeErrorKind::TooManyFields);
}

//= https://www.rfc-editor.org/rfc/rfc8441#section-5
#[test]
fn an_extended_connect_takes_no_key_and_is_answered_with_200() {
    let fields: [(&str, &[u8]); 3] = [
        ("sec-websocket-version", b"13"),
        ("sec-websocket-protocol", b"chat"),
        ("host", b"the.authority.counts"),
    ];
    let connect = |protocol, authority, target| {
        UpgradeRequest::from_connect(protocol, authority, target, fields)
    };
    let request = connect("websocket", "example.com", "/chat").expect("valid");
    assert_eq!(
        (request.method(), request.target(), request.host()),
        ("CONNECT", "/chat", "example.com")
    );
    let acceptance = request.accept().choose_protocol(["chat"]);
    assert_eq!(acceptance.status(), 200);
    assert!(acceptance.fields().eq([("Sec-WebSocket-Protocol", &b"chat"[..])]));

    let refused = [
        (connect("connect-udp", "a", "/"), 501, HandshakeErrorKind::ConnectProtocolUnknown),
        (connect("websocket", "a", "*"), 400, HandshakeErrorKind::TargetInvalid),
        (connect("websocket", "a", "/\r\nx: y"), 400, HandshakeErrorKind::TargetInvalid),
        (connect("websocket", "a b", "/"), 400, HandshakeErrorKind::HostInvalid),
        (
            UpgradeRequest::from_connect("websocket", "a", "/", []),
            426,
            HandshakeErrorKind::VersionUnsupported,
        ),
    ];
    for (result, status, kind) in refused {
        let error = result.expect_err("refused");
        assert_eq!(error.kind(), kind);
        assert_eq!(Refusal::from(error).status(), status);
    }
}
