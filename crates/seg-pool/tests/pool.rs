//! The pool: sizes, the limit, trimming, and what happens to segments across threads and ends.

use core::cell::RefCell;
use std::{
    collections::HashSet,
    sync::{Barrier, mpsc},
    thread,
};

use seg_pool::{
    Cause, OutOfMemory, Pool, SLAB_BYTES, Segment, SegmentMut, SegmentSize, Stats, TakeError,
};

/// Rounds in the tests with threads.
const ROUNDS: usize = if cfg!(miri) { 20 } else { 2_000 };

/// Segments that are more than a thread's magazines hold.
const MANY: usize = if cfg!(miri) { 80 } else { 500 };

// A scope's end does not wait for the thread-locals of its threads, but `join` does; so the tests
// that count afterwards join.

/// Takes default segments until the pool refuses.
fn drain(pool: &Pool) -> Vec<SegmentMut> {
    core::iter::from_fn(|| pool.try_take_size(pool.segment_size()).ok()).collect()
}

fn in_use(pool: &Pool) -> usize {
    pool.stats().in_use_bytes()
}

#[track_caller]
fn assert_balanced(stats: &Stats) {
    assert_eq!(stats.in_use_bytes() + stats.idle_bytes(), stats.held_bytes());
    assert!(stats.held_bytes() <= stats.held_bytes_peak());
    assert!(stats.held_bytes_peak() <= stats.bytes_max());
    assert_eq!(stats.held_bytes() % SLAB_BYTES, 0);
    for class in stats.classes() {
        assert!(class.idle() <= class.segments(), "{}", class.size());
        assert_eq!(class.in_use() + class.idle(), class.segments());
        assert_eq!(class.segments() % class.size().per_slab(), 0);
    }
}

/// Asserts that everything came back, here and in other threads' caches that have ended.
#[track_caller]
fn assert_all_back(pool: &Pool) {
    let stats = pool.stats();
    assert_balanced(&stats);
    assert_eq!(stats.in_use_bytes(), 0);
    let held = stats.held_bytes();
    assert_eq!(pool.trim(), held, "trim gives all of it back");
    assert_eq!(pool.stats().held_bytes(), 0);
}

#[test]
fn lengths_are_rounded_up_to_a_size() {
    let pool = Pool::new();
    let cases = [
        (0, 256),
        (1, 256),
        (255, 256),
        (256, 256),
        (257, 512),
        (1_000, 1_024),
        (1_025, 2_048),
        (9_000, 16_384),
        (32_769, 65_536),
        (65_536, 65_536),
    ];
    for (len, capacity) in cases {
        assert_eq!(pool.take(len).capacity(), capacity, "{len}");
        assert_eq!(SegmentSize::fitting(len).map(SegmentSize::bytes), Ok(capacity), "{len}");
    }
    assert_eq!(
        pool.try_take_size(pool.segment_size()).map(|segment| segment.capacity()),
        Ok(16_384)
    );
    assert_all_back(&pool);
}

#[test]
fn lengths_that_no_segment_holds_are_refused() {
    let pool = Pool::new();
    for len in [65_537, 1 << 20, (1 << 31) + 1, usize::MAX / 2 + 2, usize::MAX] {
        match pool.try_take(len) {
            Err(TakeError::Size(error)) => {
                assert_eq!(error.requested_bytes(), len);
                assert!(error.to_string().contains(&len.to_string()));
                let whole = TakeError::from(error);
                let source = core::error::Error::source(&whole).expect("the size error");
                assert!(!whole.to_string().contains(&source.to_string()), "{whole}: {source}");
            }
            other => panic!("{len}: {other:?}"),
        }
        assert!(SegmentSize::exact(len).is_err());
    }
    assert_eq!(pool.stats().held_bytes(), 0, "nothing was taken for them");
}

