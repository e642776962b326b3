//! How connections end: what the peer's close frame said, and what comes after a failure.

use core::task::Poll;
use std::io;

use seg_pool::Pool;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use ws_assemble::{
    Assembly, CloseCode, CloseFrame, Connection, ConnectionError, DecodeErrorKind, Message, Opcode,
    PeerClose,
};

use super::script::Script;
use crate::{control, open, poll_once, polled, pool, wire};

/// An unmasked frame: a violation of the protocol, which is answered with 1002.
const UNMASKED: &[u8] = b"\x81\x05hello";
const PROTOCOL: &[u8] = b"\x88\x02\x03\xea";

fn duplex(buffer_len: usize, pool: &Pool) -> (DuplexStream, Connection<DuplexStream>) {
    let (far, near) = tokio::io::duplex(buffer_len);
    (far, Connection::server(near, pool))
}

/// Writes what the stream takes; returns how much that was.
fn write_some(far: &mut DuplexStream, bytes: &[u8]) -> usize {
    match poll_once(far.write(bytes)) {
        Poll::Ready(count) => count.expect("open"),
        Poll::Pending => 0,
    }
}

/// Reads what is there; returns whether the end is.
fn read_some(far: &mut DuplexStream, got: &mut Vec<u8>) -> bool {
    let mut bytes = [0; 3];
    match poll_once(far.read(&mut bytes)) {
        Poll::Ready(count) => {
            let count = count.expect("open");
            got.extend_from_slice(&bytes[..count]);
            count == 0
        }
        Poll::Pending => false,
    }
}

/// Breaks the protocol, and sees to it that the connection knows.
fn broken(buffer_len: usize, pool: &Pool) -> (DuplexStream, Connection<DuplexStream>) {
    let (mut far, mut connection) = duplex(buffer_len, pool);
    let mut left = UNMASKED;
    let error = loop {
        left = &left[write_some(&mut far, left)..];
        if let Poll::Ready(read) = poll_once(connection.next()) {
            break read.expect_err("not masked");
        }
    };
    let ConnectionError::Decode(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), DecodeErrorKind::MaskMissing);
    (far, connection)
}

