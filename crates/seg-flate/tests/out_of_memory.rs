//! Out of memory loses nothing: the same call goes on when there is memory.

#[path = "harness/text.rs"]
mod text;

use core::error::Error;
use std::io::{self, ErrorKind, Write};

use flate2::{Compression, write::GzEncoder};
#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
use seg_flate::Deflater;
#[cfg(any(
    feature = "zlib-rs",
    feature = "miniz_oxide",
    feature = "brotli",
    feature = "zstd"
))]
use seg_flate::Level;
use seg_flate::{
    Decode, DeflateErrorKind, Encode, Flush, Format, InflateErrorKind, Inflater, Limits,
};
use seg_pool::{Pool, SegmentMut, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};

/// More than the pool for the output has, also when it is compressed.
const LEN: usize = if cfg!(miri) { 100 << 10 } else { 400 << 10 };

fn inflater() -> Box<dyn Decode> {
    Box::new(Inflater::new(Format::Gzip, Limits::default()))
}

/// A name, a decoder, and a stream for it.
type Case = (&'static str, MakeDecoder, Vec<u8>);

type MakeDecoder = fn() -> Box<dyn Decode>;

fn streams(plain: &[u8]) -> Vec<Case> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let gzip = encoder.write_all(plain).and_then(|()| encoder.finish()).expect("into memory");
    let mut cases: Vec<Case> = vec![("gzip", inflater, gzip)];
    for (name, mut encoder, decoder) in encoders() {
        let mut wire = SegmentedBuf::new(&Pool::new());
        let pushed = encoder.push(&mut &plain[..], Flush::Finish, &mut wire);
        pushed.expect("the pool has no cap");
        cases.push((name, decoder, wire.freeze().to_vec()));
    }
    cases
}

/// A name, an encoder, and a decoder of what it makes.
fn encoders() -> Vec<(&'static str, Box<dyn Encode>, MakeDecoder)> {
    vec![
        #[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
        ("Deflater", Box::new(Deflater::new(Format::Gzip, Level::FAST)), inflater),
        #[cfg(feature = "brotli")]
        ("BrotliEncoder", Box::new(seg_flate::BrotliEncoder::new(Level::FAST)), || {
            Box::new(seg_flate::BrotliDecoder::new(Limits::default()))
        }),
        #[cfg(feature = "zstd")]
        ("ZstdEncoder", Box::new(seg_flate::ZstdEncoder::new(Level::FAST)), || {
            Box::new(seg_flate::ZstdDecoder::new(Limits::default()))
        }),
    ]
}

/// The bytes in chunks of 256.
fn sequence(bytes: &[u8]) -> Sequence {
    let mut sequence = SegmentedBuf::new(&Pool::builder().segment_size(SegmentSize::B256).build());
    sequence.extend_from_slice(bytes);
    sequence.freeze()
}

/// An output that is full after less than 16 KiB, and who has the rest of its pool.
fn short_output() -> (SegmentedBuf, Vec<SegmentMut>) {
    let pool = Pool::builder().segment_size(SegmentSize::B256).bytes_max(64 << 10).build();
    let others = (0..192).map(|_| pool.take(256)).collect();
    (SegmentedBuf::new(&pool), others)
}

#[test]
fn the_same_call_goes_on_decoding_a_sequence() {
    let plain = text::text(LEN);
    for (name, decoder, wire) in streams(&plain) {
        let (mut decoder, (mut output, _others)) = (decoder(), short_output());
        let (mut input, mut decoded, mut refusals) = (sequence(&wire), Vec::new(), 0);
        while let Err(error) = decoder.push_sequence(&mut input, &mut output) {
            let InflateErrorKind::OutOfMemory(memory) = error.kind() else {
                panic!("{name}: {error}")
            };
            assert_eq!(error.source().map(ToString::to_string), Some(memory.to_string()));
            assert!(error.to_string().starts_with("out of memory, at byte"), "{error}");
            assert_eq!(io::Error::from(error).kind(), ErrorKind::OutOfMemory);
            assert_eq!(input.len(), wire.len() as u64 - decoder.consumed(), "{name}");
            decoded.extend(output.split().to_vec());
            refusals += 1;
        }
        decoded.extend(output.split().to_vec());
        assert_eq!((decoder.finish(), input.len()), (Ok(()), 0), "{name}");
        assert!(decoded == plain && refusals > 0, "{name}: {refusals} refusals");
    }
}

#[test]
fn the_same_call_goes_on_encoding_a_sequence() {
    let plain = text::text(LEN);
    for (name, mut encoder, decoder) in encoders() {
        let (mut input, (mut output, _others)) = (sequence(&plain), short_output());
        let (mut wire, mut refusals) = (Vec::new(), 0);
        while let Err(error) = encoder.push_sequence(&mut input, Flush::Finish, &mut output) {
            let DeflateErrorKind::OutOfMemory(memory) = error.kind() else {
                panic!("{name}: {error}")
            };
            assert_eq!(error.source().map(ToString::to_string), Some(memory.to_string()));
            assert!(error.to_string().starts_with("out of memory, at byte"), "{error}");
            assert_eq!(io::Error::from(error).kind(), ErrorKind::OutOfMemory);
            assert_eq!(input.len(), LEN as u64 - encoder.consumed(), "{name}");
            wire.extend(output.split().to_vec());
            refusals += 1;
        }
        wire.extend(output.split().to_vec());
        assert_eq!((input.len(), encoder.consumed()), (0, LEN as u64), "{name}");
        let (mut decoder, mut decoded) = (decoder(), SegmentedBuf::new(&Pool::new()));
        decoder.push_sequence(&mut sequence(&wire), &mut decoded).expect(name);
        assert_eq!(decoder.finish(), Ok(()), "{name}");
        assert!(decoded.freeze() == plain && refusals > 0, "{name}: {refusals} refusals");
    }
}
