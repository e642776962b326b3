//! What the encoder writes, and that the decoder reads it.

use core::error::Error;
use http_chunked::{
    Decoder, EncodeErrorKind, Encoder, Step, TrailerErrorKind, Trailers, is_forbidden_trailer,
};
use proptest::{collection::vec, prelude::*};
use seg_pool::{Budget, Pool, Segment, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};

use crate::outcome::named;

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

fn small_pool() -> Pool {
    Pool::builder().segment_size(SegmentSize::B256).build()
}

fn sequence(pool: &Pool, bytes: &[u8]) -> Sequence {
    let mut buffer = SegmentedBuf::new(pool);
    buffer.extend_from_slice(bytes);
    buffer.freeze()
}

fn push(encoder: &mut Encoder, mut bytes: &[u8]) {
    assert_eq!(encoder.push(&mut bytes), Ok(()));
    assert!(bytes.is_empty());
}

/// A body as it was read back.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    chunk_lengths: Vec<u64>,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
}

/// Reads a whole body; nothing may be behind it, and no chunk but the last may be empty.
fn read(wire: &[u8]) -> Read {
    let mut decoder = Decoder::new();
    let (mut input, mut body, mut chunk_lengths, mut left) = (wire, Vec::new(), Vec::new(), 0);
    loop {
        match decoder.step(&mut input).expect("what is encoded is a valid body") {
            Step::Data(data) => {
                if left == 0 {
                    chunk_lengths.push(data.len() as u64 + decoder.chunk_left());
                }
                left = decoder.chunk_left();
                body.extend_from_slice(data);
            }
            Step::End => break assert_eq!(input, b""),
            step => panic!("{step:?}"),
        }
    }
    Read { chunk_lengths, body, trailers: named(decoder.trailers()) }
}

#[test]
fn small_writes_go_out_in_one_chunk_and_one_slice() {
    let mut encoder = Encoder::new(&Pool::new());
    for word in ["many ", "", "small ", "writes"] {
        push(&mut encoder, word.as_bytes());
    }
    assert_eq!((encoder.len(), encoder.open_len()), (0, 17));
    assert!(encoder.take().is_empty());
    assert_eq!(encoder.finish(&Trailers::new()), Ok(()));
    assert_eq!((encoder.len(), encoder.open_len(), encoder.is_ended()), (28, 0, true));
    let wire = encoder.take();
    assert_eq!(wire, b"11\r\nmany small writes\r\n0\r\n\r\n");
    assert_eq!(wire.chunk_count(), 1);
}

#[test]
fn flushed_writes_are_chunks_of_their_own_in_one_slice() {
    let mut encoder = Encoder::new(&Pool::new());
    for word in ["a", "bc", "", "defghijklmnopqrst"] {
        push(&mut encoder, word.as_bytes());
        encoder.flush();
        encoder.flush();
    }
    let wire = encoder.take();
    assert_eq!(wire, b"1\r\na\r\n2\r\nbc\r\n11\r\ndefghijklmnopqrst\r\n");
    assert_eq!(wire.chunk_count(), 1);
}

#[test]
fn a_long_write_is_a_chunk_and_a_slice_for_every_segment() {
    let pool = Pool::new();
    let mut encoder = Encoder::new(&pool);
    let body = vec![7; 50_000];
    push(&mut encoder, &body);
    assert_eq!(encoder.finish(&Trailers::new()), Ok(()));
    let wire = encoder.take();
    let read = read(&wire.to_vec());
    assert_eq!((read.body, read.chunk_lengths.len()), (body, 4));
    // A segment of 16 KiB holds the size of four digits, the data and two line ends.
    assert_eq!(read.chunk_lengths[..3], [16_384 - 8; 3]);
    assert_eq!(wire.chunk_count(), 4);
}

#[test]
fn no_chunk_is_longer_than_the_caller_says() {
    for most in [0, 1, 15, 16, 17, 4096, usize::MAX] {
        let mut encoder = Encoder::new(&small_pool()).with_chunk_bytes_max(most);
        push(&mut encoder, &[1; 500]);
        encoder.flush();
        push(&mut encoder, &[2; 500]);
        assert_eq!(encoder.finish(&Trailers::new()), Ok(()));
        let read = read(&encoder.take().to_vec());
        assert_eq!(read.body, [[1; 500], [2; 500]].concat());
        let longest = most.clamp(1, 256 - 8) as u64;
        assert!(read.chunk_lengths.iter().all(|&len| len <= longest), "{most}");
        assert!(read.chunk_lengths.contains(&longest), "{most}");
    }
}

