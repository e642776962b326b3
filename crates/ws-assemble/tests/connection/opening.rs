//! The start of a connection.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream, DuplexStream, duplex};
use ws_assemble::{
    ClientHandshake, Connection, ConnectionError, HandshakeErrorKind, Refusal, accept, accept_with,
    connect,
};

use crate::{poll_once, pool};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

const NONCE: [u8; 16] = *b"the sample nonce";

async fn serve(stream: DuplexStream) -> Result<Connection<DuplexStream>, ConnectionError> {
    accept(stream, &pool()).await
}

#[tokio::test]
async fn a_refused_request_is_answered_through_a_stream_that_buffers() {
    let cases = [
        ("POST / HTTP/1.1\r\n\r\n".to_owned(), "HTTP/1.1 405 "),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), "HTTP/1.1 505 "),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        // All of it is read, so that a socket is not reset.
        (format!("GET /{} HTTP/1.1\r\n", "a".repeat(70_000)), "HTTP/1.1 431 "),
    ];
    for (request, answer) in cases {
        let (near, mut far) = duplex(4 << 10);
        let near = BufStream::new(near);
        let pool = pool();
        let server = accept(near, &pool);
        let client = async {
            far.write_all(request.as_bytes()).await.expect("read to its end");
            far.shutdown().await.expect("open");
            let mut got = String::new();
            far.read_to_string(&mut got).await.expect("text");
            got
        };
        let (error, got) = tokio::join!(server, client);
        let error = error.expect_err("refused");
        assert!(matches!(error, ConnectionError::Handshake(_)), "{error}");
        assert!(got.starts_with(answer) && got.ends_with("\r\n\r\n"), "{got}");
    }
}

#[tokio::test]
async fn a_refused_peer_that_never_ends_is_not_read_for_ever() {
    let (near, mut far) = duplex(4 << 10);
    let flood = async {
        far.write_all(b"POST / HTTP/1.1\r\n\r\n").await.expect("read");
        let mut sent = 0_u64;
        while far.write_all(&[0; 4 << 10]).await.is_ok() {
            sent += 4 << 10;
        }
        sent
    };
    let (error, sent) = tokio::join!(serve(near), flood);
    assert!(matches!(error, Err(ConnectionError::Handshake(_))));
    assert!((256 << 10..320 << 10).contains(&sent), "{sent}");
}

#[test]
fn a_silent_peer_takes_nothing_from_the_pool() {
    let pool = pool();
    let (near, far) = duplex(4 << 10);
    let handshake = ClientHandshake::new("h", "/", NONCE).expect("valid");
    let mut server = Box::pin(accept(near, &pool));
    let mut client = Box::pin(connect(duplex(4 << 10).0, handshake, &pool));
    assert!(poll_once(&mut server).is_pending());
    let client_ended = poll_once(&mut client);
    assert!(client_ended.is_ready(), "its peer is gone");
    assert_eq!(pool.stats().held_bytes(), 0);
    drop(far);
    assert!(poll_once(&mut server).is_ready());
}

#[tokio::test]
async fn frames_that_came_with_the_request_are_messages() {
    for cut in [1, REQUEST.len() - 1, REQUEST.len(), REQUEST.len() + 3] {
        let (near, mut far) = duplex(64 << 10);
        let sent = [REQUEST.as_bytes(), b"\x81\x82\0\0\0\0hi\x81\x81\0\0\0\0!"].concat();
        let client = async {
            far.write_all(&sent[..cut]).await.expect("open");
            tokio::task::yield_now().await;
            far.write_all(&sent[cut..]).await.expect("open");
        };
        let server = async {
            let mut connection = serve(near).await.expect("a handshake");
            let first = connection.next().await.expect("valid").expect("a message");
            let second = connection.next().await.expect("valid").expect("a message");
            assert_eq!((first.as_str(), second.as_str()), (Some("hi"), Some("!")));
        };
        tokio::join!(client, server);
    }
}

#[tokio::test]
async fn a_server_decides_and_a_client_sees_it() {
    let answers = [("Bearer secret", 101), ("Bearer other", 401)];
    for (authorization, status) in answers {
        let (near, far) = duplex(4 << 10);
        let pool = pool();
        let server =
            accept_with(far, &pool, |request| match request.values("authorization").next() {
                Some(b"Bearer secret") => request
                    .accept()
                    .choose_protocol(["chat"])
                    .field("X", "y")
                    .map_err(Refusal::from),
                _ => Err(Refusal::new(401)?.field("WWW-Authenticate", "Bearer")?.body("who?")),
            });
        let client = async {
            let handshake = ClientHandshake::new("h", "/", NONCE)?
                .protocol("chat")?
                .field("Authorization", authorization)?;
            connect(near, handshake, &pool).await
        };
        let (server, client) = tokio::join!(server, client);
        match client {
            Ok((mut client, response)) => {
                assert_eq!((response.status(), response.protocol()), (status, Some("chat")));
                assert!(response.values("x").eq([b"y"]));
                let mut server = server.expect("opened");
                let (sent, message) = tokio::join!(server.send_text("hello"), client.next());
                sent.expect("open");
                assert_eq!(message.expect("valid").expect("open").as_str(), Some("hello"));
            }
            Err(error) => {
                let ConnectionError::Handshake(error) = error else { panic!("{error}") };
                assert_eq!(error.kind(), HandshakeErrorKind::Refused(status));
                let response = error.response().expect("a response");
                assert!(response.values("www-authenticate").eq([b"Bearer"]));
                assert_eq!(response.body(), b"who?");
                let Err(ConnectionError::Handshake(error)) = server else { panic!("opened") };
                assert_eq!(error.kind(), HandshakeErrorKind::Refused(status));
            }
        }
    }
}
