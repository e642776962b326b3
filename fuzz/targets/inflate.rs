//! A compressed stream, whole and cut, with all backends and flate2.
#![no_main]

#[path = "../../crates/seg-flate/tests/harness/decode.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod decode;

use std::io::Read;

use decode::{decode, decode_into};
use libfuzzer_sys::fuzz_target;
use seg_flate::{Backend, Format, Inflater, Limits, Trailing};
use seg_pool::{Pool, SegmentSize};

const OUTPUT_BYTES_MAX: u64 = 1 << 16;

fuzz_target!(|input: &[u8]| {
    let [format, cut, wire @ ..] = input else { return };
    let format =
        [Format::Gzip, Format::Zlib, Format::Raw, Format::Deflate][usize::from(format % 4)];
    let limits = Limits::default().output_bytes_max(OUTPUT_BYTES_MAX).trailing(Trailing::Leave);
    let (head, tail) = wire.split_at(wire.len() * usize::from(*cut) / 255);
    let first = decode(Backend::default(), format, limits, &[wire]);
    for &backend in Backend::ALL {
        let whole = decode(backend, format, limits, &[wire]);
        assert!(whole.decoded.len() as u64 <= OUTPUT_BYTES_MAX);
        let pieces = decode(backend, format, limits, &[head, tail]);
        assert_eq!(pieces.decoded, whole.decoded, "{backend:?}");
        assert_eq!(pieces.failure.is_some(), whole.failure.is_some(), "{backend:?}");
        if first.failure.is_none() || whole.failure.is_none() {
            assert_eq!(whole, first, "{backend:?}");
        }
    }
    // Symbols are decoded in another way where there is more room.
    let pool = Pool::builder().segment_size(SegmentSize::K16).build();
    let mut inflater = Inflater::new(format, limits);
    assert_eq!(decode_into(&pool, &mut inflater, &[head, tail]), first);
    if first.failure.is_none() {
        let stream = &wire[..wire.len() - first.rest];
        let mut theirs = Vec::new();
        let read = match format {
            Format::Gzip => flate2::read::MultiGzDecoder::new(stream).read_to_end(&mut theirs),
            Format::Zlib => flate2::read::ZlibDecoder::new(stream).read_to_end(&mut theirs),
            Format::Raw => flate2::read::DeflateDecoder::new(stream).read_to_end(&mut theirs),
            _ => return,
        };
        assert!(read.is_ok(), "flate2 refuses what is accepted here: {read:?}");
        assert_eq!(theirs, first.decoded);
    }
});
