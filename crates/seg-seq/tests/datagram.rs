//! Received datagrams against plain vectors, and receives that cannot be.

use proptest::prelude::*;
use seg_pool::{Pool, SLAB_BYTES};
use seg_seq::{DatagramBuf, DatagramErrorKind, Sequence};

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

/// What a system would do: fills the buffer, and says how much that was.
fn receive(buffer: &mut DatagramBuf, bytes: &[u8]) {
    buffer.try_spare_mut().expect("no limit")[..bytes.len()].copy_from_slice(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn datagrams_are_the_pieces_of_a_receive(
        receives in prop::collection::vec(
            (prop_oneof![0..2_000_usize, 0..SLAB_BYTES], 1..2_000_usize, any::<bool>()),
            1..10,
        ),
        link_bytes_min in prop_oneof![Just(0), Just(16 << 10), Just(usize::MAX)],
    ) {
        let pool = Pool::new();
        let mut buffer = DatagramBuf::new(&pool);
        buffer.set_link_bytes_min(link_bytes_min);
        prop_assert_eq!(buffer.link_bytes_min(), link_bytes_min);
        let (mut kept, mut model) = (Vec::new(), Vec::new());
        for (&(len, stride, is_kept), first) in receives.iter().zip(0_u8..) {
            let stride = stride.min(len).max(1);
            let bytes: Vec<u8> = (first..=250).cycle().take(len).collect();
            receive(&mut buffer, &bytes);
            let stride = if len == 0 { 0 } else { stride };
            let datagrams = buffer.split(len, stride).expect("a stride within the length");
            prop_assert_eq!(datagrams.len(), if len == 0 { 0 } else { len.div_ceil(stride) });
            for (datagram, expected) in datagrams.zip(bytes.chunks(stride.max(1))) {
                prop_assert_eq!(&*datagram, expected);
                if is_kept {
                    kept.push(datagram);
                    model.push(expected.to_vec());
                }
            }
        }
        for (datagram, expected) in kept.iter_mut().zip(&mut model) {
            prop_assert_eq!(&**datagram, &expected[..]);
            datagram.iter_mut().for_each(|byte| *byte ^= 0xff);
            expected.iter_mut().for_each(|byte| *byte ^= 0xff);
        }
        prop_assert!(kept.iter().zip(&model).all(|(datagram, expected)| **datagram == expected[..]));
        drop(kept);
        buffer.trim();
        prop_assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn a_receive_that_cannot_be_is_refused_and_stays() {
    use DatagramErrorKind::{LengthAboveBuffer, StrideAboveBuffer, StrideZero, Truncated};
    let mut buffer = DatagramBuf::new(&Pool::new());
    assert_eq!(buffer.split(1, 1).map(|_| ()).unwrap_err().kind(), LengthAboveBuffer);
    receive(&mut buffer, b"hello");
    let cases = [
        (SLAB_BYTES + 1, 5, LengthAboveBuffer),
        (usize::MAX, usize::MAX, LengthAboveBuffer),
        (5, SLAB_BYTES + 1, StrideAboveBuffer),
        (0, usize::MAX, StrideAboveBuffer),
        (5, 0, StrideZero),
        (5, 6, Truncated),
    ];
    for (len, stride, kind) in cases {
        let error = buffer.split(len, stride).map(|_| ()).unwrap_err();
        let figures = (error.received_bytes(), error.expected_bytes());
        assert_eq!((error.kind(), figures), (kind, (len, stride)), "{error}");
    }
    assert!(buffer.split(0, 0).expect("nothing came").next().is_none());
    receive(&mut buffer, b"hello");
    let datagrams: Vec<_> = buffer.split(5, 3).expect("two").collect();
    assert!(datagrams.iter().map(|datagram| &**datagram).eq([&b"hel"[..], b"lo"]));
}

#[test]
fn a_datagram_shorter_than_header_and_tag_is_refused() {
    let mut buffer = DatagramBuf::new(&Pool::new());
    receive(&mut buffer, b"header,payload,tag");
    let mut datagram = buffer.split(18, 18).expect("one").next().expect("one");
    let error = datagram.parts_mut(7, 12).unwrap_err();
    let figures = (error.received_bytes(), error.expected_bytes());
    assert_eq!((error.kind(), figures), (DatagramErrorKind::TooShort, (18, 19)));
    assert!(datagram.parts_mut(usize::MAX, 1).is_err());
    let parts = datagram.parts_mut(7, 4).expect("long enough");
    assert_eq!(parts.header, b"header,");
    assert_eq!(parts.payload, b"payload");
    assert_eq!(parts.tag, b",tag");
    let none = datagram.parts_mut(7, 11).expect("just long enough");
    assert!(none.payload.is_empty());
    assert_eq!(datagram.into_payload(7, 4).expect("long enough"), b"payload");
}

#[test]
fn short_receives_are_copied_together() {
    let pool = Pool::new();
    let mut buffer = DatagramBuf::new(&pool);
    let mut message = Sequence::new();
    for _ in 0..10 {
        receive(&mut buffer, &[7; 1_200]);
        let datagram = buffer.split(1_200, 1_200).expect("one").next().expect("one");
        message.push(datagram.into_payload(0, 0).expect("all of it"));
    }
    assert_eq!((message.len(), message.held_bytes()), (12_000, 16_384));
}

#[test]
fn a_long_receive_is_linked_and_its_rest_is_filled_by_short_ones() {
    let pool = Pool::new();
    let mut buffer = DatagramBuf::new(&pool);
    receive(&mut buffer, &[7; 40_000]);
    let mut message: Sequence = (buffer.split(40_000, 1_000).expect("forty"))
        .map(|datagram| datagram.into_payload(0, 0).expect("all of it"))
        .collect();
    assert_eq!(message.chunk_count(), 1);
    receive(&mut buffer, &[8; 15_000]);
    let short = buffer.split(15_000, 15_000).expect("one").next().expect("one");
    message.push(short.into_payload(0, 0).expect("all of it"));
    assert_eq!((message.len(), message.held_bytes()), (55_000, 65_536));
    assert_eq!(pool.stats().in_use_bytes(), 2 * SLAB_BYTES);
}

#[test]
fn without_memory_for_a_copy_a_short_receive_is_linked() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let mut buffer = DatagramBuf::new(&pool);
    receive(&mut buffer, b"hello");
    let datagram = buffer.split(5, 5).expect("one").next().expect("one");
    let error = buffer.try_spare_mut().map(|_| ()).unwrap_err();
    assert_eq!((error.requested_bytes(), error.available_bytes()), (SLAB_BYTES, 0));
    assert_eq!(*datagram, *b"hello");
    drop(datagram);
    buffer.trim();
    receive(&mut buffer, b"again");
    assert!(buffer.split(5, 5).is_ok());
}
