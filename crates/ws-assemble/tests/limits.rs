//! What an open message may keep, and when it lets go.

use seg_pool::{Pool, SegmentSize};
use ws_assemble::{
    Assembly, CloseCode, DecodeError, DecodeErrorKind, Decoder, Event, Limits, Role,
};

/// A pool of the smallest segments.
fn pool() -> Pool {
    Pool::builder().segment_size(SegmentSize::B256).build()
}

fn decoder(limits: Limits) -> Decoder {
    Decoder::new(Role::Client).with_limits(limits)
}

/// The block of a list of up to 6 chunks.
const LIST: usize = 256;

/// Feeds one segment and drops what is left of it.
fn feed(decoder: &mut Decoder, pool: &Pool, bytes: &[u8]) -> Result<Option<Event>, DecodeError> {
    let mut input = pool.take(bytes.len());
    input.extend_from_slice(bytes);
    decoder.decode(&mut input)
}

#[test]
fn a_message_may_keep_as_many_segments_as_the_limit_says() {
    let pool = pool();
    let mut decoder = decoder(Limits::default().with_held_bytes_max(1_024));
    assert_eq!(feed(&mut decoder, &pool, b"\x82\x7d1"), Ok(None));
    for _ in 0..3 {
        assert_eq!(feed(&mut decoder, &pool, b"x"), Ok(None));
    }
    assert_eq!(pool.stats().in_use_bytes(), 1_024 + LIST);
    let error = feed(&mut decoder, &pool, b"x").expect_err("a fifth segment");
    assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::HeldTooMuch, 6));
    assert_eq!(error.close_code(), CloseCode::TOO_BIG);
    assert_eq!(pool.stats().in_use_bytes(), 0, "a failed decoder keeps nothing");
}

#[test]
fn four_mib_in_fragments_of_64_bytes_and_an_empty_one_are_within_the_limits() {
    // As the Autobahn test suite sends them in its cases 9.3.1 and 9.4.1.
    const COUNT: usize = if cfg!(miri) { 1 << 6 } else { 1 << 16 };
    let pool = Pool::new();
    let mut wire = [&b"\x02\x40"[..], &[b'x'; 64]].concat();
    for _ in 1..COUNT {
        wire.extend_from_slice(b"\x00\x40");
        wire.extend_from_slice(&[b'x'; 64]);
    }
    for assembly in [Assembly::Segmented, Assembly::Contiguous] {
        let mut decoder = Decoder::new(Role::Client).with_assembly(assembly);
        for part in wire.chunks(4_096) {
            assert_eq!(feed(&mut decoder, &pool, part), Ok(None));
        }
        let event = feed(&mut decoder, &pool, b"\x80\x00").expect("within the limits");
        let Some(Event::Message(message)) = event else { panic!("a message") };
        assert_eq!(message.len(), 64 * COUNT as u64);
    }
}

#[test]
fn fragments_of_one_segment_are_counted_once() {
    let pool = pool();
    let mut decoder = decoder(Limits::default().with_held_bytes_max(256));
    let mut wire = b"\x02\x01x".to_vec();
    (0..50).for_each(|_| wire.extend_from_slice(b"\x00\x01x"));
    wire.extend_from_slice(b"\x80\x00");
    let event = feed(&mut decoder, &pool, &wire).expect("within the limit");
    assert!(matches!(event, Some(Event::Message(message)) if message.data() == [b'x'; 51]));
}

#[test]
fn the_limit_of_kept_bytes_starts_anew_with_each_message() {
    let pool = pool();
    let mut decoder = decoder(Limits::default().with_held_bytes_max(256));
    for _ in 0..10 {
        let event = feed(&mut decoder, &pool, b"\x82\x01x").expect("within the limit");
        assert!(matches!(event, Some(Event::Message(message)) if message.data() == b"x"));
    }
}

#[test]
fn announced_bytes_reserve_nothing() {
    for assembly in [Assembly::Segmented, Assembly::Contiguous] {
        let pool = pool();
        let limits = Limits::default().with_message_bytes_max(u64::MAX);
        let mut decoder = Decoder::new(Role::Client).with_assembly(assembly).with_limits(limits);
        let header = b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff";
        assert_eq!(feed(&mut decoder, &pool, header), Ok(None));
        assert_eq!(pool.stats().in_use_bytes(), 0, "{assembly:?}");
    }
}

#[test]
fn a_close_frame_gives_back_what_an_open_message_kept() {
    let pool = pool();
    let mut decoder = decoder(Limits::default());
    assert_eq!(feed(&mut decoder, &pool, b"\x01\x01a"), Ok(None));
    assert_eq!(pool.stats().in_use_bytes(), 256);
    assert_eq!(feed(&mut decoder, &pool, b"\x88\x00"), Ok(Some(Event::Close(None))));
    assert_eq!(pool.stats().in_use_bytes(), 0);
}

#[test]
fn a_stream_that_ends_gives_back_what_an_open_message_kept() {
    let pool = pool();
    let mut decoder = decoder(Limits::default());
    assert_eq!(feed(&mut decoder, &pool, b"\x01\x01a\x80\x05wo"), Ok(None));
    assert_eq!(pool.stats().in_use_bytes(), 256 + LIST);
    let error = decoder.finish().expect_err("cut");
    assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::Truncated, 7));
    assert_eq!(pool.stats().in_use_bytes(), 0);
    assert_eq!((decoder.finish(), decoder.error()), (Err(error), Some(error)));
}

#[test]
fn control_frames_and_headers_keep_no_segment() {
    let pool = pool();
    let mut decoder = decoder(Limits::default());
    for piece in [&b"\x89\x04pi"[..], b"ng", b"\x82", b"\x7e\x01"] {
        feed(&mut decoder, &pool, piece).expect("valid");
        assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn tens_of_thousands_of_fragments_are_one_message() {
    const CHUNKS: usize = if cfg!(miri) { 200 } else { 60_000 };
    let pool = pool();
    let mut decoder = decoder(Limits::default());
    let mut fragments = b"\x02\x01x".to_vec();
    fragments.extend(b"\x00\x01x".repeat(79));
    for _ in 0..CHUNKS / 80 {
        assert_eq!(feed(&mut decoder, &pool, &fragments), Ok(None));
        fragments[0] = 0;
    }
    let event = feed(&mut decoder, &pool, b"\x80\x00").expect("within the limits");
    let Some(Event::Message(message)) = event else { panic!("a message") };
    assert_eq!(message.len(), (CHUNKS / 80 * 80) as u64);
    assert!(message.sequence().chunk_count() > CHUNKS / 2);
}
