//! Messages out of fragments in any order, and peers that mean no good.

use std::collections::HashMap;

use proptest::prelude::*;
use seg_pool::{Pool, Segment};
use seg_seq::{FragmentId, Reassembler, ReassemblyErrorKind, ReassemblyLimits, Sequence};

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

/// Messages and fragments of a peer that means no good.
const MANY: u32 = if cfg!(miri) { 300 } else { 1_000_000 };

fn payload(message: u64, index: u32) -> Segment {
    Segment::from(bytes::Bytes::from(format!("{index} of {message};")))
}

fn whole(message: u64, count: u32) -> Vec<u8> {
    (0..count).flat_map(|index| payload(message, index).to_vec()).collect()
}

fn push(
    reassembler: &mut Reassembler,
    message: u64,
    index: u32,
    count: u32,
) -> Result<Option<Sequence>, ReassemblyErrorKind> {
    let (id, mut payload) = (FragmentId { message, index, count }, payload(message, index));
    let kept = payload.clone();
    let result = reassembler.push(id, &mut payload);
    match &result {
        Ok(_) => assert!(payload.is_empty()),
        Err(error) => {
            assert_eq!((payload, error.id()), (kept, id));
            assert!(error.to_string().contains(&format!("fragment {index} of {count}")));
        }
    }
    result.map_err(|error| error.kind())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_message_comes_once_in_whatever_order(
        counts in prop::collection::vec(1..40_u32, 1..8),
        order in prop::collection::vec(any::<prop::sample::Index>(), 300),
        twice in prop::collection::vec(any::<bool>(), 300),
    ) {
        let mut reassembler = Reassembler::default();
        let mut waiting: Vec<_> = (0_u64..)
            .zip(&counts)
            .flat_map(|(message, &count)| (0..count).map(move |index| (message, index, count)))
            .collect();
        let mut left: HashMap<u64, u32> = (0..).zip(counts.iter().copied()).collect();
        let mut choices = order.iter().zip(&twice).cycle();
        while !waiting.is_empty() {
            let (place, &twice) = choices.next().expect("a cycle");
            let (message, index, count) = waiting.swap_remove(place.index(waiting.len()));
            let result = push(&mut reassembler, message, index, count);
            let missing = left.get_mut(&message).expect("one of them");
            *missing -= 1;
            if *missing == 0 {
                let complete = result.expect("not seen before").expect("the last one came");
                prop_assert_eq!(complete, whole(message, count));
            } else {
                prop_assert_eq!(result, Ok(None));
            }
            let kind = if *missing == 0 {
                ReassemblyErrorKind::Replayed
            } else {
                ReassemblyErrorKind::Duplicate
            };
            if twice {
                prop_assert_eq!(push(&mut reassembler, message, index, count), Err(kind));
            }
            prop_assert!(reassembler.open_messages().is_sorted());
        }
        prop_assert_eq!((reassembler.held_bytes(), reassembler.open_messages().count()), (0, 0));
    }
}

#[test]
fn a_message_comes_backwards() {
    let count = if cfg!(miri) { 50 } else { 5_000 };
    // The runs that follow each other without a gap are never more than a few.
    let limits = ReassemblyLimits::new().with_held_bytes_max(u64::MAX).with_gaps_max(20);
    let mut reassembler = Reassembler::new(limits);
    for index in (1..count).rev() {
        assert_eq!(push(&mut reassembler, 1, index, count), Ok(None), "{index}");
    }
    let complete = push(&mut reassembler, 1, 0, count).expect("it was missing");
    assert_eq!(complete.expect("all of them"), whole(1, count));
}

#[test]
fn fragments_that_cannot_be_are_refused_and_open_nothing() {
    use ReassemblyErrorKind::{CountMismatch, FragmentsMax, IndexOutOfRange};
    let mut reassembler = Reassembler::new(ReassemblyLimits::new().with_fragments_max(100));
    let cases = [
        (0, 0, IndexOutOfRange),
        (5, 5, IndexOutOfRange),
        (u32::MAX, u32::MAX, IndexOutOfRange),
        (0, 101, FragmentsMax),
        (0, u32::MAX, FragmentsMax),
    ];
    for (index, count, kind) in cases {
        assert_eq!(push(&mut reassembler, 1, index, count), Err(kind));
        assert_eq!(reassembler.open_messages().count(), 0);
    }
    assert_eq!(push(&mut reassembler, 1, 3, 5), Ok(None));
    for count in [4, 6] {
        assert_eq!(push(&mut reassembler, 1, 2, count), Err(CountMismatch));
    }
}

