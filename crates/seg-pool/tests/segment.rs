//! One segment at a time: filling, cutting, joining, sharing, and what the handles promise.
#![expect(unsafe_code, reason = "calls what is under test")]

use core::{
    cmp::Ordering,
    fmt::Write as _,
    hash::{BuildHasher, Hash, Hasher},
    mem::size_of,
    ops::Bound,
    panic::AssertUnwindSafe,
};
use std::{
    collections::{BTreeSet, HashSet, hash_map::RandomState},
    io::{self, Read, Write as _},
    panic::catch_unwind,
};

use bytes::{Buf, BufMut, Bytes};
use seg_pool::{Pool, Segment, SegmentMut, SegmentSize};

/// More views of one segment than one split counts in advance.
const MANY_VIEWS: usize = 150;

/// The address of the first byte.
fn address(bytes: &[u8]) -> usize {
    bytes.as_ptr().addr()
}

/// A pool and an empty segment of 256 B.
fn smallest() -> (Pool, SegmentMut) {
    let pool = Pool::new();
    let segment = pool.take(256);
    (pool, segment)
}

fn frozen(pool: &Pool, bytes: &[u8]) -> Segment {
    let mut segment = pool.take(bytes.len());
    segment.extend_from_slice(bytes);
    segment.freeze()
}

fn in_use(pool: &Pool) -> usize {
    pool.stats().in_use_bytes()
}

#[track_caller]
fn assert_panics<T>(action: impl FnOnce() -> T) {
    assert!(catch_unwind(AssertUnwindSafe(action)).is_err(), "it was let through");
}

#[test]
fn a_handle_is_three_words() {
    let view = if cfg!(feature = "report") { size_of::<usize>() } else { 0 };
    assert_eq!(size_of::<Segment>(), 3 * size_of::<usize>() + view);
    // Length and capacity are one word of 64 bits everywhere.
    assert_eq!(size_of::<SegmentMut>(), 2 * size_of::<usize>() + size_of::<u64>() + view);
    assert_eq!(size_of::<Option<Segment>>(), size_of::<Segment>());
    assert_eq!(size_of::<Option<SegmentMut>>(), size_of::<SegmentMut>());
}

#[test]
fn handles_go_anywhere() {
    const fn anywhere<T: Send + Sync + Unpin + 'static>() -> usize {
        size_of::<T>()
    }
    assert!(anywhere::<Segment>() > 0);
    assert!(anywhere::<SegmentMut>() > 0);
    assert!(anywhere::<Pool>() > 0);
}

#[test]
fn payloads_are_aligned_to_their_size_up_to_a_page() {
    let pool = Pool::new();
    for size in SegmentSize::ALL {
        let segments: Vec<_> =
            (0..3).map(|_| pool.try_take_size(size).expect("no limit")).collect();
        for mut segment in segments {
            assert_eq!(segment.capacity(), size.bytes());
            let address = segment.spare_capacity_mut().as_mut_ptr().addr();
            assert_eq!(address % size.bytes().min(4_096), 0, "{size}");
        }
    }
}

#[test]
fn the_last_byte_fits_and_the_next_does_not() {
    let (_pool, mut segment) = smallest();
    segment.extend_from_slice(&[1; 255]);
    assert_eq!((segment.len(), segment.spare_len()), (255, 1));
    segment.extend_from_slice(&[2]);
    assert_eq!((segment.len(), segment.spare_len()), (256, 0));
    assert!(segment.spare_capacity_mut().len() == 0);

    assert_panics(|| segment.extend_from_slice(&[3]));
    // SAFETY: refused before any byte is counted.
    assert_panics(|| unsafe { segment.advance_mut(1) });
    // SAFETY: as above.
    assert_panics(|| unsafe { segment.advance_mut(usize::MAX) });
    assert_panics(|| segment.advance_initialized(1));
    assert_panics(|| segment.put_u8(3));
    assert_eq!(segment.fill_from_slice(&[3]), 0);
    assert_eq!(segment.write(&[3]).ok(), Some(0));
    assert!(segment.write_str("3").is_err());

    // SAFETY: no byte is counted.
    unsafe { segment.advance_mut(0) };
    segment.advance_initialized(0);
    segment.extend_from_slice(&[]);
    assert_eq!(segment[..255], [1; 255]);
    assert_eq!(segment[255], 2);
}

#[test]
fn bytes_written_into_the_spare_part_are_counted_by_advance_mut() {
    let (_pool, mut segment) = smallest();
    segment.extend_from_slice(b"ab");
    segment.spare_capacity_mut()[..3].copy_from_slice(b"cde");
    // SAFETY: the first three spare bytes were just written.
    unsafe { segment.advance_mut(3) };
    assert_eq!(segment, b"abcde");
}

#[test]
fn filling_takes_what_fits() {
    let (_pool, mut segment) = smallest();
    assert_eq!(segment.fill_from_slice(&[7; 200]), 200);
    assert_eq!(segment.fill_from_slice(&[8; 200]), 56);
    assert_eq!(segment.len(), 256);
    assert_eq!(segment[199..201], [7, 8]);
}

