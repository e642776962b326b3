//! Streams that another library made, in every wrapping, cut everywhere.

#[path = "harness/decode.rs"]
mod harness;
#[path = "harness/text.rs"]
mod text;

use std::io::Write;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use harness::{Outcome, decode, decode_into};
use proptest::prelude::*;
use seg_flate::{Decode, Format, InflateErrorKind, Inflater, Limits, Status, Trailing, inflate};
use seg_pool::{Pool, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};
use text::text;

/// Lengths of bodies; the second half is cut at random, the first at every byte.
const SMALL: &[usize] = if cfg!(miri) { &[0, 1, 20] } else { &[0, 1, 100, 255, 256, 257] };
const LARGE: &[usize] = if cfg!(miri) { &[600] } else { &[32_768, 70_000, 300_000] };

/// How a stream is made, how it is read, and its name.
struct Way {
    name: &'static str,
    format: Format,
    make: fn(&[u8], Compression) -> Vec<u8>,
}

const WAYS: [Way; 5] = [
    Way { name: "gzip", format: Format::Gzip, make: gzip },
    Way { name: "zlib", format: Format::Zlib, make: zlib },
    Way { name: "raw", format: Format::Raw, make: raw },
    Way { name: "deflate as zlib", format: Format::Deflate, make: zlib },
    Way { name: "deflate as raw", format: Format::Deflate, make: raw },
];

fn gzip(body: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("into memory")
}

fn zlib(body: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), level);
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("into memory")
}

fn raw(body: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), level);
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("into memory")
}

