//! What is linked and what is copied, and how much memory is held for it.

#[path = "harness/blocks.rs"]
mod blocks;

use bytes::Buf as _;
use proptest::prelude::*;
use seg_pool::{Budget, Pool, SLAB_BYTES, Segment, SegmentSize};
use seg_seq::{LinkPolicy, SegmentedBuf, Sequence};

use blocks::chunks_max;

const LINK_BYTES_MIN: usize = LinkPolicy::RECEIVE.link_bytes_min;

/// The block of a list of up to 6 chunks.
const LIST: usize = 256;

/// Returns the bytes of the block of a list of so many chunks.
fn list_bytes(chunks: usize) -> usize {
    [256, 4_096].into_iter().find(|&size| chunks <= chunks_max(size)).unwrap_or(16_384)
}

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

/// Segments that come in and of which little is kept.
const RECEIVED: usize = if cfg!(miri) { 20 } else { 2_000 };

/// Appends all of a segment.
fn link_or_copy(buf: &mut SegmentedBuf, mut segment: Segment) -> bool {
    let len = segment.len();
    let appended = buf.link_or_copy(&mut segment, len, &LinkPolicy::RECEIVE).is_ok();
    assert_eq!(segment.len(), if appended { 0 } else { len });
    appended
}

/// Appends all of a sequence.
fn link_or_copy_all(buf: &mut SegmentedBuf, sequence: &mut Sequence) -> bool {
    let len = usize::try_from(sequence.len()).expect("a short sequence");
    buf.link_or_copy(sequence, len, &LinkPolicy::RECEIVE).is_ok()
}

fn filled(pool: &Pool, len: usize, byte: u8) -> Segment {
    let mut segment = pool.take(len);
    segment.extend_from_slice(&vec![byte; len]);
    segment.freeze()
}

#[test]
fn a_short_run_is_copied_and_a_long_one_linked() {
    let pool = Pool::new();
    let mut buf = SegmentedBuf::new(&pool);
    for len in [LINK_BYTES_MIN - 1, LINK_BYTES_MIN] {
        let segment = filled(&pool, 4_096, 1);
        let run = segment.slice(10..10 + len);
        let address = run.as_ptr();
        assert!(link_or_copy(&mut buf, run));
        let sequence = buf.split();
        let linked = sequence.chunks().any(|chunk| chunk.as_ptr() == address);
        assert_eq!((linked, sequence.len()), (len == LINK_BYTES_MIN, len as u64));
    }
}

#[test]
fn a_short_run_that_continues_a_chunk_is_linked() {
    let pool = Pool::new();
    let mut buf = SegmentedBuf::new(&pool);
    let segment = filled(&pool, 4_096, 1);
    assert!(link_or_copy(&mut buf, segment.slice(..2_000)));
    assert!(link_or_copy(&mut buf, segment.slice(2_000..2_020)));
    // This one leaves a gap.
    assert!(link_or_copy(&mut buf, segment.slice(2_021..2_040)));
    // This one would join, but there is something between.
    assert!(link_or_copy(&mut buf, segment.slice(2_020..2_030)));
    let sequence = buf.freeze();
    let lens: Vec<_> = sequence.chunks().map(|chunk| chunk.len()).collect();
    assert_eq!(lens, [2_020, 29]);
    assert_eq!(sequence.held_bytes(), 4_096 + 16_384 + LIST as u64);
}

#[test]
fn tiny_parts_of_many_segments_hold_no_more_than_themselves() {
    let pool = Pool::new();
    let mut kept = SegmentedBuf::new(&pool);
    for _ in 0..RECEIVED {
        let received = filled(&pool, 16_384, 5);
        assert!(link_or_copy(&mut kept, received.slice(5..25)));
    }
    let most = 20 * RECEIVED as u64 * 2 + 16_384;
    assert!(kept.held_bytes() <= most, "{} bytes are held", kept.held_bytes());
    assert!(pool.stats().in_use_bytes() as u64 <= most);
    assert_eq!(kept.freeze(), vec![5; 20 * RECEIVED]);
}

