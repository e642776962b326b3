//! How much memory a body keeps from reuse.

use http_chunked::{
    Assembly, BodyAssembler, BodyErrorKind, BodyLimits, ContentCoding, Framing, Progress,
};
use seg_flate::{Deflater, Encode, Flush, Format, Level};
use seg_pool::{Pool, Segment};
use seg_seq::SegmentedBuf;

const SEGMENT_LEN: usize = 16 << 10;
const SEGMENT: u64 = SEGMENT_LEN as u64;
const READ: usize = 1024;

/// What a reader has that takes a new segment for each read.
fn reads<'a>(pool: &'a Pool, wire: &'a [u8]) -> impl Iterator<Item = Segment> + 'a {
    wire.chunks(READ).map(|piece| {
        let mut segment = pool.take(SEGMENT_LEN);
        segment.extend_from_slice(piece);
        segment.freeze()
    })
}

fn chunked(body: &[u8], chunk: usize) -> Vec<u8> {
    let chunks = body
        .chunks(chunk)
        .map(|data| [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat());
    [chunks.collect::<Vec<_>>().concat(), b"0\r\n\r\n".to_vec()].concat()
}

#[test]
fn short_reads_hold_at_most_twice_their_data_and_a_little() {
    const LEN: usize = if cfg!(miri) { 8 << 10 } else { 1 << 20 };
    let body = vec![b'x'; LEN];
    for chunk in [1, 100, 1023, 1024, 5000, LEN] {
        let pool = Pool::new();
        let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
        let wire = chunked(&body, chunk);
        for mut read in reads(&pool, &wire) {
            assembler.push(&mut read).expect("good");
            drop(read);
            let held = assembler.held_bytes();
            assert!(pool.stats().in_use_bytes() as u64 <= held, "{chunk}: more than was counted");
            let len = assembler.len();
            // The list of a thousand chunks and more is a block of 64 KiB.
            assert!(
                held <= len + len.max(128 << 10) + SEGMENT + (64 << 10),
                "{chunk}: {held} held for {len}"
            );
        }
        assert!(assembler.is_ended());
        let body = assembler.take_body();
        assert_eq!((body.len(), assembler.held_bytes()), (LEN as u64, 0));
        let held = pool.stats().in_use_bytes() as u64;
        assert!(held <= 2 * LEN as u64 + (192 << 10) + SEGMENT);
    }
}

#[test]
fn a_hostile_peer_stays_within_the_limit() {
    const LEN: usize = if cfg!(miri) { 40 << 10 } else { 300 << 10 };
    let body = vec![b'x'; LEN];
    for (chunk, assembly) in [
        (1, Assembly::Segmented),
        (1, Assembly::Contiguous),
        (1500, Assembly::Segmented),
        (LEN, Assembly::Segmented),
        (LEN, Assembly::Contiguous),
    ] {
        for limit in [0, 1, SEGMENT, 2 * SEGMENT, 33_000] {
            let pool = Pool::new();
            let limits = BodyLimits::new().with_held_bytes_max(limit);
            let assembler = BodyAssembler::new(&pool, Framing::Chunked).with_limits(limits);
            let mut assembler = assembler.with_assembly(assembly);
            let wire = chunked(&body, chunk);
            let refusal = reads(&pool, &wire).find_map(|mut read| {
                let result = assembler.push(&mut read);
                drop(read);
                assert!(assembler.held_bytes() <= limit + 256 && assembler.len() <= limit);
                // A list may need its first block when the limit is used up.
                assert!(pool.stats().in_use_bytes() as u64 <= limit + 256);
                result.err()
            });
            let error = refusal.expect("it is above the limit");
            assert_eq!(error.kind(), BodyErrorKind::HeldTooMuch);
            // What was kept is all that comes before the offset.
            let before = wire[..usize::try_from(error.offset()).expect("in memory")].to_vec();
            assert_eq!(before.iter().filter(|&&o| o == b'x').count() as u64, assembler.len());
            assert_eq!(assembler.push(&mut Segment::from_static(b"x")), Err(error));
            // What is copied uses all of the limit; what was linked before it became scarce does not.
            let least = match assembly {
                Assembly::Contiguous => limit.saturating_sub(READ as u64),
                _ if chunk == 1 => limit.saturating_sub(256) / SEGMENT * SEGMENT,
                _ => limit / SEGMENT * READ as u64 / 2,
            };
            assert!(assembler.len() >= least, "{} of {limit} used", assembler.len());
        }
    }
}

#[test]
fn parts_of_one_segment_count_once() {
    // In between, short runs are copied to another one.
    let lens = [2000, 10, 3000, 20, 4000];
    let pool = Pool::new();
    let mut whole = pool.take(SEGMENT_LEN);
    for len in lens {
        whole.extend_from_slice(&chunked(&vec![7; len], len)[..]);
        whole.truncate(whole.len() - b"0\r\n\r\n".len());
    }
    let mut received = whole.freeze();
    let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
    // Cut, so that nothing is known of the long run that follows a short one.
    for len in lens {
        let len = chunked(&vec![7; len], len).len() - b"0\r\n\r\n".len();
        assert_eq!(assembler.push(&mut received.split_to(len)), Ok(Progress::NeedMore));
    }
    // Two segments, and the block of a list.
    assert_eq!(assembler.held_bytes(), 2 * SEGMENT + 256);

    // What lies together is linked together, however short its parts are.
    let mut whole = pool.take(SEGMENT_LEN);
    whole.extend_from_slice(&[7; 16_000]);
    let mut received = whole.freeze();
    let mut assembler = BodyAssembler::new(&pool, Framing::UntilClose);
    for len in lens {
        assert_eq!(assembler.push(&mut received.split_to(len)), Ok(Progress::NeedMore));
    }
    assert_eq!(assembler.held_bytes(), SEGMENT);
    assert_eq!(assembler.take_body().sequence().chunk_count(), 1);
}

#[test]
fn decompressed_data_is_counted() {
    let plain = vec![b'y'; if cfg!(miri) { 70_000 } else { 1 << 20 }];
    let mut wire = SegmentedBuf::new(&Pool::new());
    let pushed =
        Deflater::new(Format::Gzip, Level::DEFAULT).push(&mut &plain[..], Flush::Finish, &mut wire);
    pushed.expect("the pool has no cap");
    let wire = Segment::from(wire.freeze().into_bytes());
    let assembler = |limit: u64, assembly| {
        let limits = BodyLimits::new().with_held_bytes_max(limit);
        BodyAssembler::new(&Pool::new(), Framing::Length(wire.len() as u64))
            .with_assembly(assembly)
            .with_limits(limits)
            .with_content_coding(ContentCoding::Gzip)
    };
    for assembly in [Assembly::Segmented, Assembly::Contiguous] {
        let mut good = assembler(2 * plain.len() as u64 + (128 << 10), assembly);
        assert_eq!(good.push(&mut wire.clone()), Ok(Progress::End));
        assert!(good.held_bytes() >= plain.len() as u64);
        assert!(good.take_body().bytes() == plain);

        let mut refused = assembler(32 << 10, assembly);
        let error = refused.push(&mut wire.clone()).expect_err("too much");
        assert_eq!(error.kind(), BodyErrorKind::HeldTooMuch);
        assert!(refused.held_bytes() <= 32 << 10);
    }
}
