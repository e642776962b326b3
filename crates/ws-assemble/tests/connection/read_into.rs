//! Messages and frames into the caller's buffer.

use core::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicPtr, Ordering},
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;
use seg_pool::{Pool, SLAB_BYTES, SegmentMut, SegmentSize};
use ws_assemble::{
    Assembly, CloseCode, CloseFrame, Connection, ConnectionError, DecodeErrorKind, Message,
    MessageKind, ReadFrameInto, ReadInto,
};

use super::script::Script;
use crate::{ASSEMBLIES, open, poll_once, polled as dropped, pool, wire};

/// Polls one future until it is done.
fn kept<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
    panic!("never done");
}

/// A pool with one segment left.
fn one_segment() -> (Pool, Vec<SegmentMut>) {
    let pool = Pool::builder().segment_size(SegmentSize::K1).bytes_max(SLAB_BYTES).build();
    let mut others: Vec<_> =
        core::iter::from_fn(|| pool.try_take_size(pool.segment_size()).ok()).collect();
    others.pop();
    (pool, others)
}

fn messages() -> Vec<Message> {
    vec![
        Message::text("short"),
        Message::text("h\u{e9}llo \u{1f600} ".repeat(900)),
        Message::text(""),
        Message::binary((0..=250).cycle().take(9_000).collect::<Vec<u8>>()),
        Message::text("plain ".repeat(1_000)),
    ]
}

#[test]
fn a_message_is_the_same_in_every_way_of_polling() {
    for assembly in ASSEMBLIES {
        for (fragment_bytes, chunk) in [(0, 1), (0, 700), (0, 9_999), (90, 64), (3_000, 400)] {
            let sent = messages();
            let script = || Script::new(wire(&sent, fragment_bytes)).chunk(chunk).stalling();
            let pool = pool();
            let mut patient = open(script(), assembly, &pool);
            let mut hasty = open(script(), assembly, &pool);
            let mut buffer = vec![0; 20_000];
            for message in &sent {
                let len = usize::try_from(message.len()).expect("short");
                let expected = ReadInto::Message { kind: message.kind(), len };
                let read = kept(patient.read_message_into(&mut buffer)).expect("valid");
                assert_eq!((read, &buffer[..len]), (expected, message.data()));
                let read = dropped(async || hasty.read_message_into(&mut buffer).await);
                assert_eq!((read.expect("valid"), &buffer[..len]), (expected, message.data()));
            }
            drop((patient, hasty));
            assert_eq!(pool.stats().in_use_bytes(), 0);
        }
    }
}

#[test]
fn a_long_message_needs_no_more_than_one_segment() {
    let sent = Message::text("\u{20ac}uro ".repeat(50_000));
    let (pool, others) = one_segment();
    let script = Script::new(wire(core::slice::from_ref(&sent), 0)).chunk(3_000).stalling();
    let mut connection = open(script, Assembly::Segmented, &pool);
    let mut buffer = vec![0; 400_000];
    let mut future = Box::pin(connection.read_message_into(&mut buffer));
    let mut polls = 0;
    let read = loop {
        polls += 1;
        match poll_once(&mut future) {
            Poll::Ready(read) => break read.expect("no memory is needed"),
            // The first read is into a segment, the others are not.
            Poll::Pending => {
                let in_use = pool.stats().in_use_bytes() - others.len() * 1024;
                assert!(polls < 2 || in_use == 0, "{in_use} bytes, {polls} polls");
            }
        }
    };
    drop(future);
    assert_eq!(read, ReadInto::Message { kind: MessageKind::Text, len: sent.data().len() });
    assert_eq!(&buffer[..sent.data().len()], sent.data());
}

#[test]
fn a_read_dropped_without_memory_of_the_pool_loses_no_byte() {
    let sent = Message::binary(vec![7; 5_000]);
    let (pool, others) = one_segment();
    let script = Script::new(wire(core::slice::from_ref(&sent), 0)).chunk(1_100).stalling();
    let mut connection = open(script, Assembly::Segmented, &pool);
    let mut buffer = vec![0; 5_000];
    let read = dropped(async || connection.read_message_into(&mut buffer).await);
    let expected = ReadInto::Message { kind: MessageKind::Binary, len: 5_000 };
    assert_eq!(read.expect("none is needed"), expected);
    assert_eq!(buffer, sent.data());
    drop(others);
}

