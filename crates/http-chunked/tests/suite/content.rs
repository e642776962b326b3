//! Bodies that are decompressed as they come.

use core::error::Error;
use std::io::Write;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use http_chunked::{
    Assembly, BodyAssembler, BodyErrorKind, BodyLimits, ContentCoding, ContentCodings, Framing,
    Progress, Trailing,
};
use seg_flate::InflateErrorKind;
#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
use seg_flate::{Contexts, Encode as _, Flush, Level};
use seg_pool::Segment;
#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
use seg_seq::SegmentedBuf;

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
use crate::counting;
use crate::outcome::POOL;

const TEXT_BYTES: usize = if cfg!(miri) { 20_000 } else { 100_000 };

/// Text that compresses, but not to nothing.
fn text() -> Vec<u8> {
    let words = (0_u32..).flat_map(|n| format!("{} ", n.wrapping_mul(2_654_435_761)).into_bytes());
    words.take(TEXT_BYTES).collect()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("a vector takes everything")
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("a vector takes everything")
}

fn raw(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("a vector takes everything")
}

/// In chunks of `size`, without the last one.
fn chunked(data: &[u8], size: usize) -> Vec<u8> {
    let chunk = |data: &[u8]| [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat();
    data.chunks(size).flat_map(chunk).collect()
}

fn assembler(framing: Framing, coding: ContentCoding, assembly: Assembly) -> BodyAssembler {
    BodyAssembler::new(&POOL, framing).with_assembly(assembly).with_content_coding(coding)
}

/// Pushes `wire` in pieces of `step`.
fn push(
    assembler: &mut BodyAssembler,
    wire: &[u8],
    step: usize,
) -> Result<Progress, http_chunked::BodyError> {
    let wire = Segment::from(bytes::Bytes::copy_from_slice(wire));
    let mut progress = Progress::NeedMore;
    for at in (0..wire.len()).step_by(step) {
        progress = assembler.push(&mut wire.slice(at..wire.len().min(at + step)))?;
    }
    Ok(progress)
}

#[test]
fn each_coding_is_decoded_in_every_framing_and_any_cut() {
    let text = text();
    let codings = [
        (ContentCoding::Gzip, gzip(&text)),
        (ContentCoding::Gzip, [gzip(&text[..100]), gzip(&[]), gzip(&text[100..])].concat()),
        (ContentCoding::Deflate, zlib(&text)),
        (ContentCoding::Deflate, raw(&text)),
        (ContentCoding::Identity, text.clone()),
    ];
    for (coding, data) in &codings {
        let body = [chunked(data, 1000), b"0\r\nETag: a\r\n\r\n".to_vec()].concat();
        let length = data.len() as u64;
        let framings = [
            (Framing::Chunked, &body),
            (Framing::Length(length), data),
            (Framing::UntilClose, data),
        ];
        for (framing, wire) in framings {
            for assembly in Assembly::ALL {
                for step in [1, 777, 16 << 10] {
                    let mut assembler = assembler(framing, *coding, assembly);
                    push(&mut assembler, wire, step).expect("a good body");
                    assert_eq!(assembler.finish(), Ok(()));
                    assert_eq!(assembler.take_body().sequence(), &text, "{coding:?} {framing:?}");
                }
            }
        }
    }
}

#[test]
fn decoded_bytes_fill_their_segments() {
    let text = text();
    let wire = chunked(&gzip(&text), 100);
    let mut assembler = assembler(Framing::Chunked, ContentCoding::Gzip, Assembly::Segmented);
    push(&mut assembler, &wire, 16 << 10).expect("good so far");
    assert_eq!(push(&mut assembler, b"0\r\n\r\n", 5), Ok(Progress::End));
    let chunks = assembler.take_body().sequence().chunk_count();
    // The first of the pool's size, the others of 64 KiB.
    assert_eq!(chunks, 1 + (text.len() - (16 << 10)).div_ceil(64 << 10));
}

#[test]
fn no_data_at_all_is_an_empty_body_in_every_coding() {
    for coding in [ContentCoding::Gzip, ContentCoding::Deflate, ContentCoding::Identity] {
        let mut assembler = assembler(Framing::Chunked, coding, Assembly::Segmented);
        assert_eq!(push(&mut assembler, b"0\r\n\r\n", 9), Ok(Progress::End));
        assert!(assembler.take_body().is_empty());
    }
}

#[test]
fn a_compressed_stream_cut_short_in_whole_framing_is_an_error() {
    let data = gzip(&text());
    for at in [1, 9, 10, data.len() / 2, data.len() - 8, data.len() - 1] {
        for assembly in Assembly::ALL {
            let framing = Framing::Length(at as u64);
            let mut assembler = assembler(framing, ContentCoding::Gzip, assembly);
            let error = push(&mut assembler, &data[..at], 999).expect_err("cut short");
            let BodyErrorKind::Content(inside) = error.kind() else { panic!("{error}") };
            assert_eq!(inside.kind(), InflateErrorKind::Truncated);
            assert_eq!(error.offset(), at as u64);
            assert!(text().starts_with(assembler.take_body().bytes()));
        }
    }
}

#[test]
fn corrupt_content_is_an_error_and_what_came_before_stays_readable() {
    let text = text();
    let mut data = gzip(&text);
    let checksum = data.len() - 8;
    data[checksum] ^= 1;
    for assembly in Assembly::ALL {
        let mut assembler =
            assembler(Framing::Length(data.len() as u64), ContentCoding::Gzip, assembly);
        let error = push(&mut assembler, &data, 1000).expect_err("the checksum is wrong");
        let BodyErrorKind::Content(inside) = error.kind() else { panic!("{error}") };
        assert_eq!(inside.kind(), InflateErrorKind::ChecksumMismatch);
        assert!(error.to_string().starts_with("content cannot be decompressed at byte"));
        assert_eq!(error.source().map(ToString::to_string), Some(inside.to_string()));
        assert_eq!(push(&mut assembler, b"more", 4), Err(error));
        assert_eq!(assembler.take_body().sequence(), &text);
    }
}

#[test]
fn data_behind_the_compressed_stream_is_an_error() {
    for (coding, data) in
        [(ContentCoding::Gzip, gzip(b"abc")), (ContentCoding::Deflate, zlib(b"abc"))]
    {
        let wire = [&data, &b"x"[..]].concat();
        for step in [1, 1000] {
            let mut assembler = assembler(Framing::UntilClose, coding, Assembly::Segmented);
            let error = push(&mut assembler, &wire, step).expect_err("there is more");
            assert_eq!(error.offset(), data.len() as u64, "{coding:?}: {error}");
            assert_eq!(assembler.take_body().bytes(), b"abc");
        }
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let data = gzip(&vec![0; TEXT_BYTES * 10]);
    for assembly in Assembly::ALL {
        let limits = BodyLimits::new().with_body_bytes_max(TEXT_BYTES as u64);
        let mut assembler = BodyAssembler::new(&POOL, Framing::UntilClose)
            .with_assembly(assembly)
            .with_limits(limits)
            .with_content_coding(ContentCoding::Gzip);
        let error = push(&mut assembler, &data, 1000).expect_err("too long");
        assert_eq!(error.kind(), BodyErrorKind::TooLong);
        assert_eq!(assembler.take_body().len(), TEXT_BYTES as u64);
    }
}

#[test]
fn one_assembler_decodes_one_body_after_another() {
    let mut assembler =
        assembler(Framing::UntilClose, ContentCoding::Identity, Assembly::Segmented);
    for (coding, data) in [
        (ContentCoding::Gzip, gzip(b"one")),
        (ContentCoding::Identity, b"two".to_vec()),
        (ContentCoding::Deflate, raw(b"three")),
        (ContentCoding::Deflate, b"\xff\xff broken".to_vec()),
        (ContentCoding::Gzip, gzip(b"four")),
    ] {
        assembler.reset(Framing::UntilClose, coding);
        let broken = data.ends_with(b"broken");
        assert_eq!(push(&mut assembler, &data, 5).is_err(), broken);
        assert_eq!(assembler.finish().is_err(), broken);
        let body = assembler.take_body();
        let expected: [&[u8]; 5] = [b"one", b"two", b"three", b"four", b""];
        assert!(expected.contains(&body.bytes()), "{body:?}");
    }
}

#[test]
fn a_field_names_codings_in_the_order_they_were_applied() {
    use ContentCoding::{Deflate, Gzip};
    for (value, expected) in [
        (&b"gzip"[..], Some(&[Gzip][..])),
        (b"X-GZIP", Some(&[Gzip])),
        (b"Deflate", Some(&[Deflate])),
        (b"identity", Some(&[])),
        (b" identity ,\tgzip , identity", Some(&[Gzip])),
        (b"gzip, gzip", Some(&[Gzip, Gzip])),
        (b"gzip, deflate", Some(&[Gzip, Deflate])),
        (b"gzip,gzip,deflate,gzip", Some(&[Gzip, Gzip, Deflate, Gzip])),
        (b"gzip,gzip,gzip,gzip,gzip", None),
        (b"compress", None),
        (b"gzip, compress", None),
        (b"gzip;q=1", None),
        (b"gzip,", Some(&[Gzip])),
        (b" , ,gzip,, deflate", Some(&[Gzip, Deflate])),
        (b"", Some(&[])),
        (b"gzip deflate", None),
    ] {
        let codings = ContentCodings::from_field(value);
        let found = codings.as_ref().map(ContentCodings::as_slice);
        assert_eq!(found, expected, "{}", value.escape_ascii());
        assert_eq!(found.is_some_and(<[_]>::is_empty), codings.is_some_and(|c| c.is_identity()));
    }
}

#[test]
fn chained_codings_are_undone_from_the_last_to_the_first() {
    let text = text();
    let twice = zlib(&gzip(&text));
    let codings = ContentCodings::from_field(b"gzip, deflate").expect("both are known");
    let thrice = gzip(&twice);
    let more = ContentCodings::from_field(b"gzip, deflate, gzip").expect("all are known");
    for (data, codings) in [(&twice, codings), (&thrice, more)] {
        for assembly in Assembly::ALL {
            for step in [1, 777, 16 << 10] {
                let mut assembler = BodyAssembler::new(&POOL, Framing::UntilClose)
                    .with_assembly(assembly)
                    .with_content_coding(codings);
                push(&mut assembler, data, step).expect("a good body");
                assert_eq!(assembler.finish(), Ok(()));
                assert_eq!(assembler.take_body().sequence(), &text, "{codings:?} {step}");
            }
        }
    }
}

#[test]
fn what_is_wrong_in_any_of_chained_codings_is_an_error() {
    let inner = gzip(b"text");
    let codings = ContentCodings::from_field(b"gzip, deflate").expect("both are known");
    for (data, kind) in [
        (zlib(&inner[..inner.len() - 1]), InflateErrorKind::Truncated),
        (zlib(&[&inner[..], b"x"].concat()), InflateErrorKind::TrailingData),
        (zlib(b"no gzip"), InflateErrorKind::HeaderInvalid),
        (zlib(&inner)[..15].to_vec(), InflateErrorKind::Truncated),
    ] {
        let mut assembler =
            BodyAssembler::new(&POOL, Framing::UntilClose).with_content_coding(codings);
        let result = push(&mut assembler, &data, 5).and_then(|_| assembler.finish());
        let error = result.expect_err("one of the layers is wrong");
        let BodyErrorKind::Content(inside) = error.kind() else { panic!("{error}") };
        assert_eq!(inside.kind(), kind);
    }
}

#[test]
fn a_bomb_in_a_bomb_stops_at_the_limit_and_little_is_held() {
    let zeroes = vec![0; if cfg!(miri) { 10_000 } else { 64 << 20 }];
    let bomb = gzip(&gzip(&zeroes));
    let pool = seg_pool::Pool::builder().bytes_max(1 << 20).build();
    let codings = ContentCodings::from_field(b"gzip, gzip").expect("both are known");
    let limits = BodyLimits::new().with_body_bytes_max(9_000);
    let mut assembler = BodyAssembler::new(&pool, Framing::UntilClose)
        .with_limits(limits)
        .with_content_coding(codings);
    let error = push(&mut assembler, &bomb, bomb.len()).expect_err("too long");
    assert_eq!(error.kind(), BodyErrorKind::TooLong);
    assert_eq!(assembler.take_body().len(), 9_000);
}

#[test]
fn the_limit_of_a_body_in_several_codings_is_that_of_the_body() {
    let field = ContentCodings::from_field;
    let once = field(b"gzip").expect("known");
    let twice = field(b"gzip, deflate").expect("both are known");
    // What is this short, or noise, is longer when it is encoded.
    let mut state = 1_u32;
    let noise = core::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    let noise: Vec<u8> = noise.take(if cfg!(miri) { 500 } else { 50_000 }).collect();
    for assembly in Assembly::ALL {
        for body in [&b"a"[..], b"hello", &noise] {
            let len = body.len() as u64;
            let encoded = gzip(body);
            assert!(encoded.len() as u64 > len + 1);
            for (limit, refused) in [(len, false), (len + 1, false), (len - 1, true)] {
                let limits = BodyLimits::new().with_body_bytes_max(limit);
                let mut assembler = BodyAssembler::new(&POOL, Framing::UntilClose)
                    .with_assembly(assembly)
                    .with_limits(limits);
                // One assembler, so that a decoder that made the body makes something else next.
                for (codings, data) in
                    [(once, &encoded), (twice, &zlib(&encoded)), (once, &encoded)]
                {
                    assembler.reset(Framing::UntilClose, codings);
                    let error = push(&mut assembler, data, 700).err().map(|error| error.kind());
                    assert_eq!(error, refused.then_some(BodyErrorKind::TooLong), "{len}, {limit}");
                    let kept = assembler.take_body().into_sequence();
                    assert_eq!(kept, body[..body.len() - usize::from(refused)]);
                }
            }
        }
    }
}

#[test]
fn a_coded_body_that_makes_nothing_does_not_go_on_for_ever() {
    let limits = BodyLimits::new().with_body_bytes_max(1_000);
    let most = 2 * 1_000 + (64 << 10);
    let empty = gzip(b"");
    for (coding, wire) in [
        (ContentCoding::Gzip, empty.repeat(most / empty.len() + 1)),
        // Empty blocks, none of them the last.
        (ContentCoding::Deflate, [0, 0, 0, 0xff, 0xff].repeat(most / 5 + 1)),
    ] {
        let step = if cfg!(miri) { 10_000 } else { 777 };
        let mut assembler = BodyAssembler::new(&POOL, Framing::UntilClose).with_limits(limits);
        for _ in 0..2 {
            assembler.reset(Framing::UntilClose, coding);
            assert!(push(&mut assembler, &wire[..most], step).is_ok(), "{coding:?}");
            let error = assembler.push(&mut Segment::from_static(&[0x1f])).expect_err("too long");
            assert_eq!((error.kind(), error.offset()), (BodyErrorKind::TooLong, most as u64));
            assert!(assembler.is_empty());
        }
    }
}

#[test]
fn a_body_that_grows_too_much_is_refused() {
    let data = gzip(&vec![0; 1 << 20]);
    for (ratio, refused) in [(10, true), (1032, false)] {
        let limits = BodyLimits::new().with_ratio_max(ratio);
        let mut assembler = BodyAssembler::new(&POOL, Framing::UntilClose)
            .with_limits(limits)
            .with_content_coding(ContentCoding::Gzip);
        let result = push(&mut assembler, &data, 100);
        assert_eq!(result.is_err(), refused, "{ratio}");
        if let Err(error) = result {
            let BodyErrorKind::Content(inside) = error.kind() else { panic!("{error}") };
            assert_eq!(inside.kind(), InflateErrorKind::RatioTooHigh);
        }
    }
}

#[test]
fn data_taken_while_the_body_comes_counts_for_the_limit() {
    for coding in [ContentCoding::Identity, ContentCoding::Gzip] {
        let data = if coding == ContentCoding::Gzip { gzip(&[7; 3000]) } else { vec![7; 3000] };
        for (most, refused) in [(3000, false), (2999, true)] {
            let mut assembler = BodyAssembler::new(&POOL, Framing::UntilClose)
                .with_limits(BodyLimits::new().with_body_bytes_max(most))
                .with_content_coding(coding);
            let (mut taken, mut result) = (Vec::new(), Ok(Progress::NeedMore));
            for piece in data.chunks(100) {
                result = result.and_then(|_| push(&mut assembler, piece, 100));
                taken.extend_from_slice(&assembler.take_data().to_vec());
                assert_eq!(assembler.len(), taken.len() as u64);
            }
            assert_eq!(result.is_err(), refused, "{coding:?} {most}");
            assert_eq!(taken, vec![7; usize::try_from(most).expect("small")]);
            assert!(assembler.take_body().is_empty());
        }
    }
}

/// Checks a coding that stands alone in the field: after another one, cut off, and above the limits.
#[cfg(any(feature = "brotli", feature = "zstd"))]
fn check_coding_alone(coding: ContentCoding, text: &[u8], data: &[u8]) {
    for assembly in Assembly::ALL {
        // The same assembler for one coding after the other.
        let mut assembler = assembler(Framing::UntilClose, ContentCoding::Gzip, assembly);
        for (step, (data, coding)) in [1, 777, 16 << 10, 100]
            .into_iter()
            .zip([(data, coding), (&gzip(text), ContentCoding::Gzip)].into_iter().cycle())
        {
            assembler.reset(Framing::UntilClose, coding);
            push(&mut assembler, data, step).expect("a good body");
            assert_eq!(assembler.finish(), Ok(()));
            assert!(assembler.take_body().sequence() == text, "{coding:?} {step}");
        }
        assembler.reset(Framing::Length(data.len() as u64), coding);
        let error =
            push(&mut assembler, &data[..data.len() - 1], 99).and_then(|_| assembler.finish());
        assert_eq!(error.map_err(|error| error.kind()), Err(BodyErrorKind::Truncated));
    }
    let (most, held) =
        (BodyLimits::new().with_body_bytes_max(9), BodyLimits::new().with_held_bytes_max(9));
    assert_eq!(refusal(coding, most, data), BodyErrorKind::TooLong);
    assert_eq!(refusal(coding, held, data), BodyErrorKind::HeldTooMuch);
}

#[cfg(any(feature = "brotli", feature = "zstd"))]
fn refusal(coding: ContentCoding, limits: BodyLimits, data: &[u8]) -> BodyErrorKind {
    let new = || BodyAssembler::new(&POOL, Framing::UntilClose);
    let in_either_order = [
        new().with_limits(limits).with_content_coding(coding),
        new().with_content_coding(coding).with_limits(limits),
    ];
    let [kind, other] = in_either_order
        .map(|mut assembler| push(&mut assembler, data, 99).expect_err("above the limit").kind());
    assert_eq!(kind, other);
    kind
}

#[cfg(feature = "brotli")]
#[test]
fn brotli_is_decoded_alone_and_within_its_limits() {
    let text = text();
    let mut data = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 5, lgwin: 20, ..Default::default() };
    brotli::BrotliCompress(&mut &text[..], &mut data, &params).expect("into memory");

    let codings = ContentCodings::from_field(b"identity, BR").expect("it is known");
    assert_eq!(codings.as_slice(), [ContentCoding::Brotli]);
    for refused in [&b"br, gzip"[..], b"gzip, br", b"br, br"] {
        assert_eq!(ContentCodings::from_field(refused), None);
    }
    check_coding_alone(ContentCoding::Brotli, &text, &data);
    let limits = BodyLimits::new().with_window_bytes_max(1 << 10);
    let BodyErrorKind::Content(inside) = refusal(ContentCoding::Brotli, limits, &data) else {
        panic!("another refusal");
    };
    assert_eq!(inside.kind(), InflateErrorKind::WindowTooLarge);
}

#[cfg(feature = "zstd")]
#[test]
fn zstd_is_decoded_alone_and_within_its_limits() {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    let text = text();
    let data = compress_to_vec(&text[..], CompressionLevel::Fastest);
    let codings = ContentCodings::from_field(b"Zstd, identity").expect("it is known");
    assert_eq!(codings.as_slice(), [ContentCoding::Zstd]);
    for refused in [&b"zstd, gzip"[..], b"gzip, zstd", b"zstd, zstd"] {
        assert_eq!(ContentCodings::from_field(refused), None);
    }
    check_coding_alone(ContentCoding::Zstd, &text, &data);
    // HTTP has windows of up to 8 MiB, whatever the limit; 23 is the exponent of that.
    let frame = |descriptor: u8| [0x28, 0xb5, 0x2f, 0xfd, 0, descriptor, 1, 0, 0];
    for limits in [BodyLimits::new(), BodyLimits::new().with_window_bytes_max(1 << 30)] {
        let refused = refusal(ContentCoding::Zstd, limits, &frame((23 - 10) << 3 | 1));
        let BodyErrorKind::Content(inside) = refused else { panic!("another refusal") };
        assert_eq!(inside.kind(), InflateErrorKind::WindowTooLarge);
    }
    let assembler = BodyAssembler::new(&POOL, Framing::UntilClose);
    let mut assembler = assembler.with_content_coding(ContentCoding::Zstd);
    push(&mut assembler, &frame((23 - 10) << 3), 99).expect("a window of 8 MiB");
    assert_eq!(assembler.finish(), Ok(()));
}

/// A body in a coding, by the encoder of the crate.
#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
fn encoded(coding: ContentCoding, data: &[u8], contexts: &Contexts) -> Vec<u8> {
    let mut output = SegmentedBuf::new(&POOL);
    let Some(mut encoder) = coding.encoder(Level::DEFAULT, contexts) else {
        return data.to_vec();
    };
    for mut piece in data.chunks(10_000) {
        assert_eq!(encoder.push(&mut piece, Flush::None, &mut output), Ok(()));
    }
    assert_eq!(encoder.push(&mut &[][..], Flush::Finish, &mut output), Ok(()));
    output.freeze().to_vec()
}

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
#[test]
fn what_is_encoded_in_each_coding_comes_back_with_states_that_were_kept() {
    let text = text();
    let contexts = Contexts::new(64 << 20);
    let mut assembler = BodyAssembler::new(&POOL, Framing::UntilClose).with_contexts(&contexts);
    for &coding in ContentCoding::ALL.iter().cycle().take(2 * ContentCoding::ALL.len()) {
        let wire = encoded(coding, &text, &contexts);
        assert!(coding == ContentCoding::Identity || wire.len() < text.len());
        assembler.reset(Framing::UntilClose, coding);
        push(&mut assembler, &wire, 1_000).expect("a good body");
        assert_eq!(assembler.finish(), Ok(()));
        assert!(assembler.take_body().sequence() == &text, "{coding:?}");
    }
    let (count, bytes) = (contexts.count(), contexts.bytes());
    assert!((2..=4).contains(&count) && bytes > 52 << 10, "{count} of {bytes} bytes");
    contexts.trim();
    assert_eq!((contexts.count(), contexts.bytes()), (0, 0));
}

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
#[test]
fn after_a_body_nothing_is_kept() {
    let contexts = Contexts::default();
    let mut assembler = BodyAssembler::new(&POOL, Framing::UntilClose);
    let mut run = |coding, wire: &[u8]| {
        assembler.reset(Framing::UntilClose, coding);
        let pushed = push(&mut assembler, wire, 100);
        let finished = assembler.finish();
        drop(assembler.take_body());
        pushed.is_ok() && finished.is_ok()
    };
    for &coding in ContentCoding::ALL {
        let wire = encoded(coding, &text()[..100], &contexts);
        let mut broken = wire.clone();
        broken.push(0x77);
        broken.push(0x77);
        // What the pool allocates for its own books.
        assert!(run(ContentCoding::Identity, &wire));
        let (mut before, mut after) = (0, 0);
        let (count, _) = counting::allocations(|| {
            before = counting::LIVE.get();
            assert!(run(coding, &wire));
            assert!(coding == ContentCoding::Identity || !run(coding, &broken));
            after = counting::LIVE.get();
        });
        assert!(coding == ContentCoding::Identity || count > 0, "{coding:?}");
        assert!(after <= before + 4_000, "{coding:?} leaves {} bytes", after - before);
    }
}

#[test]
fn data_after_the_compressed_stream_can_be_left_out() {
    let limits = BodyLimits::new().with_trailing(Trailing::Leave);
    assert_eq!(
        (limits.trailing(), BodyLimits::new().trailing()),
        (Trailing::Leave, Trailing::Refuse)
    );
    for (coding, data) in
        [(ContentCoding::Gzip, gzip(b"abc")), (ContentCoding::Deflate, zlib(b"abc"))]
    {
        for after in [&b"x"[..], b"\x1f", b"\x1fgarbage", &[0; 40]] {
            let wire = [&data, after].concat();
            for step in [1, 2, 1_000] {
                let mut assembler = BodyAssembler::new(&POOL, Framing::Length(wire.len() as u64))
                    .with_limits(limits)
                    .with_content_coding(coding);
                assert_eq!(push(&mut assembler, &wire, step), Ok(Progress::End), "{coding:?}");
                assert_eq!(assembler.take_body().bytes(), b"abc");
            }
        }
    }
}

/// Decodes `wire` in pieces of `step` with a pool that is full before each, and gives memory back when it
/// is missing, or gives it to the assembler, so that nobody else can take it.
fn decode_without_memory(
    (wire, codings, step): (&[u8], ContentCodings, usize),
    assembly: Assembly,
    is_supplied: bool,
) -> Vec<u8> {
    let pool = seg_pool::Pool::builder().bytes_max(512 << 10).build();
    let exhaust = || core::iter::from_fn(|| pool.try_take(64 << 10).ok());
    let mut others: Vec<_> = exhaust().collect();
    let mut assembler = BodyAssembler::new(&pool, Framing::UntilClose)
        .with_assembly(assembly)
        .with_content_coding(codings);
    let (mut failures, mut decoded) = (0, Vec::new());
    for piece in wire.chunks(step) {
        let mut received = Segment::from(bytes::Bytes::copy_from_slice(piece));
        // Also when all of the segment was taken before memory ran out.
        while let Err(error) = assembler.push(&mut received) {
            let memory = error.kind().out_of_memory().expect("only memory is missing");
            failures += 1;
            assert!(failures <= wire.len() + 1_000, "no progress");
            decoded.extend(assembler.take_data().to_vec());
            others.extend(exhaust());
            others.pop().expect("there is one to give back");
            if is_supplied {
                let supplied = pool.try_take(memory.requested_bytes());
                others.extend(exhaust());
                assembler.supply(supplied.expect("it was given back"));
            }
        }
        decoded.extend(assembler.take_data().to_vec());
        others.extend(exhaust());
    }
    assert_eq!(assembler.finish(), Ok(()), "{assembly:?} in pieces of {step}");
    assert!(failures > 0, "{assembly:?} in pieces of {step}");
    decoded
}

#[test]
fn codings_without_memory_go_on_later_and_lose_nothing() {
    let text = text();
    for (wire, field) in [
        (gzip(&text), &b"gzip"[..]),
        (zlib(&gzip(&text)), b"gzip, deflate"),
        (zlib(&zlib(&gzip(&text))), b"gzip, deflate, deflate"),
    ] {
        let codings = ContentCodings::from_field(field).expect("all are known");
        for assembly in Assembly::ALL {
            for step in [100, 1_000, wire.len()] {
                let input = (&wire[..], codings, step);
                assert!(decode_without_memory(input, assembly, false) == text);
                assert!(decode_without_memory(input, assembly, true) == text);
            }
        }
    }
}

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
#[test]
fn every_coding_without_memory_goes_on_with_what_it_is_given() {
    let text = text();
    for &coding in &ContentCoding::ALL[1..] {
        let wire = encoded(coding, &text, &Contexts::default());
        for (assembly, is_supplied) in [(Assembly::Segmented, false), (Assembly::Segmented, true)] {
            let input = (&wire[..], coding.into(), 1_000);
            assert!(decode_without_memory(input, assembly, is_supplied) == text, "{coding:?}");
        }
    }
}

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
#[test]
fn bombs_in_every_coding_stop_at_the_limit_and_leave_nothing() {
    const LIMIT: u64 = 64 << 10;
    let contexts = Contexts::default();
    let zeroes = vec![0; if cfg!(miri) { 100_000 } else { 4 << 20 }];
    let mut cases: Vec<(ContentCodings, Vec<u8>, Vec<u8>)> = Vec::new();
    for &coding in &ContentCoding::ALL[1..] {
        let encode = |data: &[u8]| encoded(coding, data, &contexts);
        cases.push((coding.into(), encode(&zeroes), encode(&[7; 100])));
    }
    let stacked = ContentCodings::from_field(b"gzip, deflate").expect("both are known");
    cases.push((stacked, zlib(&gzip(&zeroes)), zlib(&gzip(&[7; 100]))));
    for (codings, bomb, short) in cases {
        for (assembly, step) in [(Assembly::Segmented, 1), (Assembly::Segmented, bomb.len())]
            .into_iter()
            .chain([(Assembly::Contiguous, 7)])
        {
            let name = format!("{codings:?}, {assembly:?} in pieces of {step}");
            let pool = seg_pool::Pool::new();
            let limits = BodyLimits::new().with_body_bytes_max(LIMIT);
            let before = counting::LIVE.get();
            let mut assembler = BodyAssembler::new(&pool, Framing::UntilClose)
                .with_assembly(assembly)
                .with_limits(limits)
                .with_content_coding(codings);
            let error = push(&mut assembler, &bomb, step).expect_err("too long");
            assert_eq!(error.kind(), BodyErrorKind::TooLong, "{name}");
            assert_eq!(assembler.len(), LIMIT, "{name}");
            // The limit in whole segments, of which a decoder fills one more at a time.
            assert!(pool.stats().held_bytes_peak() as u64 <= LIMIT + (256 << 10), "{name}");
            drop(assembler.take_body());
            assert_eq!(pool.stats().in_use_bytes(), 0, "{name}");

            assembler.reset(Framing::UntilClose, codings);
            assert_eq!(push(&mut assembler, &short, step), Ok(Progress::NeedMore), "{name}");
            assert_eq!(assembler.finish(), Ok(()), "{name}");
            assert_eq!(assembler.take_body().bytes(), [7; 100], "{name}");
            assert_eq!(pool.stats().in_use_bytes(), 0, "{name}");
            drop((assembler, pool));
            // No window, of which the smallest has 32 KiB; less than nothing where this thread freed the
            // caches of pools that are gone.
            let left = counting::LIVE.get().wrapping_sub(before).cast_signed();
            assert!(left < 32 << 10, "{name}: {left} bytes");
        }
    }
}
