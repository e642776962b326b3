//! A pool that has no segment left: what fails goes on when there is one, and nothing is lost.

use http_chunked::{HeadErrorKind, MessageErrorKind, MessageStep, RequestReader, ResponseReader};
use seg_pool::{Pool, Segment, SegmentMut};

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
