//! Streams that this crate made, read by it and by another library.
#![cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]

#[path = "harness/decode.rs"]
mod harness;
#[path = "harness/text.rs"]
mod text;

use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use harness::{Outcome, decode};
use proptest::prelude::*;
use seg_flate::{
    Backend, Decode, DeflateErrorKind, Deflater, Encode, Flush, Format, InflateErrorKind, Inflater,
    Level, Limits, Status, WindowBits,
};
use seg_pool::{Budget, Pool, SegmentSize};
use seg_seq::SegmentedBuf;
use text::text;

const FORMATS: [Format; 4] = [Format::Gzip, Format::Zlib, Format::Raw, Format::Deflate];

/// Lengths of bodies.
const LENGTHS: &[usize] =
    if cfg!(miri) { &[0, 1, 300] } else { &[0, 1, 2, 100, 5_000, 32_768, 100_000] };

fn level(number: u8) -> Level {
    Level::new(number).expect("0 to 9")
}

fn window(bits: u8) -> WindowBits {
    WindowBits::new(bits).expect("9 to 15")
}

/// Bytes that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    core::iter::repeat_with(|| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.to_le_bytes()[3]
    })
    .take(len)
    .collect()
}

fn small_pool() -> Pool {
    Pool::builder().segment_size(SegmentSize::B256).build()
}

/// Encodes `body` in pieces of `piece` bytes.
fn encode(deflater: &mut Deflater, body: &[u8], piece: usize) -> Vec<u8> {
    let mut output = SegmentedBuf::new(&small_pool());
    for mut bytes in body.chunks(piece) {
        assert_eq!(deflater.push(&mut bytes, Flush::None, &mut output), Ok(()));
        assert!(bytes.is_empty());
        assert_eq!(deflater.produced(), output.len());
    }
    assert_eq!(deflater.push(&mut &[][..], Flush::Finish, &mut output), Ok(()));
    assert_eq!(deflater.consumed(), body.len() as u64);
    assert_eq!(deflater.produced(), output.len());
    output.freeze().to_vec()
}

fn flate2_decode(format: Format, wire: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let read = match format {
        Format::Gzip => GzDecoder::new(wire).read_to_end(&mut body),
        Format::Raw => DeflateDecoder::new(wire).read_to_end(&mut body),
        _ => ZlibDecoder::new(wire).read_to_end(&mut body),
    };
    assert_eq!(read.expect("a valid stream"), body.len());
    body
}

#[test]
fn every_format_level_and_backend_is_read_by_others_and_by_us() {
    for &backend in Backend::ALL {
        for format in FORMATS {
            for number in 0..=9 {
                let mut deflater =
                    Deflater::with_window(backend, format, level(number), WindowBits::MAX);
                for &len in if number % 3 == 0 { LENGTHS } else { &LENGTHS[..3] } {
                    for body in [text(len), noise(len)] {
                        let case = format!("{backend:?} {format:?} {number} {len}");
                        deflater.reset(format);
                        let wire = encode(&mut deflater, &body, 1_000);
                        assert!(flate2_decode(format, &wire) == body, "{case}");
                        let got = decode(format, Limits::default(), &[&wire]);
                        assert!(got == Outcome::whole(&body), "{case}");
                    }
                }
            }
        }
    }
}

#[test]
fn text_shrinks_and_noise_hardly_grows() {
    // zlib-rs does without stored blocks at level 1: nine bits for half of the bytes.
    let len = if cfg!(miri) { 2_000 } else { 100_000 };
    for &backend in Backend::ALL {
        for (number, most) in [(1, 80), (6, 70), (9, 70)] {
            let mut deflater =
                Deflater::with_window(backend, Format::Raw, level(number), WindowBits::MAX);
            let wire = encode(&mut deflater, &text(len), 10_000);
            assert!(wire.len() * 100 < len * most, "{backend:?} {number}: {}", wire.len());
            deflater.reset(Format::Raw);
            let wire = encode(&mut deflater, &noise(len), 10_000);
            assert!(wire.len() < len + len / 12 + 20, "{backend:?} {number}: {}", wire.len());
        }
    }
}