#[test]
fn exact_lengths_are_those_of_the_sizes() {
    let pool = Pool::new();
    for size in SegmentSize::ALL {
        let bytes = size.bytes();
        assert_eq!(SegmentSize::exact(bytes), Ok(size));
        assert_eq!(SegmentSize::try_from(bytes), Ok(size));
        assert_eq!(pool.take_size(size).capacity(), bytes);
        for len in [bytes - 1, bytes + 1] {
            assert_eq!(
                SegmentSize::try_from(len).map_err(|error| error.requested_bytes()),
                Err(len)
            );
        }
        assert_eq!(size.per_slab() * bytes, SLAB_BYTES);
    }
    assert!(SegmentSize::try_from(0).is_err());
    assert_eq!((SegmentSize::MIN.bytes(), SegmentSize::MAX.bytes()), (256, 65_536));
    assert_eq!(SegmentSize::default().bytes(), 16_384);
    assert!(SegmentSize::ALL.is_sorted());
    assert_eq!(SegmentSize::B512.to_string(), "512 B");
    assert_eq!(SegmentSize::K64.to_string(), "64 KiB");
}

#[test]
fn the_default_size_is_settable() {
    let pool = Pool::builder().segment_size(SegmentSize::B512).build();
    assert_eq!(pool.segment_size(), SegmentSize::B512);
    assert_eq!(pool.try_take_size(pool.segment_size()).map(|segment| segment.capacity()), Ok(512));
}

#[test]
fn the_limit_is_met_to_the_byte() {
    for slabs in [1, 2, 7, 8, 40] {
        let limit = slabs * SLAB_BYTES;
        let pool = Pool::builder().bytes_max(limit).build();
        assert_eq!(pool.bytes_max(), limit);
        let kept = drain(&pool);
        assert_eq!(kept.len(), slabs * 4, "{slabs} slabs");
        assert_eq!(pool.stats().held_bytes(), limit);
        let error = pool.try_take_size(pool.segment_size()).expect_err("it is drained");
        assert_eq!((error.requested_bytes(), error.bytes_max()), (16_384, limit));
        assert_eq!((error.available_bytes(), error.cause()), (0, Cause::Pool));
        let text = error.to_string();
        assert!(text.contains("16384") && text.contains(&limit.to_string()), "{text}");
        assert_eq!(pool.try_take(100).err(), Some(TakeError::OutOfMemory(expected(256, limit))));
        drop(kept);
        assert_eq!(drain(&pool).len(), slabs * 4, "{slabs} slabs, again");
        assert_all_back(&pool);
    }
}

/// The refusal of a drained pool with this limit.
fn expected(requested: usize, limit: usize) -> OutOfMemory {
    let pool = Pool::builder().bytes_max(limit).build();
    let _kept = drain(&pool);
    let size = SegmentSize::exact(requested).expect("a size");
    pool.try_take_size(size).expect_err("it is drained")
}

#[test]
fn an_error_of_io_says_whether_memory_was_missing() {
    use std::io::{Error, ErrorKind};
    let pool = Pool::builder().bytes_max(0).build();
    let kind = |len| Error::from(pool.try_take(len).expect_err("no limit lets it")).kind();
    assert_eq!((kind(100), kind(usize::MAX)), (ErrorKind::OutOfMemory, ErrorKind::InvalidInput));
    let error = Error::from(expected(256, SLAB_BYTES));
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(error.get_ref().is_some_and(|inside| inside.is::<OutOfMemory>()));
}

#[test]
fn a_limit_below_a_slab_gives_nothing() {
    for limit in [0, 1, 256, SLAB_BYTES - 1] {
        let pool = Pool::builder().bytes_max(limit).build();
        for size in SegmentSize::ALL {
            let error = pool.try_take_size(size).expect_err("no slab fits");
            assert_eq!((error.requested_bytes(), error.bytes_max()), (size.bytes(), limit));
        }
        assert_eq!((pool.stats().held_bytes(), pool.trim()), (0, 0));
    }
}

#[test]
fn a_limit_between_two_slabs_is_rounded_down() {
    let pool = Pool::builder().bytes_max(2 * SLAB_BYTES + 40_000).build();
    let kept = drain(&pool);
    assert_eq!(kept.len(), 8);
    assert_eq!(pool.stats().held_bytes(), 2 * SLAB_BYTES);
}

#[test]
fn a_refusal_names_less_than_was_asked_for() {
    // With 40,000 bytes that make no slab: they are not available.
    let pool = Pool::builder().bytes_max(2 * SLAB_BYTES + 40_000).build();
    let _kept = drain(&pool);
    let error = pool.try_take_size(pool.segment_size()).expect_err("it is drained");
    assert!(error.available_bytes() < error.requested_bytes(), "{error}");
}

