//! Connections over a scripted stream.
#![cfg(feature = "futures")]

mod connection {
    mod cancellation;
    mod ending;
    mod opening;
    mod read_into;
    pub(crate) mod script;
}

use core::error::Error;
use core::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};
use std::io;

use connection::script::Script;
use futures_util::{SinkExt, StreamExt};
use seg_pool::{Pool, Segment, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};
use ws_assemble::{
    Assembly, CloseCode, CloseFrame, Connection, ConnectionError, ControlPayload, DecodeErrorKind,
    Header, Limits, Message, MessageKind, MessagePart, Opcode, ReadInto, Role, encode_frame,
    encode_message,
};

const ASSEMBLIES: [Assembly; 2] = [Assembly::Segmented, Assembly::Contiguous];

fn pool() -> Pool {
    Pool::builder().segment_size(SegmentSize::K1).build()
}

fn open(script: Script, assembly: Assembly, pool: &Pool) -> Connection<Script> {
    Connection::server(script, pool).with_assembly(assembly)
}

fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls new futures, each dropped after one poll, until one is done.
fn polled<T>(mut future: impl AsyncFnMut() -> T) -> T {
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = poll_once(future()) {
            return output;
        }
    }
    panic!("never done");
}

/// Messages as a client sends them.
fn wire(messages: &[Message], fragment_bytes: u64) -> Vec<u8> {
    let mut output = SegmentedBuf::new(Pool::global());
    for message in messages {
        encode_message(message, fragment_bytes, || Some([1, 2, 3, 4]), &mut output)
            .expect("memory");
    }
    output.freeze().to_vec()
}

fn control(opcode: Opcode, payload: &'static [u8]) -> Vec<u8> {
    let mut output = SegmentedBuf::new(Pool::global());
    let payload = Segment::from_static(payload).into();
    encode_frame(true, opcode, Some([9, 8, 7, 6]), &payload, &mut output).expect("memory");
    output.freeze().to_vec()
}

fn messages() -> Vec<Message> {
    let mut messages: Vec<_> =
        (0..9).map(|index| Message::text("h\u{e9}llo \u{1f600} ".repeat(index * index))).collect();
    messages.push(Message::binary(vec![7; 3_000]));
    messages
}

#[test]
fn a_fragment_that_finds_no_memory_goes_out_when_there_is_some() {
    let pool = Pool::builder().segment_size(SegmentSize::K1).bytes_max(1 << 16).build();
    let mut connection = open(Script::new(Vec::new()), Assembly::Segmented, &pool);
    let held: Vec<_> =
        core::iter::from_fn(|| pool.try_take_size(pool.segment_size()).ok()).collect();
    assert!(!held.is_empty());
    let mut writer = connection.start(MessageKind::Binary, 4).expect("open");
    for bytes in ["0123456789", "ab"] {
        let starved = polled(async || writer.write_bytes(bytes.into()).await);
        assert!(matches!(starved, Err(ConnectionError::OutOfMemory(_))), "{starved:?}");
    }
    drop(held);
    polled(async || writer.write(b"more").await).expect("memory");
    assert!(matches!(poll_once(writer.finish()), Poll::Ready(Ok(()))));
    polled(async || connection.send(&Message::text("x")).await).expect("open");
    // What the list of two chunks had no block for was not taken.
    let expected = b"\x02\x040123\x00\x044567\x00\x0489mo\x80\x02re\x81\x01x";
    assert_eq!(connection.get_ref().written, expected);
}

