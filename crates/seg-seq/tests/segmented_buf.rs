//! The buffer: filling to the edge, running out, giving back, and what it keeps.
#![expect(unsafe_code, reason = "an allocator that fails")]

use core::{ops::Range, panic::AssertUnwindSafe};
use std::{
    io::{self, ErrorKind, Read, Write},
    panic::catch_unwind,
};

use bytes::{Buf, Bytes};
use seg_pool::{Budget, OutOfMemory, Pool, SLAB_BYTES, Segment, SegmentMut, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};

/// A pool of 256 B segments, and an empty buffer.
fn small() -> (Pool, SegmentedBuf) {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let buf = SegmentedBuf::new(&pool);
    (pool, buf)
}

/// The block of a list of up to 6 chunks.
const LIST: usize = 256;

/// A buffer on a budget of just this many segments of 16 KiB, and the list of them.
fn with_segments(count: usize) -> (Pool, SegmentedBuf, Vec<SegmentMut>) {
    let budget = Budget::new(&Pool::new(), SLAB_BYTES + LIST);
    let pool = budget.pool().clone();
    let taken = (count..4).map(|_| pool.take(16_384)).collect();
    let buf = SegmentedBuf::new(&pool);
    (pool, buf, taken)
}

fn segment(pool: &Pool, bytes: &[u8]) -> Segment {
    let mut segment = pool.take(bytes.len());
    segment.extend_from_slice(bytes);
    segment.freeze()
}

fn in_use(pool: &Pool) -> usize {
    pool.stats().in_use_bytes()
}

fn chunk_lens(sequence: &Sequence) -> Vec<usize> {
    sequence.chunks().map(Segment::len).collect()
}

#[track_caller]
fn assert_panics<T>(action: impl FnOnce() -> T) {
    assert!(catch_unwind(AssertUnwindSafe(action)).is_err(), "it was let through");
}

#[test]
fn an_empty_buffer_takes_no_segment() {
    let (pool, mut buf) = small();
    buf.extend_from_slice(b"");
    buf.push(Segment::new());
    buf.append(Sequence::new());
    buf.push_bytes(Bytes::new());
    assert_eq!(buf.write(b"").ok(), Some(0));
    assert!(buf.is_empty() && buf.split_to(0).is_empty() && buf.sequence().is_empty());
    assert_eq!((buf.len(), buf.held_bytes(), pool.stats().held_bytes()), (0, 0, 0));
    assert!(buf.pool().is_same(&pool));
    assert!(buf.freeze().is_empty());
}

#[test]
fn a_segment_is_filled_to_its_last_byte_before_the_next_is_taken() {
    let (pool, mut buf) = small();
    buf.extend_from_slice(&[1; 255]);
    assert_eq!((buf.try_spare_mut().map(|spare| spare.len()), in_use(&pool)), (Ok(1), 256));
    buf.extend_from_slice(&[2]);
    assert_eq!((buf.len(), in_use(&pool)), (256, 256));
    buf.extend_from_slice(&[3]);
    assert_eq!((buf.len(), in_use(&pool)), (257, 512 + LIST));
    let all = buf.freeze();
    assert_eq!(chunk_lens(&all), [256, 1]);
    assert_eq!(all.slice(254..), [1, 2, 3]);
}

#[test]
fn a_slice_is_spread_over_segments() {
    for len in [1, 255, 256, 257, 512, 1_000] {
        let (_pool, mut buf) = small();
        let bytes: Vec<u8> = (0..=255).cycle().take(len).collect();
        buf.extend_from_slice(&bytes);
        let all = buf.freeze();
        assert_eq!(all, bytes);
        assert_eq!(all.chunk_count(), len.div_ceil(256), "{len}");
    }
}

#[test]
fn the_spare_part_is_never_empty() {
    let (_pool, mut buf) = small();
    for round in 1..=600_u64 {
        let spare = buf.try_spare_initialized_mut().expect("no limit");
        assert!(!spare.is_empty());
        spare[0] = 7;
        buf.advance_initialized(1);
        assert_eq!(buf.len(), round);
    }
    let all = buf.freeze();
    assert_eq!(all, [7; 600]);
    assert_eq!(chunk_lens(&all), [256, 256, 88]);
}