#[test]
fn text_is_written_whole_or_not_at_all() {
    let (_pool, mut segment) = smallest();
    segment.extend_from_slice(&[b'.'; 250]);
    assert!(segment.write_str("123").is_ok());
    assert!(segment.write_str("four").is_err());
    assert_eq!(segment.len(), 253);
    assert!(segment.write_str("end").is_ok());
    assert!(segment.ends_with(b"123end"));
}

#[test]
fn filled_bytes_can_be_written() {
    let (_pool, mut segment) = smallest();
    segment.extend_from_slice(b"hello");
    segment[0] = b'j';
    segment.as_mut()[4] = b'y';
    assert_eq!(segment, b"jelly");
}

#[test]
fn truncating_keeps_the_room() {
    let (_pool, mut segment) = smallest();
    segment.extend_from_slice(b"hello");
    segment.truncate(9);
    assert_eq!(segment, b"hello");
    segment.truncate(2);
    assert_eq!((&*segment, segment.spare_len()), (&b"he"[..], 254));
    segment.clear();
    assert!(segment.is_empty());
    assert_eq!((segment.capacity(), segment.held_bytes()), (256, 256));
}

#[test]
fn parts_split_to_are_full_and_apart() {
    let (pool, mut rest) = smallest();
    rest.extend_from_slice(b"headbody");
    let mut head = rest.split_to(4);
    assert_eq!((head.len(), head.capacity(), head.spare_len()), (4, 4, 0));
    assert_eq!((rest.len(), rest.capacity()), (4, 252));
    head.make_ascii_uppercase();
    rest.extend_from_slice(b"!");
    assert_eq!((&*head, &*rest), (&b"HEAD"[..], &b"body!"[..]));
    assert_panics(|| rest.split_to(6));
    let nothing = rest.split_to(0);
    assert_eq!((nothing.len(), nothing.capacity()), (0, 0));
    let all = rest.split_to(5);
    assert_eq!((&*all, rest.len(), rest.capacity()), (&b"body!"[..], 0, 247));
    drop((head, rest, nothing));
    assert_eq!(in_use(&pool), 256, "one part keeps the segment");
    drop(all);
    assert_eq!(in_use(&pool), 0);
}

#[test]
fn a_frozen_range_leaves_what_is_behind_and_drops_what_is_before() {
    let (pool, mut rest) = smallest();
    rest.extend_from_slice(b"headbody, more");
    let start = address(&rest);
    let body = rest.freeze_range(4..8);
    assert_eq!((&*body, address(&body)), (&b"body"[..], start + 4));
    assert_eq!((&*rest, rest.capacity()), (&b", more"[..], 248));
    rest.extend_from_slice(b"!");
    assert_panics(|| rest.freeze_range(0..8));
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = 3..2;
    assert_panics(|| rest.freeze_range(reversed));
    let nothing = rest.freeze_range(2..2);
    assert_eq!((nothing.len(), nothing.held_bytes()), (0, 0));
    assert_eq!(&*rest, b"more!");
    let all = rest.freeze_range(0..5);
    assert_eq!((&*all, rest.len(), rest.capacity()), (&b"more!"[..], 0, 241));
    assert_eq!(body, b"body");
    drop((rest, all));
    assert_eq!(in_use(&pool), 256, "one part keeps the segment");
    drop(body);
    assert_eq!(in_use(&pool), 0);
}

#[test]
fn split_off_cuts_the_spare_part_too() {
    let (_pool, mut front) = smallest();
    front.extend_from_slice(b"abc");
    assert_panics(|| front.split_off(257));

    let mut back = front.split_off(100);
    assert_eq!((front.len(), front.capacity()), (3, 100));
    assert_eq!((back.len(), back.capacity()), (0, 156));
    front.extend_from_slice(&[b'-'; 97]);
    back.extend_from_slice(&[b'+'; 156]);
    assert_eq!((front.spare_len(), back.spare_len()), (0, 0));
    assert_eq!(front[..4], *b"abc-");
    assert!(front[3..].iter().all(|&byte| byte == b'-'));
    assert!(back.iter().all(|&byte| byte == b'+'));

    let filled = front.split_off(50);
    assert_eq!((front.len(), filled.len(), filled.capacity()), (50, 50, 50));
    let none = front.split_off(50);
    assert_eq!((none.len(), none.capacity()), (0, 0));
    let all = front.split_off(0);
    assert_eq!((front.len(), front.capacity(), all.len()), (0, 0, 50));
}

#[test]
fn what_was_split_is_joined_again() {
    let (_pool, mut front) = smallest();
    front.extend_from_slice(b"onetwothree");
    let mut back = front.split_off(3);
    let last = back.split_off(3);
    let last = front.unsplit(last).expect_err("not after the front");
    assert_eq!(last, b"three");
    assert!(back.unsplit(last).is_ok());
    assert_eq!((&*front, &*back), (&b"one"[..], &b"twothree"[..]));
    assert!(front.unsplit(back).is_ok());
    assert_eq!((&*front, front.capacity()), (&b"onetwothree"[..], 256));
    front.extend_from_slice(&[0; 245]);
    assert_eq!(front.spare_len(), 0);
}

