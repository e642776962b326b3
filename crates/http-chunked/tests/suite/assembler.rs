//! How a body is kept, and what stays after a refusal.

use http_chunked::{
    Assembly, BodyAssembler, BodyErrorKind, BodyLimits, ContentCoding, DecodeErrorKind, Framing,
    Progress,
};
use seg_pool::{Budget, Pool, Segment};

const SEGMENT: usize = 16 << 10;

/// A received segment of `pool` that holds `bytes`.
fn received(pool: &Pool, bytes: &[u8]) -> Segment {
    let mut segment = pool.take(bytes.len().max(1));
    segment.extend_from_slice(bytes);
    segment.freeze()
}

fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

fn both(pool: &Pool, framing: Framing) -> [BodyAssembler; 2] {
    Assembly::ALL.map(|assembly| BodyAssembler::new(pool, framing).with_assembly(assembly))
}

#[test]
fn a_long_run_stays_in_the_segment_it_was_received_in() {
    let pool = Pool::new();
    let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
    let mut segment = received(&pool, &chunk(&[7; 4096]));
    let place = segment[6..].as_ptr();
    assert_eq!(assembler.push(&mut segment), Ok(Progress::NeedMore));
    let body = assembler.take_body();
    assert_eq!(body.bytes().as_ptr(), place);
    assert_eq!(body.sequence(), &[7; 4096]);
}

#[test]
fn a_short_run_does_not_keep_the_segment_it_was_received_in() {
    let pool = Pool::new();
    let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
    let segment = received(&pool, &chunk(&[7; 100]));
    let watched = segment.clone();
    assert_eq!(assembler.push(&mut { segment }), Ok(Progress::NeedMore));
    assert!(watched.is_unique());
    assert_eq!(assembler.take_body().sequence(), &[7; 100]);
}

#[test]
fn a_run_in_front_of_a_long_one_is_linked_with_it() {
    let pool = Pool::new();
    for (len, next, is_linked) in
        [(1, 1024, true), (1023, 4096, true), (1, 1023, false), (1023, 1023, false)]
    {
        // The first chunk ends in the second segment.
        let first = [vec![1; 4096], vec![2; len]].concat();
        let second = vec![3; next];
        let wire = [chunk(&first), chunk(&second)].concat();
        let (before, behind) = wire.split_at(chunk(&first).len() - 2 - len);
        let behind = received(&pool, behind);
        let place = behind.as_ptr();
        let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
        for mut segment in [received(&pool, before), behind] {
            assert_eq!(assembler.push(&mut segment), Ok(Progress::NeedMore));
        }
        let body = assembler.take_body();
        assert_eq!(body.sequence(), &[first, second].concat());
        let mut chunks = body.sequence().chunks();
        let found = chunks.any(|chunk| chunk.as_ptr() == place);
        assert_eq!(found, is_linked, "{len} bytes in front of {next}");
    }
}

#[test]
fn short_runs_share_a_segment_however_they_alternate_with_long_ones() {
    let pool = Pool::new();
    let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
    let mut expected = Vec::new();
    for round in 0..20 {
        let wire = [chunk(&[round + 100; 4096]), chunk(&[round; 63])].concat();
        assert_eq!(assembler.push(&mut received(&pool, &wire)), Ok(Progress::NeedMore));
        expected.extend_from_slice(&[round + 100; 4096]);
        expected.extend_from_slice(&[round; 63]);
    }
    let body = assembler.take_body();
    assert_eq!(body.sequence(), &expected);
    // Twenty received segments of 16 KiB hold the long runs, one more all the short ones; the
    // sequence counts it once for each place it is used in.
    let short = body.sequence().chunks().filter(|chunk| chunk.len() == 63);
    let short: Vec<_> = short.collect();
    assert_eq!(short.len(), 20);
    assert!(short.iter().all(|chunk| chunk.shares_segment_with(short[0])));
}

