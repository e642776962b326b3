//! Batches of packets against plain vectors, and what a kernel makes of them.

use proptest::prelude::*;
use seg_pool::{Pool, SLAB_BYTES, Segment};
use seg_seq::{PacketBatch, SegmentedBuf, Sequence};

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

/// What a system sends at once.
const BATCH_BYTES_MAX: usize = 65_507;

fn sequence(lens: &[usize]) -> (Sequence, Vec<u8>) {
    let (mut sequence, mut model) = (Sequence::new(), Vec::new());
    for (&len, byte) in lens.iter().zip(0_u8..) {
        let bytes: Vec<u8> = (byte..=250).cycle().take(len).collect();
        model.extend(&bytes);
        sequence.push(Segment::from(bytes::Bytes::from(bytes)));
    }
    (sequence, model)
}

/// The packets of a message, in plain vectors.
fn model_packets(
    model: &[u8],
    payload_max: usize,
    headroom: usize,
    tailroom: usize,
) -> Vec<Vec<u8>> {
    let around = |(number, payload): (u8, &[u8])| {
        [&vec![number; headroom], payload, &vec![!number; tailroom]].concat()
    };
    (0..=255).cycle().zip(model.chunks(payload_max)).map(around).collect()
}

fn lens() -> impl Strategy<Value = Vec<usize>> {
    let len = prop_oneof![3 => 0..8_usize, 2 => 0..300_usize, 1 => 0..30_000_usize];
    prop::collection::vec(len, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn batches_are_packets_next_to_each_other(
        lens in lens(),
        (payload_max, headroom, tailroom) in (1..9_000_usize, 0..150_usize, 0..40_usize),
        packets_max in prop_oneof![Just(usize::MAX), 0..70_usize],
    ) {
        let (sequence, model) = sequence(&lens);
        let pool = Pool::new();
        let mtu = payload_max + headroom + tailroom;
        let expected = model_packets(&model, payload_max, headroom, tailroom);
        let at_most = (BATCH_BYTES_MAX / mtu).clamp(1, 64).min(packets_max.max(1));
        let batches = sequence.packet_batches(&pool, mtu, headroom, tailroom).expect("a payload");
        let batches = batches.with_packets_max(packets_max);
        prop_assert_eq!(batches.packets_max(), at_most);
        let count = expected.len().div_ceil(at_most);
        prop_assert_eq!(batches.size_hint(), (count, Some(count)));
        let (mut number, mut kept) = (0_u8, Vec::new());
        for batch in batches {
            let mut batch = batch.expect("no limit");
            prop_assert!(batch.len() <= BATCH_BYTES_MAX);
            for packet in batch.packets_mut() {
                prop_assert!(packet.header.iter().chain(&*packet.tag).all(|&byte| byte == 0));
                packet.header.fill(number);
                packet.tag.fill(!number);
                number = number.wrapping_add(1);
            }
            kept.push(batch);
        }
        prop_assert_eq!(kept.len(), count);
        for (batch, expected) in kept.iter().zip(expected.chunks(at_most)) {
            prop_assert_eq!((batch.stride(), batch.packet_count()), (mtu, expected.len()));
            prop_assert_eq!(batch.as_ref(), expected.concat());
        }
        drop(kept);
        prop_assert_eq!(pool.stats().in_use_bytes(), 0);
    }

    #[test]
    fn gathered_packets_are_the_same(
        lens in lens(),
        (payload_max, headroom, tailroom) in (1..3_000_usize, 0..50_usize, 0..40_usize),
    ) {
        let (sequence, model) = sequence(&lens);
        let pool = Pool::new();
        let mtu = payload_max + headroom + tailroom;
        let (mut number, mut gathered) = (0_u8, Vec::new());
        for batch in sequence.fragment_batches(&pool, mtu, headroom, tailroom).expect("a payload") {
            let mut batch = batch.expect("no limit");
            for (header, fragment, tag) in batch.packets_mut() {
                prop_assert!(fragment.len() <= payload_max);
                header.fill(number);
                tag.fill(!number);
                number = number.wrapping_add(1);
            }
            let slices: Vec<_> = batch.io_slices().collect();
            prop_assert!(slices.len() <= 1_024 || batch.packet_count() == 1);
            let bytes = slices.iter().flat_map(|slice| &**slice).copied();
            let bytes: Vec<u8> = bytes.collect();
            prop_assert_eq!((bytes.len(), batch.stride()), (batch.len(), mtu));
            let packets: Vec<_> = bytes.chunks(mtu).map(<[u8]>::to_vec).collect();
            prop_assert_eq!(packets.len(), batch.packet_count());
            gathered.extend(packets);
        }
        prop_assert_eq!(gathered, model_packets(&model, payload_max, headroom, tailroom));
        prop_assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn a_batch_that_found_no_memory_comes_later() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let (sequence, model) = sequence(&[100_000]);
    let mut batches = sequence.packet_batches(&pool, 1_200, 0, 0).expect("a payload");
    let mut bytes = Vec::new();
    let first = batches.next().expect("two").expect("there is a slab");
    let error = batches.next().expect("one").expect_err("there is only one");
    assert_eq!((error.requested_bytes(), error.bytes_max()), (SLAB_BYTES, SLAB_BYTES));
    bytes.extend_from_slice(&first);
    drop(first);
    bytes.extend_from_slice(&batches.next().expect("one").expect("it came back"));
    assert!(batches.next().is_none());
    assert_eq!(bytes, model);

    let mut gathered = sequence.fragment_batches(&pool, 1_200, 8, 0).expect("a payload");
    let held = pool.try_take(SLAB_BYTES).expect("there is a slab");
    assert!(gathered.next().is_some_and(|batch| batch.is_err()));
    drop(held);
    let lens: Vec<_> = gathered.map(|batch| batch.expect("it came back").len()).collect();
    assert_eq!(lens.iter().sum::<usize>(), 100_000 + 84 * 8);
}

#[test]
fn a_batch_has_the_smallest_segment_that_fits() {
    let pool = Pool::new();
    let (sequence, _) = sequence(&[3_000]);
    let mut batches = sequence.packet_batches(&pool, 1_200, 8, 16).expect("a payload");
    let batch = batches.next().expect("one").expect("no limit");
    assert_eq!((batch.len(), pool.stats().in_use_bytes()), (3_072, 4_096));
    assert_eq!(
        format!("{batch:?}"),
        "PacketBatch { packet_count: 3, stride: 1200, len: 3072, headroom: 8, tailroom: 16 }"
    );
}

#[test]
fn a_batch_becomes_a_buffer_or_shared_bytes() {
    let pool = Pool::new();
    let (sequence, model) = sequence(&[3_000]);
    let batch = |_| -> PacketBatch {
        let mut batches = sequence.packet_batches(&pool, 1_000, 0, 0).expect("a payload");
        batches.next().expect("one").expect("no limit")
    };
    let [first, second] = [0, 1].map(batch);
    let mut rest = first.into_segment();
    let packets = [rest.split_to(1_000), rest.split_to(1_000), rest];
    assert!(packets.iter().zip(model.chunks(1_000)).all(|(packet, bytes)| packet == bytes));
    assert_eq!(second.freeze(), model);
}

/// A message whose packets are cut at other places than its chunks.
#[cfg(all(target_os = "linux", not(miri)))]
fn message(pool: &Pool) -> Sequence {
    let mut buffer = SegmentedBuf::new(pool);
    let bytes: Vec<u8> = (0..=250).cycle().take(50_000).collect();
    buffer.extend_from_slice(&bytes);
    buffer.freeze()
}

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn one_call_sends_the_slices_of_many_packets() -> Result<(), Box<dyn core::error::Error>> {
    use std::{net::UdpSocket, os::fd::AsRawFd as _};

    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

    let pool = Pool::new();
    let message = message(&pool);
    let (sender, receiver) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    sender.connect(receiver.local_addr()?)?;
    receiver.set_read_timeout(Some(core::time::Duration::from_secs(10)))?;
    let (mut packet, mut number, mut received) = (vec![0; 2_000], 0_u8, Vec::new());
    for batch in message.fragment_batches(&pool, 1_200, 1, 0)? {
        let mut batch = batch?;
        for (header, _, _) in batch.packets_mut() {
            header[0] = number;
            number += 1;
        }
        let slices: Vec<_> = batch.io_slices().collect();
        let mut stride = u16::try_from(batch.stride())?;
        // An emulator passes the two bytes on as they lie, to a kernel whose processor is little-endian.
        if std::env::var_os("SEG_TEST_RUNNER").is_some_and(|runner| !runner.is_empty()) {
            stride = stride.to_le();
        }
        let cut = [ControlMessage::UdpGsoSegments(&stride)];
        let sent = sendmsg::<()>(sender.as_raw_fd(), &slices, &cut, MsgFlags::empty(), None)?;
        assert_eq!(sent, batch.len());
        for _ in 0..batch.packet_count() {
            let len = receiver.recv(&mut packet)?;
            received.push(packet[..len].to_vec());
        }
    }
    let bytes: Vec<u8> = message.chunks().flat_map(|chunk| chunk.iter().copied()).collect();
    let expected: Vec<_> = (0_u8..)
        .zip(bytes.chunks(1_199))
        .map(|(number, payload)| [&[number], payload].concat())
        .collect();
    assert_eq!(received, expected);
    Ok(())
}