#[test]
fn frames_come_as_they_were_sent() {
    let text = "a\u{1f600}".repeat(1_000);
    let sent = [Message::text(text.clone()), Message::binary(vec![])];
    for assembly in ASSEMBLIES {
        for (fragment, chunk) in [(3, 2), (900, 5_000), (2_001, 300)] {
            let script = Script::new(wire(&sent, fragment)).chunk(chunk).stalling();
            let mut connection = open(script, assembly, &pool());
            let mut buffer = vec![0; 2_001];
            let parts = text.as_bytes().chunks(usize::try_from(fragment).expect("short"));
            let count = parts.len();
            for (index, part) in parts.enumerate() {
                let (kind, len) = (MessageKind::Text, part.len());
                let expected = ReadFrameInto::Frame { kind, len, is_last: index + 1 == count };
                let small = kept(connection.read_frame_into(&mut buffer[..len - 1]));
                assert_eq!(small.expect("valid"), ReadFrameInto::TooSmall { needed: len as u64 });
                let read = kept(connection.read_frame_into(&mut buffer)).expect("valid");
                assert_eq!((read, &buffer[..len]), (expected, part), "{fragment}, {chunk}");
            }
            let read = dropped(async || connection.read_frame_into(&mut []).await);
            let expected =
                ReadFrameInto::Frame { kind: MessageKind::Binary, len: 0, is_last: true };
            assert_eq!(read.expect("valid"), expected);
        }
    }
}

#[test]
fn what_is_left_of_a_message_comes_from_next() {
    for assembly in ASSEMBLIES {
        let sent = Message::text("0123456789".repeat(400));
        let script = Script::new(wire(core::slice::from_ref(&sent), 1_500)).chunk(800).stalling();
        let mut connection = open(script, assembly, &pool());
        let mut buffer = vec![0; 1_500];
        let read = kept(connection.read_frame_into(&mut buffer)).expect("valid");
        let expected = ReadFrameInto::Frame { kind: MessageKind::Text, len: 1_500, is_last: false };
        assert_eq!(read, expected);
        let rest = dropped(async || connection.next().await).expect("valid").expect("open");
        assert_eq!([&buffer[..], rest.data()].concat(), sent.data());
    }
}

#[test]
fn the_rest_of_a_text_that_is_cut_inside_a_character_is_no_str() {
    for assembly in ASSEMBLIES {
        for (fragment_bytes, expected) in [(3, Some("\u{20ac}")), (4, None)] {
            let frames = wire(&[Message::text("\u{20ac}\u{20ac}")], fragment_bytes);
            let mut connection = open(Script::new(frames), assembly, &pool());
            let mut buffer = [0; 4];
            assert!(kept(connection.read_frame_into(&mut buffer)).is_ok());
            let rest = dropped(async || connection.next().await).expect("valid").expect("open");
            assert_eq!((rest.kind(), rest.as_str()), (MessageKind::Text, expected));
        }
    }
}

#[test]
fn fragments_that_outgrow_the_buffer_wait_whole() {
    for assembly in ASSEMBLIES {
        let sent = Message::binary((0..=250).cycle().take(9_000).collect::<Vec<u8>>());
        let script = Script::new(wire(core::slice::from_ref(&sent), 2_000)).chunk(700).stalling();
        let mut connection = open(script, assembly, &pool());
        let mut buffer = vec![0; 9_000];
        let read = kept(connection.read_message_into(&mut buffer[..5_000])).expect("valid");
        assert_eq!(read, ReadInto::TooSmall { needed: 9_000 });
        let read = kept(connection.read_message_into(&mut buffer)).expect("valid");
        assert_eq!(read, ReadInto::Message { kind: MessageKind::Binary, len: 9_000 });
        assert_eq!(buffer, sent.data());
    }
}

/// Where a leaked future lies: what looks for leaks does not count what a static leads to.
static LEAKED: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

#[test]
fn a_leaked_read_is_an_error_and_no_message_without_its_start() {
    let sent = Message::binary(vec![1; 9_000]);
    let script = Script::new(wire(&[sent.clone(), sent], 0)).chunk(2_000).stalling();
    let mut connection = open(script, Assembly::Segmented, &pool());
    let mut buffer = vec![0; 9_000];
    let mut future = Box::pin(connection.read_message_into(&mut buffer));
    for _ in 0..4 {
        assert!(poll_once(&mut future).is_pending());
    }
    LEAKED.store(core::ptr::from_mut(Box::leak(Box::new(future))).cast(), Ordering::Relaxed);
    for _ in 0..2 {
        let next = dropped(async || connection.next().await);
        assert!(matches!(next, Err(ConnectionError::ReadForgotten)), "{next:?}");
        let read = dropped(async || connection.read_message_into(&mut []).await);
        assert!(matches!(read, Err(ConnectionError::ReadForgotten)));
    }
}

#[test]
fn text_is_validated_where_it_lies() {
    let mut text = "\u{e9}".repeat(4_000).into_bytes();
    text[6_001] = b'x';
    let mut sent = wire(&[Message::binary(text)], 0);
    sent[0] = 0x81;
    for assembly in ASSEMBLIES {
        let script = Script::new(sent.clone()).chunk(2_000).stalling();
        let mut connection = open(script, assembly, &pool());
        let mut buffer = vec![0; 8_000];
        let read = kept(connection.read_message_into(&mut buffer));
        let Err(ConnectionError::Decode(error)) = read else { panic!("{read:?}") };
        assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::Utf8Invalid, 8 + 6_001));
        let _ = poll_once(connection.flush());
        assert_eq!(connection.get_ref().written, b"\x88\x02\x03\xef");
    }
}