/// Cuts `bytes` into pieces whose lengths follow from `seed`, from none to `longest`.
fn cut(bytes: &[u8], seed: u64, longest: usize) -> Vec<&[u8]> {
    let (mut rest, mut random, mut pieces) = (bytes, seed | 1, Vec::new());
    while !rest.is_empty() {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e);
        let len = usize::try_from(random >> 40).expect("24 bits") % (longest + 1);
        let (piece, behind) = rest.split_at(len.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Received bytes in many small chunks.
fn sequence(bytes: &[u8]) -> Sequence {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let mut received = SegmentedBuf::new(&pool);
    received.extend_from_slice(bytes);
    received.freeze()
}

/// Runs `check` for every wrapping and level.
fn for_every_way(body: &[u8], mut check: impl FnMut(&Way, &[u8])) {
    for way in &WAYS {
        for level in [0, 1, 9] {
            let wire = (way.make)(body, Compression::new(level));
            check(way, &wire);
        }
    }
}

#[test]
fn small_bodies_come_back_however_the_stream_is_cut() {
    for &len in SMALL {
        let body = text(len);
        for_every_way(&body, |way, wire| {
            for at in 0..=wire.len() {
                let (head, tail) = wire.split_at(at);
                let outcome = decode(way.format, Limits::default(), &[head, tail]);
                assert_eq!(
                    outcome,
                    Outcome::whole(&body),
                    "{}, {len} bytes, cut at {at}",
                    way.name
                );
            }
            let bytes: Vec<&[u8]> = wire.chunks(1).collect();
            let outcome = decode(way.format, Limits::default(), &bytes);
            assert_eq!(outcome, Outcome::whole(&body), "{}, byte by byte", way.name);
        });
    }
}

#[test]
fn large_bodies_come_back_into_segments_of_any_size() {
    let sizes = [SegmentSize::B256, SegmentSize::K16, SegmentSize::K64];
    for &len in LARGE {
        let body = text(len);
        for_every_way(&body, |way, wire| {
            let mut inflater = Inflater::new(way.format, Limits::default());
            for (seed, size) in sizes.into_iter().enumerate() {
                let pool = Pool::builder().segment_size(size).build();
                let longest = [3_000, 20_000, wire.len()][seed];
                let outcome = decode_into(&pool, &mut inflater, &cut(wire, seed as u64, longest));
                assert!(
                    outcome == Outcome::whole(&body),
                    "{}, {len} bytes, {size:?}: {} bytes, {:?}",
                    way.name,
                    outcome.decoded.len(),
                    outcome.failure
                );
                inflater.reset(way.format);
            }
        });
    }
}

#[test]
fn what_lies_behind_a_stream_stays_in_the_input() {
    let body = text(500);
    // One that is no gzip magic, and enough that an eager bit buffer would have eaten some.
    let behind = b"GET / HTTP/1.1\r\n\r\n";
    let limits = Limits::default().with_trailing(Trailing::Leave);
    for_every_way(&body, |way, wire| {
        let all = [wire, behind].concat();
        for at in 0..=all.len() {
            let (head, tail) = all.split_at(at);
            let outcome = decode(way.format, limits, &[head, tail]);
            let expected = Outcome { rest: behind.len(), ..Outcome::whole(&body) };
            assert_eq!(outcome, expected, "{}, cut at {at}", way.name);
        }
        // The whole-sequence function leaves or refuses them by the same limit.
        let sequence = sequence(&all);
        let left = inflate(&sequence, way.format, &Pool::new(), limits);
        assert_eq!(left.map(|decoded| decoded.to_vec()), Ok(body.clone()), "{}", way.name);
        let refused = inflate(&sequence, way.format, &Pool::new(), Limits::default())
            .expect_err("bytes behind the stream");
        assert_eq!(refused.kind(), InflateErrorKind::TrailingData, "{}", way.name);
        assert_eq!(refused.offset(), wire.len() as u64, "{}", way.name);
    });
}

/// The type of the first block of raw data (RFC 1951 section 3.2.3).
const fn block_type(raw: &[u8]) -> u8 {
    raw[0] >> 1 & 3
}

#[test]
fn blocks_of_all_three_types_are_decoded() {
    let body = text(5_000);
    let stored = raw(&body, Compression::none());
    let fixed = raw(b"aaaaaaaaaaaab", Compression::best());
    let dynamic = raw(&body, Compression::best());
    assert_eq!([&stored, &fixed, &dynamic].map(|wire| block_type(wire)), [0, 1, 2]);
    for (wire, body) in [(&stored, &body[..]), (&fixed, b"aaaaaaaaaaaab"), (&dynamic, &body)] {
        let pieces: Vec<&[u8]> = wire.chunks(1).collect();
        for pieces in [&[&wire[..]][..], &pieces] {
            let outcome = decode(Format::Raw, Limits::default(), pieces);
            assert_eq!(outcome, Outcome::whole(body));
        }
    }
}

#[test]
fn blocks_of_different_types_follow_one_another() {
    // "a" stored; "b" with fixed codes, then an empty stored block for alignment; "c" stored, last.
    let wire = b"\x00\x01\x00\xfe\xffa\x4a\x02\x00\x00\x00\xff\xff\x01\x01\x00\xfe\xffc";
    for at in 0..=wire.len() {
        let (head, tail) = wire.split_at(at);
        let outcome = decode(Format::Raw, Limits::default(), &[head, tail]);
        assert_eq!(outcome, Outcome::whole(b"abc"), "cut at {at}");
    }
}

#[test]
fn a_stream_that_has_ended_takes_nothing_more() {
    let wire = raw(b"once", Compression::best());
    let mut output = SegmentedBuf::new(&Pool::new());
    let mut inflater = Inflater::new(Format::Raw, Limits::default());
    assert_eq!(inflater.push(&mut &wire[..], &mut output), Ok(Status::End));
    let mut more = &wire[..];
    assert_eq!(inflater.push(&mut more, &mut output), Ok(Status::End));
    assert_eq!((more, inflater.finish()), (&wire[..], Ok(())));
    assert_eq!(output.freeze(), b"once");
}

#[test]
fn an_inflater_is_used_again_for_other_formats_and_after_errors() {
    let pool = Pool::new();
    let mut inflater = Inflater::new(Format::Gzip, Limits::default());
    for way in WAYS.iter().cycle().take(20) {
        let wire = (way.make)(b"again and again", Compression::best());
        inflater.reset(way.format);
        let outcome = decode_into(&pool, &mut inflater, &[&wire]);
        assert_eq!(outcome, Outcome::whole(b"again and again"), "{}", way.name);
        // Half a stream, and one with a block type that does not exist.
        inflater.reset(way.format);
        let half = decode_into(&pool, &mut inflater, &[&wire[..wire.len() / 2]]);
        assert!(half.failure.is_some());
        inflater.reset(Format::Raw);
        let bad = decode_into(&pool, &mut inflater, &[b"\x07\x00\x00\x00"]);
        assert!(matches!(bad.failure, Some((InflateErrorKind::DataCorrupt, _))));
    }
}

#[test]
fn a_whole_sequence_is_decoded_at_once() {
    let body = text(LARGE[0]);
    for way in &WAYS {
        let wire = sequence(&(way.make)(&body, Compression::fast()));
        let decoded = inflate(&wire, way.format, &Pool::new(), Limits::default());
        assert_eq!(decoded.map(|decoded| decoded.to_vec()), Ok(body.clone()), "{}", way.name);
        let half =
            inflate(&wire.slice(..wire.len() / 2), way.format, &Pool::new(), Limits::default());
        let error = half.expect_err("half of a stream");
        assert_eq!(error.kind(), InflateErrorKind::Truncated, "{}", way.name);
        assert_eq!(error.offset(), wire.len() / 2, "{}", way.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 50 }))]

    #[test]
    fn any_body_comes_back_from_any_cut(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..2_000),
            prop::collection::vec(0_u8..3, 0..50_000),
            (0_usize..100_000).prop_map(text),
        ],
        level in 0_u32..10,
        seed in any::<u64>(),
        longest in 1_usize..5_000,
    ) {
        for way in &WAYS {
            let wire = (way.make)(&body, Compression::new(level));
            let pieces = cut(&wire, seed, longest);
            let outcome = decode(way.format, Limits::default(), &pieces);
            prop_assert!(outcome == Outcome::whole(&body), "{}", way.name);
        }
    }
}