#[test]
fn no_more_is_advanced_over_than_was_shown() {
    let (_pool, mut buf) = small();
    assert_panics(|| buf.advance_initialized(1));
    // SAFETY: refused before any byte is counted.
    assert_panics(|| unsafe { buf.advance_mut(1) });
    buf.advance_initialized(0);
    buf.extend_from_slice(&[1; 200]);
    assert_panics(|| buf.advance_initialized(1));
    assert_eq!(buf.try_spare_initialized_mut().map(|spare| spare.len()), Ok(56));
    assert_panics(|| buf.advance_initialized(57));
    // SAFETY: as above.
    assert_panics(|| unsafe { buf.advance_mut(57) });
    buf.advance_initialized(56);
    assert_eq!(buf.len(), 256);
}

#[test]
fn a_receive_buffer_is_consumed_while_it_is_filled() {
    let (pool, mut buf) = small();
    let mut wire = io::repeat(0);
    let (mut sent, mut received) = (0_u64, 0_u64);
    for round in 0..100_u64 {
        let mut part = Read::by_ref(&mut wire).take(round * 3);
        while let Ok(1..) = buf.fill_from(&mut part) {}
        sent += round * 3;
        let count = buf.len().min(round * 4 / 3);
        received += buf.split_to(count).len();
        assert_eq!(buf.len(), sent - received);
        // The list of more than six chunks is a block of 4 KiB.
        assert!(
            in_use(&pool) as u64 <= buf.len() + 512 + 4_096,
            "what was consumed is given back: {} of {}",
            in_use(&pool),
            buf.len()
        );
    }
    assert!(received > 0);
}

#[test]
fn a_short_rest_of_a_full_segment_moves_to_the_front_of_the_next() {
    let wire: Vec<u8> = (0..=255).cycle().take(2_560).collect();
    // Of 256 bytes, 16 are left after messages of 30, and 56 after some of 100.
    for (len, are_cut) in [(30, false), (100, true)] {
        let count: u64 = len.try_into().expect("short");
        let (_pool, mut buf) = small();
        let (mut source, mut kept) = (&wire[..], Vec::new());
        while buf.fill_from(&mut source).expect("unlimited") > 0 {
            while buf.len() >= count {
                kept.push(buf.split_to(count));
            }
        }
        assert_eq!(kept.iter().any(|message| message.chunk_count() > 1), are_cut);
        assert_eq!(kept.len(), wire.len() / len);
        for (message, expected) in kept.iter().zip(wire.chunks(len)) {
            assert_eq!(*message, *expected);
        }
    }
}

#[test]
fn a_segment_that_only_its_tail_is_left_of_is_filled_again() {
    let (pool, mut buf) = small();
    buf.extend_from_slice(&[1; 256]);
    for _ in 0..100 {
        drop(buf.split_to(245));
        assert_eq!(buf.fill_from(&mut &[1; 300][..]).expect("unlimited"), 245);
        assert_eq!((buf.len(), buf.held_bytes()), (256, 256));
    }
    assert_eq!(pool.stats().classes()[0].takes(), 1);
}

#[test]
fn a_split_off_front_does_not_change_while_the_tail_is_filled() {
    let (_pool, mut buf) = small();
    buf.extend_from_slice(b"first");
    let first = buf.split_to(5);
    let all = {
        buf.extend_from_slice(b"second");
        buf.sequence()
    };
    buf.extend_from_slice(b"third");
    assert_eq!(first, b"first");
    assert_eq!(all, b"second");
    let rest = buf.freeze();
    assert_eq!(rest, b"secondthird");
    assert_eq!(rest.chunk_count(), 1, "parts of one segment are one chunk again");
}