#[test]
fn how_the_input_is_cut_does_not_change_what_it_decodes_to() {
    let body = text(if cfg!(miri) { 300 } else { 3_000 });
    for &backend in Backend::ALL {
        for piece in [1, 7, 255, 256, 2_999] {
            let mut deflater =
                Deflater::with_window(backend, Format::Gzip, Level::DEFAULT, WindowBits::MAX);
            let wire = encode(&mut deflater, &body, piece);
            assert_eq!(flate2_decode(Format::Gzip, &wire), body, "{backend:?} {piece}");
        }
    }
}

#[test]
fn a_reset_leaves_nothing_of_the_stream_before() {
    for &backend in Backend::ALL {
        let mut deflater =
            Deflater::with_window(backend, Format::Zlib, Level::DEFAULT, WindowBits::MAX);
        let first = encode(&mut deflater, b"the same text, the same text", 9);
        let mut output = SegmentedBuf::new(&small_pool());
        deflater.reset(Format::Gzip);
        let pushed = deflater.push(&mut &b"abandoned"[..], Flush::None, &mut output);
        assert_eq!(pushed, Ok(()));
        deflater.reset(Format::Zlib);
        assert_eq!(encode(&mut deflater, b"the same text, the same text", 9), first);
    }
}

#[test]
fn input_behind_the_end_is_refused_and_an_empty_push_is_not() {
    for &backend in Backend::ALL {
        let mut deflater =
            Deflater::with_window(backend, Format::Gzip, Level::DEFAULT, WindowBits::MAX);
        let wire = encode(&mut deflater, b"whole", 5);
        let mut output = SegmentedBuf::new(&small_pool());
        assert_eq!(deflater.push(&mut &[][..], Flush::Finish, &mut output), Ok(()));
        let mut late = &b"late"[..];
        let error = deflater.push(&mut late, Flush::None, &mut output).expect_err("it has ended");
        assert_eq!((error.kind(), error.offset()), (DeflateErrorKind::Finished, 5));
        let said = "input after the stream's end, at byte 5 of the uncompressed stream";
        assert_eq!(error.to_string(), said);
        assert_eq!((late.len(), output.len()), (4, 0));
        assert_eq!(flate2_decode(Format::Gzip, &wire), b"whole");
    }
}

#[test]
fn an_exhausted_pool_loses_nothing() {
    let body = noise(3_000);
    for &backend in Backend::ALL {
        for format in FORMATS {
            // A budget of 64 KiB, all of which is taken away.
            let whole = Pool::builder().segment_size(SegmentSize::B256).build();
            let budget = Budget::new(&whole, 64 << 10);
            let pool = budget.pool();
            let mut taken = Vec::new();
            while let Ok(segment) = pool.try_take_size(pool.segment_size()) {
                taken.push(segment);
            }
            let mut deflater = Deflater::with_window(backend, format, level(6), WindowBits::MAX);
            let mut output = SegmentedBuf::new(pool);
            let (mut input, mut refusals) = (&body[..], 0);
            while let Err(error) = deflater.push(&mut input, Flush::Finish, &mut output) {
                assert!(matches!(error.kind(), DeflateErrorKind::OutOfMemory(_)), "{error}");
                assert_eq!(error.offset(), (body.len() - input.len()) as u64);
                refusals += 1;
                drop(taken.pop().expect("the pool holds more than the stream"));
            }
            assert!(refusals > 10, "{refusals}");
            let wire = output.freeze().to_vec();
            assert!(flate2_decode(format, &wire) == body, "{backend:?} {format:?}");
        }
    }
}

/// Decodes a raw stream with a window of this many bytes, or to nothing when it refers beyond.
fn decode_in_window(wire: &[u8], window: usize) -> Option<Vec<u8>> {
    use miniz_oxide::inflate::{
        TINFLStatus,
        core::{DecompressorOxide, decompress},
    };
    let (mut decoder, mut ring, mut body) = (DecompressorOxide::new(), vec![0; window], Vec::new());
    let (mut rest, mut at) = (wire, 0);
    loop {
        let (status, consumed, produced) = decompress(&mut decoder, rest, &mut ring, at, 0);
        body.extend_from_slice(&ring[at..at + produced]);
        rest = &rest[consumed..];
        at = (at + produced) % window;
        match status {
            TINFLStatus::Done => return Some(body),
            TINFLStatus::HasMoreOutput => {}
            _ => return None,
        }
    }
}

