//! Connections of std's streams, from their first byte on.

#[expect(dead_code, reason = "the example's own `main`")]
#[path = "../examples/blocking_server.rs"]
mod blocking_server;

use core::time::Duration;
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

use seg_pool::{Pool, SegmentSize};
use ws_assemble::{
    Assembly, ClientHandshake, CloseCode, CloseFrame, ConnectionError, HandshakeErrorKind, Limits,
    Refusal,
    blocking::{Connection, accept, accept_with, connect},
};

const NONCE: [u8; 16] = *b"the sample nonce";

fn handshake() -> ClientHandshake {
    ClientHandshake::new("localhost", "/chat", NONCE).expect("valid")
}

/// A stream whose input comes a few bytes at a time, and then ends.
#[derive(Debug)]
struct Script {
    input: VecDeque<u8>,
    chunk: usize,
    written: Vec<u8>,
}

impl Script {
    fn new(input: &[u8], chunk: usize) -> Self {
        Self { input: input.iter().copied().collect(), chunk, written: Vec::new() }
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(self.chunk);
        self.input.read(&mut buffer[..len])
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_example_sends_back_what_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        blocking_server::serve(stream, &Pool::new())
    });
    let stream = TcpStream::connect(address).expect("it listens");
    let (mut client, response) = connect(stream, handshake(), &Pool::new()).expect("opened");
    assert_eq!(response.protocol(), None);
    for text in ["hello", "", &"long ".repeat(20_000)] {
        client.send_text(text).expect("open");
        let echo = client.next().expect("valid").expect("open");
        assert_eq!(echo.as_str(), Some(text));
    }
    client.close(&CloseFrame::new(CloseCode::NORMAL, "")).expect("closed in order");
    server.join().expect("no panic").expect("closed in order");
}

#[test]
fn frames_that_come_with_the_head_are_read_wherever_both_are_cut() {
    let request = [&handshake().request()[..], b"\x81\x82\0\0\0\0hi"].concat();
    let mut responses = Vec::new();
    for chunk in [1, 7, 100, request.len()] {
        let accepted = accept(Script::new(&request, chunk), &Pool::new());
        let mut server = accepted.expect("granted");
        responses = server.get_ref().written.clone();
        assert!(responses.starts_with(b"HTTP/1.1 101 "));
        let message = server.next().expect("valid").expect("open");
        assert_eq!(message.as_str(), Some("hi"));
    }
    responses.extend_from_slice(b"\x81\x02ho");
    for chunk in [1, 7, 100, responses.len()] {
        let opened = connect(Script::new(&responses, chunk), handshake(), &Pool::new());
        let (mut client, _) = opened.expect("granted");
        assert_eq!(client.get_ref().written, handshake().request());
        let message = client.next().expect("valid").expect("open");
        assert_eq!(message.as_str(), Some("ho"));
    }
}

#[test]
fn a_refusal_is_sent_and_names_its_status() {
    let request = handshake().request();
    let mut script = Script::new(&request, 50);
    let refuse = |request: &ws_assemble::UpgradeRequest| {
        assert_eq!(request.target(), "/chat");
        Err(Refusal::new(403)?)
    };
    let error = accept_with(&mut script, &Pool::new(), refuse).expect_err("refused");
    let ConnectionError::Handshake(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), HandshakeErrorKind::Refused(403));
    assert!(script.written.starts_with(b"HTTP/1.1 403 "));

    let refused = connect(Script::new(&script.written, 50), handshake(), &Pool::new());
    let ConnectionError::Handshake(error) = refused.expect_err("refused") else {
        panic!("no response")
    };
    assert_eq!(error.kind(), HandshakeErrorKind::Refused(403));
    assert_eq!(error.response().map(|response| response.status()), Some(403));

    let mut script = Script::new(b"SSH-2.0-x\r\n", 50);
    assert!(accept(&mut script, &Pool::new()).is_err());
    assert!(script.written.starts_with(b"HTTP/1.1 400 "));
}

#[test]
fn a_head_that_is_cut_off_is_truncated() {
    let request = handshake().request();
    for len in [0, 1, request.len() - 1] {
        let error = accept(Script::new(&request[..len], 9), &Pool::new()).expect_err("cut off");
        let ConnectionError::Handshake(error) = error else { panic!("{error}") };
        assert_eq!((error.kind(), error.offset()), (HandshakeErrorKind::Truncated, len));
        let opened =
            connect(Script::new(&b"HTTP/1.1 101"[..len.min(9)], 9), handshake(), &Pool::new());
        assert!(matches!(opened, Err(ConnectionError::Handshake(_))));
    }
}

#[test]
fn a_silent_peer_takes_nothing_of_the_pool_and_ends_with_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
    let (stream, _) = listener.accept().expect("a client");
    stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a socket");
    let pool = Pool::new();
    let error = accept(stream, &pool).expect_err("nothing came");
    assert!(matches!(error, ConnectionError::Io(_)), "{error}");
    let stats = pool.stats();
    assert_eq!((stats.in_use_bytes(), stats.held_bytes()), (0, 0));
    drop(silent);
}

#[test]
fn a_peer_that_waits_for_the_end_gets_it_from_finish() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut peer = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut server = Connection::server(stream, &Pool::new())
            .with_shutdown(|stream| stream.shutdown(Shutdown::Write));
        assert!(server.next().is_err(), "a client that does not mask");
        server.finish(1 << 20)
    });
    peer.write_all(b"\x81\x05hello and more").expect("it reads");
    let mut got = Vec::new();
    peer.read_to_end(&mut got).expect("an end");
    assert_eq!(got, b"\x88\x02\x03\xea"); // 1002
    drop(peer);
    server.join().expect("no panic").expect("the peer's end");
}

#[test]
fn limits_and_assembly_are_set_after_the_handshake() {
    const LEN: u16 = 5_000;
    let header = [&[0x82, 0xFE][..], &LEN.to_be_bytes(), &[0; 4]].concat();
    let request = [handshake().request(), header, vec![7; LEN.into()]].concat();
    for (assembly, is_whole) in [(Assembly::Segmented, false), (Assembly::Contiguous, true)] {
        for bytes_max in [LEN - 1, LEN] {
            let pool = Pool::builder().segment_size(SegmentSize::K1).build();
            let accepted = accept(Script::new(&request, 700), &pool).expect("granted");
            let limits = Limits::default().with_message_bytes_max(bytes_max.into());
            let next = accepted.with_assembly(assembly).with_limits(limits).next();
            assert_eq!(next.is_ok(), bytes_max == LEN, "{next:?}");
            if let Ok(message) = next {
                let message = message.expect("open");
                assert_eq!(message.sequence().chunks().count() == 1, is_whole, "{assembly:?}");
            }
        }
    }
}

#[cfg(feature = "deflate")]
#[test]
fn compression_is_agreed_on() {
    use ws_assemble::DeflateConfig;

    let config = DeflateConfig::default();
    let client = handshake().deflate(config.clone());
    let accepted = accept_with(Script::new(&client.request(), 64), &Pool::new(), |request| {
        Ok(request.accept().deflate(&config))
    });
    let mut server = accepted.expect("granted");
    let head = server.get_ref().written.clone();
    server.send_text(&"again and ".repeat(100)).expect("open");
    let written = server.get_ref().written.clone();
    assert!(written.len() < head.len() + 100, "compressed");
    let (mut client, response) =
        connect(Script::new(&written, 64), client, &Pool::new()).expect("granted");
    assert!(response.deflate().is_some());
    let message = client.next().expect("valid").expect("open");
    assert_eq!(message.len(), 1_000);
}
