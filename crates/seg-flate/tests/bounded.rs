//! Output that is taken piece by piece: nothing but the pieces changes.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use seg_flate::{Decode, Format, Inflater, Limits, Status};
#[cfg(any(feature = "brotli", feature = "zstd"))]
use seg_flate::{Encode, Flush, Level};
use seg_pool::{Pool, SegmentSize};
use seg_seq::SegmentedBuf;

/// What a decoder may make beyond the bound: a segment, or a Zstandard block.
const BEYOND_BYTES: u64 = 128 << 10;

const LEN: usize = if cfg!(miri) { 30_000 } else { 2 << 20 };

/// A name, how a decoder is made, and a stream for it.
type Case = (&'static str, fn(Limits) -> Box<dyn Decode>, Vec<u8>);

/// Some that compresses little, and then some that becomes very long.
fn data() -> Vec<u8> {
    let varied = (0_u32..).flat_map(|n| (n.wrapping_mul(n) / 7).to_le_bytes()).take(LEN / 4);
    varied.chain(core::iter::repeat_n(7, LEN)).collect()
}

#[cfg(any(feature = "brotli", feature = "zstd"))]
fn encoded(mut encoder: impl Encode) -> Vec<u8> {
    let mut output = SegmentedBuf::new(&Pool::new());
    encoder.push(&mut &data()[..], Flush::Finish, &mut output).expect("the pool has no cap");
    output.freeze().to_vec()
}

fn cases() -> Vec<Case> {
    let gzip = |data: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).and_then(|()| encoder.finish()).expect("into memory")
    };
    let members = [gzip(&data()), gzip(b""), gzip(&data())].concat();
    vec![
        ("gzip", |limits| Box::new(Inflater::new(Format::Gzip, limits)), members.clone()),
        (
            "gzip into longer segments",
            |limits| {
                let inflater = Inflater::new(Format::Gzip, limits);
                Box::new(inflater.with_output_segments(SegmentSize::K64))
            },
            members,
        ),
        #[cfg(feature = "brotli")]
        (
            "br",
            |limits| Box::new(seg_flate::BrotliDecoder::new(limits)),
            encoded(seg_flate::BrotliEncoder::new(Level::FAST)),
        ),
        #[cfg(feature = "zstd")]
        (
            "zstd",
            |limits| Box::new(seg_flate::ZstdDecoder::new(limits)),
            encoded(seg_flate::ZstdEncoder::new(Level::FAST)),
        ),
    ]
}

/// Decodes pieces of the wire, taking the output out whenever it reaches the bound. Returns it, and the error's kind.
fn decode(
    decoder: &mut dyn Decode,
    wire: &[u8],
    step: usize,
    bound: u64,
) -> (Vec<u8>, Option<String>) {
    let mut output = SegmentedBuf::new(&Pool::new());
    let mut decoded = Vec::new();
    for mut piece in wire.chunks(step) {
        loop {
            let result = decoder.push_bounded(&mut piece, &mut output, bound);
            assert!(output.len() <= bound.saturating_add(BEYOND_BYTES), "{} bytes", output.len());
            assert!(result != Ok(Status::NeedOutput) || output.len() >= bound);
            if bound < u64::MAX || result.is_err() {
                output.split().chunks().for_each(|chunk| decoded.extend_from_slice(chunk));
            }
            match result {
                Ok(Status::NeedOutput) => {}
                Ok(_) => break assert!(piece.is_empty()),
                Err(error) => return (decoded, Some(format!("{:?}", error.kind()))),
            }
        }
    }
    output.freeze().chunks().for_each(|chunk| decoded.extend_from_slice(chunk));
    let finished = decoder.finish().err().map(|error| format!("{:?}", error.kind()));
    (decoded, finished)
}

#[test]
fn output_that_is_taken_piece_by_piece_is_the_same_and_so_is_the_error() {
    for (name, make, wire) in cases() {
        let mut damaged = wire.clone();
        let last = damaged.len() - 1;
        damaged[last / 3] ^= 0x55;
        let limits = Limits::default();
        let short = limits.with_output_bytes_max(LEN as u64);
        let inputs: [(&[u8], Limits); 4] =
            [(&wire, limits), (&damaged, limits), (&wire[..last], limits), (&wire, short)];
        for (at, (wire, limits)) in inputs.into_iter().enumerate() {
            let expected = decode(&mut *make(limits), wire, usize::MAX, u64::MAX);
            // What is damaged may decode to other data, where there is no checksum.
            assert!(at == 1 || expected.1.is_some() == (at > 0), "{name} {at}");
            let bounds = [0, 1, 10_000, 64 << 10, 1 << 20];
            for bound in bounds.into_iter().skip(if cfg!(miri) { 2 } else { 0 }) {
                for step in [usize::MAX, 1_000].into_iter().take(if cfg!(miri) { 1 } else { 2 }) {
                    let found = decode(&mut *make(limits), wire, step, bound);
                    assert_eq!(found.1, expected.1, "{name} {at}: {bound} by {step}");
                    assert!(found.0 == expected.0, "{name} {at}: {bound} by {step}");
                }
            }
        }
    }
}