#[test]
fn a_split_beyond_the_end_is_refused() {
    let (_pool, mut buf) = small();
    buf.extend_from_slice(b"abc");
    assert_panics(|| buf.split_to(4));
    assert_panics(|| buf.split_to(u64::MAX));
    assert_panics(|| buf.advance(4));
    assert_panics(|| buf.copy_to_bytes(4));
    assert_eq!(buf.freeze(), b"abc");
}

#[test]
fn a_refused_append_appends_nothing_and_keeps_what_is_held() {
    let (pool, mut buf, taken) = with_segments(2);
    buf.extend_from_slice(&[1; 20_000]);
    let error = buf.try_extend_from_slice(&[2; 20_000]).expect_err("it is too much");
    assert_eq!((error.requested_bytes(), error.bytes_max()), (16_384, SLAB_BYTES + LIST));
    assert_eq!((buf.len(), in_use(&pool)), (20_000, SLAB_BYTES + LIST));
    assert!(buf.try_extend_from_slice(&[3; 12_768]).is_ok(), "to the last byte");
    assert!(buf.try_extend_from_slice(&[4; 1]).is_err());
    assert!(buf.try_spare_mut().is_err() && buf.try_spare_initialized_mut().is_err());
    assert_panics(|| buf.extend_from_slice(&[4; 1]));
    drop(taken);
    buf.extend_from_slice(&[5; 1]);
    let all = buf.freeze();
    let expected = [vec![1; 20_000], vec![3; 12_768], vec![5]].concat();
    assert_eq!(all, expected);
}

#[test]
fn a_refused_append_takes_no_room_away_from_a_shared_tail() {
    let (_pool, mut buf, _taken) = with_segments(1);
    buf.extend_from_slice(b"published");
    let published = buf.sequence();
    assert!(buf.try_extend_from_slice(&[1; 20_000]).is_err());
    assert_eq!(buf.try_extend_from_slice(b" and more"), Ok(()), "it fitted before");
    assert_eq!(buf.freeze(), b"published and more");
    assert_eq!(published, b"published");
}

#[test]
fn a_refused_append_takes_no_room_away_from_a_tail_that_it_passed() {
    let (_pool, mut buf, _taken) = with_segments(2);
    buf.extend_from_slice(&[1; 10_000]);
    assert!(buf.try_extend_from_slice(&[2; 40_000]).is_err());
    assert_eq!(buf.len(), 10_000);
    assert_eq!(buf.try_extend_from_slice(&[3; 22_768]), Ok(()), "it fitted before");
}

#[test]
fn write_takes_what_fits_and_then_fails() {
    let (_pool, mut buf, _taken) = with_segments(2);
    assert_eq!(buf.write(&[1; 30_000]).ok(), Some(30_000));
    assert_eq!(buf.write(&[2; 30_000]).ok(), Some(2_768));
    let error = buf.write(&[3; 1]).expect_err("it is full");
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<OutOfMemory>());
    assert_eq!(cause.map(OutOfMemory::requested_bytes), Some(16_384));
    assert_eq!(buf.write(b"").ok(), Some(0));
    assert_eq!(buf.write_all(&[3; 2]).map_err(|error| error.kind()), Err(ErrorKind::OutOfMemory));
    assert!(buf.flush().is_ok());
    assert_eq!(buf.freeze(), [vec![1; 30_000], vec![2; 2_768]].concat());
}

#[test]
fn the_end_of_a_stream_leaves_no_segment_behind() {
    let (pool, mut buf) = small();
    assert_eq!(buf.fill_from(&mut io::empty()).ok(), Some(0));
    assert_eq!((in_use(&pool), buf.held_bytes()), (0, 0));
    let mut stream = &b"some"[..];
    assert_eq!(buf.fill_from(&mut stream).ok(), Some(4));
    assert_eq!(buf.fill_from(&mut stream).ok(), Some(0));
    assert_eq!((buf.len(), in_use(&pool)), (4, 256));
    assert_eq!(buf.freeze(), b"some");
}