#[test]
fn parts_are_joined_only_where_no_gap_would_lie_between() {
    let (_pool, mut front) = smallest();
    front.extend_from_slice(b"a");
    let mut back = front.split_off(10);
    back.extend_from_slice(b"b");
    let back = front.unsplit(back).expect_err("nine bytes lie between");
    assert_eq!((&*front, &*back), (&b"a"[..], &b"b"[..]));
    front.extend_from_slice(&[b'.'; 9]);
    assert!(front.unsplit(back).is_ok(), "the gap is filled");
    assert_eq!((&*front, front.capacity()), (&b"a.........b"[..], 256));

    let empty = front.split_off(200);
    assert!(front.unsplit(empty).is_ok(), "an empty part leaves no gap");
    assert_eq!(front.capacity(), 256);
}

#[test]
fn strangers_are_not_joined_even_as_neighbours() {
    let pool = Pool::new();
    let mut segments: Vec<_> = (0..8).map(|_| pool.take(256)).collect();
    segments.sort_by_key(|segment| segment.as_ptr().addr());
    let neighbours =
        segments.windows(2).filter(|pair| pair[0].as_ptr().addr() + 256 == pair[1].as_ptr().addr());
    assert!(neighbours.count() > 0, "a slab gives neighbours");
    for segment in &mut segments {
        segment.extend_from_slice(&[1; 256]);
    }
    let mut segments = segments.into_iter();
    let mut first = segments.next().expect("eight");
    for next in segments {
        let next = first.unsplit(next).expect_err("another segment");
        let (mut first_shared, next_shared) = (first.freeze(), next.freeze());
        let next_shared = first_shared.unsplit(next_shared).expect_err("another segment");
        assert!(!first_shared.shares_segment_with(&next_shared));
        first = next_shared.try_into_mut().expect("the only view");
    }
    assert_eq!(first.len(), 256);
}

#[test]
fn a_shared_view_comes_back_exclusive_when_it_is_the_only_one() {
    let (_pool, mut segment) = smallest();
    segment.extend_from_slice(b"hello");
    let start = address(&segment);
    let shared = segment.freeze();
    let other = shared.clone();
    assert!(!shared.is_unique() && !other.is_unique());
    let shared = shared.try_into_mut().expect_err("two views");
    assert_eq!(shared, b"hello");
    drop(other);
    assert!(shared.is_unique());
    let mut segment = shared.try_into_mut().expect("one view");
    assert_eq!((address(&segment), segment.spare_len()), (start, 251));
    segment[0] = b'j';
    segment.extend_from_slice(b"!");
    assert_eq!(segment, b"jello!");
}

#[test]
fn a_slice_that_comes_back_exclusive_has_the_rest_of_the_segment() {
    let (_pool, mut segment) = smallest();
    segment.extend_from_slice(b"0123456789");
    let shared = segment.freeze();
    let slice = shared.slice(2..5);
    drop(shared);
    let mut slice = slice.try_into_mut().expect("one view");
    assert_eq!((&*slice, slice.capacity()), (&b"234"[..], 254));
    assert_eq!(slice.spare_initialized_mut()[..5], *b"56789", "initialised before, so not zeroed");
    slice.extend_from_slice(b"x");
    assert_eq!(slice, b"234x");
}

#[test]
fn one_part_does_not_become_exclusive_while_another_lives() {
    let (_pool, mut back) = smallest();
    back.extend_from_slice(b"frontback");
    let front = back.split_to(5).freeze();
    let front = front.try_into_mut().expect_err("the back lives");
    back.extend_from_slice(b"!");
    assert_eq!((&*front, &*back), (&b"front"[..], &b"back!"[..]));
    drop(back);
    let mut front = front.try_into_mut().expect("the only part");
    assert_eq!(front.capacity(), 256);
    front.extend_from_slice(b"again");
    assert_eq!(front, b"frontagain");
}

#[test]
fn a_segment_of_many_views_has_one_owner_when_they_are_gone() {
    // More than one split counts in advance, and each remainder of that.
    for views in (0..=MANY_VIEWS).step_by(if cfg!(miri) { 31 } else { 1 }) {
        let (pool, mut segment) = smallest();
        segment.extend_from_slice(&[7; 256]);
        let mut exclusive: Vec<_> = (0..views / 2).map(|_| segment.split_to(1)).collect();
        let mut segment = segment.freeze();
        let mut shared: Vec<_> = (views / 2..views).map(|_| segment.split_to(1)).collect();
        assert_eq!(segment.is_unique(), views == 0);
        exclusive.clear();
        shared.truncate(1);
        assert_eq!(segment.is_unique(), views == 0, "{views}");
        // The last view is dropped after the one that has counted in advance, or before it.
        if views % 2 == 0 {
            drop(shared);
            let segment = segment.try_into_mut().expect("the only view");
            assert_eq!((segment.len(), segment.capacity()), (256 - views, 256 - views));
        } else {
            drop(segment);
            assert_eq!(in_use(&pool), 256);
            assert!(shared[0].is_unique());
            drop(shared);
        }
        assert_eq!(in_use(&pool), 0, "{views}");
    }
}

