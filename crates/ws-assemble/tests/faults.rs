//! What once hung, spun or got lost, in every way of reading and both assemblies.
#![cfg(feature = "futures")]

mod faults {
    pub(crate) mod way;
    pub(crate) mod wire;
}
#[path = "harness/written.rs"]
mod written;

use core::{
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::io;

use faults::{
    way::{ASSEMBLIES, End, Reader, WAYS, Way, poll_once},
    wire::Wire,
};
use futures_util::{Stream, StreamExt, stream::FusedStream};
use seg_pool::{Pool, SLAB_BYTES, SegmentMut, SegmentSize};
use ws_assemble::{
    CloseCode, CloseFrame, Connection, ConnectionError, ControlPayload, DecodeErrorKind, Limits,
    Message, MessageKind, Session,
};

/// A pool of one slab, of segments of 1 KiB.
fn small_pool() -> Pool {
    Pool::builder().segment_size(SegmentSize::K1).bytes_max(SLAB_BYTES).build()
}

/// Takes all segments but so many.
fn take_all_but(pool: &Pool, count: usize) -> Vec<SegmentMut> {
    let mut taken: Vec<_> =
        core::iter::from_fn(|| pool.try_take_size(pool.segment_size()).ok()).collect();
    taken.truncate(taken.len() - count);
    taken
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| u8::try_from(character.to_digit(16).expect("hex")).expect("a digit"))
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).expect("short");
    [&[first, 0x80 | len, 0, 0, 0, 0], payload].concat()
}

/// Removes the masks of a client's short frames.
fn unmasked(mut wire: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    while let [first, len, a, b, c, d, rest @ ..] = wire {
        let (payload, after) = rest.split_at(usize::from(len & 0x7f));
        plain.extend([*first, len & 0x7f]);
        let key = [a, b, c, d];
        plain.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ **key));
        wire = after;
    }
    plain
}

#[test]
fn what_came_before_the_end_is_answered_before_it_in_every_cut() {
    for row in include_str!("data/faults.cases").lines().filter(|row| !row.starts_with('#')) {
        let fields: Vec<_> = row.split('|').map(str::trim).collect();
        let [name, received, written, end] = fields[..] else { panic!("{row}") };
        let (received, written) = (bytes(received), bytes(written));
        for way in WAYS {
            for assembly in ASSEMBLIES {
                for chunk in [usize::MAX].into_iter().chain(1..received.len()) {
                    let pool = small_pool();
                    let wire = Wire::new(&received).ending().chunk(chunk);
                    let session = Session::server(&pool).with_assembly(assembly);
                    let mut reader = Reader::new(way, wire.clone(), session);
                    let about = || format!("{name}, {way:?}, {assembly:?}, {chunk} at a time");
                    let ended = match reader.echo(&wire) {
                        End::Closed => "closed".to_owned(),
                        End::Failed(ConnectionError::Decode(error)) => {
                            format!("{:?}", error.kind())
                        }
                        other => panic!("{}: {other:?}", about()),
                    };
                    assert_eq!(
                        (&*ended, wire.take_written()),
                        (end, written.clone()),
                        "{}",
                        about()
                    );
                    drop(reader);
                    assert_eq!(pool.stats().in_use_bytes(), 0, "{}", about());
                }
            }
        }
    }
}

#[test]
fn a_close_frame_is_answered_when_the_pool_is_empty() {
    for way in WAYS {
        for assembly in ASSEMBLIES {
            for chunk in [1, 2, 3, 100] {
                let pool = small_pool();
                let wire = Wire::new(b"\x81\x01a").chunk(chunk);
                let session = Session::client(&pool).with_assembly(assembly);
                let mut reader = Reader::new(way, wire.clone(), session);
                let mut messages = Vec::new();
                while messages.is_empty() {
                    assert!(!matches!(reader.read(&mut messages), Poll::Ready(Err(_))));
                }
                let taken = take_all_but(&pool, 0);
                assert!(reader.read(&mut messages).is_pending(), "{way:?}: nothing has come");
                wire.push(b"\x89\x02hi\x88\x02\x03\xe8");
                assert!(matches!(reader.echo(&wire), End::Closed), "{way:?}, {chunk}");
                assert_eq!(unmasked(&wire.take_written()), b"\x8a\x02hi\x88\x02\x03\xe8");
                // No poll loops at the end of the stream.
                wire.state().has_ended = true;
                assert!(matches!(
                    reader.read(&mut messages),
                    Poll::Ready(Ok(false)) | Poll::Pending
                ));
                assert!(matches!(
                    reader.send(&messages[0]),
                    Poll::Ready(Err(ConnectionError::Closed))
                ));
                drop(taken);
            }
        }
    }
}

