//! Futures that are dropped at each of their polls, and the connection used on.

use seg_pool::Pool;
use seg_seq::SegmentedBuf;
use ws_assemble::{
    Assembly, CloseCode, CloseFrame, Connection, ControlPayload, Message, MessageKind, Opcode,
    ReadFrameInto, ReadInto, encode_message,
};

use super::script::Script;
use crate::{ASSEMBLIES, control, messages, open, poll_once, polled, pool, wire};

/// Input that is cut anywhere, with pings between, and output that is taken as slowly.
fn scripts() -> impl Iterator<Item = (Assembly, u64, usize)> {
    ASSEMBLIES.into_iter().flat_map(|assembly| {
        [(0, 1), (100, 7), (100, 500), (2_500, 5_000)]
            .into_iter()
            .map(move |(fragment_bytes, chunk)| (assembly, fragment_bytes, chunk))
    })
}

/// The messages, a ping before each.
fn pinged(messages: &[Message], fragment_bytes: u64) -> Vec<u8> {
    let with_ping = |message| {
        [control(Opcode::Ping, b"there?"), wire(core::slice::from_ref(message), fragment_bytes)]
    };
    messages.iter().flat_map(with_ping).flatten().collect()
}

/// Asserts that all that was written is whole pongs.
fn assert_ponged(written: &[u8]) {
    let pong = b"\x8a\x06there?";
    assert!(written.chunks(pong.len()).all(|chunk| pong.starts_with(chunk)), "{written:?}");
    assert!(!written.is_empty());
}

fn check_empty(connection: Connection<Script>, pool: &Pool) {
    drop(connection);
    assert_eq!(pool.stats().in_use_bytes(), 0);
}

/// Lets `read` take all messages of every script, and asserts that each ping was answered and no
/// segment stays.
fn check_reads(read: impl Fn(&[Message], &mut Connection<Script>)) {
    for (assembly, fragment_bytes, chunk) in scripts() {
        // Shown where an assertion fails.
        println!("{assembly:?}, fragments of {fragment_bytes}, {chunk} at a time");
        let (sent, pool) = (messages(), pool());
        let script = Script::new(pinged(&sent, fragment_bytes)).chunk(chunk).stalling();
        let mut connection = open(script, assembly, &pool);
        read(&sent, &mut connection);
        polled(async || connection.flush().await).expect("open");
        assert_ponged(&connection.get_ref().written);
        check_empty(connection, &pool);
    }
}

#[test]
fn next_dropped_at_every_poll_loses_no_message_and_no_pong() {
    check_reads(|sent, connection| {
        for message in sent {
            let got = polled(async || connection.next().await).expect("valid").expect("open");
            assert_eq!(&got, message);
        }
    });
}

#[test]
fn next_batch_dropped_at_every_poll_loses_no_message_and_no_pong() {
    check_reads(|sent, connection| {
        let mut got = Vec::new();
        while got.len() < sent.len() {
            let before = got.len();
            let count = polled(async || connection.next_batch(&mut got).await).expect("valid");
            assert!(count > 0);
            assert_eq!(got.len(), before + count);
        }
        assert_eq!(got, sent);
    });
}

#[test]
fn read_message_into_dropped_at_every_poll_loses_no_message_and_no_pong() {
    check_reads(|sent, connection| {
        let mut buffer = vec![0; 4_000];
        for message in sent {
            let read = polled(async || connection.read_message_into(&mut buffer).await);
            let len = message.data().len();
            assert_eq!(read.expect("valid"), ReadInto::Message { kind: message.kind(), len });
            assert_eq!(&buffer[..len], message.data());
        }
    });
}

#[test]
fn read_frame_into_dropped_at_every_poll_loses_no_byte_and_no_pong() {
    check_reads(|sent, connection| {
        let mut buffer = vec![0; 4_000];
        for message in sent {
            let mut got = Vec::new();
            loop {
                let read = polled(async || connection.read_frame_into(&mut buffer).await);
                let ReadFrameInto::Frame { kind, len, is_last } = read.expect("valid") else {
                    panic!("a frame");
                };
                assert_eq!(kind, message.kind());
                got.extend_from_slice(&buffer[..len]);
                if is_last {
                    break;
                }
            }
            assert_eq!(got, message.data());
        }
    });
}

