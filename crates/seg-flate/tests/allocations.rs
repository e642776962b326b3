//! What decoding asks of the allocator, counted by thread.

#[path = "../../seg-pool/tests/harness/counting.rs"]
mod counting;

use std::io::Write;

use counting::allocations;
use flate2::{Compression, write::GzEncoder};
#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
use seg_flate::{Backend, Deflater, Encode, Flush, Level, WindowBits};
use seg_flate::{Contexts, Decode, Format, Inflater, Limits, Status};
use seg_pool::Pool;
use seg_seq::SegmentedBuf;

/// The largest allocation that decoding may make.
const LARGEST_BYTES: usize = 64 << 10;

/// Rounds of warming up, and then of counting.
const ROUNDS: usize = if cfg!(miri) { 2 } else { 8 };

/// What one stream decodes to.
const BODY_BYTES: usize = if cfg!(miri) { 20_000 } else { 256 << 10 };

fn gzip(bytes: usize) -> Vec<u8> {
    let body: Vec<u8> =
        (0..bytes).map(|at| b"0123456789abcdef"[at.wrapping_mul(at) / 7 % 16]).collect();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&body).and_then(|()| encoder.finish()).expect("into memory")
}

/// Decodes `wire` in pieces, as they come from a socket, and keeps all of the output.
fn decode(inflater: &mut Inflater, wire: &[u8], output: &mut SegmentedBuf) {
    for mut piece in wire.chunks(1_460) {
        assert!(inflater.push(&mut piece, output).is_ok());
    }
    assert_eq!(inflater.finish(), Ok(()));
}

#[test]
fn the_allocator_is_counted() {
    assert_eq!(allocations(|| drop(vec![1_u8; 1_000])), (1, 1_000));
}

#[test]
fn an_inflater_allocates_its_state_once_and_little() {
    let mut output = SegmentedBuf::new(&Pool::new());
    let inflater =
        |contexts: &Contexts| Inflater::new(Format::Raw, Limits::default()).with_contexts(contexts);
    assert_eq!(allocations(|| drop(inflater(&Contexts::default()))), (0, 0));
    let mut decode = |contexts: &Contexts| {
        allocations(|| {
            let pushed = inflater(contexts).push(&mut &b"\x03\x00"[..], &mut output);
            assert_eq!(pushed, Ok(Status::End));
        })
    };
    // The output's segment, and what the pool allocates for it.
    decode(&Contexts::default());
    let (count, largest) = decode(&Contexts::default());
    assert!((1..=2).contains(&count), "{count} allocations");
    assert!(largest <= LARGEST_BYTES, "{largest} bytes");
    // One that was left by another is used.
    let contexts = Contexts::new(LARGEST_BYTES);
    decode(&contexts);
    assert_eq!(contexts.count(), 1);
    assert_eq!(decode(&contexts), (0, 0));
    contexts.trim();
    assert_eq!(contexts.bytes(), 0);
    assert_eq!(decode(&contexts).0, count + 1, "and the list of what is kept");
}

#[test]
fn the_state_of_a_short_stream_has_no_window() {
    for (bytes, state_bytes) in
        [(4 << 10, 10 << 10..16 << 10), (BODY_BYTES, 24 << 10..LARGEST_BYTES)]
    {
        let (wire, contexts) = (gzip(bytes), Contexts::new(LARGEST_BYTES));
        let mut inflater = Inflater::new(Format::Gzip, Limits::default()).with_contexts(&contexts);
        let mut output = SegmentedBuf::new(&Pool::new());
        assert_eq!(inflater.push(&mut &wire[..], &mut output), Ok(Status::NeedInput));
        assert_eq!(inflater.finish(), Ok(()));
        drop(inflater);
        assert!(state_bytes.contains(&contexts.bytes()), "{} bytes", contexts.bytes());
    }
}

