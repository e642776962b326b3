//! A pool that has no segment left: what fails goes on when there is one, and nothing is lost.

use core::error::Error;
use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use http_chunked::{
    Assembly, BodyAssembler, ContentCodings, Framing, HeadErrorKind, MessageErrorKind, MessageStep,
    RequestReader, ResponseReader,
};
use seg_pool::{Pool, Segment, SegmentMut, SegmentSize};

/// All memory of a pool, in segments of the size that is asked for first and others of one slab each.
fn exhaust(pool: &Pool) -> Vec<SegmentMut> {
    core::iter::from_fn(|| pool.try_take(64 << 10).ok()).collect()
}

#[test]
fn a_head_goes_on_when_there_is_memory_again() {
    let field = "b".repeat(700);
    let wire = format!("GET / HTTP/1.1\r\nHost: a\r\nA: {field}\r\n\r\n");
    for step in [1, 100, 300, wire.len()] {
        let pool = Pool::builder().bytes_max(512 << 10).build();
        let mut reader = RequestReader::new(&pool);
        let mut others = exhaust(&pool);
        let (mut failures, mut taken) = (0, 0);
        let mut last = MessageStep::NeedMore;
        for piece in wire.as_bytes().chunks(step) {
            let mut received = Segment::from(bytes::Bytes::copy_from_slice(piece));
            last = loop {
                let error = match reader.push(&mut received) {
                    Ok(step) => break step,
                    Err(error) => error,
                };
                assert_eq!(error.offset(), taken, "pieces of {step}");
                assert_eq!((reader.push(&mut received), &*received), (Err(error), piece));
                let MessageErrorKind::Head(HeadErrorKind::OutOfMemory(memory)) = error.kind()
                else {
                    panic!("{error}")
                };
                assert_eq!(memory.available_bytes(), 0);
                assert_eq!(error.source().map(ToString::to_string), Some(memory.to_string()));
                assert!(error.to_string().starts_with("out of memory at byte"));
                assert_eq!(error.kind().status(), 503);
                failures += 1;
                others.pop().expect("there is one to give back");
            };
            taken += piece.len() as u64;
        }
        assert_eq!(last, MessageStep::Head, "pieces of {step}");
        assert!(failures > 0);
        let head = reader.head().expect("it was read");
        assert_eq!(head.octets(), wire.as_bytes());
    }
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("a vector takes everything")
}

#[test]
fn a_body_that_is_decoded_without_memory_comes_whole_when_there_is_some() {
    const LEN: usize = if cfg!(miri) { 20_000 } else { 100_000 };
    let data: Vec<u8> = (0..=250).cycle().take(LEN).collect();
    let once = gzip(&data);
    for (codings, wire) in [("gzip", once.clone()), ("gzip, gzip", gzip(&once))] {
        let codings = ContentCodings::from_field(codings.as_bytes()).expect("all are known");
        for assembly in [Assembly::Segmented, Assembly::Contiguous] {
            for (framing, step) in [
                (Framing::Length(wire.len() as u64), wire.len()),
                (Framing::Length(wire.len() as u64), 7),
                (Framing::UntilClose, wire.len()),
            ] {
                let pool = Pool::builder().bytes_max(1 << 20).build();
                // What a body takes. A slab of each size stays one of that size.
                let sizes = [SegmentSize::B256, SegmentSize::K16, SegmentSize::MAX];
                let _short = pool.take_size(SegmentSize::B256);
                let others: Vec<_> = (0..4).map(|_| pool.take_size(SegmentSize::K16)).collect();
                let mut assembler = BodyAssembler::new(&pool, framing)
                    .with_assembly(assembly)
                    .with_content_coding(codings);
                let (mut others, mut failures) = (others, 0_usize);
                // Each time there are other segments to be had: none, short ones, long ones, both.
                let mut feed = |error: Option<http_chunked::BodyError>| {
                    if let Some(error) = error {
                        assert!(error.kind().out_of_memory().is_some(), "{error}");
                        failures += 1;
                        assert!(failures < 100_000, "no progress: {error}");
                    }
                    for size in SegmentSize::ALL.into_iter().rev() {
                        others.extend(core::iter::from_fn(|| pool.try_take_size(size).ok()));
                    }
                    for (bit, size) in sizes.into_iter().enumerate() {
                        let is_of = |other: &SegmentMut| other.capacity() == size.bytes();
                        let found =
                            others.iter().position(is_of).filter(|_| failures >> bit & 1 == 1);
                        drop(found.map(|at| others.swap_remove(at)));
                    }
                };
                feed(None);
                for piece in wire.chunks(step) {
                    let mut received = Segment::from(bytes::Bytes::copy_from_slice(piece));
                    while let Err(error) = assembler.push(&mut received) {
                        feed(Some(error));
                    }
                }
                while let Err(error) = assembler.finish() {
                    feed(Some(error));
                }
                assert!(failures > 0);
                let body = assembler.take_body();
                assert!(body.bytes() == data, "{} bytes of {codings:?}, {framing:?}", body.len());
            }
        }
    }
}

#[test]
fn a_head_that_is_kept_holds_no_segment_of_the_body() {
    let pool = Pool::new();
    let mut received = pool.take(16 << 10);
    received.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n");
    received.extend_from_slice(&[7; 2000]);
    let mut received = received.freeze();
    let mut reader = ResponseReader::new(&pool);
    assert_eq!(reader.push(&mut received), Ok(MessageStep::Head));
    let head = reader.head().cloned();
    assert_eq!(reader.push(&mut received), Ok(MessageStep::End));
    let (_, body) = reader.take_message().expect("it ended").into_parts();
    drop((received, reader, body));
    assert_eq!(pool.stats().in_use_bytes(), 256, "the smallest segment");
    assert_eq!(head.expect("it was read").status(), 200);
}