#[test]
fn a_failed_read_leaves_no_segment_behind() {
    struct Failing(ErrorKind);
    impl Read for Failing {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            target.fill(9);
            Err(self.0.into())
        }
    }
    let (pool, mut buf) = small();
    for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted, ErrorKind::ConnectionReset] {
        let error = buf.fill_from(&mut Failing(kind)).expect_err("it fails");
        assert_eq!((error.kind(), in_use(&pool)), (kind, 0));
    }
    buf.extend_from_slice(b"kept");
    drop(buf.split_to(4));
    assert!(buf.fill_from(&mut Failing(ErrorKind::WouldBlock)).is_err());
    assert_eq!((buf.len(), in_use(&pool)), (0, 0), "nor the rest of one that was in use");
    buf.extend_from_slice(&[1; 256]);
    assert!(buf.fill_from(&mut Failing(ErrorKind::WouldBlock)).is_err());
    assert_eq!((buf.len(), in_use(&pool)), (256, 256));
    assert_eq!(buf.freeze(), [1; 256]);
}

#[test]
fn a_read_without_memory_reads_nothing() {
    let (_pool, mut buf, _taken) = with_segments(0);
    let mut stream = &b"some"[..];
    let error = buf.fill_from(&mut stream).expect_err("no segment");
    assert_eq!((error.kind(), stream), (ErrorKind::OutOfMemory, &b"some"[..]));
    assert!(buf.is_empty());
}

#[test]
fn linked_bytes_are_not_copied() {
    let (pool, mut buf) = small();
    let linked = segment(&pool, b"linked");
    let address = linked.as_ptr();
    let bytes = Bytes::from(vec![b'.'; 1_000]);
    buf.extend_from_slice(b"copied");
    buf.push(linked);
    buf.push_bytes(bytes.clone());
    buf.extend_from_slice(b"copied");
    let all = buf.freeze();
    let chunks: Vec<_> = all.chunks().collect();
    assert_eq!(chunk_lens(&all), [6, 6, 1_000, 6]);
    assert_eq!((chunks[1].as_ptr(), chunks[2].as_ptr()), (address, bytes.as_ptr()));
}

#[test]
fn neighbouring_parts_are_joined_and_empty_ones_vanish() {
    let (pool, mut buf) = small();
    let whole = segment(&pool, b"0123456789");
    buf.push(whole.slice(0..3));
    buf.push(whole.slice(3..3));
    buf.push(whole.slice(3..5));
    buf.push(whole.slice(6..8));
    buf.append([whole.slice(8..9), Segment::new(), whole.slice(9..)].into_iter().collect());
    let all = buf.freeze();
    assert_eq!(chunk_lens(&all), [5, 4]);
    assert_eq!(all, b"012346789");
    assert_eq!(all.held_bytes(), 256 + LIST as u64);
}

#[test]
fn a_tail_is_filled_on_after_everything_was_taken() {
    let (pool, mut buf) = small();
    buf.extend_from_slice(b"first");
    let first = buf.split();
    assert!(buf.is_empty());
    buf.extend_from_slice(b"second");
    let second = buf.split();
    assert_eq!(in_use(&pool), 256, "both lie in one segment");
    assert_eq!(first, b"first");
    assert_eq!(second, b"second");
    let mut both = first;
    both.append(second);
    assert_eq!(both.chunk_count(), 1);
    buf.extend_from_slice(&[3; 245]);
    assert_eq!(in_use(&pool), 256);
    buf.extend_from_slice(&[4]);
    assert_eq!(in_use(&pool), 512 + LIST);
}

#[test]
fn clear_gives_everything_back() {
    let (pool, mut buf) = small();
    buf.extend_from_slice(&[1; 5_000]);
    buf.clear();
    assert_eq!((buf.len(), buf.held_bytes(), in_use(&pool)), (0, 0, 0));
    buf.extend_from_slice(b"again");
    assert_eq!(buf.freeze(), b"again");
}

