//! Heads of both sides: every cut comes to the same end, and what is accepted answers in kind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_assemble::{ClientHandshake, ServerHandshake};

fuzz_target!(|head: &[u8]| {
    let whole = ServerHandshake::parse(head);
    for end in 0..head.len() {
        match (ServerHandshake::parse(&head[..end]), &whole) {
            // More is needed, whatever comes of it.
            (Ok(None), _) => {}
            (Ok(Some((_, len))), Ok(Some((_, whole_len)))) => assert_eq!(len, *whole_len),
            (Ok(Some(_)), other) => panic!("accepted before, now {other:?}"),
            (Err(error), Err(other)) => assert_eq!(error.kind(), other.kind()),
            (Err(error), Ok(_)) => panic!("refused before: {error}"),
        }
    }
    if let Ok(Some((handshake, len))) = whole {
        assert!(len <= head.len() && head[..len].ends_with(b"\r\n\r\n"));
        let answer = handshake.accept(None);
        assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n"));
    }
    let client = ClientHandshake::new("example.com", "/", [7; 16]);
    if let Ok(Some((granted, len))) = client.parse(head) {
        assert!(granted.protocol.is_none() && len <= head.len());
    }
});