#[test]
fn chunks_of_all_numbers_of_digits_follow_each_other() {
    let lengths = [1, 15, 16, 255, 256, 4_095, 4_096, 6_000];
    for (first, second) in lengths.iter().flat_map(|a| lengths.map(|b| (*a, b))) {
        for piece in [usize::MAX, 4_000, 7].into_iter().take(if cfg!(miri) { 2 } else { 3 }) {
            let mut encoder = Encoder::new(&Pool::new());
            let mut wire = Vec::new();
            for (octet, len) in [(b'a', first), (b'b', second), (b'c', first)] {
                let data = vec![octet; len];
                data.chunks(piece.min(len)).for_each(|piece| push(&mut encoder, piece));
                encoder.flush();
                wire.extend_from_slice(format!("{len:x}\r\n").as_bytes());
                wire.extend_from_slice(&data);
                wire.extend_from_slice(b"\r\n");
            }
            // None of them is split: a segment holds less than two of the longest.
            if first + second + first < 16_000 {
                assert!(encoder.take() == wire.as_slice(), "{first}, {second} by {piece}");
            }
        }
    }
}

#[test]
fn what_has_no_data_takes_no_segment() {
    let pool = Pool::new();
    let mut encoder = Encoder::new(&pool);
    encoder.flush();
    push(&mut encoder, b"");
    assert_eq!(encoder.push_chunk(&mut Sequence::new()), Ok(()));
    assert_eq!(encoder.push_segment(&mut Segment::new()), Ok(()));
    assert_eq!((encoder.take().len(), pool.stats().in_use_bytes()), (0, 0));
}

#[test]
fn a_chunk_that_cannot_be_linked_leaves_no_size_line() {
    let pool = Budget::new(&Pool::new(), 16 << 10).pool().clone();
    let data = Segment::from_static(&[b'x'; 2_000]);
    let mut encoder = Encoder::new(&pool);
    push(&mut encoder, b"before");
    let mut segment = data.clone();
    let error = encoder.push_segment(&mut segment).expect_err("the list has no block");
    let EncodeErrorKind::OutOfMemory(memory) = error.kind() else { panic!("{error}") };
    assert_eq!(error.to_string(), "out of memory at byte 6 of the body");
    assert_eq!(error.source().map(ToString::to_string), Some(memory.to_string()));
    assert_eq!(segment.len(), 2_000);
    let mut chunk = Sequence::from(segment);
    assert_eq!(encoder.push_chunk(&mut chunk), Err(error));
    assert_eq!((error.offset(), chunk.len()), (6, 2_000));
    assert_eq!(encoder.take(), b"6\r\nbefore\r\n");
}

#[test]
fn a_long_chunk_is_linked_and_a_short_one_is_copied() {
    let pool = Pool::new();
    let mut encoder = Encoder::new(&pool);
    let long = sequence(&pool, &[7; 40_000]);
    let place = long.chunks().next().expect("a chunk").as_ptr();
    push(&mut encoder, b"before");
    assert_eq!(encoder.push_chunk(&mut Sequence::new()), Ok(()));
    assert_eq!(encoder.push_chunk(&mut long.clone()), Ok(()));
    assert_eq!(encoder.push_chunk(&mut sequence(&pool, b"short")), Ok(()));
    assert_eq!(encoder.push_chunk(&mut long.clone()), Ok(()));
    assert_eq!(encoder.finish(&Trailers::new()), Ok(()));
    let wire = encoder.take();
    let chunks: Vec<_> = wire.chunks().collect();
    assert_eq!(&chunks[0][..], b"6\r\nbefore\r\n9c40\r\n");
    assert_eq!(chunks[1].as_ptr(), place);
    assert_eq!(&chunks[4][..], b"\r\n5\r\nshort\r\n9c40\r\n");
    assert_eq!(chunks[5].as_ptr(), place);
    assert_eq!(&chunks[8][..], b"\r\n0\r\n\r\n");
    assert_eq!(read(&wire.to_vec()).chunk_lengths, [6, 40_000, 5, 40_000]);
}