#[test]
fn views_that_are_joined_or_dropped_together_leave_no_reference() {
    for views in (0..=MANY_VIEWS).step_by(if cfg!(miri) { 31 } else { 1 }) {
        let (pool, mut segment) = smallest();
        segment.extend_from_slice(&[7; 256]);
        let exclusive: Vec<_> = (0..views / 2).map(|_| segment.split_to(1)).collect();
        let mut rest = segment.freeze();
        let mut shared: Vec<_> = (views / 2..views).map(|_| rest.split_to(1)).collect();
        let clone = rest.clone();
        // Forwards or backwards, with or without what has counted in advance.
        if views % 3 == 0 {
            shared.reverse();
        }
        if views % 2 == 0 {
            shared.push(core::mem::take(&mut rest));
        }
        Segment::drop_all(shared);
        assert!(!clone.is_unique() || exclusive.is_empty());
        let mut parts = exclusive.into_iter();
        if let Some(mut front) = parts.next() {
            parts.for_each(|next| front.unsplit(next).expect("the next part"));
            assert_eq!(front.len(), views / 2);
        }
        drop(rest);
        assert!(clone.is_unique(), "{views}");
        let (mut front, mut views_left) = (clone.slice(..0), clone);
        while views_left.len() > 1 {
            front.unsplit(views_left.split_to(1)).expect("the next part");
        }
        assert_eq!(front.len(), 255 - views);
        assert!(!front.is_unique());
        front.unsplit(views_left).expect("the last part");
        assert!(front.is_unique(), "{views}");
        drop(front);
        assert_eq!(in_use(&pool), 0, "{views}");
    }
    let (one, two) = (Pool::new(), Pool::new());
    let views = [&one, &two, &two, &one].map(|pool| frozen(pool, b"x"));
    Segment::drop_all(views.into_iter().chain([Segment::new(), Segment::from_static(b"y")]));
    assert_eq!(in_use(&one) + in_use(&two), 0);
}

#[test]
fn a_part_takes_the_segment_back_when_it_is_the_last_one() {
    let (pool, mut buffer) = smallest();
    let start = address(&buffer);
    assert!(buffer.try_reclaim(), "nothing was split off");
    buffer.extend_from_slice(&[1; 200]);
    let front = buffer.split_to(100).freeze();
    let after = buffer.split_to(100);
    assert!(buffer.shares_segment_with(&front));
    assert!(!buffer.shares_segment_with(&frozen(&pool, b"of another")));
    assert_eq!((buffer.len(), buffer.capacity()), (0, 56));
    drop(front);
    assert!(!buffer.try_reclaim(), "a part is in use");
    drop(after);
    assert!(buffer.try_reclaim());
    assert_eq!((buffer.len(), buffer.capacity(), address(&buffer)), (0, 256, start));
    // What was initialised still is, and the rest is zeroed.
    buffer.spare_initialized_mut();
    buffer.advance_initialized(256);
    assert_eq!(&buffer[..200], &[1; 200]);
    // What is filled moves to the front.
    buffer[150..].fill(2);
    let front = buffer.split_to(130);
    assert!(!buffer.try_reclaim(), "a part is in use");
    drop(front);
    assert!(buffer.try_reclaim());
    assert_eq!((buffer.capacity(), address(&buffer)), (256, start));
    assert_eq!(&buffer[..], [[1; 20].as_slice(), &[2; 106]].concat());
    drop(buffer);
    assert_eq!(in_use(&pool), 0);
}

#[test]
fn memory_that_is_not_a_pools_stays_shared() {
    assert!(Segment::from_static(b"static").try_into_mut().is_err());
    assert!(Segment::new().try_into_mut().is_err());
    let adopted = Segment::from(Bytes::from(vec![1, 2, 3]));
    assert!(adopted.is_unique());
    let adopted = adopted.try_into_mut().expect_err("a `Bytes` owns it");
    assert_eq!(adopted, [1, 2, 3]);
}

#[test]
fn slices_outlive_what_they_were_cut_from() {
    let pool = Pool::new();
    let segment = frozen(&pool, b"hello world");
    let start = address(&segment);
    let world = segment.slice(6..);
    let middle = segment.slice(3..=4);
    drop(segment);
    drop(pool.take(256));
    assert_eq!((&*world, &*middle), (&b"world"[..], &b"lo"[..]));
    assert_eq!(address(&world), start + 6);
    let deeper = world.slice(1..4).slice(1..=1);
    drop((world, middle));
    assert_eq!(deeper, b"r");
    assert_eq!((deeper.held_bytes(), in_use(&pool)), (256, 256));
    drop(deeper);
    assert_eq!(in_use(&pool), 0);
}

