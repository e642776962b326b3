//! What decoding and encoding ask of the allocator, counted by thread.

#[path = "../../seg-pool/tests/harness/counting.rs"]
mod counting;

use counting::allocations;
use seg_pool::{Pool, SegmentSize};
use seg_seq::SegmentedBuf;
use ws_assemble::{Decoder, Event, Message, Role, encode_message};

/// Messages of warming up, and then of counting.
const ROUNDS: usize = if cfg!(miri) { 2 } else { 12 };

const LARGE: usize = if cfg!(miri) { 4 << 10 } else { 1 << 20 };

/// Messages that a reader keeps at a time.
const KEPT: usize = 4;

/// Spare blocks of lists are shared by all threads, so only one test counts at a time.
fn alone() -> impl Drop {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Asserts that `action` allocates nothing once it has run a few times.
#[track_caller]
fn assert_allocates_nothing(about: &str, mut action: impl FnMut()) {
    (0..ROUNDS).for_each(|_| action());
    let (count, largest) = allocations(|| (0..ROUNDS).for_each(|_| action()));
    assert_eq!(count, 0, "{about}: in {ROUNDS} rounds, the largest of {largest} bytes");
}

/// A masked message of `len` bytes in frames of `fragment_bytes`, as a server receives it.
fn wire(len: usize, fragment_bytes: u64, text: bool) -> Vec<u8> {
    let message = if text {
        Message::text("\u{e9}".repeat(len / 2))
    } else {
        Message::binary(vec![0xa5; len])
    };
    let mut output = SegmentedBuf::new(&Pool::new());
    encode_message(&message, fragment_bytes, || Some([1, 2, 3, 4]), &mut output).expect("no limit");
    output.freeze().to_vec()
}

/// Receives `wire` in segments of the pool's own size; returns its one message.
fn receive(decoder: &mut Decoder, pool: &Pool, wire: &[u8]) -> Message {
    let mut received = None;
    let mut rest = wire;
    while !rest.is_empty() {
        let mut input = pool.try_take_size(pool.segment_size()).expect("no limit");
        rest = &rest[input.fill_from_slice(rest)..];
        while let Some(event) = decoder.decode(&mut input).expect("valid frames") {
            let Event::Message(message) = event else { panic!("only messages were sent") };
            assert!(received.replace(message).is_none(), "one message was sent");
        }
    }
    received.expect("a whole message")
}

fn server() -> Decoder {
    Decoder::new(Role::Server)
}

/// Payload bytes and fragments of the messages here.
fn shapes() -> Vec<(usize, usize)> {
    let single = [16, 128, 1 << 10, 4 << 10, 16 << 10, 64 << 10].map(|len| (len, 1));
    let mut shapes = single.to_vec();
    shapes.extend([(16 << 10, 16), (LARGE, 64), (LARGE, 1)]);
    shapes.retain(|(len, _)| *len <= LARGE);
    shapes
}

#[test]
fn a_message_dropped_at_once_allocates_nothing() {
    let _alone = alone();
    let pool = Pool::new();
    let mut decoder = server();
    for (len, fragments) in shapes() {
        for text in [false, true] {
            let wire = wire(len, (len / fragments) as u64, text);
            assert_allocates_nothing(&format!("{len} bytes in {fragments} fragments"), || {
                assert_eq!(receive(&mut decoder, &pool, &wire).len(), len as u64);
            });
        }
    }
}

#[test]
fn messages_that_are_kept_for_a_while_allocate_nothing() {
    let _alone = alone();
    let pool = Pool::new();
    let mut decoder = server();
    let mut kept: [Option<Message>; KEPT] = [const { None }; KEPT];
    for (len, fragments) in shapes() {
        let wire = wire(len, (len / fragments) as u64, false);
        let mut next = (0..KEPT).cycle();
        assert_allocates_nothing(&format!("{len} bytes in {fragments} fragments"), || {
            let slot = next.next().and_then(|index| kept.get_mut(index)).expect("a slot");
            *slot = Some(receive(&mut decoder, &pool, &wire));
        });
        assert!(kept.iter().flatten().all(|message| message.len() == len as u64));
    }
}

#[test]
fn short_control_frames_allocate_nothing_and_long_ones_once() {
    let _alone = alone();
    let pool = Pool::new();
    let mut decoder = Decoder::new(Role::Client);
    for (len, expected) in [(0, 0), (8, 0), (22, 0), (23, 1), (125, 1)] {
        let ping = [&[0x89, len][..], &vec![7; len.into()]].concat();
        let mut receive = || {
            let mut input = pool.try_take_size(pool.segment_size()).expect("no limit");
            input.extend_from_slice(&ping);
            let event = decoder.decode(&mut input).expect("a valid frame");
            assert!(matches!(event, Some(Event::Ping(payload)) if payload.len() == len.into()));
        };
        receive();
        let (count, _) = allocations(receive);
        assert_eq!(count, expected, "{len} bytes");
    }
}

#[test]
fn encoding_allocates_nothing() {
    let _alone = alone();
    let pool = Pool::new();
    // The first block of a list, which the output has when it enters its second segment.
    drop(pool.take(256));
    for (len, fragments) in shapes() {
        let message = Message::binary(vec![7; len]);
        for key in [None, Some([1, 2, 3, 4])] {
            let about = format!("{len} bytes in {fragments} fragments, {key:?}");
            let mut output = SegmentedBuf::new(&pool);
            assert_allocates_nothing(&about, || {
                let fragment_bytes = (len / fragments) as u64;
                encode_message(&message, fragment_bytes, || key, &mut output).expect("no limit");
                assert!(output.split().len() > len as u64);
            });
        }
    }
}

#[test]
fn no_allocation_is_larger_than_64_kib() {
    let _alone = alone();
    let wire = wire(LARGE, (LARGE / 64) as u64, true);
    // A new pool and a new decoder: nothing is warm.
    let (count, largest) = allocations(|| {
        let pool = Pool::builder().segment_size(SegmentSize::B256).build();
        let message = receive(&mut server(), &pool, &wire);
        assert!(message.sequence().chunk_count() > LARGE / 300);
    });
    assert!(count > 0);
    assert!(largest <= 65_536, "{largest} bytes at once");
}

#[test]
fn an_idle_decoder_holds_no_segment() {
    let _alone = alone();
    let pool = Pool::new();
    let mut decoder = server();
    for (len, fragments) in shapes() {
        let wire = wire(len, (len / fragments) as u64, false);
        let message = receive(&mut decoder, &pool, &wire);
        assert!(pool.stats().in_use_bytes() >= len);
        drop(message);
        assert_eq!(pool.stats().in_use_bytes(), 0, "{len} bytes in {fragments} fragments");
    }
}