#[test]
fn reads_are_long_while_they_bring_more_than_a_usual_one() {
    let mut connection = open(Script::new(Vec::new()), Assembly::Segmented, &pool());
    // Each wire, and the spare capacity that its reads offer.
    let rounds: [(&[usize], &[usize]); 4] = [
        (&[500], &[1_024]),
        // A usual read is filled, and the frame that is coming is longer.
        (&[20_000], &[1_024, 4_096, 4_096, 4_096, 4_096, 4_096]),
        // The read before brought much: this one may, too.
        (&[2_000, 1], &[4_096]),
        (&[500, 1], &[4_096]),
    ];
    for (lens, reads) in rounds {
        let sent: Vec<_> = lens.iter().map(|&len| Message::binary(vec![7; len])).collect();
        let stream = connection.get_mut();
        stream.input = wire(&sent, 0);
        stream.reads.clear();
        for message in &sent {
            let got = polled(async || connection.next().await).expect("whole").expect("one");
            assert_eq!(got.data(), message.data());
        }
        assert_eq!(connection.get_ref().reads, reads);
        assert!(poll_once(connection.next()).is_pending(), "the wire is used up");
    }
    assert_eq!(connection.get_ref().reads.last(), Some(&1_024), "the last read brought little");
}

#[test]
fn reads_are_usual_where_a_message_may_keep_few_long_ones() {
    let sent = Message::binary(vec![7; 5_000]);
    for (held_bytes_max, longest) in [(32_767, 1_024), (65_535, 2_048), (65_536, 4_096)] {
        let script = Script::new(wire(&[sent.clone(), sent.clone()], 0));
        let limits = Limits::default().with_held_bytes_max(held_bytes_max);
        let mut connection = Connection::server(script, &pool()).with_limits(limits);
        for _ in 0..2 {
            let got = polled(async || connection.next().await).expect("whole").expect("one");
            assert_eq!(got, sent);
        }
        assert_eq!(connection.get_ref().reads.iter().max(), Some(&longest));
    }
}

#[test]
fn messages_a_little_longer_than_a_segment_come_in_one_read_from_the_second_on() {
    let mut connection = open(Script::new(Vec::new()), Assembly::Segmented, &pool());
    let message = Message::binary(vec![7; 1_024]);
    for reads in [&[1_024, 4_096][..], &[4_096], &[4_096]] {
        let stream = connection.get_mut();
        stream.input = wire(core::slice::from_ref(&message), 0);
        stream.reads.clear();
        let got = polled(async || connection.next().await).expect("whole").expect("one");
        assert_eq!(got, message);
        assert_eq!(got.sequence().chunk_count(), reads.len());
        assert_eq!(connection.get_ref().reads, reads);
        assert!(poll_once(connection.next()).is_pending(), "the wire is used up");
    }
    // Back to usual with the first read that brings little.
    for spare in [4_096, 1_024] {
        let stream = connection.get_mut();
        stream.input = wire(&[Message::text("little")], 0);
        stream.reads.clear();
        let got = polled(async || connection.next().await).expect("whole").expect("one");
        assert_eq!(got.as_str(), Some("little"));
        assert_eq!(connection.get_ref().reads, [spare]);
        assert!(poll_once(connection.next()).is_pending(), "the wire is used up");
    }
}

#[test]
fn where_a_long_segment_is_not_to_be_had_a_usual_one_is_read_into() {
    let pool = Pool::builder().segment_size(SegmentSize::K1).bytes_max(1 << 16).build();
    let sent: Vec<_> = (0..3).map(|_| Message::binary(vec![7; 1_500])).collect();
    let mut connection = open(Script::new(wire(&sent, 0)), Assembly::Segmented, &pool);
    let mut held: Vec<_> =
        core::iter::from_fn(|| pool.try_take_size(pool.segment_size()).ok()).collect();
    // Two for a message, and one for its list.
    held.truncate(held.len() - 4);
    for message in &sent {
        let read = polled(async || connection.next().await).expect("memory for a usual one");
        assert_eq!(read.as_ref(), Some(message));
    }
}

#[test]
fn a_batch_is_what_came_together() {
    let sent = messages();
    let script = Script::new(wire(&sent, 0)).chunk(1 << 16);
    let mut connection = open(script, Assembly::Segmented, &Pool::new());
    let mut got = Vec::new();
    assert_eq!(polled(async || connection.next_batch(&mut got).await).ok(), Some(sent.len()));
    assert_eq!(got, sent);
}