#[test]
fn ranges_are_those_of_slices() {
    let segment = frozen(&Pool::new(), b"0123456789");
    assert_eq!(segment.slice(..), b"0123456789");
    assert_eq!(segment.slice(..=9), b"0123456789");
    assert_eq!(segment.slice((Bound::Excluded(0), Bound::Excluded(3))), b"12");
    assert_eq!(segment.slice(10..), b"");
    assert_panics(|| segment.slice(11..));
    assert_panics(|| segment.slice(..11));
    assert_panics(|| segment.slice(..=10));
    assert_panics(|| segment.slice(..=usize::MAX));
    assert_panics(|| segment.slice((Bound::Excluded(usize::MAX), Bound::Unbounded)));
    #[expect(clippy::reversed_empty_ranges, reason = "what is refused")]
    {
        assert_panics(|| segment.slice(5..4));
    }
}

#[test]
fn a_cut_beyond_the_end_changes_nothing() {
    let mut segment = frozen(&Pool::new(), b"abc");
    assert_panics(|| segment.split_to(4));
    assert_panics(|| segment.split_off(4));
    assert_panics(|| segment.advance(4));
    assert_panics(|| segment.copy_to_bytes(4));
    assert_eq!(segment, b"abc");
    let (front, back) = (segment.split_to(1), segment.split_off(1));
    assert_eq!((&*front, &*segment, &*back), (&b"a"[..], &b"b"[..], &b"c"[..]));
}

#[test]
fn an_empty_view_keeps_nothing() {
    let pool = Pool::new();
    let segment = frozen(&pool, b"abc");
    let mut cuts = vec![segment.slice(0..0), segment.slice(2..2), segment.slice(3..)];
    let mut whole = segment.clone();
    cuts.push(whole.split_off(3));
    cuts.push(whole.split_to(0));
    let mut emptied = [whole.clone(), whole.clone(), whole.clone(), whole];
    emptied[0].truncate(0);
    emptied[1].advance(3);
    drop(emptied[2].split_to(3));
    drop(emptied[3].split_off(0));
    cuts.extend(emptied);
    drop(segment);
    for (index, cut) in cuts.iter().enumerate() {
        assert_eq!((cut.len(), cut.held_bytes()), (0, 0), "cut {index}");
    }
    assert_eq!(in_use(&pool), 0);
}

#[test]
fn an_empty_segment_that_is_frozen_keeps_nothing() {
    let (pool, segment) = smallest();
    let empty = segment.freeze();
    assert_eq!((empty.len(), empty.held_bytes()), (0, 0));
    assert_eq!(in_use(&pool), 0);
}

#[test]
fn an_exclusive_segment_becomes_a_shared_one() {
    let (_pool, mut buffer) = smallest();
    buffer.extend_from_slice(b"filled");
    let start = address(&buffer);
    let segment = Segment::from(buffer);
    assert_eq!((&segment[..], address(&segment)), (&b"filled"[..], start));
}

#[test]
fn views_of_one_segment_are_joined_when_they_touch() {
    let pool = Pool::new();
    let segment = frozen(&pool, b"0123456789");
    let mut view = segment.slice(2..4);
    let apart = view.unsplit(segment.slice(5..)).expect_err("byte 4 lies between");
    assert_eq!(apart, b"56789");
    let before = view.unsplit(segment.slice(..2)).expect_err("it lies before");
    assert_eq!(before, b"01");
    let again = view.unsplit(segment.slice(2..4)).expect_err("it lies over it");
    assert_eq!(again, b"23");
    assert!(view.unsplit(segment.slice(4..6)).is_ok());
    assert!(view.unsplit(Segment::new()).is_ok());
    assert_eq!(view, b"2345");
    let mut empty = Segment::new();
    assert!(empty.unsplit(view).is_ok());
    assert_eq!(empty, b"2345");
}

#[test]
fn static_bytes_are_neither_copied_nor_counted() {
    static BYTES: [u8; 6] = *b"static";
    const CONST: Segment = Segment::from_static(b"const");
    let mut segment = Segment::from_static(&BYTES);
    assert_eq!(address(&segment), BYTES.as_ptr().addr());
    assert!(!segment.is_unique());
    assert_eq!(segment.held_bytes(), 0);
    assert!(!segment.shares_segment_with(&segment.clone()));
    let back = segment.split_off(3);
    assert!(segment.unsplit(back).is_err(), "static bytes have no segment in common");
    assert_eq!(segment, b"sta");
    assert_eq!(Bytes::from(segment).as_ptr().addr(), BYTES.as_ptr().addr());
    assert_eq!(CONST, b"const");
}