#[test]
fn long_streams_go_into_segments_of_the_size_that_was_set() {
    let body = text(if cfg!(miri) { 20_000 } else { 300_000 });
    for way in &WAYS {
        let wire = (way.make)(&body, Compression::fast());
        for piece in [977, 16 << 10] {
            let pool = Pool::new();
            let mut output = SegmentedBuf::new(&pool);
            let mut inflater =
                Inflater::new(way.format, Limits::default()).with_output_segments(SegmentSize::K64);
            for mut input in wire.chunks(piece) {
                inflater.push(&mut input, &mut output).expect(way.name);
                assert_eq!(inflater.produced(), output.len());
            }
            assert_eq!(inflater.finish(), Ok(()));
            let output = output.freeze();
            assert!(output == body[..], "{} {piece}", way.name);
            // The first part lies in a segment of the pool's size, the others are longer.
            let chunks = 1 + (body.len() - (16 << 10)).div_ceil(64 << 10);
            assert!(output.chunk_count() <= chunks + 1, "{}", output.chunk_count());
            drop(output);
            assert_eq!(pool.stats().in_use_bytes(), 0, "an ended stream holds nothing");
        }
    }
}

#[test]
fn room_that_is_given_back_between_pushes_changes_nothing() {
    let body = text(if cfg!(miri) { 20_000 } else { 100_000 });
    let wire = gzip(&body, Compression::fast());
    let pool = Pool::new();
    let mut output = SegmentedBuf::new(&pool);
    let mut inflater =
        Inflater::new(Format::Gzip, Limits::default()).with_output_segments(SegmentSize::K64);
    for mut input in wire.chunks(1_000) {
        inflater.push(&mut input, &mut output).expect("a valid stream");
        inflater.release();
        let held = pool.stats().in_use_bytes();
        drop(output.split());
        output.clear();
        assert!(held > 0 && pool.stats().in_use_bytes() == 0);
    }
    assert_eq!((inflater.finish(), inflater.produced()), (Ok(()), body.len() as u64));
}