#[test]
fn short_copies_between_links_share_one_segment() {
    let pool = Pool::new();
    let mut buf = SegmentedBuf::new(&pool);
    let received = filled(&pool, 4_096, 2);
    for _ in 0..60 {
        buf.extend_from_slice(&[1; 14]);
        buf.push(received.clone());
    }
    assert_eq!(pool.stats().in_use_bytes(), 16_384 + 4_096 + list_bytes(120));
    let mut model = Vec::new();
    for _ in 0..60 {
        model.extend([1; 14]);
        model.extend([2; 4_096]);
    }
    assert_eq!(buf.freeze(), model);
}

#[test]
fn what_cannot_be_copied_stays_where_it_was() {
    let pool = Pool::builder().segment_size(SegmentSize::K64).build();
    let budget = Budget::new(&pool, SLAB_BYTES + LIST);
    let all = budget.pool().take(65_536);
    let mut buf = SegmentedBuf::new(budget.pool());
    let mut sequence: Sequence = [vec![1; 2_000], vec![2; 100], vec![3; 2_000]]
        .map(|bytes| Segment::from(bytes::Bytes::from(bytes)))
        .into_iter()
        .collect();
    assert!(!link_or_copy_all(&mut buf, &mut sequence));
    assert_eq!((buf.len(), sequence.len()), (2_000, 2_100));
    let short = sequence.slice(..100);
    assert!(!link_or_copy(&mut buf, short.chunks().next().cloned().unwrap_or_default()));
    drop(all);
    assert!(link_or_copy_all(&mut buf, &mut sequence));
    assert!(sequence.is_empty());
    assert_eq!(buf.freeze(), [vec![1; 2_000], vec![2; 100], vec![3; 2_000]].concat());
}

#[test]
fn compacting_without_memory_keeps_the_bytes() {
    let pool = Pool::builder().segment_size(SegmentSize::K64).build();
    let budget = Budget::new(&pool, 2 * SLAB_BYTES + LIST);
    let pool = budget.pool();
    let mut sequence = Sequence::new();
    for byte in 0..2 {
        let mut segment = pool.take(65_536);
        segment.extend_from_slice(&[byte; 100]);
        sequence.push(segment.freeze());
    }
    let error = sequence.compact(pool, 0).expect_err("both slabs are in use");
    assert_eq!(error.available_bytes(), 0);
    assert_eq!(sequence, [[0; 100], [1; 100]].concat());
    let other = Pool::new();
    assert!(sequence.compact(&other, 0).is_ok());
    assert_eq!((pool.stats().in_use_bytes(), sequence.held_bytes()), (0, 16_384));
    assert_eq!(sequence, [[0; 100], [1; 100]].concat());
}