#[test]
fn send_dropped_at_every_poll_is_taken_whole_or_not_at_all() {
    for chunk in [1, 7, 500] {
        for polls in 0..6 {
            let pool = pool();
            let script = Script::new(Vec::new()).chunk(chunk).stalling();
            let mut connection = open(script, Assembly::Segmented, &pool);
            let mut expected = SegmentedBuf::new(&pool);
            let mut queue = |message: &Message| {
                encode_message(message, 0, || None, &mut expected).expect("memory");
            };
            for message in messages() {
                let text = "borrowed ".repeat(30);
                if send_polled(&mut connection, Sent::Shared(&message), polls) {
                    queue(&message);
                }
                if send_polled(&mut connection, Sent::Text(&text), polls) {
                    queue(&Message::text(text));
                }
                if send_polled(&mut connection, Sent::Binary(b"bytes"), polls) {
                    queue(&Message::binary(&b"bytes"[..]));
                }
            }
            polled(async || connection.flush().await).expect("open");
            assert_eq!(connection.get_ref().written, expected.freeze().to_vec());
            check_empty(connection, &pool);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Sent<'a> {
    Shared(&'a Message),
    Text(&'a str),
    Binary(&'a [u8]),
}

/// Polls a send so many times; returns whether the message is on its way: from the first poll on,
/// unless 64 KiB wait before it.
fn send_polled(connection: &mut Connection<Script>, sent: Sent<'_>, polls: usize) -> bool {
    let was_full = connection.unsent_bytes() > 64 << 10;
    let mut future = Box::pin(async move {
        match sent {
            Sent::Shared(message) => connection.send(message).await,
            Sent::Text(text) => connection.send_text(text).await,
            Sent::Binary(bytes) => connection.send_binary(bytes).await,
        }
    });
    for _ in 0..polls {
        if let core::task::Poll::Ready(sent) = poll_once(&mut future) {
            sent.expect("open");
            break;
        }
    }
    assert!(!was_full, "messages are short here");
    polls > 0
}

#[test]
fn queue_waits_for_room_and_takes_nothing_when_it_is_dropped() {
    let pool = pool();
    let script = Script::new(Vec::new()).chunk(900).blocked();
    let mut connection = open(script, Assembly::Segmented, &pool);
    let message = Message::binary(vec![9; 50_000]);
    assert!(poll_once(connection.queue(&message)).is_ready());
    assert!(poll_once(connection.queue(&message)).is_ready());
    let full = connection.unsent_bytes();
    for _ in 0..3 {
        assert!(poll_once(connection.queue(&message)).is_pending());
        assert!(poll_once(connection.send(&message)).is_pending());
        assert_eq!(connection.unsent_bytes(), full);
    }
    connection.get_mut().is_blocked = false;
    polled(async || connection.flush().await).expect("open");
    assert_eq!(connection.get_ref().written.len() as u64, full);
    check_empty(connection, &pool);
}

#[test]
fn ping_dropped_at_its_poll_goes_out_with_the_next_flush() {
    let pool = pool();
    let mut connection =
        open(Script::new(Vec::new()).chunk(1).stalling(), Assembly::Segmented, &pool);
    let payload = ControlPayload::new(b"there?").expect("short");
    let _ = poll_once(connection.ping(&payload));
    polled(async || connection.flush().await).expect("open");
    assert_eq!(connection.get_ref().written, b"\x89\x06there?");
    check_empty(connection, &pool);
}

#[test]
fn close_dropped_at_every_poll_closes_in_order() {
    for (assembly, fragment_bytes, chunk) in scripts() {
        let pool = pool();
        let input =
            [pinged(&messages(), fragment_bytes), control(Opcode::Close, b"\x03\xe8bye")].concat();
        let mut connection = open(Script::new(input).chunk(chunk).stalling(), assembly, &pool);
        let close = CloseFrame::new(CloseCode::GOING_AWAY, "later");
        polled(async || connection.close(&close).await).expect("in order");
        assert_eq!(connection.get_ref().written, b"\x88\x07\x03\xe9later");
        assert!(connection.get_ref().is_shut);
        assert!(matches!(polled(async || connection.next().await), Ok(None)));
        check_empty(connection, &pool);
    }
}

#[test]
fn a_peers_close_is_answered_though_next_is_dropped_at_every_poll() {
    for (assembly, _, chunk) in scripts() {
        let pool = pool();
        let input = control(Opcode::Close, b"\x03\xe8bye");
        let mut connection = open(Script::new(input).chunk(chunk).stalling(), assembly, &pool);
        assert!(matches!(polled(async || connection.next().await), Ok(None)));
        assert_eq!(connection.get_ref().written, b"\x88\x02\x03\xe8");
        let mut buffer = [0; 8];
        let read = polled(async || connection.read_message_into(&mut buffer).await);
        assert_eq!(read.expect("in order"), ReadInto::Closed);
        check_empty(connection, &pool);
    }
}

#[test]
fn a_message_in_parts_keeps_what_was_written_before_a_drop() {
    for chunk in [1, 7, 500] {
        let pool = pool();
        let script = Script::new(Vec::new()).chunk(chunk).stalling();
        let mut connection = open(script, Assembly::Segmented, &pool);
        let mut writer = connection.start(MessageKind::Text, 10).expect("open");
        for _ in 0..20 {
            // The bytes are taken at the first poll; sending full fragments may be dropped.
            let _ = poll_once(writer.write(b"twelve bytes"));
        }
        polled_finish(writer);
        let written = &connection.get_ref().written;
        let mut decoded = Vec::new();
        let mut rest = &written[..];
        while let [_, len, payload @ ..] = rest {
            let (payload, after) = payload.split_at(usize::from(*len));
            decoded.extend_from_slice(payload);
            rest = after;
        }
        assert_eq!(decoded, b"twelve bytes".repeat(20));
        check_empty(connection, &pool);
    }
}

fn polled_finish(writer: ws_assemble::MessageWriter<'_, Connection<Script>>) {
    let mut finish = Box::pin(writer.finish());
    polled(async || finish.as_mut().await).expect("open");
}