#[test]
#[should_panic(expected = "pool exhausted: 16384 bytes requested")]
fn the_plain_take_panics_when_the_pool_is_exhausted() {
    let pool = Pool::builder().bytes_max(0).build();
    let _ = pool.take(16_384);
}

#[test]
#[should_panic(expected = "pool exhausted: 1024 bytes requested")]
fn the_plain_take_size_panics_when_the_limit_is_met() {
    let _ = Pool::builder().bytes_max(0).build().take_size(SegmentSize::K1);
}

#[test]
fn one_segment_given_back_can_be_taken_again_at_the_limit() {
    let pool = Pool::builder().bytes_max(4 * SLAB_BYTES).build();
    let mut kept = drain(&pool);
    for round in 0..ROUNDS {
        drop(kept.swap_remove(round % kept.len()));
        kept.push(pool.try_take_size(pool.segment_size()).expect("one is idle"));
        assert!(pool.try_take_size(pool.segment_size()).is_err());
    }
}

#[test]
fn memory_moves_between_sizes_under_a_limit() {
    const SLABS: usize = if cfg!(miri) { 1 } else { 16 };
    const ROUNDS: usize = if cfg!(miri) { 1 } else { 3 };
    // Under Miri some of each kind: many to a slab, some, and one.
    const SIZES: &[SegmentSize] = if cfg!(miri) {
        &[SegmentSize::K2, SegmentSize::K16, SegmentSize::K64, SegmentSize::K4]
    } else {
        &SegmentSize::ALL
    };
    let pool = Pool::builder().bytes_max(SLABS * SLAB_BYTES).build();
    for _ in 0..ROUNDS {
        for &size in SIZES {
            let kept: Vec<_> = core::iter::from_fn(|| pool.try_take_size(size).ok()).collect();
            assert_eq!(kept.len() * size.bytes(), SLABS * SLAB_BYTES, "{size}");
            assert!(pool.try_take_size(SegmentSize::MIN).is_err());
        }
    }
    assert_all_back(&pool);
}

#[test]
fn what_lies_between_threads_serves_another_size() {
    // Just large enough for magazines, of one segment each.
    let pool = Pool::builder().bytes_max(8 * SLAB_BYTES).build();
    let kept = drain(&pool);
    assert_eq!(kept.len(), 32);
    drop(kept);
    let kept: Vec<_> = (0..8).map_while(|_| pool.try_take(SLAB_BYTES).ok()).collect();
    assert_eq!(kept.len(), 8);
}

#[test]
fn a_slab_in_part_use_serves_its_own_size_only() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let small = pool.take(256);
    assert!(pool.try_take(512).is_err());
    let others: Vec<_> = core::iter::from_fn(|| pool.try_take(256).ok()).collect();
    assert_eq!(others.len(), 255);
    drop((small, others));
    assert!(pool.try_take(512).is_ok());
}

#[test]
fn segments_never_overlap() {
    let pool = Pool::new();
    let mut kept = Vec::new();
    for round in 0..MANY {
        let size = SegmentSize::ALL[round % 7];
        let mut segment = pool.try_take_size(size).expect("no limit");
        segment.spare_initialized_mut().fill(round.to_le_bytes()[0]);
        segment.advance_initialized(size.bytes());
        kept.push(segment);
        if round % 3 == 0 {
            kept.swap_remove(round / 2 % kept.len());
        }
    }
    let mut ranges: Vec<_> = kept.iter().map(|segment| segment.as_ptr_range()).collect();
    ranges.sort_by_key(|range| range.start);
    assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
    assert!(kept.iter().all(|segment| segment.iter().all(|&byte| byte == segment[0])));
}

#[test]
fn the_figures_balance_at_every_step() {
    let pool = Pool::new();
    let mut kept = Vec::new();
    for round in 0..MANY {
        kept.push(pool.take(300 * (round % 50)));
        if round % 5 == 4 {
            drop(kept.drain(..kept.len() / 2));
        }
        let stats = pool.stats();
        assert_balanced(&stats);
        let capacity: usize = kept.iter().map(|segment| segment.capacity()).sum();
        assert_eq!(stats.in_use_bytes(), capacity);
    }
    let takes: usize = pool.stats().classes().iter().map(|class| class.takes()).sum();
    assert_eq!(takes, MANY);
    drop(kept);
    assert_all_back(&pool);
}

