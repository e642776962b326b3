//! Bodies that are decompressed as they come.

use std::io::Write;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use http_chunked::{
    Assembly, BodyAssembler, BodyErrorKind, BodyLimits, ContentCoding, Framing, Progress,
};
use seg_flate::InflateErrorKind;
use seg_pool::Segment;

use crate::outcome::POOL;

const TEXT_BYTES: usize = if cfg!(miri) { 500 } else { 100_000 };

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
    BodyAssembler::new(&POOL, framing).assembly(assembly).content_coding(coding)
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
    assert_eq!(chunks, text.len().div_ceil(16 << 10));
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
        let limits = BodyLimits::new().body_bytes_max(TEXT_BYTES as u64);
        let mut assembler = BodyAssembler::new(&POOL, Framing::UntilClose)
            .assembly(assembly)
            .limits(limits)
            .content_coding(ContentCoding::Gzip);
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
fn a_field_names_one_coding_at_most() {
    let field = ContentCoding::from_field;
    for (value, expected) in [
        (&b"gzip"[..], Some(ContentCoding::Gzip)),
        (b"X-GZIP", Some(ContentCoding::Gzip)),
        (b"Deflate", Some(ContentCoding::Deflate)),
        (b"identity", Some(ContentCoding::Identity)),
        (b" identity ,\tgzip , identity", Some(ContentCoding::Gzip)),
        (b"gzip, gzip", None),
        (b"gzip, deflate", None),
        (b"br", None),
        (b"gzip;q=1", None),
        (b"gzip,", None),
        (b"", None),
        (b"gzip deflate", None),
    ] {
        assert_eq!(field(value), expected, "{}", value.escape_ascii());
    }
}