#[tokio::test]
async fn a_half_reads_into_a_buffer_while_the_other_writes() {
    let (near, far) = tokio::io::duplex(700);
    let mut client = Connection::client(near, &pool());
    let (mut read, mut write) = Connection::server(far, &pool()).split();
    let echo = tokio::spawn(async move {
        let mut buffer = vec![0; 20_000];
        let mut frames = 0;
        loop {
            match read.read_message_into(&mut buffer).await.expect("valid") {
                ReadInto::Message { len, .. } => {
                    let message = Message::binary(buffer[..len].to_vec());
                    write.send(&message).await.expect("open");
                }
                ReadInto::Closed => return frames,
                ReadInto::TooSmall { needed } => {
                    buffer.resize(usize::try_from(needed).expect("short"), 0);
                    let read = read.read_frame_into(&mut buffer).await.expect("valid");
                    assert!(matches!(read, ReadFrameInto::Frame { is_last: true, .. }));
                    frames += 1;
                }
            }
        }
    });
    for message in messages() {
        client.send(&message).await.expect("open");
        let back = client.next().await.expect("valid").expect("open");
        assert_eq!(back.data(), message.data());
    }
    client.send(&Message::binary(vec![3; 30_000])).await.expect("open");
    let close = CloseFrame::new(CloseCode::NORMAL, "");
    client.close(&close).await.expect("in order");
    assert_eq!(echo.await.expect("no panic"), 1);
}

/// One call, of a future that is polled so many times and dropped then.
#[derive(Clone, Copy, Debug)]
enum Call {
    Next(usize),
    MessageInto(usize, usize),
    FrameInto(usize, usize),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        (1..4_usize).prop_map(Call::Next),
        (1..6_usize, 0..9_000_usize).prop_map(|(polls, len)| Call::MessageInto(polls, len)),
        (1..6_usize, 0..9_000_usize).prop_map(|(polls, len)| Call::FrameInto(polls, len)),
    ]
}

fn polls<T>(future: impl Future<Output = T>, count: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..count).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 300 }))]

    #[test]
    fn calls_of_every_kind_give_the_bytes_that_were_sent(
        calls in proptest::collection::vec(call(), 1..40),
        lens in proptest::collection::vec(0..7_000_usize, 1..6),
        fragment_bytes in 0..4_000_u64,
        chunk in 1..4_000_usize,
        is_segmented: bool,
    ) {
        let sent: Vec<Message> = lens
            .iter()
            .enumerate()
            .map(|(index, &len)| Message::binary((0..=250).cycle().skip(index).take(len).collect::<Vec<u8>>()))
            .collect();
        let pool = pool();
        let script = Script::new(wire(&sent, fragment_bytes)).chunk(chunk.max(20)).stalling();
        let assembly = ASSEMBLIES[usize::from(!is_segmented)];
        let mut connection = open(script, assembly, &pool);
        let mut got = vec![Vec::new()];
        let end = |got: &mut Vec<Vec<u8>>| got.push(Vec::new());
        let mut calls = calls.into_iter();
        while got.len() <= sent.len() {
            // When the calls are used up, the rest is read plainly.
            match calls.next().unwrap_or(Call::Next(1_000_000)) {
                Call::Next(count) => {
                    if let Some(message) = polls(connection.next(), count) {
                        let message = message.expect("valid").expect("open");
                        got.last_mut().expect("one").extend_from_slice(message.data());
                        end(&mut got);
                    }
                }
                Call::MessageInto(count, len) => {
                    let mut buffer = vec![0; len];
                    let read = polls(connection.read_message_into(&mut buffer), count);
                    if let Some(ReadInto::Message { len, .. }) = read.transpose().expect("valid") {
                        got.last_mut().expect("one").extend_from_slice(&buffer[..len]);
                        end(&mut got);
                    }
                }
                Call::FrameInto(count, len) => {
                    let mut buffer = vec![0; len];
                    let read = polls(connection.read_frame_into(&mut buffer), count);
                    if let Some(ReadFrameInto::Frame { len, is_last, .. }) =
                        read.transpose().expect("valid")
                    {
                        got.last_mut().expect("one").extend_from_slice(&buffer[..len]);
                        if is_last {
                            end(&mut got);
                        }
                    }
                }
            }
        }
        got.pop();
        prop_assert_eq!(got.len(), sent.len());
        for (got, sent) in got.iter().zip(&sent) {
            prop_assert_eq!(&got[..], sent.data());
        }
        drop((connection, sent));
        prop_assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}