#[test]
fn a_refused_take_is_one_miss() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let kept = pool.take(SLAB_BYTES);
    let misses = |pool: &Pool| pool.stats().classes().iter().map(|class| class.misses()).sum();
    let before: usize = misses(&pool);
    assert!(pool.try_take(SLAB_BYTES).is_err());
    assert_eq!(misses(&pool), before + 1);
    drop(kept);
}

#[test]
fn misses_are_few_in_the_steady_state() {
    let pool = Pool::new();
    for _ in 0..MANY {
        drop(pool.take(256));
    }
    let stats = pool.stats();
    assert_eq!((stats.classes()[0].takes(), stats.classes()[0].misses()), (MANY, 1));
    assert_eq!((stats.waits(), stats.bytes_max()), (0, usize::MAX));
}

#[test]
fn trim_keeps_what_is_in_use() {
    let pool = Pool::new();
    let mut kept: Vec<_> = (0..MANY).map(|_| pool.take(16_384)).collect();
    for segment in &mut kept {
        segment.extend_from_slice(b"kept");
    }
    let last = kept.pop().expect("many").freeze();
    let slice = last.slice(1..3);
    drop((kept, last));
    let held = pool.stats().held_bytes();
    assert_eq!(pool.trim(), held - SLAB_BYTES);
    assert_eq!(slice, b"ep");
    assert_eq!((in_use(&pool), pool.stats().held_bytes()), (16_384, SLAB_BYTES));
    assert_eq!(pool.trim(), 0);
    drop(slice);
    assert_all_back(&pool);
    assert_eq!(pool.stats().held_bytes_peak(), held);
}

#[test]
fn a_trimmed_pool_gives_again() {
    let pool = Pool::new();
    for _ in 0..10 {
        let kept: Vec<_> = (0..40).map(|_| pool.take(4_096)).collect();
        drop(kept);
        assert!(pool.trim() >= 3 * SLAB_BYTES);
    }
    assert_all_back(&pool);
}

#[test]
fn memory_that_is_needed_no_more_goes_back_over_time() {
    // So small that no thread caches and every take asks the pool's own list.
    let pool = Pool::builder().bytes_max(7 * SLAB_BYTES).build();
    drop(drain(&pool));
    assert_eq!(pool.stats().held_bytes(), 7 * SLAB_BYTES);
    for _ in 0..2_000 {
        drop(pool.take(16_384));
    }
    assert_eq!(pool.stats().held_bytes(), SLAB_BYTES);
    assert_all_back(&pool);
}

#[test]
fn a_segment_dropped_in_another_thread_comes_back() {
    let pool = Pool::builder().bytes_max(4 * SLAB_BYTES).build();
    let (send, receive) = mpsc::sync_channel::<Segment>(4);
    thread::scope(|scope| {
        let consumer = scope.spawn(move || {
            for segment in receive {
                assert_eq!(segment[0], segment[99]);
            }
        });
        for round in 0..ROUNDS {
            let mut segment = loop {
                match pool.try_take_size(pool.segment_size()) {
                    Ok(segment) => break segment,
                    Err(_) => thread::yield_now(),
                }
            };
            segment.extend_from_slice(&[round.to_le_bytes()[0]; 100]);
            assert!(send.send(segment.freeze()).is_ok());
        }
        drop(send);
        assert!(consumer.join().is_ok());
    });
    assert_all_back(&pool);
}

#[test]
fn a_producer_and_a_consumer_recycle_the_same_memory() {
    let pool = Pool::new();
    let (send, receive) = mpsc::sync_channel::<Vec<SegmentMut>>(1);
    thread::scope(|scope| {
        let consumer = scope.spawn(move || receive.into_iter().for_each(drop));
        for _ in 0..ROUNDS {
            let batch = (0..40).map(|_| pool.take(1_024)).collect();
            assert!(send.send(batch).is_ok());
        }
        drop(send);
        assert!(consumer.join().is_ok());
    });
    let most = pool.stats().held_bytes_peak();
    assert!(most <= 16 * SLAB_BYTES, "{most} bytes for 120 KiB in flight");
    assert_all_back(&pool);
}

