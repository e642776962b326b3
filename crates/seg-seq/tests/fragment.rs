//! Fragments and packets against plain vectors, whatever the cuts.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use proptest::prelude::*;
use seg_pool::{Pool, SLAB_BYTES, Segment, SegmentSize};
use seg_seq::{PacketSizeErrorKind, Packets, SegmentedBuf, Sequence};

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

fn sequence(lens: &[usize]) -> (Sequence, Vec<u8>) {
    let (mut sequence, mut model) = (Sequence::new(), Vec::new());
    for (&len, byte) in lens.iter().zip(0_u8..) {
        let bytes: Vec<u8> = (byte..=250).cycle().take(len).collect();
        model.extend(&bytes);
        sequence.push(Segment::from(bytes::Bytes::from(bytes)));
    }
    (sequence, model)
}

fn packets<'a>(
    sequence: &'a Sequence,
    pool: &Pool,
    mtu: usize,
    headroom: usize,
    tailroom: usize,
) -> Packets<'a> {
    sequence.packets(pool, mtu, headroom, tailroom).expect("a payload")
}

fn lens() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(
        prop_oneof![3 => 0..8_usize, 2 => 0..300_usize, 1 => 0..3_000_usize],
        0..30,
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn fragments_are_the_pieces_of_a_slice(
        lens in lens(),
        len_max in prop_oneof![1..20_usize, 1..2_000_usize, Just(usize::MAX)],
        first in 0..20_u64,
    ) {
        let (mut sequence, mut model) = sequence(&lens);
        let first = first.min(sequence.len());
        drop(sequence.split_to(first));
        model.drain(..usize::try_from(first).expect("small"));
        let fragments = sequence.fragments(len_max);
        let expected: Vec<_> = model.chunks(len_max).collect();
        prop_assert_eq!(fragments.size_hint(), (expected.len(), Some(expected.len())));
        prop_assert_eq!(fragments.clone().count(), expected.len());
        for (fragment, &expected) in fragments.zip(&expected) {
            prop_assert_eq!(fragment.len(), expected.len());
            prop_assert!(fragment == expected && fragment != [expected, b"x"].concat());
            prop_assert!(fragment.slices().all(|slice| !slice.is_empty()));
            prop_assert_eq!(fragment.slices().collect::<Vec<_>>().concat(), expected);
            prop_assert_eq!(fragment.io_slices().map(|slice| slice.len()).sum::<usize>(), expected.len());
            prop_assert_eq!(fragment.as_slice().is_some(), fragment.slices().count() == 1);
            prop_assert!(fragment.as_slice().is_none_or(|slice| slice == expected));
            let mut target = vec![0; expected.len() + 3];
            fragment.copy_to_slice(&mut target);
            prop_assert_eq!(&target[..expected.len()], expected);
            prop_assert_eq!(&target[expected.len()..], [0; 3]);
            let segment = fragment.to_segment();
            prop_assert_eq!(segment.as_ref().map(|segment| segment.as_ptr_range()), fragment.as_slice().map(<[u8]>::as_ptr_range));
            let kept = fragment.to_sequence();
            prop_assert_eq!(&kept, expected);
            let addresses = |slice: &[u8]| slice.as_ptr_range();
            prop_assert!(kept.chunks().map(|chunk| addresses(chunk)).eq(fragment.slices().map(addresses)));
        }
    }

    #[test]
    fn packets_hold_the_payload_and_what_is_put_around(
        lens in lens(),
        (payload_max, headroom, tailroom) in (1..1_400_usize, 0..150_usize, 0..40_usize),
        used in 0..100_usize,
    ) {
        let (sequence, model) = sequence(&lens);
        let pool = Pool::new();
        let mtu = payload_max + headroom + tailroom;
        let packets = sequence.packets(&pool, mtu, headroom, tailroom).expect("a payload");
        let expected: Vec<_> = model.chunks(payload_max).collect();
        prop_assert_eq!(packets.size_hint(), (expected.len(), Some(expected.len())));
        let mut kept = Vec::new();
        for (packet, &payload) in packets.zip(&expected) {
            let mut packet = packet.expect("no limit");
            prop_assert_eq!(packet.payload(), payload);
            prop_assert_eq!(&*packet, payload);
            prop_assert_eq!((packet.headroom(), packet.tailroom()), (headroom, tailroom));
            let header = vec![1; used.min(headroom)];
            packet.prepend(&header[header.len() / 2..]);
            packet.prepend(&vec![2; header.len() / 2]);
            packet.append(&vec![3; tailroom]);
            packet.payload_mut()[0] ^= 0xff;
            let (front, after) = packet.parts_mut();
            prop_assert_eq!(front.len(), header.len());
            after[0] ^= 0xff;
            prop_assert!(packet.len() <= mtu);
            kept.push(packet);
        }
        prop_assert_eq!(kept.len(), expected.len());
        for (index, (packet, &payload)) in kept.into_iter().zip(&expected).enumerate() {
            let (header, two) = (used.min(headroom), used.min(headroom) / 2);
            let whole = [&vec![2; two], &vec![1; header - two], payload, &vec![3; tailroom]].concat();
            prop_assert_eq!(packet.as_ref(), &whole);
            let (segment, buffer) = if index % 2 == 0 {
                (packet.freeze(), None)
            } else {
                (Segment::new(), Some(packet.into_segment()))
            };
            let bytes = buffer.as_deref().unwrap_or(&segment);
            prop_assert_eq!(bytes, &whole);
        }
        prop_assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn a_sequence_of_nothing_has_no_fragments_and_no_packets() {
    let sequence = Sequence::new();
    assert!(sequence.fragments(7).next().is_none());
    assert_eq!(sequence.fragments(7).size_hint(), (0, Some(0)));
    assert!(packets(&sequence, &Pool::new(), 100, 10, 10).next().is_none());
}

#[test]
fn fragments_share_no_ownership_until_they_are_kept() {
    let pool = Pool::new();
    let mut buf = SegmentedBuf::new(&pool);
    buf.extend_from_slice(&[1; 3_000]);
    let sequence = buf.freeze();
    let fragments: Vec<_> = sequence.fragments(1_000).collect();
    assert!(sequence.chunks().all(Segment::is_unique));
    let kept = fragments[1].to_sequence();
    assert!(!sequence.chunks().any(Segment::is_unique));
    drop(sequence);
    assert_eq!((kept.len(), kept.held_bytes()), (1_000, 16_384));
}

#[test]
fn a_packet_that_found_no_memory_comes_later() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let (sequence, model) = sequence(&[SLAB_BYTES]);
    let mut packets = packets(&sequence, &pool, 2_048, 0, 0);
    let mut kept: Vec<_> = packets.by_ref().map_while(Result::ok).collect();
    assert_eq!(kept.len(), 32);
    kept.clear();
    let (sequence, more) = self::sequence(&[40_000, 30_000]);
    let mut packets = self::packets(&sequence, &pool, 2_048, 8, 8);
    kept.extend(packets.by_ref().map_while(Result::ok));
    assert_eq!(kept.len(), 32);
    assert!(packets.next().is_some_and(|packet| packet.is_err()));
    let mut whole = kept.drain(..).flat_map(|packet| packet.payload().to_vec()).collect::<Vec<_>>();
    whole.extend(packets.flat_map(|packet| packet.expect("all came back").payload().to_vec()));
    assert_eq!((whole, model.len()), (more, SLAB_BYTES));
}

#[test]
fn a_packet_has_the_smallest_segment_that_fits() {
    let pool = Pool::new();
    let (sequence, _) = sequence(&[1_364]);
    let packet = packets(&sequence, &pool, 1_420, 40, 16).next();
    assert!(packet.is_some_and(|packet| packet.is_ok()));
    let packets: Vec<_> = packets(&sequence, &pool, 1_420, 40, 16).collect();
    assert_eq!((packets.len(), pool.stats().in_use_bytes()), (1, 2_048));
    let largest = self::packets(&sequence, &pool, SegmentSize::MAX.bytes(), 0, 0).next();
    assert!(largest.is_some_and(|packet| packet.is_ok_and(|packet| packet.len() == 1_364)));
}

#[test]
fn rooms_end() {
    let pool = Pool::new();
    let (sequence, _) = sequence(&[100]);
    let mut packet = packets(&sequence, &pool, 120, 4, 6).next().expect("one").expect("no limit");
    packet.prepend(b"abc");
    packet.append(b"12345");
    for action in [(|packet| packet.prepend(b"xy")) as fn(&mut seg_seq::Packet), |packet| {
        packet.append(b"xy")
    }] {
        assert!(catch_unwind(AssertUnwindSafe(|| action(&mut packet))).is_err());
    }
    packet.prepend(b"-");
    packet.append(b"6");
    assert_eq!((packet.headroom(), packet.tailroom()), (0, 0));
    assert!(packet.starts_with(b"-abc") && packet.ends_with(b"123456"));
    assert!(format!("{packet:?}").contains("header_len: 4"));
}

#[test]
#[should_panic(expected = "fragments of no bytes")]
fn fragments_of_no_bytes_are_refused() {
    drop(Sequence::new().fragments(0));
}

#[test]
fn packets_without_a_payload_are_refused() {
    use PacketSizeErrorKind::{MtuTooLong, NoPayload};
    let (pool, (sequence, _)) = (Pool::new(), sequence(&[10]));
    let cases = [
        (56, 40, 16, NoPayload),
        (10, 40, 16, NoPayload),
        (0, 0, 0, NoPayload),
        (100, usize::MAX, 1, NoPayload),
        (SLAB_BYTES + 1, 1, 1, MtuTooLong),
        (usize::MAX, usize::MAX, usize::MAX, MtuTooLong),
    ];
    for (mtu, headroom, tailroom, kind) in cases {
        let errors = [
            sequence.packets(&pool, mtu, headroom, tailroom).err(),
            sequence.packet_batches(&pool, mtu, headroom, tailroom).err(),
            sequence.fragment_batches(&pool, mtu, headroom, tailroom).err(),
        ];
        for error in errors {
            let error = error.expect("no packet is like that");
            assert_eq!((error.kind(), error.mtu()), (kind, mtu));
            assert_eq!((error.headroom(), error.tailroom()), (headroom, tailroom));
            assert!(error.to_string().contains(&mtu.to_string()), "{error}");
        }
    }
}

#[test]
fn debug_shows_the_slices() {
    let sequence: Sequence = [&b"ab"[..], b"c\n"].map(Segment::from_static).into_iter().collect();
    let fragment = sequence.fragments(3).next();
    assert_eq!(
        fragment.map(|fragment| format!("{fragment:?}")).as_deref(),
        Some(r#"[b"ab", b"c"]"#)
    );
}