#[test]
fn a_batch_that_ends_with_a_close_frame_needs_no_memory_for_it() {
    for assembly in ASSEMBLIES {
        let pool = small_pool();
        let taken = take_all_but(&pool, 1);
        let wire = Wire::new(b"\x81\x01a\x81\x01b\x88\x02\x03\xe8");
        let session = Session::client(&pool).with_assembly(assembly);
        let mut connection = Connection::new(wire.clone(), session);
        let mut messages = Vec::new();
        assert!(matches!(poll_once(connection.next_batch(&mut messages)), Poll::Ready(Ok(2))));
        assert!(matches!(poll_once(connection.next_batch(&mut messages)), Poll::Ready(Ok(0))));
        assert_eq!(unmasked(&wire.take_written()), b"\x88\x02\x03\xe8");
        drop(taken);
    }
}

#[test]
fn close_needs_no_memory() {
    let pool = small_pool();
    let taken = take_all_but(&pool, 0);
    let wire = Wire::new(&masked(0x88, b"\x03\xe8")).chunk(3);
    let mut connection = Connection::server(wire.clone(), &pool);
    let close = CloseFrame::new(CloseCode::GOING_AWAY, &"r".repeat(123));
    assert!(matches!(poll_once(connection.close(&close)), Poll::Ready(Ok(()))));
    assert_eq!(wire.take_written(), [&[0x88, 125, 3, 0xe9], "r".repeat(123).as_bytes()].concat());
    drop(taken);
}

#[test]
fn without_memory_nothing_is_lost_and_the_same_call_goes_on() {
    let long = [&[0x82, 0xfe, 8, 0, 0, 0, 0, 0][..], &[7; 2_048]].concat();
    let received =
        [masked(0x89, b"1"), long, masked(0x01, b"ab"), masked(0x80, b"c"), masked(0x89, b"2")];
    for way in WAYS.into_iter().filter(|way| *way != Way::Stream) {
        for assembly in ASSEMBLIES {
            for chunk in [1, 7, 1_000, usize::MAX] {
                let pool =
                    Pool::builder().segment_size(SegmentSize::K4).bytes_max(4 * SLAB_BYTES).build();
                let wire = Wire::new(&received.concat()).chunk(chunk);
                let session = Session::server(&pool).with_assembly(assembly);
                let mut reader = Reader::new(way, wire.clone(), session);
                let (mut messages, mut failures) = (Vec::new(), 0);
                let mut is_empty = false;
                loop {
                    // Every other call finds no memory.
                    is_empty = !is_empty;
                    let taken = if is_empty { take_all_but(&pool, 0) } else { Vec::new() };
                    match reader.read(&mut messages) {
                        Poll::Ready(Ok(is_open)) => assert!(is_open),
                        Poll::Ready(Err(ConnectionError::OutOfMemory(error))) => {
                            assert!(!taken.is_empty(), "there was memory");
                            // A segment to read into, or a block of the list of a message's segments.
                            assert!([256, 4_096].contains(&error.requested_bytes()));
                            failures += 1;
                        }
                        Poll::Ready(Err(error)) => panic!("{way:?}: {error}"),
                        Poll::Pending if wire.state().input.is_empty() => break,
                        Poll::Pending => {}
                    }
                }
                assert!(failures > 0, "{way:?}");
                let expected = [Message::binary(vec![7; 2_048]), Message::text("abc")];
                assert_eq!(messages, expected, "{way:?}, {assembly:?}, {chunk}");
                assert_eq!(wire.take_written(), b"\x8a\x011\x8a\x012");
            }
        }
    }
}