#[test]
fn views_of_one_segment_may_be_dropped_by_many_threads_at_once() {
    let pool = Pool::new();
    let threads = 4;
    let barrier = Barrier::new(threads);
    for _ in 0..ROUNDS / 20 {
        let mut segment = pool.take(1_024);
        segment.extend_from_slice(&[3; 1_024]);
        let segment = segment.freeze();
        thread::scope(|scope| {
            let spawn = |view: Segment| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    let slice = view.slice(100..200);
                    drop(view);
                    assert_eq!(slice, [3; 100]);
                })
            };
            let workers: Vec<_> = (0..threads).map(|_| spawn(segment.clone())).collect();
            drop(segment);
            assert!(workers.into_iter().all(|worker| worker.join().is_ok()));
        });
        assert_eq!(in_use(&pool), 0);
    }
    assert_all_back(&pool);
}

#[test]
fn a_thread_that_ends_leaves_nothing_behind() {
    let pool = Pool::new();
    let kept = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let mut segments: Vec<_> = (0..MANY).map(|_| pool.take(512)).collect();
            segments.pop()
        });
        worker.join().expect("it ends")
    });
    assert_eq!(in_use(&pool), 512);
    assert_balanced(&pool.stats());
    drop(kept);
    assert_all_back(&pool);
}

#[test]
fn a_thread_local_may_drop_segments_when_its_thread_ends() {
    struct Kept(RefCell<Vec<SegmentMut>>, RefCell<Option<Pool>>);
    impl Drop for Kept {
        fn drop(&mut self) {
            self.0.take();
            // And takes some more, now that the thread keeps none any longer.
            if let Some(pool) = self.1.take() {
                let segments: Vec<_> = (0..70).map(|_| pool.take(1_024)).collect();
                assert_eq!(segments.len(), 70);
            }
        }
    }
    // One is registered before the pool's own thread-locals and one after them, so that one of
    // them is dropped after those.
    thread_local! {
        static EARLY: Kept = const { Kept(RefCell::new(Vec::new()), RefCell::new(None)) };
        static LATE: Kept = const { Kept(RefCell::new(Vec::new()), RefCell::new(None)) };
    }
    let pool = Pool::new();
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            EARLY.with(|kept| *kept.1.borrow_mut() = Some(pool.clone()));
            let mut segments: Vec<_> = (0..200).map(|_| pool.take(1_024)).collect();
            LATE.with(|kept| *kept.1.borrow_mut() = Some(pool.clone()));
            LATE.with(|kept| kept.0.borrow_mut().extend(segments.drain(..100)));
            EARLY.with(|kept| kept.0.borrow_mut().append(&mut segments));
        });
        assert!(worker.join().is_ok());
    });
    assert_all_back(&pool);
}

#[test]
fn segments_outlive_their_pool() {
    let pool = Pool::new();
    let clone = pool.clone();
    assert!(pool.is_same(&clone) && !pool.is_same(&Pool::new()));
    let mut exclusive = pool.take(256);
    let mut shared = clone.take(256);
    shared.extend_from_slice(b"shared");
    let shared = shared.freeze();
    drop(pool);
    assert!(clone.try_take(256).is_ok(), "one handle is enough");
    drop(clone);
    exclusive.extend_from_slice(b"late");
    let more = exclusive.split_to(2);
    assert_eq!((&*more, &*exclusive, &*shared), (&b"la"[..], &b"te"[..], &b"shared"[..]));
    drop(exclusive);
    let worker = thread::spawn(move || drop((more, shared)));
    assert!(worker.join().is_ok());
}

#[test]
fn a_pool_may_end_in_one_thread_and_its_segments_in_another() {
    for _ in 0..ROUNDS / 20 {
        let pool = Pool::new();
        let segments: Vec<_> = (0..90).map(|_| pool.take(2_048)).collect();
        thread::scope(|scope| {
            scope.spawn(move || drop(segments));
            scope.spawn(move || drop(pool));
        });
    }
    let pool = Pool::new();
    let segment = pool.take(256);
    drop(pool);
    assert_eq!(segment.capacity(), 256);
}

#[test]
fn a_clone_that_is_dropped_leaves_the_pool_as_it_was() {
    let pool = Pool::new();
    drop(pool.take(16_384));
    let before = pool.stats();
    for _ in 0..3 {
        drop(pool.clone());
    }
    drop(pool.take(16_384));
    let after = pool.stats();
    let misses = |stats: &Stats| stats.classes().iter().map(|class| class.misses()).sum::<usize>();
    assert_eq!((after.held_bytes(), misses(&after)), (before.held_bytes(), misses(&before)));
}