#[test]
fn bytes_become_a_segment_and_bytes_again_without_a_copy() {
    let bytes = Bytes::from(vec![9; 100_000]);
    let start = address(&bytes);
    let segment = Segment::from(bytes.clone());
    assert_eq!((address(&segment), segment.len()), (start, 100_000));
    assert_eq!(segment.held_bytes(), 100_000);
    let slice = segment.slice(70_000..80_000);
    drop((bytes, segment));
    let bytes = Bytes::from(slice);
    assert_eq!((address(&bytes), bytes.len()), (start + 70_000, 10_000));
    assert!(bytes.iter().all(|&byte| byte == 9));
    assert!(Segment::from(Bytes::new()).is_empty());
}

#[test]
fn a_segment_becomes_bytes_and_a_segment_again_without_a_copy() {
    let pool = Pool::new();
    let segment = frozen(&pool, b"hello world");
    let start = address(&segment);
    let bytes = Bytes::from(segment.slice(6..));
    drop(segment);
    assert_eq!((address(&bytes), &*bytes), (start + 6, &b"world"[..]));
    let back = Segment::from(bytes.slice(1..));
    drop(bytes);
    assert_eq!((address(&back), &*back), (start + 7, &b"orld"[..]));
    assert_eq!(in_use(&pool), 256);
    drop(back);
    assert_eq!(in_use(&pool), 0);

    let mut exclusive = pool.take(256);
    exclusive.extend_from_slice(b"abc");
    let start = address(&exclusive);
    assert_eq!(address(&Bytes::from(exclusive)), start);
    assert_eq!(in_use(&pool), 0);
}

#[test]
fn empty_bytes_keep_no_segment() {
    let pool = Pool::new();
    let bytes = Bytes::from(pool.take(256));
    assert!(bytes.is_empty());
    assert_eq!(in_use(&pool), 0);
}

#[test]
fn the_owner_of_adopted_bytes_is_dropped_with_the_last_view() {
    struct Owner(Vec<u8>, std::sync::mpsc::Sender<()>);
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    impl Drop for Owner {
        fn drop(&mut self) {
            assert!(self.1.send(()).is_ok());
        }
    }
    let (send, dropped) = std::sync::mpsc::channel();
    let segment = Segment::from(Bytes::from_owner(Owner(vec![1; 10], send)));
    let slice = segment.slice(3..4);
    drop(segment);
    assert!(dropped.try_recv().is_err());
    drop(slice);
    assert!(dropped.try_recv().is_ok());
}

#[test]
fn what_was_written_once_is_not_zeroed_again() {
    let pool = Pool::new();
    let mut segment = pool.take(256);
    assert_eq!(segment.spare_initialized_mut().len(), 256);
    segment.spare_initialized_mut().fill(0xaa);
    assert!(segment.spare_initialized_mut().iter().all(|&byte| byte == 0xaa));
    segment.advance_initialized(10);
    assert_eq!((segment.len(), segment[9]), (10, 0xaa));
    segment.clear();
    assert!(segment.spare_initialized_mut().iter().all(|&byte| byte == 0xaa));

    let start = segment.spare_capacity_mut().as_mut_ptr().addr();
    drop(segment);
    let mut again = pool.take(256);
    assert_eq!(again.spare_capacity_mut().as_mut_ptr().addr(), start, "the last one given back");
    assert!(again.spare_initialized_mut().iter().all(|&byte| byte == 0xaa), "nor in its next use");
}

#[test]
fn only_what_was_never_written_is_zeroed() {
    let (_pool, mut segment) = smallest();
    segment.extend_from_slice(&[0xbb; 100]);
    segment.truncate(40);
    let spare = segment.spare_initialized_mut();
    assert_eq!(spare.len(), 216);
    assert!(spare[..60].iter().all(|&byte| byte == 0xbb));
    assert!(spare[60..].iter().all(|&byte| byte == 0));
}

#[test]
fn bytes_never_initialised_are_not_advanced_over() {
    let (_pool, mut segment) = smallest();
    segment.advance_initialized(0);
    assert_panics(|| segment.advance_initialized(1));
    segment.extend_from_slice(&[1; 100]);
    segment.truncate(10);
    segment.advance_initialized(90);
    assert_panics(|| segment.advance_initialized(1));
    assert_eq!(segment, [1; 100]);
    assert_panics(|| segment.advance_initialized(usize::MAX));
}

#[test]
fn the_initialised_part_is_known_in_each_part_of_a_segment() {
    let (_pool, mut front) = smallest();
    front.extend_from_slice(&[1; 10]);
    let mut back = front.split_off(50);
    front.advance_initialized(40);
    assert_eq!(front[10..], [0; 40], "zeroed up to the cut");
    assert_eq!(back.spare_initialized_mut(), [0; 206]);
    back.advance_initialized(206);

    let mut rest = back.split_off(100);
    rest.clear();
    rest.advance_initialized(106);
    assert_eq!(rest.len(), 106);
}

#[test]
fn a_cut_in_the_spare_part_zeroes_no_further_than_the_cut() {
    let (_pool, mut front) = smallest();
    let mut back = front.split_off(50);
    assert_panics(|| back.advance_initialized(1));
    assert_eq!((front.capacity(), back.len()), (50, 0));
}