#[test]
fn reset_keeps_one_segment_unless_it_is_shared() {
    let (pool, mut buf) = small();
    buf.extend_from_slice(&[1; 5_000]);
    buf.reset();
    assert_eq!((buf.len(), buf.held_bytes(), in_use(&pool)), (0, 256, 256));
    buf.extend_from_slice(b"again");
    let shared = buf.sequence();
    buf.reset();
    assert_eq!((buf.len(), buf.held_bytes()), (0, 0));
    buf.extend_from_slice(&[2; 5]);
    assert_eq!(shared, b"again");
    drop(buf.split_to(5));
    buf.reset();
    assert_eq!((buf.len(), buf.held_bytes(), buf.spare_len()), (0, 256, 256), "all parts are gone");
}

#[test]
fn a_tail_that_was_filled_and_consumed_goes_back() {
    let (pool, mut buf) = small();
    buf.extend_from_slice(&[1; 256]);
    buf.advance(256);
    assert_eq!((buf.len(), buf.held_bytes(), in_use(&pool)), (0, 0, 0));
    buf.extend_from_slice(&[1; 256]);
    drop(buf.split_to(256));
    assert_eq!((buf.len(), buf.held_bytes(), in_use(&pool)), (0, 0, 0));
}

#[test]
fn a_segment_that_was_taken_elsewhere_is_filled_next() {
    let (pool, mut buf) = small();
    buf.extend_from_slice(b"old ");
    let mut segment = pool.take(1_024);
    segment.extend_from_slice(b"new ");
    buf.push_mut(segment);
    assert_eq!(buf.spare_len(), 1_020);
    buf.extend_from_slice(&[b'x'; 1_020]);
    assert_eq!((buf.spare_len(), buf.held_bytes()), (0, 256 + 1_024 + LIST as u64));
    let mut expected = b"old new ".to_vec();
    expected.extend_from_slice(&[b'x'; 1_020]);
    assert_eq!(buf.freeze(), expected);
    assert_eq!(in_use(&pool), 0);

    let mut buf = SegmentedBuf::new(&pool);
    buf.push_mut(pool.take(256));
    assert_eq!((buf.len(), buf.spare_len()), (0, 256));
    assert_eq!(buf.position(0), None);
}

#[test]
fn held_bytes_count_each_segment_once() {
    let (pool, mut buf) = small();
    buf.extend_from_slice(&[1; 300]);
    assert_eq!(buf.held_bytes(), 512 + LIST as u64);
    let published = buf.sequence();
    assert_eq!((published.held_bytes(), in_use(&pool)), (512 + LIST as u64, 512 + 2 * LIST));
    assert_eq!(buf.held_bytes(), 512 + LIST as u64, "the tail's segment is in the list already");
}

#[test]
fn held_bytes_count_a_segment_once_for_neighbours_and_again_when_it_is_met_later() {
    let (pool, _buf) = small();
    let (one, two) = (segment(&pool, b"one"), segment(&pool, b"two"));
    let neighbours: Sequence = [one.slice(2..), one.slice(..1), two.clone()].into_iter().collect();
    assert_eq!((neighbours.chunk_count(), neighbours.held_bytes()), (3, 512 + LIST as u64));
    let apart: Sequence = [one.clone(), two, one].into_iter().collect();
    assert_eq!((apart.chunk_count(), apart.held_bytes()), (3, 768 + LIST as u64));
    assert_eq!(in_use(&pool), 512 + 2 * LIST);
}

#[test]
fn held_bytes_are_those_of_whole_segments() {
    let (pool, mut buf) = small();
    let slice = segment(&pool, &[1; 1_000]).slice(5..6);
    buf.push(slice);
    buf.push(Segment::from_static(b"static"));
    buf.push_bytes(Bytes::from(vec![1; 100]).slice(..10));
    assert_eq!(buf.len(), 17);
    assert_eq!(buf.held_bytes(), 1_024 + 10 + LIST as u64);
}

