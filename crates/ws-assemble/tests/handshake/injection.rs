//! Nobody makes a head of ours say something else.

use ws_assemble::{HandshakeErrorKind, Refusal};

use crate::{REQUEST, REQUEST_LINE, accepted, client, head};

/// Names and values that would add a line, end the head, or not be a field.
const INJECTIONS: [(&str, &[u8]); 10] = [
    ("", b"x"),
    ("a b", b"x"),
    ("a:", b"x"),
    ("a\r\nb", b"x"),
    ("caf\u{e9}", b"x"),
    ("x", b"y\r\nz: a"),
    ("x", b"y\r\n\r\n"),
    ("x", b"y\n"),
    ("x", b"\0"),
    ("x", b"\x7f"),
];

/// What the handshake sends itself, and what frames a body.
const OWN: [&str; 8] = [
    "Connection",
    "CONTENT-LENGTH",
    "host",
    "Transfer-Encoding",
    "Upgrade",
    "Sec-WebSocket-Key",
    "sec-websocket-extensions",
    "Sec-WebSocket-Anything",
];

#[test]
fn a_field_that_would_be_another_is_refused_on_both_sides() {
    let (request, _) = accepted(head(REQUEST_LINE, &REQUEST));
    let own = OWN.map(|name| (name, &b"x"[..]));
    for (name, value) in INJECTIONS.into_iter().chain(own) {
        let errors = [
            client().field(name, value).expect_err("refused"),
            request.accept().field(name, value).expect_err("refused"),
            Refusal::new(403).expect("a status").field(name, value).expect_err("refused"),
        ];
        for error in errors {
            assert_eq!(error.kind(), HandshakeErrorKind::FieldInvalid, "{name:?}: {value:?}");
            // A server that fails to answer is to blame itself.
            assert_eq!(Refusal::from(error).status(), 500);
        }
    }
    // A tab and what is not ASCII are parts of a value.
    assert!(client().field("x", b"a\tb \xff").is_ok());
}