#[test]
fn what_one_thread_gave_another_takes_from_the_depot() {
    const SEGMENTS: usize = if cfg!(miri) { 128 } else { 512 };
    let pool = Pool::new();
    let misses = || pool.stats().classes().iter().map(|class| class.misses()).sum::<usize>();
    for round in 0..4 {
        let before = misses();
        let kept: Vec<_> = (0..SEGMENTS).map(|_| pool.take(16_384)).collect();
        // The thread lays full magazines down, and the rest comes back when it ends, which the end
        // of a scope would not wait for.
        thread::spawn(move || drop(kept)).join().expect("no panic");
        let most = if round == 0 { SEGMENTS } else { 3 };
        assert!(misses() - before <= most, "round {round}: {} misses", misses() - before);
    }
}

#[test]
fn pools_do_not_mix() {
    let pools: Vec<_> = (0..5).map(|_| Pool::new()).collect();
    let mut seen = HashSet::new();
    let mut kept: Vec<Vec<SegmentMut>> = pools.iter().map(|_| Vec::new()).collect();
    for round in 0..MANY {
        let index = round % pools.len();
        let mut segment = pools[index].take(256 << (round % 3));
        assert!(seen.insert(segment.spare_capacity_mut().as_mut_ptr()), "it is in use already");
        kept[index].push(segment);
    }
    for (pool, kept) in pools.iter().zip(&mut kept) {
        let bytes: usize = kept.iter().map(|segment| segment.capacity()).sum();
        assert_eq!(in_use(pool), bytes);
        kept.clear();
        assert_eq!(in_use(pool), 0);
    }
    pools.iter().for_each(assert_all_back);
}

#[test]
fn threads_share_one_limit() {
    let limit = 24 * SLAB_BYTES;
    let pool = Pool::builder().bytes_max(limit).build();
    let threads = 4;
    let (refused, given) = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let pool = &pool;
                scope.spawn(move || {
                    let (mut kept, mut refused, mut given) = (Vec::new(), 0, 0);
                    for round in 0..ROUNDS {
                        let size = SegmentSize::ALL[(round / 50 + worker) % 9];
                        match pool.try_take_size(size) {
                            Ok(segment) => {
                                given += 1;
                                kept.push(segment);
                            }
                            Err(error) => {
                                refused += 1;
                                assert_eq!(error.bytes_max(), limit);
                                kept.clear();
                            }
                        }
                        if round % 100 == 0 {
                            assert!(pool.stats().held_bytes() <= limit);
                        }
                    }
                    (refused, given)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("it ends")).fold(
            (0, 0),
            |(refused, given), (more_refused, more_given)| {
                (refused + more_refused, given + more_given)
            },
        )
    });
    assert_eq!(refused + given, threads * ROUNDS);
    assert!(given > 0);
    assert!(cfg!(miri) || refused > 0, "the limit was met");
    let stats = pool.stats();
    assert!(stats.held_bytes_peak() <= limit);
    let takes: usize = stats.classes().iter().map(|class| class.takes()).sum();
    assert_eq!(takes, given);
    assert_all_back(&pool);
}

#[test]
fn idle_threads_hide_at_most_a_quarter_of_the_limit() {
    let limit = 16 * SLAB_BYTES;
    let pool = Pool::builder().bytes_max(limit).build();
    let threads = 8;
    let (warm, done) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    thread::scope(|scope| {
        let idle = || {
            for size in SegmentSize::ALL {
                drop(pool.try_take_size(size));
            }
            warm.wait();
            done.wait();
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(idle)).collect();
        warm.wait();
        let kept: Vec<_> = core::iter::from_fn(|| pool.try_take(65_536).ok()).collect();
        done.wait();
        assert!(kept.len() >= 12, "{} of 16 slabs", kept.len());
        assert!(workers.into_iter().all(|worker| worker.join().is_ok()));
    });
    assert_all_back(&pool);
}

