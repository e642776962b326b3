//! A compressed stream, whole and cut, and flate2.
#![no_main]

#[path = "../../crates/seg-flate/tests/harness/decode.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod decode;

use std::io::Read;

use decode::{decode, decode_into};
use libfuzzer_sys::fuzz_target;
use seg_flate::{Format, Inflater, Limits, Trailing};
use seg_pool::{Pool, SegmentSize};

const OUTPUT_BYTES_MAX: u64 = 1 << 16;

fuzz_target!(|input: &[u8]| {
    let [format, cut, wire @ ..] = input else { return };
    let format =
        [Format::Gzip, Format::Zlib, Format::Raw, Format::Deflate][usize::from(format % 4)];
    let limits = Limits::default().with_output_bytes_max(OUTPUT_BYTES_MAX).with_trailing(Trailing::Leave);
    let (head, tail) = wire.split_at(wire.len() * usize::from(*cut) / 255);
    let first = decode(format, limits, &[wire]);
    assert!(first.decoded.len() as u64 <= OUTPUT_BYTES_MAX);
    let pieces = decode(format, limits, &[head, tail]);
    assert_eq!(pieces.decoded, first.decoded);
    assert_eq!(pieces.failure.is_some(), first.failure.is_some());
    if first.failure.is_none() {
        assert_eq!(pieces, first);
    }
    // Symbols are decoded in another way where there is more output space.
    let pool = Pool::builder().segment_size(SegmentSize::K16).build();
    let mut inflater = Inflater::new(format, limits);
    let large = decode_into(&pool, &mut inflater, &[head, tail]);
    assert_eq!(
        (&large.decoded, large.failure.is_some()),
        (&first.decoded, first.failure.is_some())
    );
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