#[test]
fn no_reference_reaches_beyond_the_window() {
    let body = text(if cfg!(miri) { 1_500 } else { 80_000 });
    for &backend in Backend::ALL {
        for bits in 9..=15 {
            for number in [1, 3, 6, 9] {
                let window = window(bits);
                let mut deflater =
                    Deflater::with_window(backend, Format::Raw, level(number), window);
                let wire = encode(&mut deflater, &body, 1_000);
                let case = format!("{backend:?} {bits} {number}");
                assert!(decode_in_window(&wire, window.bytes()).as_ref() == Some(&body), "{case}");
            }
        }
    }
}

#[test]
fn a_window_too_small_for_the_stream_is_noticed_by_that_test() {
    let body = text(80_000);
    let mut deflater = Deflater::new(Format::Raw, Level::BEST);
    let wire = encode(&mut deflater, &body, 1_000);
    assert!(decode_in_window(&wire, 1 << 15).is_some_and(|got| got == body));
    assert!(decode_in_window(&wire, 1 << 12).is_none());
}

/// Messages of a connection: the first repeats itself, later ones repeat earlier ones.
fn messages() -> Vec<Vec<u8>> {
    let lengths = if cfg!(miri) { vec![40, 0, 20] } else { vec![500, 0, 0, 20, 40_000, 1, 500, 0] };
    lengths.into_iter().map(text).collect()
}

#[test]
fn what_follows_a_full_flush_is_decoded_alone() {
    let bodies = [text(900), text(900), Vec::new(), noise(300), text(900)];
    for &backend in Backend::ALL {
        for number in 0..=9 {
            // Small segments: a flush is cut by the output as well.
            for size in [SegmentSize::B256, SegmentSize::K16] {
                let pool = Pool::builder().segment_size(size).build();
                let mut output = SegmentedBuf::new(&pool);
                let mut deflater =
                    Deflater::with_window(backend, Format::Raw, level(number), WindowBits::MAX);
                for body in &bodies {
                    assert_eq!(deflater.push(&mut &body[..], Flush::Full, &mut output), Ok(()));
                    let part = output.split().to_vec();
                    let case = format!("{backend:?} {number} {size:?}");
                    assert!(part.ends_with(&[0, 0, 0xff, 0xff]), "{case}");
                    let got = decode(Format::Raw, Limits::default(), &[&part]);
                    assert_eq!(got.decoded, *body, "{case}");
                    let kind = got.failure.map(|(kind, _)| kind);
                    assert_eq!(kind, Some(InflateErrorKind::Truncated), "{case}");
                }
            }
        }
    }
}

#[test]
fn every_sync_flush_ends_its_output_in_an_empty_block() {
    for &backend in Backend::ALL {
        for number in [0, 1, 6, 9] {
            let mut deflater =
                Deflater::with_window(backend, Format::Raw, level(number), WindowBits::MAX);
            // Every length, so that the output ends at every bit of a byte.
            for len in 0..if cfg!(miri) { 3 } else { 300 } {
                let mut output = SegmentedBuf::new(&small_pool());
                let body = noise(len);
                assert_eq!(deflater.push(&mut &body[..], Flush::Sync, &mut output), Ok(()));
                let output = output.freeze().to_vec();
                assert!(output.ends_with(&[0, 0, 0xff, 0xff]), "{backend:?} {number} {len}");
            }
        }
    }
}

#[test]
fn messages_flushed_with_one_window_are_read_one_by_one() {
    for &backend in Backend::ALL {
        for bits in [9, 12, 15] {
            let mut deflater = Deflater::with_window(backend, Format::Raw, level(6), window(bits));
            let mut inflater = Inflater::new(Format::Raw, Limits::default());
            let mut lengths = Vec::new();
            for message in messages().into_iter().chain(messages()) {
                let mut wire = SegmentedBuf::new(&small_pool());
                let pushed = deflater.push(&mut &message[..], Flush::Sync, &mut wire);
                assert_eq!(pushed, Ok(()));
                lengths.push(wire.len());
                let mut got = SegmentedBuf::new(&small_pool());
                let mut wire = wire.freeze();
                let status = inflater.push_sequence(&mut wire, &mut got);
                assert_eq!((status, wire.len()), (Ok(Status::NeedInput), 0));
                assert!(got.freeze() == message[..], "{backend:?} {bits}");
            }
            // The window is kept: the text of 500 bytes costs less the second time.
            let again = lengths.len() / 2;
            if bits == 15 {
                assert!(lengths[again] * 2 < lengths[0], "{lengths:?}");
            }
        }
    }
}