#[test]
fn a_refused_thread_gets_what_others_give_back_later() {
    let pool = Pool::builder().bytes_max(64 * SLAB_BYTES).build();
    let (send, receive) = mpsc::channel::<Vec<SegmentMut>>();
    thread::scope(|scope| {
        let giver = scope.spawn(move || {
            let kept = receive.recv().expect("the segments");
            drop(kept);
            // Lives on with whatever it caches.
            receive.recv().is_err()
        });
        let kept = drain(&pool);
        assert_eq!(kept.len(), 256);
        assert!(send.send(kept).is_ok());
        let mut kept = Vec::new();
        while kept.len() < 192 {
            match pool.try_take_size(pool.segment_size()) {
                Ok(segment) => kept.push(segment),
                Err(_) => thread::yield_now(),
            }
        }
        drop(send);
        assert!(giver.join().expect("it ends"));
    });
    assert_all_back(&pool);
}

#[test]
fn a_secret_is_gone_when_its_segment_is_taken_again() {
    let pool = Pool::builder().zero_on_drop(true).build();
    let mut segment = pool.take(1_024);
    segment.extend_from_slice(&[0x5e; 1_024]);
    let start = segment.as_ptr().addr();
    let view = segment.freeze().slice(1..2);
    drop(view);
    let mut again = pool.take(1_024);
    assert_eq!(again.spare_capacity_mut().as_mut_ptr().addr(), start);
    assert_eq!(again.spare_initialized_mut(), [0; 1_024]);
    drop(again);
    assert_all_back(&pool);
}

#[test]
fn the_global_pool_is_one() {
    assert!(Pool::global().is_same(Pool::global()));
    let other = thread::spawn(Pool::global).join().expect("it ends");
    assert!(Pool::global().is_same(other));
    assert_eq!(Pool::global().bytes_max(), usize::MAX);
    assert_eq!(Pool::global().segment_size(), SegmentSize::K16);
    assert_eq!(Pool::global().take(10).capacity(), 256);
}

#[test]
fn debug_shows_the_figures() {
    let pool = Pool::builder().bytes_max(1 << 20).build();
    let _segment = pool.take(16_384);
    let text = format!("{pool:?}");
    assert!(text.contains("held_bytes: 65536") && text.contains("in_use_bytes: 16384"), "{text}");
}

#[test]
fn a_segment_opens_a_pool_whose_last_handle_is_gone() {
    let pool = Pool::builder().zero_on_drop(true).build();
    let segment = pool.take(16_384);
    drop(pool);
    let pool = segment.pool().clone();
    drop(segment);
    assert_eq!(pool.stats().idle_bytes(), SLAB_BYTES, "an open pool keeps what comes back");
    let misses = |pool: &Pool| pool.stats().classes()[SegmentSize::K16 as usize].misses();
    drop(pool.take(16_384));
    let before = misses(&pool);
    for _ in 0..3 {
        let mut segment = pool.take(16_384);
        assert!(segment.spare_initialized_mut().iter().all(|&byte| byte == 0), "it was zeroed");
        segment.extend_from_slice(b"secret");
    }
    assert_eq!(misses(&pool), before, "threads cache again");
    assert_eq!(pool.trim(), SLAB_BYTES);
}

#[test]
fn refused_takes_are_counted_by_size() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let whole = pool.take(SLAB_BYTES);
    for _ in 0..3 {
        assert!(pool.try_take(1_000).is_err());
    }
    assert!(pool.try_take_size(SegmentSize::K4).is_err());
    let stats = pool.stats();
    assert_eq!(stats.refused(), 4);
    let by_size = |size| stats.classes()[size as usize].refused();
    assert_eq!((by_size(SegmentSize::K1), by_size(SegmentSize::K4)), (3, 1));
    assert_eq!(by_size(SegmentSize::K64), 0);
    drop(whole);
    drop(pool.take(1_000));
    assert_eq!(pool.stats().refused(), 4);
}

#[test]
fn settings_can_be_read() {
    let pool = Pool::builder()
        .bytes_max(1 << 20)
        .segment_size(SegmentSize::K8)
        .thread_cache_bytes_max(1 << 16)
        .zero_on_drop(true)
        .build();
    assert_eq!((pool.bytes_max(), pool.segment_size()), (1 << 20, SegmentSize::K8));
    assert_eq!((pool.thread_cache_bytes_max(), pool.zero_on_drop()), (1 << 16, true));
}

