//! The start of a connection.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream, duplex};
use ws_assemble::{Assembly, ConnectionError, HEAD_BYTES_MAX, Limits, accept};

use crate::pool;

#[tokio::test]
async fn a_refused_request_is_answered_through_a_stream_that_buffers() {
    let cases = [
        ("POST / HTTP/1.1\r\n\r\n".to_owned(), "HTTP/1.1 405 "),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), "HTTP/1.1 505 "),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(HEAD_BYTES_MAX)), "HTTP/1.1 431 "),
    ];
    for (request, answer) in cases {
        let (near, mut far) = duplex(64 << 10);
        far.write_all(request.as_bytes()).await.expect("room");
        let near = BufStream::new(near);
        let error = accept(near, Assembly::Segmented, Limits::default(), &pool()).await;
        let error = error.expect_err("refused");
        assert!(matches!(error, ConnectionError::Handshake(_)), "{error}");
        let mut got = String::new();
        far.read_to_string(&mut got).await.expect("text");
        assert!(got.starts_with(answer) && got.ends_with("\r\n\r\n"), "{got}");
    }
}
