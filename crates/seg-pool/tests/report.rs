//! Who holds what, with the feature `report`.

use std::thread;

use seg_pool::{Budget, Pool, Segment, SegmentSize};

fn filled(pool: &Pool, len: usize) -> seg_pool::SegmentMut {
    let mut buffer = pool.take(16_384);
    buffer.extend_from_slice(&vec![7; len]);
    buffer
}

/// Viewed bytes and views of the only segment in use.
fn only(pool: &Pool) -> (usize, usize) {
    let report = pool.report();
    let [segment] = report.segments() else { panic!("{report}") };
    assert_eq!((report.held_bytes(), report.viewed_bytes()), (16_384, segment.viewed_bytes()));
    (segment.viewed_bytes(), segment.views())
}

#[test]
fn an_idle_pool_holds_nothing() {
    let pool = Pool::new();
    assert!(pool.report().segments().is_empty());
    drop(filled(&pool, 10));
    assert!(pool.report().segments().is_empty());
    assert_eq!(pool.report().to_string().lines().count(), 1);
}

#[test]
fn a_segment_names_the_line_that_took_it() {
    let pool = Pool::new();
    let budget = Budget::new(&pool, 1 << 20);
    let (by_take, by_take_line) = (pool.take(1), line!());
    let (by_try, by_try_line) = (pool.try_take_size(SegmentSize::K4), line!());
    let (on_budget, on_budget_line) =
        (budget.pool().try_take_size(budget.pool().segment_size()), line!());
    let report = pool.report();
    let mut lines: Vec<_> = report.segments().iter().map(|held| held.origin().line()).collect();
    lines.sort_unstable();
    assert_eq!(lines, [by_take_line, by_try_line, on_budget_line]);
    assert!(report.segments().iter().all(|held| held.origin().file().ends_with("report.rs")));
    let text = report.to_string();
    assert!(text.contains(&format!("report.rs:{by_try_line}:")), "{text}");
    drop((by_take, by_try, on_budget));
}

#[test]
fn the_oldest_comes_first() {
    let pool = Pool::new();
    let held: Vec<_> = [256, 1_024, 4_096].map(|size| pool.take(size)).into();
    let report = pool.report();
    let sizes: Vec<_> = report.segments().iter().map(|held| held.held_bytes()).collect();
    assert_eq!(sizes, [256, 1_024, 4_096]);
    assert!(report.segments().is_sorted_by(|one, next| one.age() >= next.age()));
    drop(held);
}

#[test]
fn views_are_counted_with_their_lengths_through_every_operation() {
    let pool = Pool::new();
    let mut buffer = filled(&pool, 100);
    assert_eq!(only(&pool), (100, 1));
    let front = buffer.split_to(30);
    assert_eq!(only(&pool), (100, 2));
    let mut back = buffer.split_off(50);
    assert_eq!(only(&pool), (100, 3));
    buffer.unsplit(back.split_off(0)).expect("neighbours");
    drop(back);
    assert_eq!(only(&pool), (100, 2));
    buffer.truncate(40);
    assert_eq!(only(&pool), (70, 2));
    let mut rest = buffer.freeze();
    let slice = rest.slice(5..15);
    assert_eq!(only(&pool), (80, 3));
    let tail = rest.split_off(35);
    rest.truncate(20);
    assert_eq!(only(&pool), (30 + 20 + 10 + 5, 4));
    let copy = rest.clone();
    assert_eq!(only(&pool), (85, 5));
    let bytes = bytes::Bytes::from(copy);
    assert_eq!(only(&pool), (85, 5));
    drop((front, slice, tail, bytes));
    assert_eq!(only(&pool), (20, 1));
    let exclusive = rest.try_into_mut().expect("the only view");
    assert_eq!(only(&pool), (20, 1));
    drop(exclusive);
    assert!(pool.report().segments().is_empty());
}

#[test]
fn views_that_come_together_are_counted_as_one() {
    let pool = Pool::new();
    let mut segment = filled(&pool, 100).freeze();
    let mut front = segment.split_to(10);
    let shared = segment.share(5..25);
    assert_eq!(only(&pool), (120, 3));
    front.unsplit(segment.split_to(30)).expect("neighbours");
    assert_eq!(only(&pool), (120, 3));
    front.unsplit(segment).expect("neighbours");
    assert_eq!(only(&pool), (120, 2));
    Segment::drop_all([front.split_to(50), shared, front.share(0..1)]);
    assert_eq!(only(&pool), (50, 1));
    Segment::drop_all([front]);
    assert!(pool.report().segments().is_empty());
}

#[test]
fn views_that_overlap_count_up_to_the_size() {
    let pool = Pool::new();
    let segment = filled(&pool, 16_384).freeze();
    let copies: Vec<Segment> = (0..9).map(|_| segment.clone()).collect();
    assert_eq!(only(&pool), (16_384, 10));
    drop(copies);
    assert_eq!(only(&pool), (16_384, 1));
}

#[test]
fn segments_of_full_slabs_and_of_other_threads_are_seen() {
    let pool = Pool::new();
    let count = if cfg!(miri) { 20 } else { 300 };
    let here: Vec<_> = (0..count).map(|_| pool.take(4_096)).collect();
    let other = pool.clone();
    let there = thread::spawn(move || (0..count).map(|_| other.take(65_536)).collect::<Vec<_>>());
    let there = there.join().expect("no panic");
    assert_eq!(pool.report().segments().len(), 2 * count);
    drop((here, there));
    assert!(pool.report().segments().is_empty());
    pool.trim();
    assert!(pool.report().segments().is_empty());
}