#[test]
fn the_peers_code_and_reason_are_known() {
    let cases: [(&'static [u8], PeerClose, u16, &[u8]); 3] = [
        (b"", PeerClose::WithoutCode, 1005, b"\x88\x00"),
        (
            b"\x03\xe8",
            PeerClose::Frame(CloseFrame::new(CloseCode::NORMAL, "")),
            1000,
            b"\x88\x02\x03\xe8",
        ),
        (
            b"\x03\xf0too many fragments",
            PeerClose::Frame(CloseFrame::new(CloseCode::POLICY, "too many fragments")),
            1008,
            b"\x88\x02\x03\xf0",
        ),
    ];
    for (body, expected, status, answer) in cases {
        let script = Script::new(control(Opcode::Close, body));
        let mut connection = open(script, Assembly::Segmented, &pool());
        assert_eq!(connection.peer_close(), None);
        assert!(matches!(polled(async || connection.next().await), Ok(None)));
        assert_eq!(connection.peer_close(), Some(&expected));
        assert_eq!(connection.get_ref().written, answer);
        let (read, _write) = connection.split();
        let close = read.peer_close().expect("it closed");
        assert_eq!(close.status(), status);
        assert_eq!(close.code().map_or(1005, CloseCode::get), status);
        assert_eq!(close.reason().as_bytes(), body.get(2..).unwrap_or_default());
    }
}

#[test]
fn the_answer_to_our_close_frame_is_known() {
    let script = Script::new(control(Opcode::Close, b"\x0b\xb8fine"));
    let mut connection = open(script, Assembly::Segmented, &pool());
    let close = CloseFrame::new(CloseCode::GOING_AWAY, "");
    polled(async || connection.close(&close).await).expect("in order");
    let close = connection.peer_close().expect("it closed");
    assert_eq!((close.status(), close.reason()), (3000, "fine"));
}

#[test]
fn a_peer_that_ends_without_a_close_frame_has_none() {
    let (far, mut connection) = duplex(64, &pool());
    drop(far);
    assert!(polled(async || connection.next().await).is_err());
    assert_eq!(connection.peer_close(), None);
}

#[test]
fn finish_dropped_at_every_poll_delivers_the_close_frame_and_drops_what_comes() {
    for buffer_len in [1, 3, 64, 1 << 13] {
        let pool = pool();
        let (mut far, mut connection) = broken(buffer_len, &pool);
        let (rest, mut written) = (vec![7; 20_000], 0);
        let (mut got, mut has_ended) = (Vec::new(), false);
        // Until the peer ends, finishing waits.
        while written < rest.len() || !has_ended {
            assert!(poll_once(connection.finish(u64::MAX)).is_pending());
            written += write_some(&mut far, &rest[written..]);
            // This peer reads only what it wants when it has written all.
            if written == rest.len() {
                has_ended = read_some(&mut far, &mut got);
            }
        }
        assert_eq!(got, PROTOCOL, "{buffer_len}");
        assert!(poll_once(far.shutdown()).is_ready());
        polled(async || connection.finish(u64::MAX).await).expect("it ended");
        assert_eq!(pool.stats().in_use_bytes(), 0);
        assert!(matches!(
            poll_once(connection.next()),
            Poll::Ready(Err(ConnectionError::Decode(_)))
        ));
    }
}

#[test]
fn finish_drops_so_many_bytes_and_no_more() {
    for bytes in [0, 1, 4_095, 4_096, 4_097, 20_000] {
        for more in [0, 1] {
            let (mut far, mut connection) = broken(1 << 15, &pool());
            assert_eq!(write_some(&mut far, &vec![7; bytes + more]), bytes + more);
            assert!(poll_once(far.shutdown()).is_ready());
            let finished = poll_once(connection.finish(bytes as u64));
            match more {
                0 => assert!(matches!(finished, Poll::Ready(Ok(()))), "{bytes}"),
                _ => assert!(matches!(finished, Poll::Ready(Err(ConnectionError::CloseIgnored)))),
            }
            let mut got = Vec::new();
            assert!(poll_once(far.read_to_end(&mut got)).is_ready());
            assert_eq!(got, PROTOCOL);
        }
    }
}

#[test]
fn finish_writes_what_was_queued_and_gives_segments_back() {
    let pool = pool();
    let (mut far, mut connection) = duplex(10, &pool);
    let received = wire(&[Message::text("one"), Message::text("two")], 0);
    assert!(write_some(&mut far, &received[..4]) > 0);
    let message = Message::text("queued before the end");
    assert!(matches!(poll_once(connection.queue(&message)), Poll::Ready(Ok(()))));
    drop(message);
    let (mut got, mut has_ended) = (Vec::new(), false);
    while !has_ended {
        assert!(poll_once(connection.finish(4)).is_pending());
        has_ended = read_some(&mut far, &mut got);
    }
    assert_eq!(got, b"\x81\x15queued before the end");
    drop(far);
    polled(async || connection.finish(0).await).expect("it ended");
    assert!(matches!(polled(async || connection.next().await), Ok(None)));
    assert_eq!(connection.peer_close(), None);
    let sent = polled(async || connection.send_text("late").await);
    assert!(matches!(sent, Err(ConnectionError::Closed)));
    drop(connection);
    assert_eq!(pool.stats().in_use_bytes(), 0);
}

#[test]
fn finish_drops_a_message_whose_end_is_not_here() {
    let pool = pool();
    let mut received = wire(&[Message::text("cut")], 0);
    received.pop();
    let mut connection = open(Script::new(received), Assembly::Segmented, &pool);
    assert!(poll_once(connection.next()).is_pending());
    assert!(pool.stats().in_use_bytes() > 0);
    assert!(poll_once(connection.finish(0)).is_pending());
    assert_eq!(pool.stats().in_use_bytes(), 0);
    assert!(matches!(poll_once(connection.next()), Poll::Ready(Ok(None))));
}

#[test]
fn finish_after_a_close_in_order_shuts_nothing_again() {
    let script = Script::new(control(Opcode::Close, b"")).chunk(1).stalling();
    let mut connection = open(script, Assembly::Segmented, &pool());
    let close = CloseFrame::new(CloseCode::NORMAL, "");
    polled(async || connection.close(&close).await).expect("in order");
    connection.get_mut().is_shut = false;
    // The script has no end, so neither has this.
    assert!(poll_once(connection.finish(0)).is_pending());
    assert!(!connection.get_ref().is_shut);
}

#[test]
fn a_reading_half_finishes_for_both() {
    let (mut far, connection) = broken(2, &pool());
    let (mut read, mut write) = connection.split();
    let (mut got, mut has_ended) = (Vec::new(), false);
    while !has_ended {
        assert!(poll_once(read.finish(8)).is_pending());
        has_ended = read_some(&mut far, &mut got);
    }
    assert_eq!(got, PROTOCOL);
    let sent = poll_once(write.send(&Message::text("late")));
    assert!(matches!(sent, Poll::Ready(Err(ConnectionError::Closed))));
    drop(far);
    polled(async || read.finish(8).await).expect("it ended");
    assert!(read.unsplit(write).is_ok());
}

#[test]
fn finish_reports_a_stream_that_failed() {
    let (far, mut connection) = broken(2, &pool());
    drop(far);
    let finished = polled(async || connection.finish(8).await);
    let Err(ConnectionError::Io(error)) = finished else { panic!("{finished:?}") };
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