#[test]
fn a_buffer_compacts_what_it_has_linked() {
    let pool = Pool::new();
    let mut buf = SegmentedBuf::new(&pool);
    for _ in 0..50 {
        buf.push(filled(&pool, 16_384, 9).slice(..2_000));
    }
    buf.extend_from_slice(b"tail");
    assert!(buf.held_bytes() > 50 * 16_384);
    assert!(buf.compact(1_000_000).is_ok());
    assert!(buf.held_bytes() <= 100_004 + 1_000_000 + 2 * 16_384);
    assert!(buf.compact(0).is_ok());
    assert_eq!(buf.held_bytes(), (8 * 16_384 + list_bytes(8)) as u64);
    buf.extend_from_slice(b" end");
    assert_eq!(buf.freeze(), [vec![9; 100_000], b"tail end".to_vec()].concat());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn compacting_keeps_the_bytes_and_its_word(
        runs in prop::collection::vec(
            (prop_oneof![Just(256_usize), Just(4_096), Just(16_384)], 1..16_385_usize, 0..3_usize),
            0..40,
        ),
        max_waste in prop_oneof![Just(0_u64), 0..200_000_u64],
    ) {
        let pool = Pool::new();
        let (mut sequence, mut model) = (Sequence::new(), Vec::new());
        for (byte, (size, len, kind)) in (0_u8..).zip(runs) {
            let len = len % size + 1;
            match kind {
                // Two parts of one segment with a gap between.
                0 if len > 2 => {
                    let segment = filled(&pool, size, byte);
                    sequence.push(segment.slice(..len / 2));
                    sequence.push(segment.slice(len / 2 + 1..len));
                    model.extend(vec![byte; len - 1]);
                }
                1 => {
                    sequence.push(Segment::from_static(b"static"));
                    model.extend(b"static");
                }
                _ => {
                    sequence.push(filled(&pool, size, byte).slice(..len));
                    model.extend(vec![byte; len]);
                }
            }
        }
        prop_assert!(sequence.compact(&pool, max_waste).is_ok());
        prop_assert_eq!(&sequence, &model);
        let held = pool.stats().in_use_bytes() as u64;
        prop_assert!(held <= model.len() as u64 + max_waste + 16_384 + list_bytes(126) as u64, "{} bytes are held", held);
    }

    #[test]
    fn sharing_or_copying_keeps_the_bytes(
        lens in prop::collection::vec(0..2_100_usize, 0..30),
        whole in any::<bool>(),
    ) {
        let pool = Pool::builder().segment_size(SegmentSize::K1).build();
        let (mut buf, mut sequence, mut model) = (SegmentedBuf::new(&pool), Sequence::new(), Vec::new());
        for (byte, len) in (0_u8..).zip(lens) {
            let segment = Segment::from(bytes::Bytes::from(vec![byte; len]));
            model.extend(&segment[..]);
            if whole {
                sequence.push(segment);
            } else {
                prop_assert!(link_or_copy(&mut buf, segment));
            }
        }
        prop_assert!(link_or_copy_all(&mut buf, &mut sequence));
        prop_assert!(sequence.is_empty());
        prop_assert_eq!(buf.freeze(), model);
    }
}

#[test]
fn the_bound_on_what_is_held_is_what_is_held() {
    let pool = Pool::new();
    let mut buf = SegmentedBuf::new(&pool);
    assert_eq!(buf.held_bytes_bound(), 0);
    let mut expected = 0;
    for round in 0..10 {
        let mut received = filled(&pool, 16_000, round);
        for len in [2_000, 10, 3_000, 300, 255] {
            received.advance(7);
            assert!(buf.link_or_copy(&mut received, len, &LinkPolicy::RECEIVE).is_ok());
            assert!(buf.shares_segment_with(&received));
            assert_eq!(buf.ends_with_copy(), matches!(len, 10 | 255));
            expected += len;
        }
        received.advance(7);
        assert_eq!(buf.try_push_part(&mut received, 500), Ok(()));
        expected += 500;
        // The segment, and that of the copies with the list's block.
        let own = 16_384 + list_bytes(7 * (usize::from(round) + 1)) as u64;
        assert_eq!(buf.held_bytes_bound(), (u64::from(round) + 1) * 16_384 + own);
    }
    assert_eq!(buf.len(), expected as u64);
    // What is left of a tail is held, but never filled.
    buf.push_mut(pool.take(16_384));
    buf.extend_from_slice(b"x");
    assert_eq!(buf.held_bytes_bound(), 12 * 16_384 + list_bytes(70) as u64);
    assert!(!buf.shares_segment_with(&filled(&pool, 100, 0)));
    buf.clear();
    assert_eq!(buf.held_bytes_bound(), 0);
}

#[test]
fn a_part_is_pushed_only_with_memory_for_the_list() {
    let pool = Pool::new();
    let budget = Budget::new(&pool, 16_384);
    let budgeted = budget.pool();
    let mut received = filled(budgeted, 16_000, 1);
    let mut buf = SegmentedBuf::new(budgeted);
    assert!(buf.link_or_copy(&mut received, 2_000, &LinkPolicy::RECEIVE).is_ok());
    received.advance(7);
    let error = buf.try_push_part(&mut received, 300).expect_err("the list has no block");
    assert_eq!((error.bytes_max(), received.len(), buf.len()), (16_384, 13_993, 2_000));
}