#[test]
fn truncating_gives_whole_segments_back() {
    let (pool, mut buf) = small();
    buf.extend_from_slice(&[1; 1_000]);
    buf.truncate(2_000);
    assert_eq!((buf.len(), in_use(&pool)), (1_000, 1_024 + LIST));
    buf.truncate(800);
    assert_eq!((buf.len(), in_use(&pool)), (800, 1_024 + LIST));
    buf.truncate(257);
    assert_eq!((buf.len(), in_use(&pool)), (257, 512 + LIST));
    buf.truncate(0);
    assert_eq!((buf.len(), in_use(&pool)), (0, 0));
}

#[test]
fn buf_reads_across_segments() {
    let (_pool, mut buf) = small();
    for number in 0..500_u32 {
        buf.extend_from_slice(&number.to_be_bytes()[1..]);
    }
    for number in 0..500_u32 {
        assert_eq!(buf.get_uint(3), u64::from(number));
    }
    assert!(!buf.has_remaining());
    assert!(buf.chunk().is_empty());
}

#[test]
fn debug_shows_figures_and_no_bytes() {
    let (_pool, mut buf) = small();
    buf.extend_from_slice(&[0x41; 300]);
    assert_eq!(format!("{buf:?}"), "SegmentedBuf { len: 300, chunks: 2, held_bytes: 768 }");
}

#[test]
fn a_buffer_moves_between_threads() {
    let (pool, mut buf) = small();
    let worker = std::thread::spawn(move || {
        buf.extend_from_slice(&[1; 1_000]);
        buf.split_to(600)
    });
    let front = worker.join().expect("it ends");
    assert_eq!(front, [1; 600]);
    drop(front);
    assert_eq!(in_use(&pool), 0);
}

/// Fills as many buffers at once as it is given, and counts the reads.
struct Vectored<'a> {
    bytes: &'a [u8],
    reads: usize,
}

impl Read for Vectored<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        self.bytes.read(target)
    }

    fn read_vectored(&mut self, targets: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        self.reads += 1;
        targets.iter_mut().try_fold(0, |count, target| Ok(count + self.bytes.read(target)?))
    }
}

#[test]
fn a_vectored_read_fills_several_segments() {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let bytes: Vec<u8> = (0..=250).cycle().take(3_000).collect();
    for start in [0, 1, 255, 256, 257] {
        let mut buf = SegmentedBuf::new(&pool);
        buf.extend_from_slice(&bytes[..start]);
        let mut source = Vectored { bytes: &bytes[start..], reads: 0 };
        let mut counts = Vec::new();
        while let Ok(count @ 1..) = buf.fill_from_vectored(&mut source) {
            counts.push(count);
            assert_eq!(pool.stats().in_use_bytes() as u64, buf.held_bytes());
            let chunks = buf.len().next_multiple_of(256);
            assert!((chunks..=chunks + 4_096).contains(&buf.held_bytes()));
        }
        assert!(counts[0] > 768 && counts[0] <= 1_024, "{counts:?}");
        assert_eq!(source.reads, counts.len() + 1);
        assert_eq!(buf.freeze(), bytes);
    }
    assert_eq!(pool.stats().in_use_bytes(), 0);
}

#[test]
fn a_vectored_read_from_a_plain_source_reads_what_there_is() {
    let mut buf = SegmentedBuf::new(&Pool::new());
    let mut source = io::repeat(3).take(40_000);
    while buf.fill_from_vectored(&mut source).expect("no limit") > 0 {}
    assert_eq!(buf.freeze(), vec![3; 40_000]);
}

#[test]
fn a_vectored_read_takes_the_segments_that_there_are() {
    let pool = Pool::builder().segment_size(SegmentSize::K64).build();
    let budget = Budget::new(&pool, 2 * SLAB_BYTES + LIST);
    let bytes = vec![5; 3 * SLAB_BYTES];
    let mut source = Vectored { bytes: &bytes, reads: 0 };
    let mut buf = SegmentedBuf::new(budget.pool());
    assert_eq!(buf.fill_from_vectored(&mut source).ok(), Some(2 * SLAB_BYTES));
    let error = buf.fill_from_vectored(&mut source).expect_err("there are two");
    assert_eq!((error.kind(), source.reads), (ErrorKind::OutOfMemory, 1));
    assert_eq!((buf.len(), source.bytes.len()), (2 * SLAB_BYTES as u64, SLAB_BYTES));
}