#[test]
fn a_message_is_abandoned_once_and_for_all() {
    let mut reassembler = Reassembler::new(ReassemblyLimits::new().with_messages_max(2));
    assert_eq!(push(&mut reassembler, 7, 0, 2), Ok(None));
    assert_eq!(push(&mut reassembler, 5, 0, 2), Ok(None));
    assert_eq!(push(&mut reassembler, 6, 0, 2), Err(ReassemblyErrorKind::MessagesMax));
    // A message of one fragment is complete at once.
    assert_eq!(push(&mut reassembler, 8, 0, 1), Ok(Some(payload(8, 0).into())));
    assert_eq!(reassembler.open_messages().collect::<Vec<_>>(), [5, 7]);
    assert!(reassembler.abandon(5) && !reassembler.abandon(5));
    assert_eq!(push(&mut reassembler, 5, 1, 2), Err(ReassemblyErrorKind::Replayed));
    assert_eq!(push(&mut reassembler, 6, 0, 2), Ok(None));
    assert!(reassembler.abandon(6) && reassembler.abandon(7));
    assert_eq!(reassembler.held_bytes(), 0);
}

#[test]
fn a_segment_is_counted_once_while_its_fragments_follow_each_other() {
    let pool = Pool::new();
    let mut received = pool.take(16_384);
    received.extend_from_slice(&[7; 16_000]);
    let received = received.freeze();
    let limits = ReassemblyLimits::new().with_held_bytes_max(2 * 16_640);
    let mut reassembler = Reassembler::new(limits);
    let mut push = |message, index: u32| {
        let id = FragmentId { message, index, count: 16 };
        let start = 1_000 * index as usize;
        // Not all of a packet is payload, so the parts do not touch.
        let mut payload = received.slice(start + 8..start + 1_000);
        reassembler.push(id, &mut payload).map_err(|error| error.kind())?;
        Ok(reassembler.held_bytes())
    };
    assert_eq!(push(0, 0), Ok(16_384));
    // A list of 256 bytes for each message of several fragments.
    assert_eq!(push(0, 1), Ok(16_640));
    assert_eq!(push(0, 3), Ok(16_640));
    assert_eq!(push(0, 2), Ok(16_640));
    assert_eq!(push(1, 5), Ok(33_024));
    assert_eq!(push(2, 6), Err(ReassemblyErrorKind::HeldBytesMax));
    assert_eq!(push(1, 6), Ok(33_280));
    let open: Vec<_> = reassembler.open_messages().collect();
    assert_eq!(open, [0, 1]);
    assert!(reassembler.abandon(1));
    assert_eq!(reassembler.held_bytes(), 16_640);
}

#[test]
fn a_peer_that_opens_a_million_messages_is_bounded() {
    let pool = Pool::new();
    let mut reassembler = Reassembler::default();
    let mut refused = 0;
    for message in 0..u64::from(MANY) {
        let mut payload = pool.take(256);
        payload.extend_from_slice(b"x");
        let id = FragmentId { message, index: 1, count: 2 };
        match reassembler.push(id, &mut payload.freeze()) {
            Ok(complete) => assert!(complete.is_none()),
            Err(error) => {
                assert_eq!(error.kind(), ReassemblyErrorKind::MessagesMax);
                refused += 1;
            }
        }
    }
    assert_eq!(refused, MANY - 64);
    assert_eq!((reassembler.limits().messages_max(), reassembler.held_bytes()), (64, 64 * 256));
    assert_eq!(pool.stats().in_use_bytes(), 64 * 256);
}

#[test]
fn a_peer_that_leaves_a_million_gaps_is_bounded() {
    let limits = ReassemblyLimits::new().with_fragments_max(u32::MAX).with_gaps_max(10);
    let mut reassembler = Reassembler::new(limits);
    let mut taken = 0;
    for index in (1..MANY).step_by(2) {
        match push(&mut reassembler, 1, index, u32::MAX) {
            Ok(complete) => assert!(complete.is_none()),
            Err(kind) => assert_eq!(kind, ReassemblyErrorKind::GapsMax),
        }
        taken += u32::from(reassembler.held_bytes() > 0);
    }
    assert!(taken > 0);
    assert_eq!(
        (reassembler.limits().gaps_max(), reassembler.limits().fragments_max()),
        (10, u32::MAX)
    );
    // A gap can be closed still.
    assert_eq!(push(&mut reassembler, 1, 2, u32::MAX), Ok(None));
    assert_eq!(push(&mut reassembler, 1, MANY + 1, u32::MAX), Ok(None));
}

#[test]
fn a_peer_that_pins_large_segments_is_bounded() {
    let pool = Pool::new();
    let limits = ReassemblyLimits::new().with_held_bytes_max(1 << 20);
    let mut reassembler = Reassembler::new(limits);
    for index in (0..1_000).step_by(2) {
        let mut payload = pool.take(65_536);
        payload.extend_from_slice(b"x");
        let id = FragmentId { message: 1, index, count: 2_000 };
        let result = reassembler.push(id, &mut payload.freeze());
        let expected = if index < 32 { None } else { Some(ReassemblyErrorKind::HeldBytesMax) };
        assert_eq!(result.err().map(|error| error.kind()), expected);
        assert!(pool.stats().in_use_bytes() <= 1 << 20);
    }
    assert_eq!(reassembler.limits().held_bytes_max(), 1 << 20);
}