#[test]
fn a_read_fills_once_and_reports_the_end() {
    let (_pool, mut segment) = smallest();
    let mut source = io::repeat(5).take(300);
    assert_eq!(segment.read_from(&mut source).ok(), Some(256));
    assert_eq!(segment.read_from(&mut source).ok(), Some(0), "no spare capacity");
    segment.clear();
    assert_eq!(segment.read_from(&mut source).ok(), Some(44));
    assert_eq!(segment.read_from(&mut source).ok(), Some(0), "the end");
    assert_eq!(segment, [5; 44]);
}

#[test]
fn a_read_that_fails_fills_nothing() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            target.fill(1);
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let (_pool, mut segment) = smallest();
    segment.extend_from_slice(b"kept");
    let error = segment.read_from(&mut Broken).expect_err("it fails");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(segment, b"kept");
}

#[test]
fn a_reader_that_reports_too_much_is_not_believed() {
    struct Boaster;
    impl Read for Boaster {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            Ok(target.len() + 1)
        }
    }
    let (_pool, mut segment) = smallest();
    segment.extend_from_slice(b"kept");
    assert_panics(|| segment.read_from(&mut Boaster));
    assert_eq!(segment, b"kept");
}

#[test]
fn buf_drops_from_the_front_and_buf_mut_fills_the_back() {
    let (_pool, mut segment) = smallest();
    segment.put_u16(0x0102);
    segment.put_slice(b"abc");
    segment.put_bytes(b'z', 2);
    assert_eq!((segment.remaining(), segment.remaining_mut()), (7, 249));
    assert_eq!(segment.get_u16(), 0x0102);
    segment.advance(1);
    assert_eq!((segment.chunk(), segment.capacity()), (&b"bczz"[..], 253));
    assert_panics(|| segment.advance(5));
    assert_eq!(segment.chunk_mut().len(), 249);
    let mut shared = segment.freeze();
    assert_eq!(shared.get_u8(), b'b');
    let start = address(&shared);
    let bytes = shared.copy_to_bytes(2);
    assert_eq!((address(&bytes), &*bytes), (start, &b"cz"[..]));
    assert_eq!((shared.remaining(), shared.chunk()), (1, &b"z"[..]));
    shared.advance(1);
    assert!(!shared.has_remaining());
    assert_panics(|| shared.advance(1));
}

#[test]
fn segments_compare_and_hash_like_their_bytes() {
    let pool = Pool::new();
    let words: [&[u8]; 5] = [b"", b"a", b"ab", b"b", b"\xff"];
    for left in words {
        for right in words {
            let (one, two) = (frozen(&pool, left), frozen(&pool, right));
            assert_eq!(one == two, left == right);
            assert_eq!(one.cmp(&two), left.cmp(right));
            assert_eq!(one.partial_cmp(&two), left.partial_cmp(right));
            assert_eq!(one == right, left == right);
        }
        let shared = frozen(&pool, left);
        let mut exclusive = pool.take(256);
        exclusive.extend_from_slice(left);
        assert_eq!(exclusive, shared);
        assert_eq!(shared, left.to_vec());
        assert_eq!(left, shared);
        let state = RandomState::new();
        let hash = |value: &dyn Fn(&mut std::hash::DefaultHasher)| {
            let mut hasher = state.build_hasher();
            value(&mut hasher);
            hasher.finish()
        };
        assert_eq!(hash(&|to| shared.hash(to)), hash(&|to| left.hash(to)));
        assert_eq!(hash(&|to| exclusive.hash(to)), hash(&|to| left.hash(to)));
    }
    let hashed: HashSet<Segment> = words.iter().map(|word| frozen(&pool, word)).collect();
    let ordered: BTreeSet<Segment> = hashed.iter().cloned().collect();
    assert!(words.iter().all(|&word| hashed.contains(word) && ordered.contains(word)));
    assert!(ordered.iter().eq(words));
}