/// Says that it read more than its buffer holds.
struct Liar;

impl Read for Liar {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        Ok(target.len() + 1)
    }

    fn read_vectored(&mut self, targets: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        Ok(targets.iter().map(|target| target.len()).sum::<usize>() + 1)
    }
}

#[test]
#[should_panic(expected = "than the buffer holds")]
fn a_vectored_read_of_more_than_there_is_room_for_panics() {
    let _ = SegmentedBuf::new(&Pool::new()).fill_from_vectored(&mut Liar);
}

#[test]
fn a_vectored_write_appends_all_slices() {
    let mut buf = SegmentedBuf::new(&Pool::new());
    let slices = [&b"one "[..], b"", b"two "].map(io::IoSlice::new);
    assert_eq!(Write::write_vectored(&mut buf, &slices).ok(), Some(8));
    assert_eq!(buf.freeze(), b"one two ");
}

#[test]
fn a_vectored_write_ends_where_the_memory_does() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).segment_size(SegmentSize::K64).build();
    let mut buf = SegmentedBuf::new(&pool);
    let long = vec![1; SLAB_BYTES - 1];
    let slices = [&long[..], b"23", b"4"].map(io::IoSlice::new);
    assert_eq!(Write::write_vectored(&mut buf, &slices).ok(), Some(SLAB_BYTES));
    assert!(Write::write_vectored(&mut buf, &slices).is_err());
    assert!(buf.split().ends_with(b"\x012"));
}

#[test]
fn bytes_are_put_by_the_bytes_crates_trait() {
    use bytes::BufMut;
    let mut buf = SegmentedBuf::new(&Pool::builder().segment_size(SegmentSize::B256).build());
    let mut model = bytes::BytesMut::new();
    for round in 0..60_u64 {
        buf.put_u64(round);
        model.put_u64(round);
        buf.put(&b"some bytes"[..]);
        model.put(&b"some bytes"[..]);
        buf.put_bytes(7, 33);
        model.put_bytes(7, 33);
    }
    assert!(buf.remaining_mut() > 1 << 20);
    assert_eq!(buf.freeze(), model);
}

#[test]
fn a_split_beyond_the_end_is_an_error_and_changes_nothing() {
    let (_pool, mut buf) = small();
    buf.push(Segment::from_static(b"linked "));
    buf.extend_from_slice(b"copied");
    let Err(seg_seq::CutError::Range(error)) = buf.try_split_to(14) else {
        panic!("there are 13 bytes");
    };
    assert_eq!((error.kind(), error.offset()), (seg_seq::RangeErrorKind::BeyondEnd, 14));
    assert!(buf.try_split_to(u64::MAX).is_err());
    let Err(seg_seq::CutError::Range(error)) = buf.try_split_range(Range { start: 5, end: 4 })
    else {
        panic!("it ends before its start");
    };
    assert_eq!((error.kind(), error.offset()), (seg_seq::RangeErrorKind::Decreasing, 4));
    assert!(buf.try_split_range(13..14).is_err());
    assert_panics(|| buf.split_range(13..14));
    assert_eq!(buf.try_split_to(8).ok(), Some(Sequence::from(Segment::from_static(b"linked c"))));
    assert_eq!(buf.freeze(), b"opied");
}

#[test]
fn bytes_of_an_iterator_are_appended_in_order() {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    for len in [0, 1, 63, 64, 65, 128, 255, 256, 257, 1_000] {
        let bytes: Vec<u8> = (0..len).map(|n: u32| n.to_le_bytes()[0]).collect();
        let mut buf = SegmentedBuf::new(&pool);
        buf.extend(bytes.iter());
        assert_eq!(buf.held_bytes() == 0, len == 0);
        buf.extend(bytes.iter().map(|byte| !byte));
        let inverted: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
        assert!(buf.freeze() == [bytes, inverted].concat(), "{len}");
    }
}