#[test]
fn messages_before_an_error_come_first_and_the_error_stays() {
    for assembly in ASSEMBLIES {
        let pool = pool();
        let mut bytes = wire(&messages()[..3], 0);
        bytes.extend_from_slice(b"\x81\x02hi");
        let mut connection = open(Script::new(bytes).chunk(1 << 16), assembly, &pool);
        let mut got = Vec::new();
        assert_eq!(polled(async || connection.next_batch(&mut got).await).ok(), Some(3));
        for _ in 0..3 {
            let error = polled(async || connection.next().await).expect_err("not masked");
            let ConnectionError::Decode(error) = error else { panic!("{error}") };
            assert_eq!(error.kind(), DecodeErrorKind::MaskMissing);
            assert!(!connection.holds_input());
        }
        assert_eq!(connection.get_ref().written, b"\x88\x02\x03\xea");
        drop(got);
        assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn a_buffer_that_is_too_small_consumes_nothing() {
    for assembly in ASSEMBLIES {
        let sent = messages();
        let script = Script::new(wire(&sent, 90)).chunk(200).stalling();
        let mut connection = open(script, assembly, &pool());
        let mut buffer = vec![0; 4_000];
        for message in &sent {
            let needed = message.len();
            let len = usize::try_from(needed).expect("short");
            if len > 0 {
                let read = polled(async || connection.read_message_into(&mut buffer[1..len]).await);
                assert_eq!(read.expect("valid"), ReadInto::TooSmall { needed });
            }
            let read = polled(async || connection.read_message_into(&mut buffer).await);
            assert_eq!(read.expect("valid"), ReadInto::Message { kind: message.kind(), len });
            assert_eq!(&buffer[..len], message.data());
        }
    }
}

#[test]
fn a_message_in_reads_of_one_byte_keeps_no_more_than_its_length_needs() {
    let sent = Message::binary(vec![5; 10_000]);
    for fragment_bytes in [0, 50] {
        let script = Script::new(wire(core::slice::from_ref(&sent), fragment_bytes)).chunk(1);
        let pool = Pool::new();
        let mut connection = open(script, Assembly::Segmented, &pool);
        let message = polled(async || connection.next().await).expect("valid").expect("open");
        assert_eq!(message, sent);
        assert!(message.sequence().held_bytes() <= 4 * 16_384, "{:?}", message.sequence());
        drop(message);
        assert!(!connection.holds_input());
        assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn a_long_frame_takes_longer_segments_only_when_its_bytes_are_there() {
    let sent = Message::binary(vec![5; 100_000]);
    let bytes = wire(core::slice::from_ref(&sent), 0);
    let pool = pool();
    let mut fast = open(Script::new(bytes.clone()).chunk(1 << 16), Assembly::Segmented, &pool);
    let message = polled(async || fast.next().await).expect("valid").expect("open");
    assert_eq!(message, sent);
    assert!(message.sequence().chunk_count() <= 28, "{}", message.sequence().chunk_count());
    drop(message);
    // Announced, and then next to nothing comes.
    let mut slow =
        open(Script::new(bytes[..200].to_vec()).chunk(100).stalling(), Assembly::Segmented, &pool);
    slow.get_mut().is_blocked = true;
    for _ in 0..10 {
        assert!(poll_once(slow.next()).is_pending());
        let in_use = pool.stats().in_use_bytes();
        assert!(in_use <= (2 << 10) + 256, "{in_use}");
    }
}

#[test]
fn a_flood_of_pings_that_cannot_be_answered_stays_bounded() {
    let pings = control(Opcode::Ping, b"old").repeat(100_000);
    let script = Script::new([pings, control(Opcode::Ping, b"new")].concat()).blocked();
    let mut connection = open(script, Assembly::Segmented, &Pool::new());
    while !connection.get_ref().input.is_empty() {
        assert!(poll_once(connection.next()).is_pending());
        assert!(connection.unsent_bytes() <= (64 << 10) + 125);
    }
    connection.get_mut().is_blocked = false;
    let _ = poll_once(connection.next());
    let written = &connection.get_ref().written;
    assert!(written.ends_with(b"\x8a\x03new"), "the newest is answered");
}

#[test]
fn pings_that_came_together_are_answered_one_by_one() {
    let payloads: [&[u8]; 4] = [b"1", b"", b"three", b"4"];
    let pings: Vec<u8> = payloads.iter().flat_map(|ping| control(Opcode::Ping, ping)).collect();
    let close = control(Opcode::Close, b"\x03\xe8");
    for (wire, end) in [(pings.clone(), &b""[..]), ([pings, close].concat(), b"\x88\x02\x03\xe8")] {
        let mut connection = open(Script::new(wire), Assembly::Segmented, &pool());
        let _ = poll_once(connection.next());
        let expected = [b"\x8a\x011\x8a\x00\x8a\x05three\x8a\x014", end].concat();
        assert_eq!(connection.get_ref().written, expected);
    }
}

#[test]
fn a_pong_goes_out_before_the_messages_that_wait_but_not_inside_a_frame() {
    let frame = [&[0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70][..], &[0; 70_000]].concat();
    let pong = b"\x8a\x06there?";
    for is_begun in [false, true] {
        let ping = control(Opcode::Ping, b"there?");
        let script = Script::new(ping).chunk(if is_begun { 1_000 } else { 1 << 20 }).stalling();
        let mut connection = open(script, Assembly::Segmented, &Pool::new());
        let long = Message::binary(vec![0; 70_000]);
        connection.try_queue(&long).expect("open");
        if is_begun {
            assert!(poll_once(connection.flush()).is_pending());
            assert!(poll_once(connection.flush()).is_pending());
            assert_eq!(connection.get_ref().written.len(), 1_000);
        }
        connection.get_mut().is_blocked = true;
        while !connection.get_ref().input.is_empty() {
            assert!(poll_once(connection.next()).is_pending());
        }
        connection.get_mut().is_blocked = false;
        // The reader writes what is left, all of it: nothing would wake it after this.
        while connection.unsent_bytes() > 0 {
            assert!(poll_once(connection.next()).is_pending());
        }
        let order: [&[u8]; 2] = if is_begun { [&frame, pong] } else { [pong, &frame] };
        assert!(connection.get_ref().written == order.concat(), "{is_begun}");
    }
}

#[test]
fn a_peer_that_ignores_a_close_frame_is_not_read_for_ever() {
    let message = Message::binary(vec![0; 1_000]);
    let limits = Limits::default().with_message_bytes_max(10_000);
    let script = Script::new(wire(&[message], 0)).endless();
    let mut connection = Connection::server(script, &pool()).with_limits(limits);
    let close = CloseFrame::new(CloseCode::GOING_AWAY, "");
    let error = polled(async || connection.close(&close).await).expect_err("ignored");
    assert!(matches!(error, ConnectionError::CloseIgnored), "{error}");
}

#[test]
fn closing_takes_a_close_frame_from_both_and_shuts_the_stream() {
    let frames = [wire(&messages(), 0), control(Opcode::Close, b"\x03\xe8bye")].concat();
    let script = Script::new(frames).chunk(9).stalling();
    let mut connection = open(script, Assembly::Segmented, &pool());
    let close = CloseFrame::new(CloseCode::GOING_AWAY, "later");
    polled(async || connection.close(&close).await).expect("in order");
    assert_eq!(connection.get_ref().written, b"\x88\x07\x03\xe9later");
    assert!(connection.get_ref().is_shut);
    assert!(matches!(polled(async || connection.next().await), Ok(None)));
    let late = polled(async || connection.send_text("late").await);
    assert!(matches!(late, Err(ConnectionError::Closed)));
}

#[test]
fn a_message_is_sent_while_it_is_made() {
    let mut connection = open(Script::new(Vec::new()), Assembly::Segmented, &pool());
    polled(async || {
        let mut writer = connection.start(MessageKind::Text, 4)?;
        writer.write("h\u{e9}".as_bytes()).await?;
        writer.write_bytes("llo".into()).await?;
        writer.write(b"\xe2\x82").await?;
        assert!(matches!(writer.write(b"x").await, Err(ConnectionError::TextInvalid)));
        writer.write(b"\xac").await?;
        writer.finish().await
    })
    .expect("open");
    let expected = b"\x01\x04h\xc3\xa9l\x00\x04lo\xe2\x82\x80\x01\xac";
    assert_eq!(connection.get_ref().written, expected);
    polled(async || connection.send_text("next").await).expect("open");
}

#[test]
fn a_message_is_sent_while_a_stream_makes_it() {
    let pool = pool();
    let script = Script::new(Vec::new()).chunk(700).stalling();
    let mut connection = open(script, Assembly::Segmented, &pool);
    let line = "a line of h\u{e9}llo\n";
    let mut most = 0;
    let lines = futures_util::stream::iter(0..10_000).map(|index| {
        most = most.max(pool.stats().in_use_bytes());
        Ok::<_, ConnectionError>(match index % 3 {
            0 => MessagePart::from(line),
            1 => bytes::Bytes::from_static(line.as_bytes()).into(),
            _ => Sequence::from(Segment::from_static(line.as_bytes())).into(),
        })
    });
    {
        let mut sending = Box::pin(connection.send_stream(MessageKind::Text, 1_000, lines));
        polled(async || sending.as_mut().await).expect("open");
    }
    // What waits is bounded, however long the message gets.
    assert!(most <= 144 << 10, "{most} bytes");
    let mut decoded = Vec::new();
    let mut rest = &connection.get_ref().written[..];
    let mut is_first = true;
    while let Some((header, after)) = Header::parse(rest, Role::Client)
        .expect("valid")
        .map(|(header, len)| (header, &rest[len..]))
    {
        assert_eq!(header.opcode == Opcode::Text, core::mem::replace(&mut is_first, false));
        assert!(header.payload_len <= 1_000);
        let (payload, after) = after.split_at(usize::try_from(header.payload_len).expect("short"));
        decoded.extend_from_slice(payload);
        rest = after;
        assert_eq!(header.fin, rest.is_empty());
    }
    assert_eq!(decoded, line.repeat(10_000).as_bytes());
    drop(connection);
    assert_eq!(pool.stats().in_use_bytes(), 0);
}

#[test]
fn a_stream_that_fails_leaves_its_message_open() {
    let mut connection = open(Script::new(Vec::new()), Assembly::Segmented, &pool());
    let parts = futures_util::stream::iter([Ok("much too long"), Err(io::Error::other("gone"))]);
    let sent = poll_once(connection.send_stream(MessageKind::Binary, 4, parts));
    let Poll::Ready(Err(error @ ConnectionError::Io(_))) = sent else { panic!("{sent:?}") };
    assert_eq!((error.to_string(), error.source().is_none()), ("gone".to_owned(), true));
    let next = polled(async || connection.send_text("next").await);
    assert!(matches!(next, Err(ConnectionError::MessageUnfinished)));
}

#[test]
fn limits_can_change_between_messages() {
    for assembly in ASSEMBLIES {
        let sent = [Message::binary(vec![1; 100]), Message::binary(vec![2; 1_000])];
        let bytes = [wire(&sent, 0), wire(&sent, 0)].concat();
        let mut connection = open(Script::new(bytes), assembly, &pool());
        connection.set_limits(Limits::default().with_message_bytes_max(1_000));
        for message in &sent {
            let got = polled(async || connection.next().await).expect("valid").expect("open");
            assert_eq!(&got, message);
        }
        connection.set_limits(Limits::default().with_message_bytes_max(999));
        assert!(polled(async || connection.next().await).is_ok());
        let error = polled(async || connection.next().await).expect_err("too long");
        let ConnectionError::Decode(error) = error else { panic!("{error}") };
        assert_eq!(error.kind(), DecodeErrorKind::MessageTooLong);
    }
}

#[test]
fn nothing_is_sent_inside_a_message_that_was_not_finished() {
    let mut connection = open(Script::new(Vec::new()), Assembly::Segmented, &pool());
    polled(async || {
        let mut writer = connection.start(MessageKind::Binary, 4)?;
        writer.write(b"much too long").await
    })
    .expect("open");
    let next = polled(async || connection.send_text("next").await);
    assert!(matches!(next, Err(ConnectionError::MessageUnfinished)));
    polled(async || connection.ping(&ControlPayload::EMPTY).await).expect("legal");
    let close = CloseFrame::new(CloseCode::INTERNAL, "");
    let _ = poll_once(connection.close(&close));
    assert_eq!(
        connection.get_ref().written,
        b"\x02\x04much\x00\x04 too\x00\x04 lon\x89\x00\x88\x02\x03\xf3"
    );
}

#[tokio::test]
async fn halves_work_in_tasks_of_their_own() {
    for assembly in ASSEMBLIES {
        let (near, far) = tokio::io::duplex(300);
        let client = Connection::client(near, &pool()).with_assembly(assembly);
        let mut server = Connection::server(far, &pool()).with_assembly(assembly);
        let (mut read, mut write) = client.split();
        let echo = tokio::spawn(async move {
            while let Some(message) = server.next().await.expect("valid") {
                server.ping(&ControlPayload::new(b"there?").expect("short")).await.expect("open");
                server.send(&message).await.expect("open");
            }
        });
        let sender = tokio::spawn(async move {
            for message in messages() {
                write.send(&message).await.expect("open");
            }
            write.close(&CloseFrame::new(CloseCode::NORMAL, "")).await.expect("open");
            write
        });
        for message in messages() {
            assert_eq!(read.next().await.expect("valid").as_ref(), Some(&message));
        }
        assert!(matches!(read.next().await, Ok(None)));
        let write = sender.await.expect("no panic");
        assert!(read.unsplit(write).is_ok());
        echo.await.expect("no panic");
    }
}

#[tokio::test]
async fn connections_are_streams_and_sinks() {
    let (near, far) = tokio::io::duplex(300);
    let (read, mut write) = Connection::client(near, &pool()).split();
    let mut server = Connection::server(far, &pool());
    let sender = tokio::spawn(async move {
        let all = messages().into_iter().map(Ok);
        write.send_all(&mut futures_util::stream::iter(all)).await.expect("open");
        SinkExt::<Message>::close(&mut write).await.expect("open");
        write
    });
    let reader = tokio::spawn(read.map(|message| message.expect("valid")).collect::<Vec<_>>());
    while let Some(message) = StreamExt::next(&mut server).await {
        SinkExt::send(&mut server, message.expect("valid")).await.expect("open");
    }
    drop(sender.await.expect("no panic"));
    assert_eq!(reader.await.expect("no panic"), messages());
}

#[test]
fn a_message_that_finds_too_little_memory_keeps_no_segment() {
    let pool = Pool::builder().segment_size(SegmentSize::K1).bytes_max(1 << 16).build();
    let mut connection = open(Script::new(Vec::new()), Assembly::Segmented, &pool);
    let mut held: Vec<_> =
        core::iter::from_fn(|| pool.try_take_size(pool.segment_size()).ok()).collect();
    // Memory for the header alone.
    held.pop();
    let before = pool.stats().in_use_bytes();
    let refused = poll_once(connection.queue(&Message::binary(vec![7; 3_000])));
    assert!(matches!(refused, Poll::Ready(Err(ConnectionError::OutOfMemory(_)))), "{refused:?}");
    polled(async || connection.flush().await).expect("open");
    assert_eq!(connection.unsent_bytes(), 0);
    assert_eq!(pool.stats().in_use_bytes(), before);
}

#[test]
fn an_idle_connection_is_small_and_holds_no_segment() {
    let pool = pool();
    let script = Script::new(wire(&messages(), 0)).chunk(700).stalling();
    let mut connection = open(script, Assembly::Segmented, &pool);
    for _ in messages() {
        let message = polled(async || connection.next().await).expect("valid").expect("open");
        let _ = poll_once(connection.send(&message));
        polled(async || connection.flush().await).expect("open");
    }
    connection.get_mut().is_blocked = true;
    assert!(poll_once(connection.next()).is_pending());
    assert!(!connection.holds_input());
    assert_eq!(pool.stats().in_use_bytes(), 0);
    let size = size_of::<Connection<()>>();
    assert!(size <= 432, "{size} bytes");
}