#[test]
fn no_allocation_for_a_large_body_is_larger_than_64_kib() {
    let wire = gzip(4 * BODY_BYTES);
    let (count, largest) = allocations(|| {
        let mut output = SegmentedBuf::new(&Pool::new());
        let mut inflater = Inflater::new(Format::Gzip, Limits::default());
        decode(&mut inflater, &wire, &mut output);
        assert_eq!(output.len(), 4 * BODY_BYTES as u64);
    });
    assert!(count > 0);
    assert!(largest <= LARGEST_BYTES, "{largest} bytes");
}

#[test]
fn stream_after_stream_allocates_nothing() {
    let wire = gzip(BODY_BYTES);
    let members = wire.repeat(2);
    let pool = Pool::new();
    let mut output = SegmentedBuf::new(&pool);
    let mut inflater = Inflater::new(Format::Gzip, Limits::default());
    let mut round = || {
        for (wire, len) in [(&wire, BODY_BYTES), (&members, 2 * BODY_BYTES)] {
            inflater.reset(Format::Gzip);
            decode(&mut inflater, wire, &mut output);
            assert_eq!(output.len(), len as u64);
            output.clear();
        }
    };
    (0..ROUNDS).for_each(|_| round());
    let (count, largest) = allocations(|| (0..ROUNDS).for_each(|_| round()));
    assert_eq!(count, 0, "the largest of {largest} bytes");
}

#[test]
fn a_refused_stream_allocates_nothing() {
    let wire = gzip(BODY_BYTES);
    let pool = Pool::new();
    let mut output = SegmentedBuf::new(&pool);
    let limits = Limits::default().with_output_bytes_max(BODY_BYTES as u64 / 2);
    let mut inflater = Inflater::new(Format::Gzip, limits);
    let mut round = || {
        inflater.reset(Format::Gzip);
        let mut input = &wire[..];
        assert!(inflater.push(&mut input, &mut output).is_err());
        output.clear();
        inflater.reset(Format::Zlib);
        assert!(inflater.push(&mut &wire[..], &mut output).is_err());
    };
    (0..ROUNDS).for_each(|_| round());
    let (count, largest) = allocations(|| (0..ROUNDS).for_each(|_| round()));
    assert_eq!(count, 0, "the largest of {largest} bytes");
}

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
#[test]
fn compressing_stream_after_stream_allocates_nothing() {
    let body = vec![b'x'; BODY_BYTES];
    for &backend in Backend::ALL {
        let pool = Pool::new();
        let mut output = SegmentedBuf::new(&pool);
        let mut deflater =
            Deflater::with_window(backend, Format::Gzip, Level::DEFAULT, WindowBits::MAX);
        let mut round = |format| {
            deflater.reset(format);
            for mut piece in body.chunks(10_000) {
                assert_eq!(deflater.push(&mut piece, Flush::Sync, &mut output), Ok(()));
            }
            assert_eq!(deflater.push(&mut &[][..], Flush::Finish, &mut output), Ok(()));
            output.clear();
        };
        (0..ROUNDS).for_each(|_| round(Format::Gzip));
        let formats = [Format::Gzip, Format::Zlib, Format::Raw, Format::Deflate];
        let (count, largest) = allocations(|| formats.into_iter().for_each(round));
        assert_eq!(count, 0, "{backend:?}: the largest of {largest} bytes");
    }
}

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
#[test]
fn a_deflater_allocates_its_state_once() {
    for &backend in Backend::ALL {
        let mut output = SegmentedBuf::new(&Pool::new());
        output.extend_from_slice(b"a segment");
        let make = || {
            let mut deflater =
                Deflater::with_window(backend, Format::Raw, Level::DEFAULT, WindowBits::MAX);
            assert_eq!(deflater.push(&mut &b"a"[..], Flush::Finish, &mut output), Ok(()));
        };
        let (count, largest) = allocations(make);
        assert!((1..=8).contains(&count), "{backend:?}: {count} allocations");
        assert!(largest <= 400 << 10, "{backend:?}: {largest} bytes");
    }
}