#[test]
fn a_message_without_its_last_four_bytes_is_whole_when_they_are_put_back() {
    for &backend in Backend::ALL {
        let mut deflater = Deflater::with_window(backend, Format::Raw, level(6), WindowBits::MAX);
        let mut inflater = Inflater::new(Format::Raw, Limits::default());
        for message in messages() {
            let mut wire = SegmentedBuf::new(&small_pool());
            assert_eq!(deflater.push(&mut &message[..], Flush::Sync, &mut wire), Ok(()));
            wire.truncate(wire.len() - 4);
            assert!(!wire.is_empty(), "an empty message is one byte");
            let mut got = SegmentedBuf::new(&small_pool());
            for mut piece in [&wire.freeze().to_vec()[..], &[0, 0, 0xff, 0xff]] {
                assert_eq!(inflater.push(&mut piece, &mut got), Ok(Status::NeedInput));
            }
            assert!(got.freeze() == message[..], "{backend:?}");
        }
    }
}

#[test]
fn a_flush_is_whole_where_the_compressor_has_just_filled_a_block() {
    // `miniz_oxide` fills a block behind about 31,700 bytes that repeat nothing.
    let lengths = if cfg!(miri) { 300..301 } else { 31_700..31_800 };
    let body = noise(lengths.end);
    for &backend in Backend::ALL {
        for len in lengths.clone() {
            for (number, bits) in [(6, 15), (2, 13)] {
                let mut deflater =
                    Deflater::with_window(backend, Format::Raw, level(number), window(bits));
                let mut wire = SegmentedBuf::new(&small_pool());
                assert_eq!(deflater.push(&mut &body[..len], Flush::None, &mut wire), Ok(()));
                assert_eq!(deflater.push(&mut &[][..], Flush::Sync, &mut wire), Ok(()));
                let mut inflater = Inflater::new(Format::Raw, Limits::default());
                let mut got = SegmentedBuf::new(&small_pool());
                let status = inflater.push_sequence(&mut wire.freeze(), &mut got);
                assert_eq!(status, Ok(Status::NeedInput));
                assert!(got.freeze() == body[..len], "{backend:?} {len} {number} {bits}");
            }
        }
    }
}

/// One push: how many bytes of the body, and what is flushed.
fn pushes() -> impl Strategy<Value = Vec<(usize, bool)>> {
    proptest::collection::vec((0_usize..2_000, any::<bool>()), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 100 }))]

    #[test]
    fn any_body_pushed_and_flushed_in_any_way_comes_back(
        seed in any::<u64>(),
        pushes in pushes(),
        number in 0_u8..=9,
        bits in 9_u8..=15,
        format in 0..FORMATS.len(),
        backend in 0..Backend::ALL.len(),
    ) {
        let (format, backend) = (FORMATS[format], Backend::ALL[backend]);
        let body = if seed % 2 == 0 { text(24_000) } else { noise(24_000) };
        let mut deflater = Deflater::with_window(backend, format, level(number), window(bits));
        let mut output = SegmentedBuf::new(&small_pool());
        let mut taken = 0;
        for (len, is_flushed) in pushes {
            let flush = if is_flushed { Flush::Sync } else { Flush::None };
            let mut piece = &body[taken..taken + len];
            prop_assert_eq!(deflater.push(&mut piece, flush, &mut output), Ok(()));
            taken += len;
            if is_flushed {
                // All that was pushed can be read now.
                let mut wire = output.sequence();
                let mut inflater = Inflater::new(format, Limits::default());
                let mut got = SegmentedBuf::new(&small_pool());
                let status = inflater.push_sequence(&mut wire, &mut got);
                prop_assert_eq!(status, Ok(Status::NeedInput));
                prop_assert!(got.freeze() == body[..taken]);
            }
        }
        prop_assert_eq!(deflater.push(&mut &[][..], Flush::Finish, &mut output), Ok(()));
        prop_assert!(flate2_decode(format, &output.freeze().to_vec()) == body[..taken]);
    }
}
