//! What buffers and sequences ask of the allocator, counted by thread.

#[path = "../../seg-pool/tests/harness/counting.rs"]
mod counting;

use std::io::{Read, Seek, SeekFrom};

use counting::allocations;
use seg_pool::{Pool, SLAB_BYTES, Segment, SegmentSize};
use seg_seq::{DatagramBuf, FragmentId, LinkPolicy, Reassembler, SegmentedBuf, Sequence};

/// Rounds of warming up, and then of counting.
const ROUNDS: usize = if cfg!(miri) { 2 } else { 20 };

/// The most chunks in these sequences.
const MANY: usize = if cfg!(miri) { 300 } else { 5_000 };

/// Spare blocks of lists are shared by all threads, so only one test counts at a time.
fn alone() -> impl Drop {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Asserts that `action` allocates nothing once it has run a few times.
#[track_caller]
fn assert_allocates_nothing(mut action: impl FnMut()) {
    (0..ROUNDS).for_each(|_| action());
    let (count, largest) = allocations(|| (0..ROUNDS).for_each(|_| action()));
    assert_eq!(count, 0, "in {ROUNDS} rounds, the largest of {largest} bytes");
}

fn small() -> Pool {
    Pool::builder().segment_size(SegmentSize::B256).build()
}

#[test]
fn building_and_dropping_allocate_nothing() {
    let _alone = alone();
    let pool = small();
    for chunks in [1, 4, 5, 64, MANY] {
        assert_allocates_nothing(|| {
            let mut buf = SegmentedBuf::new(&pool);
            for _ in 0..chunks {
                buf.extend_from_slice(&[1; 256]);
            }
            let sequence = buf.freeze();
            assert_eq!(sequence.chunk_count(), chunks);
        });
    }
}

#[test]
fn receiving_and_consuming_allocate_nothing() {
    let _alone = alone();
    let pool = Pool::new();
    let mut buf = SegmentedBuf::new(&pool);
    assert_allocates_nothing(|| {
        let mut socket = std::io::repeat(1).take(200_000);
        while let Ok(1..) = buf.fill_from(&mut socket) {
            while buf.len() > 1_000 {
                drop(buf.split_to(777));
            }
        }
        drop(SegmentedBuf::split(&mut buf));
    });
}

#[test]
fn cutting_and_joining_allocate_nothing() {
    let _alone = alone();
    let pool = small();
    let mut buf = SegmentedBuf::new(&pool);
    for _ in 0..MANY / 4 {
        buf.extend_from_slice(&[1; 256]);
    }
    let source = buf.freeze();
    let len = source.len();
    assert_allocates_nothing(|| {
        let mut sequence = source.clone();
        let mut back = sequence.split_off(len / 2 + 1);
        let slice = sequence.slice(10..len / 3);
        drop(back.split_to(len / 5));
        back.truncate(len / 8);
        sequence.append(back);
        sequence.append(slice);
        bytes::Buf::advance(&mut sequence, 1_000);
        assert!(sequence != source && sequence.starts_with(&[1; 300]));
    });
}

#[test]
fn reading_allocates_nothing() {
    let _alone = alone();
    let mut buf = SegmentedBuf::new(&small());
    for _ in 0..MANY {
        buf.extend_from_slice(&[1; 256]);
    }
    let sequence = buf.freeze();
    let mut target = [0; 1_000];
    assert_allocates_nothing(|| {
        let mut reader = sequence.as_reader();
        while reader.read(&mut target).is_ok_and(|count| count > 0) {}
        assert_eq!(reader.seek(SeekFrom::End(-5)).ok(), Some(sequence.len() - 5));
        assert_eq!(reader.read(&mut target).ok(), Some(5));
    });
}

#[test]
fn searching_comparing_and_hashing_allocate_nothing() {
    let _alone = alone();
    let mut buf = SegmentedBuf::new(&small());
    for _ in 0..MANY / 40 {
        buf.extend_from_slice(&[1; 255]);
    }
    buf.extend_from_slice(b"needle");
    let sequence = buf.freeze();
    let long = [[1; 250].as_slice(), b"needle"].concat();
    let (other, end) = (sequence.clone(), sequence.slice(sequence.len() - 1_000..));
    assert_allocates_nothing(|| {
        let len = sequence.len();
        assert_eq!(sequence.position(b'n'), Some(len - 6));
        assert_eq!((sequence.find(b"needle"), sequence.find(b"needles")), (Some(len - 6), None));
        assert_eq!(end.find(&long), Some(744));
        assert!(sequence.cmp(&other).is_eq());
        let mut hasher = std::hash::DefaultHasher::new();
        core::hash::Hash::hash(&sequence, &mut hasher);
        let mut few = [0; 600];
        sequence.copy_range(len - 600.., &mut few);
        assert!(few.ends_with(b"needle"));
    });
}

#[test]
fn parsing_allocates_nothing() {
    let _alone = alone();
    let pool = small();
    let mut buf = SegmentedBuf::new(&pool);
    for _ in 0..MANY / 40 {
        buf.extend_from_slice(&[0x85, 0x41, b'\n', 3, 1, 2, 3]);
    }
    let sequence = buf.freeze();
    assert_allocates_nothing(|| {
        let mut reader = sequence.as_reader();
        while reader.peek_u8().is_some() {
            let start = reader.checkpoint();
            assert_eq!(reader.read_uleb128(), Ok(0x85 & 0x7f | 0x41 << 7));
            reader.rewind_to(start);
            assert_eq!(reader.take_until(b'\n').map(|line| line.len()), Ok(3));
            let len = reader.read_u8().unwrap_or_default();
            assert!(reader.take_sequence(len.into()).is_ok_and(|part| part == [1, 2, 3]));
        }
        assert!(reader.read_u64_be().is_err() && reader.read_quic_varint().is_err());
    });
}

#[test]
fn sharing_copying_and_compacting_allocate_nothing() {
    let _alone = alone();
    let pool = Pool::new();
    assert_allocates_nothing(|| {
        let mut kept = SegmentedBuf::new(&pool);
        for index in 0..MANY / 16 {
            let mut segment = pool.take(16_384);
            segment.extend_from_slice(&[1; 2_000]);
            let segment = segment.freeze();
            assert!(
                kept.link_or_copy(
                    &mut segment.slice(..40 * (index % 50)),
                    40 * (index % 50),
                    &LinkPolicy::RECEIVE
                )
                .is_ok()
            );
        }
        let mut sequence = kept.freeze();
        assert!(sequence.compact(&pool, 0).is_ok());
    });
}

#[test]
fn fragments_and_packets_allocate_nothing() {
    let _alone = alone();
    let pool = Pool::new();
    let mut buf = SegmentedBuf::new(&pool);
    buf.extend_from_slice(&[1; 50_000]);
    let sequence = buf.freeze();
    assert_allocates_nothing(|| {
        let bytes: usize = sequence.fragments(1_420).map(|fragment| fragment.len()).sum();
        assert_eq!(bytes, 50_000);
        for packet in sequence.packets(&pool, 1_420, 40, 16).expect("a payload") {
            let mut packet = packet.expect("no limit");
            packet.prepend(&[2; 40]);
            packet.append(&[3; 16]);
        }
    });
}

#[test]
fn a_message_in_batches_allocates_nothing_on_either_side() {
    let _alone = alone();
    let pool = Pool::new();
    let mut buf = SegmentedBuf::new(&pool);
    buf.extend_from_slice(&[1; 50_000]);
    let sequence = buf.freeze();
    let (mut received, mut reassembler) = (DatagramBuf::new(&pool), Reassembler::default());
    let mut message = 0;
    assert_allocates_nothing(|| {
        let mut index = 0;
        let (mut late, mut whole) = (Segment::new(), None);
        let count = 43;
        for batch in sequence.packet_batches(&pool, 1_200, 8, 16).expect("a payload") {
            let batch = batch.expect("no limit");
            let len = batch.len();
            received.try_spare_mut().expect("no limit")[..len].copy_from_slice(&batch);
            for datagram in received.split(len, batch.stride()).expect("a batch") {
                let mut payload = datagram.into_payload(8, 16).expect("long enough");
                // The seventh comes last.
                if index == 6 {
                    late = payload;
                } else {
                    let id = FragmentId { message, index, count };
                    assert_eq!(reassembler.push(id, &mut payload), Ok(None));
                }
                index += 1;
            }
            let id = FragmentId { message, index: 6, count };
            whole = reassembler.push(id, &mut late).expect("it is missing");
        }
        assert!(whole.is_some_and(|whole| whole == sequence));
        message += 1;
        for batch in sequence.fragment_batches(&pool, 1_200, 8, 16).expect("a payload") {
            let batch = batch.expect("no limit");
            assert_eq!(batch.io_slices().map(|slice| slice.len()).sum::<usize>(), batch.len());
        }
    });
}

#[test]
fn a_refused_append_allocates_nothing() {
    let _alone = alone();
    let pool = Pool::builder().bytes_max(4 * SLAB_BYTES).build();
    let bytes = vec![1; 5 * SLAB_BYTES];
    let mut buf = SegmentedBuf::new(&pool);
    buf.extend_from_slice(b"kept");
    assert_allocates_nothing(|| assert!(buf.try_extend_from_slice(&bytes).is_err()));
    assert_eq!(buf.freeze(), b"kept");
}

#[test]
fn no_allocation_is_larger_than_a_slab() {
    let _alone = alone();
    let pool = small();
    let (count, largest) = allocations(|| {
        let mut buf = SegmentedBuf::new(&pool);
        for _ in 0..MANY {
            buf.extend_from_slice(&[1; 256]);
        }
        let sequence = buf.sequence();
        let mut more = sequence.clone();
        more.append(sequence.slice(1..));
        assert_eq!(more.len(), 2 * sequence.len() - 1);
    });
    assert!(count > 0);
    assert!(largest <= SLAB_BYTES, "{largest} bytes at once");
}

/// One-byte chunks, pushed until there are `count`; returns the largest allocation on the way.
fn largest_for(count: usize) -> usize {
    let (_, largest) = allocations(|| {
        let mut sequence = Sequence::new();
        for _ in 0..count {
            sequence.push(Segment::from_static(b"."));
        }
        assert_eq!(sequence.chunk_count(), count);
    });
    largest
}

#[test]
fn the_list_for_four_gibibytes_of_segments_takes_no_large_allocation() {
    let _alone = alone();
    let count = if cfg!(miri) { 1_000 } else { (4 << 30) / 16_384 };
    let largest = largest_for(count);
    assert!(largest <= SLAB_BYTES, "{largest} bytes for {count} chunks");
}

#[test]
fn no_allocation_grows_with_the_list() {
    let _alone = alone();
    let count = if cfg!(miri) { 1_000 } else { 1_000_000 };
    let largest = largest_for(count);
    assert!(largest <= SLAB_BYTES, "{largest} bytes for {count} chunks");
}