#[test]
fn what_is_in_use_between_two_calls_is_not_idle() {
    let pool = Pool::new();
    let held = pool.take(SLAB_BYTES);
    drop(pool.take(SLAB_BYTES));
    assert_eq!(pool.stats().held_bytes(), 2 * SLAB_BYTES);
    assert_eq!(pool.trim_idle(), 0);
    // Both at once, for a moment.
    drop(pool.take(SLAB_BYTES));
    assert_eq!(pool.trim_idle(), 0, "the slab was in use meanwhile");
    assert_eq!(pool.trim_idle(), SLAB_BYTES);
    drop(held);
    assert_eq!(pool.trim_idle(), 0);
    assert_eq!(pool.trim_idle(), SLAB_BYTES);
    assert_eq!((pool.stats().held_bytes(), pool.trim_idle()), (0, 0));
}

#[test]
fn memory_in_other_threads_caches_goes_back_at_their_next_visit() {
    const THREADS: usize = 4;
    let pool = Pool::new();
    let (filled, trimmed) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    thread::scope(|scope| {
        let visitors = [(); THREADS].map(|()| {
            scope.spawn(|| {
                // Two sizes, one of which this thread does not use again.
                drop((0..8).map(|_| pool.take(SLAB_BYTES)).collect::<Vec<_>>());
                drop((0..8).map(|_| pool.take(16_384)).collect::<Vec<_>>());
                filled.wait();
                trimmed.wait();
                // One visit gives everything back; what it takes and drops itself it keeps.
                drop(pool.take(256));
                drop(pool.take(16_384));
                filled.wait();
                trimmed.wait();
            })
        });
        filled.wait();
        let cached = pool.stats().held_bytes();
        let early = [pool.trim_idle(), pool.trim_idle()];
        trimmed.wait();
        filled.wait();
        pool.trim_idle();
        let late = pool.trim_idle();
        let left = pool.stats();
        trimmed.wait();
        // Only here, as a panic while the others wait would never end.
        visitors.into_iter().for_each(|visitor| visitor.join().expect("no panic"));
        assert!(cached >= THREADS * 10 * SLAB_BYTES, "{cached}");
        assert_eq!(early, [0, 0], "it lies in the threads' caches");
        assert!(late >= THREADS * 8 * SLAB_BYTES, "the visits gave back only {late}");
        assert_eq!(left.classes()[SegmentSize::K64 as usize].idle(), 0);
        // Two slabs a thread for each size that it used again, as a batch may come from two.
        assert!(left.held_bytes() <= 4 * THREADS * SLAB_BYTES, "{} of {cached}", left.held_bytes());
    });
    pool.trim();
    assert_eq!((pool.stats().held_bytes(), pool.stats().metadata_bytes()), (0, 0));
}

#[test]
fn a_thread_caches_no_more_than_its_limit() {
    const COUNT: usize = if cfg!(miri) { 40 } else { 100 };
    for max in [0, 64 << 10, 1 << 20] {
        let pool = Pool::builder().thread_cache_bytes_max(max).build();
        thread::scope(|scope| {
            let filling = scope.spawn(|| {
                for size in SegmentSize::ALL {
                    drop((0..COUNT).map(|_| pool.take_size(size)).collect::<Vec<_>>());
                }
                // What lies in depots goes back with this; the thread's own cache goes, too.
                let before = pool.stats().idle_bytes();
                assert!(before > max);
                pool.trim();
                for size in SegmentSize::ALL {
                    drop((0..COUNT).map(|_| pool.take_size(size)).collect::<Vec<_>>());
                }
                // Another thread trims: only this one's cache is left.
                thread::scope(|scope| scope.spawn(|| pool.trim()).join().expect("no panic"));
                // One segment keeps a slab of 64 KiB; so the slabs say more than the segments.
                let stats = pool.stats();
                let whole = stats.classes()[SegmentSize::K64 as usize];
                assert!(whole.idle() * SLAB_BYTES <= max, "{whole:?}");
            });
            filling.join().expect("no panic");
        });
    }
}

#[test]
fn metadata_is_counted_beside_the_payload() {
    let pool = Pool::new();
    assert_eq!(pool.stats().metadata_bytes(), 0);
    let held: Vec<_> = (0..256).map(|_| pool.take(256)).collect();
    let stats = pool.stats();
    assert_eq!(stats.held_bytes(), SLAB_BYTES);
    // A run of pages for the headers, this thread's cache and its two magazines.
    assert!((SLAB_BYTES..SLAB_BYTES + 4_096).contains(&stats.metadata_bytes()), "{stats:?}");
    drop(held);
    pool.trim();
    assert_eq!(pool.stats().metadata_bytes(), 0);
}