#[test]
fn a_connection_waits_for_memory_when_it_is_told_to() {
    let pool = small_pool();
    let wire = Wire::new(&masked(0x81, b"hello"));
    let connection = Connection::server(wire.clone(), &pool);
    assert!(!connection.memory_wait());
    let mut connection = connection.with_memory_wait(true);
    assert!(connection.memory_wait());
    let taken = take_all_but(&pool, 0);
    assert!(poll_once(connection.next()).is_pending());
    // It is read as far as it needs no memory, and a peer that waits too long can hear of it.
    assert_eq!(wire.state().input.len(), 5);
    drop(taken);
    let Poll::Ready(Ok(Some(message))) = poll_once(connection.next()) else { panic!("there is") };
    assert_eq!(message.as_str(), Some("hello"));

    wire.push(&masked(0x81, b"again"));
    let taken = take_all_but(&pool, 0);
    assert!(poll_once(connection.next()).is_pending());
    let close = CloseFrame::new(CloseCode::TRY_AGAIN_LATER, "");
    assert!(poll_once(connection.close(&close)).is_pending());
    assert_eq!(wire.take_written(), b"\x88\x02\x03\xf5");
    drop(taken);
}

#[test]
fn a_blocking_connection_waits_for_memory_of_another_thread() {
    let pool = small_pool();
    let wire = Wire::new(&masked(0x81, b"hello"));
    let mut connection =
        ws_assemble::blocking::Connection::server(wire, &pool).with_memory_wait(true);
    let taken = take_all_but(&pool, 0);
    let giver = std::thread::spawn(move || drop(taken));
    let message = connection.next().expect("memory comes").expect("open");
    assert_eq!(message.as_str(), Some("hello"));
    giver.join().expect("no panic");
}