#[test]
fn debug_shows_the_bytes_as_a_literal() {
    let pool = Pool::new();
    let mut segment = pool.take(256);
    segment.extend_from_slice(b"5\r\n\"\x00\xff");
    assert_eq!(format!("{segment:?}"), r#"b"5\r\n\"\x00\xff""#);
    assert_eq!(format!("{:?}", segment.freeze()), r#"b"5\r\n\"\x00\xff""#);
}

#[test]
fn segments_compare_with_what_bytes_compare_with_in_both_directions() {
    const EQUAL: (Option<Ordering>, Option<Ordering>) =
        (Some(Ordering::Equal), Some(Ordering::Equal));
    let mut exclusive = Pool::new().take(256);
    exclusive.extend_from_slice(b"abc");
    let shared = Segment::from_static(b"abc");
    let (bytes, vec, string) = (Bytes::from_static(b"abc"), b"abc".to_vec(), String::from("abc"));
    let buffer = bytes::BytesMut::from(&b"abc"[..]);
    macro_rules! equal_both_ways {
        ($($other:expr),*) => {$(
            assert_eq!((shared.partial_cmp(&$other), $other.partial_cmp(&shared)), EQUAL);
            assert_eq!((exclusive.partial_cmp(&$other), $other.partial_cmp(&exclusive)), EQUAL);
            assert!(shared == $other);
            assert!($other == shared);
            assert!(exclusive == $other);
            assert!($other == exclusive);
        )*};
    }
    equal_both_ways!(b"abc"[..], *b"abc", &b"abc"[..], vec, *"abc", "abc", string, bytes, buffer);
    assert_eq!(shared, exclusive);
    assert_eq!(exclusive, shared);
    assert_eq!(b"abc", shared);
    assert!(shared < *b"abd");
    assert!("b" > exclusive);
    assert_ne!("abcd", exclusive);
    assert_eq!(Segment::new(), []);
}

#[test]
fn bytes_of_other_owners_become_segments() {
    let made: [Segment; 6] = [
        Segment::from(&b"abc"[..]),
        "abc".into(),
        b"abc".to_vec().into(),
        b"abc".to_vec().into_boxed_slice().into(),
        String::from("abc").into(),
        b"abc".iter().copied().collect(),
    ];
    for segment in made {
        assert_eq!(segment, b"abc");
        assert_eq!(Vec::from(segment), b"abc");
    }
    let vec = vec![7; 100];
    let address = vec.as_ptr();
    assert_eq!(Segment::from(vec).as_ptr(), address, "adopted, not copied");
    assert_eq!(Segment::from(Vec::new()).held_bytes(), 0);
}

#[test]
fn segments_are_iterators_of_their_bytes_and_take_some() {
    let mut exclusive = Pool::new().take(256);
    exclusive.extend(*b"ab");
    exclusive.extend(&[b'c', 0xff]);
    assert_eq!(format!("{exclusive:x} {exclusive:X}"), "616263ff 616263FF");
    let borrowed: Vec<u8> = (&exclusive).into_iter().copied().collect();
    assert_eq!(borrowed, b"abc\xff");
    let shared = exclusive.freeze();
    assert_eq!((&shared).into_iter().count(), 4);
    assert_eq!(
        (format!("{shared:x}"), format!("{shared:X}")),
        ("616263ff".into(), "616263FF".into())
    );
    assert_eq!(shared.into_iter().map(usize::from).sum::<usize>(), 0x61 + 0x62 + 0x63 + 0xff);
}

#[test]
#[should_panic(expected = "longer than the spare capacity")]
fn a_full_segment_takes_no_more_bytes_from_an_iterator() {
    Pool::new().take(256).extend(core::iter::repeat_n(7, 257));
}

#[test]
fn a_segment_takes_from_an_iterator_what_fits() {
    let mut segment = Pool::new().take(256);
    for (len, fitting) in [(1, 1), (63, 64), (64, 128), (65, 193), (63, 256), (0, 256)] {
        segment.extend(core::iter::repeat_n(7, len));
        assert_eq!(&*segment, vec![7; fitting]);
    }
    segment.truncate(200);
    let extended = AssertUnwindSafe(|| segment.extend(core::iter::repeat_n(9, 100)));
    assert!(catch_unwind(extended).is_err());
    assert_eq!((segment.len(), &segment[199..202]), (256, &[7, 9, 9][..]), "what fits is appended");
}

#[test]
fn memory_for_values_starts_over_as_uninitialised() {
    let pool = Pool::new();
    let mut segment = pool.take(256);
    segment.extend_from_slice(&[7; 256]);
    assert!(segment.as_uninit_mut().is_none(), "something is filled");
    segment.clear();
    let front = segment.split_to(0);
    assert!(segment.as_uninit_mut().is_none(), "another part is there");
    drop(front);
    let values = segment.as_uninit_mut().expect("a whole segment");
    assert_eq!(values.len(), 256);
    values.fill(core::mem::MaybeUninit::uninit());
    assert_eq!(segment.spare_initialized_mut(), [0; 256]);
    let back = segment.split_off(16);
    assert!(segment.as_uninit_mut().is_none() && back.is_empty());
}

#[test]
fn the_last_handle_gives_the_segment_back_whether_it_is_a_clone_or_not() {
    let pool = Pool::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1]] {
        let mut first = pool.take(256);
        first.extend_from_slice(b"hello world");
        let first = first.freeze();
        let mut clone = first.clone();
        let split = clone.split_to(5);
        let mut handles = [Some(first), Some(clone), Some(split)];
        for (dropped, index) in order.into_iter().enumerate() {
            assert_eq!(pool.stats().in_use_bytes(), 256, "{dropped} of {order:?}");
            let unique = handles[index].as_ref().is_some_and(Segment::is_unique);
            assert_eq!(unique, dropped == 2, "{dropped} of {order:?}");
            handles[index] = None;
        }
        assert_eq!(pool.stats().in_use_bytes(), 0, "{order:?}");
    }
    let mut only = pool.take(256);
    only.extend_from_slice(b"x");
    let only = only.freeze();
    let clone = only.clone();
    drop(only);
    assert!(clone.try_into_mut().is_ok(), "the clone is the only handle");
}
