//! Heads of both sides: every cut comes to the same end, and what is accepted answers in kind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_assemble::{
    ClientHandshake, HandshakeError, HandshakeErrorKind, Refusal, ServerHandshake, UpgradeRequest,
};

/// What came of it, and how many bytes were taken.
fn server(pieces: &[&[u8]]) -> Result<Option<(UpgradeRequest, usize)>, HandshakeError> {
    let mut handshake = ServerHandshake::new();
    let mut taken = 0;
    for piece in pieces {
        let mut received = *piece;
        let request = handshake.push(&mut received)?;
        taken += piece.len() - received.len();
        if let Some(request) = request {
            return Ok(Some((request, taken)));
        }
    }
    Ok(None)
}

fn client(pieces: &[&[u8]]) -> (Result<bool, HandshakeError>, usize) {
    let mut handshake = ClientHandshake::new("example.com", "/", [7; 16]).expect("valid");
    let mut taken = 0;
    for piece in pieces {
        let mut received = *piece;
        let response = handshake.push(&mut received);
        taken += piece.len() - received.len();
        match response {
            Ok(None) => {}
            Ok(Some(response)) => return (Ok(response.status() == 101), taken),
            Err(error) => return (Err(error), taken),
        }
    }
    (Err(handshake.finish()), taken)
}

fuzz_target!(|head: &[u8]| {
    let whole = server(&[head]);
    let told = client(&[head]);
    let step = 1 + head.len() / 256;
    for cut in (0..head.len()).step_by(step) {
        let (first, second) = head.split_at(cut);
        let parted = server(&[first, second]);
        assert_eq!(format!("{parted:?}"), format!("{whole:?}"), "cut at {cut}");
        assert_eq!(client(&[first, second]).0, told.0, "cut at {cut}");
    }
    match whole {
        Ok(Some((request, len))) => {
            assert!(len <= head.len() && head[..len].ends_with(b"\r\n\r\n"));
            let answer = request.accept().response();
            assert!(answer.starts_with(b"HTTP/1.1 101 ") && answer.ends_with(b"\r\n\r\n"));
            // The fields that are shown make the same request again.
            let line = format!("GET {} HTTP/1.1", request.target());
            let again = UpgradeRequest::from_fields(&line, request.fields()).expect("valid");
            assert!(again.fields().eq(request.fields()));
        }
        Ok(None) => {}
        Err(error) => {
            assert!(error.offset() <= head.len() + 2);
            assert!(Refusal::from(error).status() >= 400);
        }
    }
    if let Err(error) = told.0 {
        let is_refused = matches!(error.kind(), HandshakeErrorKind::Refused(_));
        assert_eq!(error.response().is_some(), is_refused);
    }
});