#[test]
fn a_stream_ends_after_its_first_error() {
    for received in [&b"\x81\x82\0\0\0\0hi"[..], b"\x81\x82\0\0\0\0hi\x81\x01x"] {
        let wire = Wire::new(received).ending();
        let mut connection = Connection::server(wire, &small_pool());
        let mut context = Context::from_waker(Waker::noop());
        let mut next = || match Pin::new(&mut connection).poll_next(&mut context) {
            Poll::Ready(next) => next,
            Poll::Pending => panic!("the stream has ended"),
        };
        assert!(matches!(next(), Some(Ok(_))));
        assert!(matches!(next(), Some(Err(ConnectionError::Decode(_)))));
        assert!(next().is_none());
        assert!(next().is_none());
        assert!(connection.is_terminated());
        let (mut read, _write) =
            Connection::server(Wire::new(received).ending(), &small_pool()).split();
        let Poll::Ready(items) = poll_once(read.by_ref().collect::<Vec<_>>()) else {
            panic!("it ends")
        };
        assert_eq!(items.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
    }
}

#[test]
fn an_error_of_reading_comes_back() {
    for way in WAYS.into_iter().filter(|way| *way != Way::Stream) {
        let wire = Wire::new(&masked(0x81, b"a")).ending();
        let mut reader = Reader::new(way, wire.clone(), Session::server(&small_pool()));
        assert!(matches!(reader.echo(&wire), End::Failed(ConnectionError::Decode(_))));
        for _ in 0..3 {
            let again = reader.read(&mut Vec::new());
            let Poll::Ready(Err(ConnectionError::Decode(error))) = again else { panic!("{way:?}") };
            assert_eq!(error.kind(), DecodeErrorKind::Truncated);
        }
    }
}

#[test]
fn a_close_that_is_ignored_stays_so() {
    for way in WAYS.into_iter().filter(|way| *way != Way::Stream) {
        let mut session = Session::server(&Pool::new())
            .with_limits(Limits::default().with_message_bytes_max(100));
        session.close(&CloseFrame::new(CloseCode::GOING_AWAY, ""));
        let message = masked(0x81, &[b'x'; 100]);
        let wire = Wire::new(&message.repeat(1_000));
        let mut reader = Reader::new(way, wire.clone(), session);
        let mut messages = Vec::new();
        let error = loop {
            match reader.read(&mut messages) {
                Poll::Ready(Err(error)) => break error,
                Poll::Ready(Ok(is_open)) => assert!(is_open),
                Poll::Pending => assert!(!wire.state().input.is_empty(), "{way:?}"),
            }
        };
        assert!(matches!(error, ConnectionError::CloseIgnored), "{way:?}: {error}");
        let reads = wire.state().reads;
        for _ in 0..3 {
            let again = reader.read(&mut messages);
            assert!(matches!(again, Poll::Ready(Err(ConnectionError::CloseIgnored))), "{way:?}");
        }
        assert_eq!(wire.state().reads, reads, "nothing is read any more");
    }
}

#[test]
fn a_pong_that_cannot_be_written_hides_no_message_and_no_close_frame() {
    let received = [
        masked(0x89, b"there?"),
        masked(0x81, b"a"),
        masked(0x81, b"b"),
        masked(0x88, b"\x03\xe8"),
    ];
    for way in WAYS {
        for chunk in [1, 9, usize::MAX] {
            let wire = Wire::new(&received.concat()).chunk(chunk);
            wire.state().failure = Some(io::ErrorKind::BrokenPipe);
            let mut reader = Reader::new(way, wire.clone(), Session::server(&small_pool()));
            let mut messages = Vec::new();
            loop {
                match reader.read(&mut messages) {
                    Poll::Ready(Ok(true)) => {}
                    Poll::Ready(Ok(false)) => break,
                    other => panic!("{way:?}: {other:?}"),
                }
            }
            assert_eq!(messages, [Message::text("a"), Message::text("b")], "{way:?}");
            let sent = reader.send(&messages[0]);
            let Poll::Ready(Err(ConnectionError::Io(error))) = sent else { panic!("{sent:?}") };
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
        // When nothing more comes, that is the error.
        let wire = Wire::new(&received[..2].concat());
        wire.state().failure = Some(io::ErrorKind::BrokenPipe);
        let mut reader = Reader::new(way, wire.clone(), Session::server(&small_pool()));
        let mut messages = Vec::new();
        assert!(matches!(reader.read(&mut messages), Poll::Ready(Ok(true))));
        let end = reader.read(&mut messages);
        let Poll::Ready(Err(ConnectionError::Io(error))) = end else { panic!("{way:?}: {end:?}") };
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}

#[test]
fn a_send_is_accepted_whole_or_not_at_all_and_one_can_tell() {
    let wire = Wire::new(b"");
    wire.state().capacity = 1_000;
    let mut connection = Connection::server(wire.clone(), &Pool::new());
    let (long, second) = (Message::binary(vec![1; 200_000]), Message::text("second"));
    assert!(poll_once(connection.send(&long)).is_pending());
    assert_eq!(connection.unsent_bytes(), 10 + 200_000 - 1_000);
    // Too much waits: this one is not accepted, and dropping the future drops it.
    assert!(poll_once(connection.send(&second)).is_pending());
    assert!(matches!(connection.try_queue(&second), Err(ConnectionError::OutputFull)));
    assert_eq!(connection.unsent_bytes(), 10 + 200_000 - 1_000);
    wire.state().capacity = 190_000;
    assert!(poll_once(connection.flush()).is_pending());
    // Now it is, though it cannot be written at once.
    connection.try_queue(&second).expect("little waits");
    wire.state().capacity = usize::MAX;
    assert!(matches!(poll_once(connection.flush()), Poll::Ready(Ok(()))));
    assert_eq!(connection.unsent_bytes(), 0);
    let written = wire.take_written();
    assert_eq!(written.len(), 10 + 200_000 + 8);
    assert!(written.ends_with(b"\x81\x06second"));
}

#[test]
fn pings_are_answered_while_a_message_is_written() {
    let wire = Wire::new(b"");
    let mut connection = Connection::server(wire.clone(), &small_pool());
    let mut writer = connection.start(MessageKind::Binary, 10).expect("open");
    wire.push(&masked(0x89, b"there?"));
    assert!(matches!(poll_once(writer.write(&[7; 25])), Poll::Ready(Ok(()))));
    // Fragments leave as they are made, and what is gathered when that is asked for.
    let written = [&b"\x02\x0a"[..], &[7; 10], b"\0\x0a", &[7; 10]].concat();
    let pong = b"\x8a\x06there?";
    let expected = [&pong[..], &written].concat();
    assert_eq!(wire.take_written(), expected);
    assert!(matches!(poll_once(writer.flush()), Poll::Ready(Ok(()))));
    assert_eq!(wire.take_written(), b"\0\x05\x07\x07\x07\x07\x07");
    // A message that comes meanwhile waits, and can be had.
    wire.push(&masked(0x81, b"hi"));
    assert!(matches!(poll_once(writer.write(b"")), Poll::Ready(Ok(()))));
    let Poll::Ready(Ok(Some(message))) = poll_once(writer.next()) else { panic!("it came") };
    assert_eq!(message.as_str(), Some("hi"));
    assert!(matches!(poll_once(writer.finish()), Poll::Ready(Ok(()))));
    assert_eq!(wire.take_written(), b"\x80\0");
}

/// Bytes that are streamed to a peer that echoes as it reads, and how much lies between them.
const STREAMED: usize = if cfg!(miri) { 64 << 10 } else { 8 << 20 };
const BETWEEN: usize = 4 << 10;

/// Sends each fragment back before it reads the next one.
async fn echo_fragments(stream: tokio::io::DuplexStream) {
    let mut connection = Connection::server(stream, &Pool::new());
    let mut parts = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        use ws_assemble::ReadFrameInto;
        match connection.read_frame_into(&mut buffer).await.expect("valid") {
            ReadFrameInto::Frame { len, .. } => parts.push(len),
            ReadFrameInto::TooSmall { needed } => panic!("{needed}"),
            ReadFrameInto::Closed => break,
        }
        // In messages of their own, so that each goes out before the next is read.
        let len = parts.pop().expect("just read");
        connection.send_binary(&buffer[..len]).await.expect("open");
    }
}

#[tokio::test]
async fn a_message_is_streamed_to_a_peer_that_echoes_as_it_reads() {
    let (near, far) = tokio::io::duplex(BETWEEN);
    let echo = tokio::spawn(echo_fragments(far));
    let (mut read, mut write) = Connection::client(near, &Pool::new()).split();
    let sender = tokio::spawn(async move {
        let mut writer = write.start(MessageKind::Binary, 16 << 10).expect("open");
        for _ in 0..STREAMED / 8_192 {
            writer.write(&[7; 8_192]).await.expect("open");
        }
        writer.finish().await.expect("open");
        write.close(&CloseFrame::new(CloseCode::NORMAL, "")).await.expect("open");
    });
    let mut len = 0;
    while let Some(message) = read.next().await.expect("valid") {
        len += message.len();
    }
    assert_eq!(len, STREAMED as u64);
    sender.await.expect("no panic");
    echo.await.expect("no panic");
}

#[tokio::test]
async fn one_connection_streams_a_message_to_such_a_peer_by_alternating() {
    let (near, far) = tokio::io::duplex(BETWEEN);
    let echo = tokio::spawn(echo_fragments(far));
    let mut connection = Connection::client(near, &Pool::new());
    let mut writer = connection.start(MessageKind::Binary, 16 << 10).expect("open");
    let (mut sent, mut len) = (0, 0);
    while sent < STREAMED {
        tokio::select! {
            biased;
            message = writer.next() => {
                len += message.expect("valid").expect("open").len();
                continue;
            }
            () = core::future::ready(()) => {}
        }
        writer.write(&[7; 8_192]).await.expect("open");
        sent += 8_192;
    }
    writer.finish().await.expect("open");
    let close = CloseFrame::new(CloseCode::NORMAL, "");
    while len < STREAMED as u64 {
        len += connection.next().await.expect("valid").expect("open").len();
    }
    connection.close(&close).await.expect("in order");
    assert_eq!(len, STREAMED as u64);
    echo.await.expect("no panic");
}

#[test]
fn a_reading_half_that_is_dropped_gives_back_what_it_has_begun() {
    for assembly in ASSEMBLIES {
        let pool = small_pool();
        let begun = [&[0x82, 0xfe, 0x20, 0, 0, 0, 0, 0][..], &[7; 5_000]].concat();
        let wire = Wire::new(&begun);
        let session = Session::server(&pool).with_assembly(assembly);
        let (mut read, mut write) = Connection::new(wire, session).split();
        while poll_once(read.next()).is_pending() && pool.stats().in_use_bytes() < 4_000 {
            if assembly == ws_assemble::Assembly::Contiguous {
                break;
            }
        }
        drop(read);
        assert_eq!(pool.stats().in_use_bytes(), 0);
        assert!(matches!(poll_once(write.send_text("still open")), Poll::Ready(Ok(()))));
    }
}

#[test]
fn the_writing_half_can_do_what_a_connection_can() {
    let wire = Wire::new(b"");
    let (_read, mut write) = Connection::server(wire.clone(), &Pool::new()).split();
    let message = Message::text("a");
    assert!(matches!(poll_once(write.queue(&message)), Poll::Ready(Ok(()))));
    write.try_queue(&message).expect("little waits");
    assert_eq!(write.unsent_bytes(), 6);
    assert!(matches!(poll_once(write.flush()), Poll::Ready(Ok(()))));
    assert!(matches!(poll_once(write.send_text("b")), Poll::Ready(Ok(()))));
    assert!(matches!(poll_once(write.send_binary(b"c")), Poll::Ready(Ok(()))));
    let ping = ControlPayload::new(b"p").expect("short");
    assert!(matches!(poll_once(write.ping(&ping)), Poll::Ready(Ok(()))));
    let mut writer = write.start(MessageKind::Text, 2).expect("open");
    assert!(matches!(poll_once(writer.write(b"def")), Poll::Ready(Ok(()))));
    assert!(matches!(poll_once(writer.finish()), Poll::Ready(Ok(()))));
    let close = CloseFrame::new(CloseCode::NORMAL, "");
    assert!(matches!(poll_once(write.close(&close)), Poll::Ready(Ok(()))));
    let expected =
        b"\x81\x01a\x81\x01a\x81\x01b\x82\x01c\x89\x01p\x01\x02de\x80\x01f\x88\x02\x03\xe8";
    assert_eq!(wire.take_written(), expected);
    assert!(matches!(poll_once(write.send(&message)), Poll::Ready(Err(ConnectionError::Closed))));
}

#[test]
fn the_newest_pong_is_kept_for_those_who_ask() {
    let received = [masked(0x8a, b"1"), masked(0x8a, b"2"), masked(0x81, b"a")].concat();
    for keeps in [false, true] {
        let mut connection = Connection::server(Wire::new(&received), &Pool::new());
        if keeps {
            connection.keep_pongs();
        }
        assert!(matches!(poll_once(connection.next()), Poll::Ready(Ok(Some(_)))));
        let pong = connection.take_pong();
        assert_eq!(pong.as_deref(), keeps.then_some(&b"2"[..]));
        assert!(connection.take_pong().is_none());
    }
}

#[test]
fn what_was_read_ahead_may_be_of_any_length() {
    let message = Message::binary(vec![7; 60_000]);
    let mut session = Session::client(&Pool::new());
    session.send(&message).expect("memory");
    let received = written::written(&mut session);
    for way in [Way::Next, Way::Batch, Way::Half] {
        for assembly in ASSEMBLIES {
            let (pool, wire) =
                (Pool::builder().segment_size(SegmentSize::K1).build(), Wire::new(b""));
            let mut session = Session::server(&pool).with_assembly(assembly);
            assert_eq!(session.feed(&received), received.len());
            let mut reader = Reader::new(way, wire, session);
            let mut messages = Vec::new();
            assert!(matches!(reader.read(&mut messages), Poll::Ready(Ok(true))), "{way:?}");
            assert_eq!(messages, core::slice::from_ref(&message));
        }
    }
    let mut connection = Connection::server(Wire::new(b""), &Pool::new()).with_read_ahead(received);
    let mut buffer = vec![0; 60_000];
    assert!(matches!(poll_once(connection.read_message_into(&mut buffer)), Poll::Ready(Ok(_))));
    assert_eq!(buffer, message.data());
}