#[test]
fn a_chunk_above_32_bits_is_written_without_a_copy() {
    let piece = Segment::from(bytes::Bytes::from(vec![0; 64 << 10]));
    let mut data = Sequence::new();
    for _ in 0..16 {
        data.push(piece.clone());
    }
    // 16 doublings of a mebibyte.
    for _ in 0..if cfg!(miri) { 2 } else { 13 } {
        data.append(data.clone());
    }
    let mut encoder = Encoder::new(&Pool::new());
    let len = data.len();
    assert_eq!(encoder.push_chunk(&mut data), Ok(()));
    assert!(data.is_empty());
    let wire = encoder.take();
    let header = format!("{len:x}\r\n");
    assert!(wire.starts_with(header.as_bytes()));
    assert_eq!(wire.len(), header.len() as u64 + len + 2);
}

#[test]
fn trailers_stand_behind_the_last_chunk() {
    let mut encoder = Encoder::new(&small_pool());
    let mut trailers = Trailers::new();
    assert_eq!(trailers.push("ETag", b" \t\"a b\" \t"), Ok(()));
    assert_eq!(trailers.push("X-Empty", b" "), Ok(()));
    assert_eq!(trailers.push("X-Long", &[b'x'; 600]), Ok(()));
    push(&mut encoder, b"body");
    assert_eq!(encoder.finish(&trailers), Ok(()));
    let wire = encoder.take().to_vec();
    assert!(wire.starts_with(b"4\r\nbody\r\n0\r\nETag: \"a b\"\r\nX-Empty:\r\nX-Long: xxx"));
    assert_eq!(read(&wire).trailers, named(&trailers));
}

#[test]
fn trailers_that_must_not_be_sent_are_refused() {
    use TrailerErrorKind::{Forbidden, Name, Value};
    let cases: [(&str, &[u8], TrailerErrorKind, u64); 9] = [
        ("", b"a", Name, 0),
        ("a b", b"a", Name, 1),
        ("a:", b"a", Name, 1),
        ("ü", b"a", Name, 0),
        ("a", b"b\r\nc: d", Value, 1),
        ("a", b"\n", Value, 0),
        ("a", b"ab\0", Value, 2),
        ("Content-Length", b"1", Forbidden, 0),
        ("transfer-encoding", b"chunked", Forbidden, 0),
    ];
    for (name, value, kind, offset) in cases {
        let mut trailers = Trailers::new();
        let error = trailers.push(name, value).expect_err(name);
        assert_eq!((error.kind(), error.offset()), (kind, offset), "{name:?}: {error}");
        assert_eq!((trailers.len(), trailers == Trailers::new()), (0, true));
        assert_eq!(kind == Forbidden, is_forbidden_trailer(name.as_bytes()));
    }
}

#[test]
fn nothing_comes_behind_the_last_chunk() {
    let pool = Pool::new();
    let mut encoder = Encoder::new(&pool);
    push(&mut encoder, b"body");
    assert_eq!(encoder.finish(&Trailers::new()), Ok(()));
    let mut late = &b"late"[..];
    let error = encoder.push(&mut late).expect_err("it has ended");
    assert_eq!((error.kind(), error.offset(), late.len()), (EncodeErrorKind::Ended, 4, 4));
    assert_eq!(error.to_string(), "data after the last chunk at byte 4 of the body");
    assert_eq!(encoder.push_chunk(&mut sequence(&pool, b"late")), Err(error));
    let mut segment = Segment::from_static(b"late");
    assert_eq!((encoder.push_segment(&mut segment), &*segment), (Err(error), &b"late"[..]));
    assert_eq!(encoder.finish(&Trailers::new()), Err(error));
    assert_eq!(encoder.take(), b"4\r\nbody\r\n0\r\n\r\n");
    assert_eq!(pool.stats().in_use_bytes(), 0, "an ended encoder holds no segment");
    encoder.reset();
    assert_eq!(encoder.finish(&Trailers::new()), Ok(()));
    assert_eq!(encoder.take(), b"0\r\n\r\n");
}