#[test]
fn consecutive_short_runs_become_one_chunk() {
    let pool = Pool::new();
    let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
    for _ in 0..50 {
        assert_eq!(assembler.push(&mut received(&pool, &chunk(b"abc"))), Ok(Progress::NeedMore));
    }
    let body = assembler.take_body();
    assert_eq!((body.sequence().chunk_count(), body.len()), (1, 150));
}

#[test]
fn nothing_is_held_after_the_body_is_taken_and_dropped() {
    let pool = Pool::new();
    for mut assembler in both(&pool, Framing::Chunked) {
        for data in [&[1; 10][..], &[2; 5000], &[3; 10]] {
            assert_eq!(assembler.push(&mut received(&pool, &chunk(data))), Ok(Progress::NeedMore));
        }
        drop(assembler.take_body());
        assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn a_plain_body_ends_after_its_length_and_gives_the_rest_back() {
    let pool = Pool::new();
    for mut assembler in both(&pool, Framing::Length(8)) {
        assert_eq!(assembler.push(&mut received(&pool, b"hello")), Ok(Progress::NeedMore));
        let mut last = received(&pool, b"you!HTTP");
        assert_eq!(assembler.push(&mut last), Ok(Progress::End));
        assert_eq!(&*last, b"!HTTP");
        assert_eq!(assembler.push(&mut last), Ok(Progress::End));
        assert_eq!((&*last, assembler.offset()), (&b"!HTTP"[..], 8));
        assert_eq!(assembler.take_body().bytes(), b"helloyou");
    }
}

#[test]
fn a_body_of_length_zero_ends_at_once() {
    let pool = Pool::new();
    let mut assembler = BodyAssembler::new(&pool, Framing::Length(0));
    let mut next = received(&pool, b"HTTP");
    assert_eq!(assembler.push(&mut next), Ok(Progress::End));
    assert_eq!(&*next, b"HTTP");
    assembler.reset(Framing::Length(0), ContentCoding::Identity);
    assert_eq!(assembler.finish(), Ok(()));
    assert!(assembler.take_body().is_empty());
}

#[test]
fn a_body_until_close_takes_everything() {
    let pool = Pool::new();
    for mut assembler in both(&pool, Framing::UntilClose) {
        assert_eq!(assembler.push(&mut received(&pool, b"0\r\n\r\n")), Ok(Progress::NeedMore));
        assert_eq!(assembler.push(&mut received(&pool, &[5; 2000])), Ok(Progress::NeedMore));
        assert_eq!(assembler.finish(), Ok(()));
        assert_eq!(assembler.push(&mut received(&pool, b"late")), Ok(Progress::End));
        assert_eq!(assembler.take_body().sequence(), &[&b"0\r\n\r\n"[..], &[5; 2000]].concat());
    }
}

#[test]
fn a_body_cut_short_is_an_error_and_stays_readable() {
    let pool = Pool::new();
    for framing in [Framing::Chunked, Framing::Length(100)] {
        for mut assembler in both(&pool, framing) {
            assert_eq!(assembler.push(&mut received(&pool, b"5\r\nhello")), Ok(Progress::NeedMore));
            let error = assembler.finish().expect_err("cut short");
            assert_eq!((error.kind(), error.offset()), (BodyErrorKind::Truncated, 8));
            assert_eq!(assembler.push(&mut received(&pool, b"\r\n")), Err(error));
            let chunked = framing == Framing::Chunked;
            let expected = if chunked { &b"hello"[..] } else { b"5\r\nhello" };
            assert_eq!(assembler.take_body().bytes(), expected);
        }
    }
}

#[test]
fn the_limit_lets_through_what_it_allows_in_every_cut() {
    let pool = Pool::new();
    let wire = Segment::from_static(b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
    for limit in 0..7 {
        // The refused octet: the first one above the limit, behind the framing before it.
        let offset = if limit < 3 { 3 + limit } else { 8 + limit };
        for assembly in Assembly::ALL {
            for at in 0..wire.len() {
                let limits = BodyLimits::new().with_body_bytes_max(limit);
                let mut assembler = BodyAssembler::new(&pool, Framing::Chunked)
                    .with_assembly(assembly)
                    .with_limits(limits);
                let mut whole = wire.slice(at..);
                let error = assembler
                    .push(&mut wire.slice(..at))
                    .and_then(|_| assembler.push(&mut whole))
                    .expect_err("seven bytes are above the limit");
                assert_eq!((error.kind(), error.offset()), (BodyErrorKind::TooLong, offset));
                assert_eq!(assembler.offset(), offset, "octets that were taken");
                let length = usize::try_from(limit).expect("small");
                assert_eq!(assembler.take_body().bytes(), &b"abcdefg"[..length], "cut at {at}");
            }
        }
    }
}

#[test]
fn a_refused_octet_stays_in_the_segment() {
    let pool = Pool::new();
    let mut segment = Segment::from_static(b"5\r\nhello\nworld");
    let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
    let error = assembler.push(&mut segment).expect_err("a bare line feed");
    assert_eq!(error.kind(), BodyErrorKind::Chunked(DecodeErrorKind::DataTerminator));
    assert_eq!((&*segment, error.offset()), (&b"\nworld"[..], 8));
    assert_eq!(error.to_string(), "chunk data is not followed by CRLF at byte 8 of the body");
}

#[test]
fn a_body_goes_on_when_there_is_memory_again() {
    let data: Vec<u8> = (0..40_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let wire: Vec<u8> = data.chunks(1000).flat_map(chunk).chain(*b"0\r\n\r\n").collect();
    for framing in [Framing::Chunked, Framing::Length(data.len() as u64)] {
        let wire = if framing == Framing::Chunked { &wire } else { &data };
        // Four segments, and the block of a list.
        let budget = Budget::new(&Pool::new(), (64 << 10) + 256);
        let pool = budget.pool();
        // What came before is whole, and the rest is still in the input.
        let mut assembler = BodyAssembler::new(pool, framing);
        let mut others: Vec<_> = (0..3).map(|_| pool.take(SEGMENT)).collect();
        let mut failures = 0;
        for piece in wire.chunks(900) {
            let mut received = Segment::from(bytes::Bytes::copy_from_slice(piece));
            while let Err(error) = assembler.push(&mut received) {
                let memory = error.kind().out_of_memory().expect("nothing else is wrong");
                assert_eq!(memory.requested_bytes(), SEGMENT);
                assert!(memory.available_bytes() <= 256, "{memory}");
                assert_eq!(error.offset(), assembler.offset());
                assert_eq!(assembler.push(&mut received), Err(error), "nothing has changed");
                failures += 1;
                others.pop().expect("there is one to give back");
            }
            assert!(received.is_empty());
        }
        assert_eq!(failures, 2);
        assert!(assembler.is_ended());
        assert_eq!(assembler.take_body().bytes(), data, "{framing:?}");
    }
}

#[test]
fn a_reset_assembler_starts_afresh() {
    let pool = Pool::new();
    for mut assembler in both(&pool, Framing::Chunked) {
        assert!(assembler.push(&mut received(&pool, b"5\r\nhello!")).is_err());
        assembler.reset(Framing::Chunked, ContentCoding::Identity);
        let mut next = received(&pool, b"2\r\nok\r\n0\r\nA: b\r\n\r\n");
        assert_eq!(assembler.push(&mut next), Ok(Progress::End));
        let body = assembler.take_body();
        assert_eq!((body.text(), body.trailers().len()), (Ok("ok"), 1));
    }
}

#[test]
fn text_that_is_not_utf_8_names_the_octet() {
    let pool = Pool::new();
    for mut assembler in both(&pool, Framing::Length(5)) {
        assert_eq!(assembler.push(&mut received(&pool, b"ab\xc3")), Ok(Progress::NeedMore));
        assert_eq!(assembler.push(&mut received(&pool, b"\x28c")), Ok(Progress::End));
        let error = assembler.take_body().text().expect_err("no text");
        assert_eq!(
            (error.offset(), error.to_string().as_str()),
            (2, "not UTF-8 at byte 2 of the body")
        );
    }
}
