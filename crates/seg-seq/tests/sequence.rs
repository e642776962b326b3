//! Sequences at their edges: ranges, comparing, iterating, and turning into other things.

use core::{ops::Bound, panic::AssertUnwindSafe};
use std::panic::catch_unwind;

use bytes::{Buf, Bytes};
use seg_pool::{Pool, Segment};
use seg_seq::Sequence;

/// The text in chunks of these lengths, and the rest in one more.
fn cut(text: &'static str, lens: &[usize]) -> Sequence {
    let mut rest = text.as_bytes();
    let mut sequence = Sequence::new();
    for &len in lens {
        let (front, after) = rest.split_at(len);
        sequence.push(Segment::from_static(front));
        rest = after;
    }
    sequence.push(Segment::from_static(rest));
    sequence
}

#[track_caller]
fn assert_panics<T>(action: impl FnOnce() -> T) {
    assert!(catch_unwind(AssertUnwindSafe(action)).is_err(), "it was let through");
}

#[test]
fn sequences_go_anywhere() {
    const fn anywhere<T: Send + Sync + Unpin + 'static>() -> usize {
        size_of::<T>()
    }
    // Words, where a segment has three: with the pool's report it has four.
    let words = |bytes: usize| (bytes - size_of::<Segment>()) / size_of::<usize>();
    // An offset is two words there.
    let more = if cfg!(target_pointer_width = "32") { 4 } else { 0 };
    assert_eq!(words(anywhere::<Sequence>()), 0);
    assert!(words(anywhere::<seg_seq::Flatten>()) <= 2 + more);
    assert!(words(anywhere::<seg_seq::SegmentedBuf>()) <= 8 + more);
    assert!(words(anywhere::<seg_seq::Reader<'static>>()) <= 6 + more);
}

#[test]
fn ranges_are_those_of_slices() {
    let sequence = cut("0123456789", &[1, 2, 3]);
    assert_eq!(sequence.slice(..), b"0123456789");
    assert_eq!(sequence.slice(..=9), b"0123456789");
    assert_eq!(sequence.slice((Bound::Excluded(0), Bound::Excluded(4))), b"123");
    assert_eq!(sequence.slice(2..7), b"23456");
    assert!(sequence.slice(10..).is_empty());
    assert!(sequence.slice(3..3).is_empty());
    assert_panics(|| sequence.slice(11..));
    assert_panics(|| sequence.slice(..11));
    assert_panics(|| sequence.slice(..=10));
    assert_panics(|| sequence.slice(..=u64::MAX));
    assert_panics(|| sequence.slice((Bound::Excluded(u64::MAX), Bound::Unbounded)));
    #[expect(clippy::reversed_empty_ranges, reason = "what is refused")]
    {
        assert_panics(|| sequence.slice(5..4));
    }
}

#[test]
fn a_cut_beyond_the_end_changes_nothing() {
    let mut sequence = cut("0123456789", &[5]);
    assert_panics(|| sequence.split_to(11));
    assert_panics(|| sequence.split_off(11));
    assert_panics(|| sequence.split_to(u64::MAX));
    assert_panics(|| sequence.advance(11));
    assert_panics(|| sequence.copy_to_bytes(11));
    sequence.truncate(11);
    sequence.truncate(u64::MAX);
    assert_eq!(sequence, b"0123456789");
}

#[test]
fn every_cut_of_every_cut_holds_the_same_bytes() {
    let text = "0123456789";
    for first in 0..=text.len() {
        for second in first..=text.len() {
            let sequence = cut(text, &[first, second - first]);
            assert_eq!(sequence, text);
            assert!((1..=3).contains(&sequence.chunk_count()));
            for at in 0..=text.len() {
                let (mut front, mut back) = (sequence.clone(), sequence.clone());
                let (front_rest, back_rest) =
                    (front.split_off(at as u64), back.split_to(at as u64));
                assert_eq!((&front, &back), (&back_rest, &front_rest), "{first} {second} {at}");
                assert_eq!(front, text[..at]);
                assert_eq!(back, text[at..]);
                front.append(back);
                assert_eq!(front, sequence);
            }
        }
    }
}

#[test]
fn equality_ignores_the_cuts() {
    let one = cut("hello world", &[1, 1, 5]);
    assert_eq!(one, cut("hello world", &[7]));
    assert_eq!(one, b"hello world");
    assert_eq!(one, "hello world");
    assert_eq!(one, Bytes::from_static(b"hello world"));
    assert_ne!(one, cut("hello worle", &[1, 1, 5]));
    assert_ne!(one, cut("hello worl", &[1]));
    assert_ne!(one, b"hello world!");
    assert_ne!(one, Sequence::new());
    assert_eq!(Sequence::new(), Sequence::default());
    assert_eq!(Sequence::new(), b"");
}

#[test]
fn a_prefix_may_reach_across_chunks() {
    let sequence = cut("hello world", &[1, 4, 1]);
    for end in 0..=11 {
        assert!(sequence.starts_with(&b"hello world"[..end]), "{end}");
    }
    assert!(!sequence.starts_with(b"hello world!"));
    assert!(!sequence.starts_with(b"hellO"));
    assert!(!sequence.starts_with(b"i"));
    assert!(Sequence::new().starts_with(b""));
    assert!(!Sequence::new().starts_with(b"x"));
}

#[test]
fn chunks_are_met_from_both_ends() {
    let sequence = cut("abcdef", &[1, 2]);
    let mut chunks = sequence.chunks();
    assert_eq!((chunks.len(), chunks.size_hint()), (3, (3, Some(3))));
    assert_eq!(chunks.next_back().map(|chunk| &**chunk), Some(&b"def"[..]));
    let clone = chunks.clone();
    assert_eq!(chunks.next().map(|chunk| &**chunk), Some(&b"a"[..]));
    assert_eq!(chunks.next_back().map(|chunk| &**chunk), Some(&b"bc"[..]));
    assert!(chunks.next().is_none() && chunks.next_back().is_none());
    assert_eq!(clone.count(), 2);
    assert_eq!((&sequence).into_iter().count(), 3);
    assert_eq!(sequence.chunks().nth(1).map(|chunk| &**chunk), Some(&b"bc"[..]));
}

#[test]
fn one_chunk_becomes_bytes_without_a_copy() {
    let pool = Pool::new();
    let mut segment = pool.take(256);
    segment.extend_from_slice(b"one chunk");
    let segment = segment.freeze();
    let address = segment.as_ptr();
    let bytes = Sequence::from(segment).into_bytes();
    assert_eq!((bytes.as_ptr(), &*bytes), (address, &b"one chunk"[..]));

    let adopted = Bytes::from(vec![1; 1_000]);
    let mut sequence = Sequence::from(Segment::from(adopted.clone()));
    let part = sequence.copy_to_bytes(400);
    assert_eq!((part.as_ptr(), part.len()), (adopted.as_ptr(), 400));
    assert_eq!(sequence.into_bytes().as_ptr(), adopted[400..].as_ptr());

    assert_eq!(cut("two chunks", &[3]).into_bytes(), "two chunks");
    assert!(Sequence::new().into_bytes().is_empty());
}

#[test]
fn debug_shows_the_chunks() {
    assert_eq!(format!("{:?}", cut("a\r\nb", &[2])), r#"[b"a\r", b"\nb"]"#);
    assert_eq!(format!("{:?}", Sequence::new()), "[]");
}

#[test]
fn a_slice_keeps_only_the_segments_that_it_shows() {
    let pool = Pool::new();
    let mut sequence = Sequence::new();
    for byte in 0..10 {
        let mut segment = pool.take(256);
        segment.extend_from_slice(&[byte; 256]);
        sequence.push(segment.freeze());
    }
    let slice = sequence.slice(300..600);
    // Two segments, and the block of their list.
    assert_eq!((slice.chunk_count(), slice.held_bytes()), (2, 512 + 256));
    drop(sequence);
    assert_eq!(pool.stats().in_use_bytes(), 512 + 256);
    assert_eq!(slice, [[1; 212].as_slice(), &[2; 88]].concat());
}

#[test]
fn a_front_is_given_back_while_the_rest_is_kept() {
    let pool = Pool::new();
    let mut sequence = Sequence::new();
    let count = if cfg!(miri) { 300 } else { 2_000 };
    for _ in 0..count {
        let mut segment = pool.take(256);
        segment.extend_from_slice(&[1; 10]);
        sequence.push(segment.freeze());
    }
    for left in (0..count).rev() {
        sequence.advance(10);
        // The list of so many is a block of 64 KiB.
        let list = pool.stats().in_use_bytes() - left * 256;
        assert!(list <= if left > 0 { 65_536 } else { 0 }, "{list} for {left} chunks");
        assert_eq!(sequence.chunk_count(), left);
    }
}

#[test]
fn a_sequence_is_used_as_a_queue_without_end() {
    // Around the edge of the inline list and around the edge of a block.
    for depth in [1, 3, 4, 5, 255, 256, 257, 520] {
        let mut sequence = Sequence::new();
        let (mut put, mut taken) = (0_usize, 0_usize);
        for round in 0..if cfg!(miri) { 10 } else { 3_000 } {
            while put < taken + depth {
                sequence.push(Segment::from_static(&b"0123456789"[put % 10..][..1]));
                put += 1;
            }
            let count = round % depth + 1;
            for _ in 0..count {
                assert_eq!(sequence.get_u8(), b"0123456789"[taken % 10]);
                taken += 1;
            }
            assert_eq!(sequence.len(), (put - taken) as u64);
            assert_eq!(sequence.chunk_count(), put - taken);
        }
    }
}

#[test]
fn shared_parts_make_the_sequence_that_slices_make() {
    let pool = Pool::new();
    let text: Vec<u8> = (0..=255).cycle().take(4_096).collect();
    // With gaps, without, empty ones, and more of them than a block of the list holds.
    for (count, len, gap) in [(1, 4_096, 0), (3, 0, 1), (5, 7, 0), (600, 3, 2), (1_000, 1, 3)] {
        let starts = (0..count).map(|part| part * (len + gap));
        let mut parts: Vec<_> = starts.map(|start| start..start + len).collect();
        // Some that overlap, out of order, the last one inside.
        parts.extend([0..len, 5..5, 7..11 + len.min(9)]);
        for before in 0..if cfg!(miri) { 2 } else { 6 } {
            let received = || {
                let mut segment = pool.take(text.len());
                segment.extend_from_slice(&text);
                segment.freeze()
            };
            let mut one_by_one: Sequence = (0..before).map(|_| received().slice(..9)).collect();
            let mut shared = one_by_one.clone();
            let mut segment = received();
            one_by_one.extend(parts.iter().map(|part| segment.slice(part.clone())));
            shared.extend(parts.iter().map(|part| segment.share(part.clone())));
            drop(segment);
            assert_eq!(shared, one_by_one, "{count} {len} {gap} {before}");
            assert_eq!(shared.len(), one_by_one.len());
            assert_eq!(shared.chunk_count(), one_by_one.chunk_count());
            for offset in (0..shared.len()).step_by(97) {
                assert_eq!(shared.slice(offset..), one_by_one.slice(offset..));
            }
        }
    }
    assert_eq!(pool.stats().in_use_bytes(), 0);
}

#[test]
fn a_cleared_sequence_gives_its_segments_back_and_starts_over() {
    let pool = Pool::new();
    // In the list itself, partly consumed, in a block, and in several.
    for count in [0, 1, 3, 4, 5, 300, 2_500] {
        let mut sequence = Sequence::new();
        for round in 0..3 {
            for _ in 0..count {
                let mut part = pool.take(256);
                part.extend_from_slice(b"gone");
                sequence.push(part.freeze());
            }
            sequence.advance(round.min(count) * 4);
            sequence.clear();
            assert!(sequence.is_empty());
            assert_eq!((sequence.len(), sequence.chunk_count()), (0, 0));
            assert_eq!(pool.stats().in_use_bytes(), 0, "{count} chunks");
            sequence.push(Segment::from_static(b"new"));
            assert_eq!(sequence, b"new");
            sequence.clear();
        }
    }
}

#[test]
fn an_empty_segment_is_no_chunk_however_many_there_are() {
    let full = |count| (0..count).map(|_| Segment::from_static(b"x")).collect::<Sequence>();
    for count in [0, 1, 4, 5, 255, 256, 257] {
        let mut sequence = full(count);
        sequence.push(Segment::new());
        assert_eq!((sequence.chunk_count(), sequence.len()), (count, count as u64));
        sequence.push(Segment::from_static(b"end"));
        assert_eq!(sequence.chunk_count(), count + 1);
    }
}