#[test]
fn an_exhausted_pool_loses_nothing() {
    let whole = Pool::builder().segment_size(SegmentSize::B256).build();
    let budget = Budget::new(&whole, 64 << 10);
    let pool = budget.pool().clone();
    let mut taken = Vec::new();
    while let Ok(segment) = pool.try_take_size(pool.segment_size()) {
        taken.push(segment);
    }
    let body: Vec<u8> = (0..=255).cycle().take(3000).collect();
    let mut linked = Sequence::from(Segment::from(bytes::Bytes::from(body.clone())));
    let mut trailers = Trailers::new();
    assert_eq!(trailers.push("X-Long", &[b'x'; 600]), Ok(()));
    let (mut encoder, mut refusals) = (Encoder::new(&pool), 0);
    let mut refused = |error: http_chunked::EncodeError| {
        assert!(matches!(error.kind(), EncodeErrorKind::OutOfMemory(_)), "{error}");
        refusals += 1;
        drop(taken.pop().expect("the pool holds more than the body"));
    };
    let mut rest = &body[..];
    while let Err(error) = encoder.push(&mut rest) {
        assert_eq!(error.offset(), (body.len() - rest.len()) as u64);
        refused(error);
    }
    while let Err(error) = encoder.push_chunk(&mut linked) {
        assert_eq!(error.offset(), 3000);
        refused(error);
    }
    while let Err(error) = encoder.finish(&trailers) {
        assert_eq!(error.offset(), 6000);
        refused(error);
    }
    assert!(refusals > 10, "{refusals}");
    let read = read(&encoder.take().to_vec());
    assert_eq!(read.body, [&body[..], &body[..]].concat());
    assert_eq!(read.trailers, named(&trailers));
}

/// What is done with an encoder.
#[derive(Clone, Debug)]
enum Action {
    Push(usize),
    Chunk(usize),
    Segment(usize),
    Flush,
    Take,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let len = prop_oneof![0_usize..20, 0_usize..600, 1000_usize..5000];
    let action = prop_oneof![
        3 => len.clone().prop_map(Action::Push),
        2 => len.clone().prop_map(Action::Chunk),
        1 => len.prop_map(Action::Segment),
        1 => Just(Action::Flush),
        1 => Just(Action::Take),
    ];
    vec(action, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_encoded_is_decoded(
        actions in actions(),
        most in prop_oneof![1_usize..20, 100_usize..2000, Just(usize::MAX)],
        is_small in any::<bool>(),
        trailers in vec(("X-[A-Za-z0-9]{1,6}", "([!-~]([!-~ \t]{0,10}[!-~])?)?"), 0..4),
    ) {
        let pool = if is_small { small_pool() } else { Pool::new() };
        let mut encoder = Encoder::new(&pool).with_chunk_bytes_max(most);
        let (mut wire, mut body, mut given) = (Vec::new(), Vec::new(), Vec::new());
        for (step, action) in (0_u8..).zip(actions) {
            match action {
                Action::Push(len) => {
                    push(&mut encoder, &vec![step; len]);
                    body.extend(core::iter::repeat_n(step, len));
                }
                Action::Chunk(len) => {
                    let mut data = sequence(&pool, &vec![step; len]);
                    prop_assert_eq!(encoder.push_chunk(&mut data), Ok(()));
                    body.extend(core::iter::repeat_n(step, len));
                    given.extend((len > 0).then_some(len as u64));
                }
                Action::Segment(len) => {
                    let mut data = Segment::from(bytes::Bytes::from(vec![step; len]));
                    prop_assert_eq!(encoder.push_segment(&mut data), Ok(()));
                    prop_assert!(data.is_empty());
                    body.extend(core::iter::repeat_n(step, len));
                    given.extend((len > 0).then_some(len as u64));
                }
                Action::Flush => encoder.flush(),
                Action::Take => {
                    let len = encoder.len();
                    let taken = encoder.take();
                    prop_assert_eq!(taken.len(), len);
                    wire.extend_from_slice(&taken.to_vec());
                }
            }
        }
        let mut fields = Trailers::new();
        for (name, value) in &trailers {
            prop_assert_eq!(fields.push(name, value.as_bytes()), Ok(()));
        }
        prop_assert_eq!(encoder.finish(&fields), Ok(()));
        wire.extend_from_slice(&encoder.take().to_vec());
        let read = read(&wire);
        prop_assert_eq!(read.body, body);
        prop_assert_eq!(read.trailers, named(&fields));
        // The chunks given as such are there, in their order.
        let mut lengths = read.chunk_lengths.iter();
        prop_assert!(given.iter().all(|len| lengths.any(|found| found == len)));
    }
}
