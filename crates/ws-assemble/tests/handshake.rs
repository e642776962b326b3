//! The opening handshake of both sides (RFC 6455 section 4).

mod handshake {
    mod cases;
    mod client;
    mod injection;
    mod server;
}

use ws_assemble::{
    ClientHandshake, HandshakeError, ServerHandshake, UpgradeRequest, UpgradeResponse,
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
    let client = ClientHandshake::new("server.example.com", "/chat", NONCE).expect("valid");
    client.protocol("chat").and_then(|client| client.protocol("superchat")).expect("tokens")
}

/// Longer heads are cut here and there.
const CUT_EVERYWHERE_MAX: usize = if cfg!(miri) { 0 } else { 700 };

/// What came out, and how many bytes were taken for it.
type Parsed<T> = Result<Option<(T, usize)>, HandshakeError>;

/// Gives a head to a handshake in pieces.
fn pushed<T>(
    pieces: &[&[u8]],
    mut push: impl FnMut(&mut &[u8]) -> Result<Option<T>, HandshakeError>,
) -> Parsed<T> {
    let mut taken = 0;
    for piece in pieces {
        let mut received = *piece;
        let parsed = push(&mut received)?;
        taken += piece.len() - received.len();
        if let Some(parsed) = parsed {
            return Ok(Some((parsed, taken)));
        }
        assert!(received.is_empty(), "what is not taken is not asked for");
    }
    Ok(None)
}

/// Gives a head whole, cut into two at every byte, and byte by byte: what comes out is the same.
fn at_every_cut<T: core::fmt::Debug + PartialEq>(
    head: &[u8],
    parse: impl Fn(&[&[u8]]) -> Parsed<T>,
) -> Parsed<T> {
    let whole = parse(&[head]);
    let step = if head.len() <= CUT_EVERYWHERE_MAX { 1 } else { 1 + head.len() / 20 };
    for cut in (0..head.len()).step_by(step) {
        let (first, second) = head.split_at(cut);
        assert_eq!(parse(&[first, second]), whole, "cut at {cut}");
    }
    let bytes: Vec<_> = head.chunks(1).collect();
    assert_eq!(parse(&bytes), whole, "byte by byte");
    whole
}

fn request(head: impl AsRef<[u8]>) -> Parsed<UpgradeRequest> {
    at_every_cut(head.as_ref(), |pieces| {
        let mut handshake = ServerHandshake::new();
        pushed(pieces, |received| handshake.push(received))
    })
}

fn response(client: &ClientHandshake, head: impl AsRef<[u8]>) -> Parsed<UpgradeResponse> {
    at_every_cut(head.as_ref(), |pieces| {
        let mut client = client.clone();
        pushed(pieces, |received| client.push(received))
    })
}

#[track_caller]
fn accepted(head: impl AsRef<[u8]>) -> (UpgradeRequest, usize) {
    request(head).expect("valid").expect("whole")
}
