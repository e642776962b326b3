//! Interleavings of the production types under loom: `cargo xtask loom seg-pool`.
//!
//! Loom sees atomics, locks, thread-locals and each segment's witness cell, which is read with the
//! payload and written when a segment is taken: a reuse that does not happen after the last read
//! is reported as a race. Each model asserts that the branch it is there for was reached.
#![cfg(seg_loom)]

#[path = "harness/explore.rs"]
mod explore;

use core::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use std::panic::catch_unwind;

use explore::{LATE, explore, while_others_run};
use loom::{sync::mpsc, thread};
use seg_pool::{Budget, Pool, SLAB_BYTES, Segment, SegmentMut, Take};

/// One segment fills the pool.
fn pool_of_one() -> Pool {
    Pool::builder().bytes_max(SLAB_BYTES).build()
}

fn take(pool: &Pool) -> Option<SegmentMut> {
    pool.try_take(SLAB_BYTES).ok()
}

#[test]
fn a_segment_given_back_has_one_owner() {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    explore(&TAKEN, || {
        let pool = pool_of_one();
        let mut segment = take(&pool).expect("the first");
        segment.extend_from_slice(b"one");
        let giver = thread::spawn(move || {
            assert_eq!(segment, b"one");
            drop(segment);
        });
        while_others_run();
        if let Some(mut segment) = take(&pool) {
            TAKEN.fetch_add(1, Relaxed);
            segment.extend_from_slice(b"two");
            assert_eq!(segment, b"two");
        }
        giver.join().unwrap();
    });
}

#[test]
fn a_reuse_happens_after_the_last_reader_is_gone() {
    static REUSED: AtomicUsize = AtomicUsize::new(0);
    explore(&REUSED, || {
        let pool = pool_of_one();
        let mut segment = take(&pool).expect("the first");
        segment.extend_from_slice(b"shared");
        let segment = segment.freeze();
        let other = segment.clone();
        let reader = thread::spawn(move || assert_eq!(other, b"shared"));
        while_others_run();
        assert_eq!(segment, b"shared");
        drop(segment);
        if let Some(segment) = take(&pool) {
            REUSED.fetch_add(1, Relaxed);
            assert!(segment.is_empty());
        }
        reader.join().unwrap();
    });
}

#[test]
fn a_reuse_waits_for_views_and_not_for_spare_references() {
    static REUSED: AtomicUsize = AtomicUsize::new(0);
    explore(&REUSED, || {
        let pool = pool_of_one();
        let mut segment = take(&pool).expect("the first");
        segment.extend_from_slice(b"onetwothree");
        // The first split counts a reference more, which the second one uses.
        let splits = if LATE.load(Relaxed) { 2 } else { 1 };
        let views: Vec<_> = (0..splits).map(|_| segment.split_to(3).freeze()).collect();
        let reader = thread::spawn(move || {
            assert!(views[0] == b"one" && views.len() == splits);
            // Two views become one with a spare reference.
            Segment::drop_all(views);
        });
        while_others_run();
        drop(segment);
        if let Some(segment) = take(&pool) {
            REUSED.fetch_add(1, Relaxed);
            drop(segment);
        }
        reader.join().unwrap();
        assert!(take(&pool).is_some(), "a reference was left");
    });
}

#[test]
fn a_split_of_the_only_view_comes_after_the_reads_of_the_others() {
    static SPLIT: AtomicUsize = AtomicUsize::new(0);
    explore(&SPLIT, || {
        let pool = pool_of_one();
        let mut segment = take(&pool).expect("the first");
        segment.extend_from_slice(b"onetwothree");
        let mut segment = segment.freeze();
        let other = segment.clone();
        let reader = thread::spawn(move || assert_eq!(other, b"onetwothree"));
        while_others_run();
        // Where the reader is done, this counts without an atomic addition.
        drop(segment.split_to(3));
        drop(segment);
        if let Some(segment) = take(&pool) {
            SPLIT.fetch_add(1, Relaxed);
            drop(segment);
        }
        reader.join().unwrap();
        assert!(take(&pool).is_some(), "a reference was left");
    });
}

#[test]
fn views_that_come_together_leave_no_reference() {
    static JOINED: AtomicUsize = AtomicUsize::new(0);
    explore(&JOINED, || {
        let pool = pool_of_one();
        let mut segment = take(&pool).expect("the first");
        segment.extend_from_slice(b"onetwothree");
        let mut rest = segment.freeze();
        let mut front = rest.split_to(3);
        let middle = rest.split_to(3);
        let other = thread::spawn(move || drop(rest));
        while_others_run();
        front.unsplit(middle).expect("the next part");
        // One of them has spare references of its own.
        let views = [front.split_to(1), front.split_to(1), front];
        Segment::drop_all(views);
        if let Some(segment) = take(&pool) {
            JOINED.fetch_add(1, Relaxed);
            drop(segment);
        }
        other.join().unwrap();
        assert!(take(&pool).is_some(), "a reference was left");
    });
}

#[test]
fn only_one_of_two_views_becomes_exclusive() {
    static EXCLUSIVE: AtomicUsize = AtomicUsize::new(0);
    explore(&EXCLUSIVE, || {
        let pool = pool_of_one();
        let mut segment = take(&pool).expect("the first");
        segment.extend_from_slice(b"shared");
        let segment = segment.freeze();
        let other = segment.clone();
        let thread = thread::spawn(move || other.try_into_mut().is_ok());
        while_others_run();
        let here = segment.try_into_mut().is_ok();
        let there = thread.join().unwrap();
        assert!(!(here && there));
        if here || there {
            EXCLUSIVE.fetch_add(1, Relaxed);
        }
    });
}

#[test]
fn a_magazine_moves_from_thread_to_thread() {
    static MOVED: AtomicUsize = AtomicUsize::new(0);
    explore(&MOVED, || {
        // Without a limit, so that threads keep magazines: of one segment in a model.
        let pool = Pool::new();
        let segments: Vec<_> = (0..3).map(|_| pool.take(SLAB_BYTES)).collect();
        let addresses: Vec<_> = segments.iter().map(|segment| segment.as_ptr().addr()).collect();
        let giver = thread::spawn(move || drop(segments));
        while_others_run();
        let taken = pool.take(SLAB_BYTES);
        if addresses.contains(&taken.as_ptr().addr()) {
            MOVED.fetch_add(1, Relaxed);
        }
        giver.join().unwrap();
        drop(taken);
        assert_eq!(pool.stats().in_use_bytes(), 0);
    });
}

#[test]
fn a_thread_that_ends_gives_up_what_it_cached() {
    static FOUND: AtomicUsize = AtomicUsize::new(0);
    explore(&FOUND, || {
        let pool = Pool::new();
        let other = pool.clone();
        let worker = thread::spawn(move || {
            let segment = other.take(SLAB_BYTES);
            let address = segment.as_ptr().addr();
            drop(segment);
            address
        });
        while_others_run();
        let early = pool.take(SLAB_BYTES).as_ptr().addr();
        let address = worker.join().unwrap();
        if early == address {
            FOUND.fetch_add(1, Relaxed);
        }
        assert_eq!(pool.stats().in_use_bytes(), 0);
    });
}

#[test]
fn a_recalled_cache_gives_back_what_it_keeps_and_counts_it_once() {
    static RECALLED: AtomicUsize = AtomicUsize::new(0);
    explore(&RECALLED, || {
        let pool = Pool::new();
        let other = pool.clone();
        let worker = thread::spawn(move || {
            drop(other.take(SLAB_BYTES));
            // The visit: a cache that was recalled before it gives all back, and keeps this one.
            drop(other.take(SLAB_BYTES));
            let idle = other.stats().idle_bytes();
            assert_eq!(idle, other.stats().held_bytes(), "each segment is counted once");
        });
        while_others_run();
        pool.trim_idle();
        if pool.stats().held_bytes() > 0 && pool.trim_idle() > 0 {
            RECALLED.fetch_add(1, Relaxed);
        }
        worker.join().unwrap();
        assert_eq!(pool.stats().in_use_bytes(), 0);
    });
}

#[test]
fn a_pool_that_ends_while_a_segment_comes_back_frees_it() {
    static LATE: AtomicUsize = AtomicUsize::new(0);
    explore(&LATE, || {
        let pool = Pool::new();
        let segment = pool.take(SLAB_BYTES);
        let (send, receive) = mpsc::channel();
        let giver = thread::spawn(move || {
            drop(segment);
            send.send(()).unwrap();
        });
        while_others_run();
        drop(pool);
        if receive.try_recv().is_err() {
            LATE.fetch_add(1, Relaxed);
        }
        giver.join().unwrap();
    });
}

#[test]
fn the_limit_holds_when_two_threads_take() {
    static REFUSED: AtomicUsize = AtomicUsize::new(0);
    explore(&REFUSED, || {
        let pool = pool_of_one();
        let other = pool.clone();
        let thread = thread::spawn(move || take(&other).map(|segment| segment.as_ptr().addr()));
        while_others_run();
        let here = take(&pool);
        assert!(pool.stats().held_bytes() <= SLAB_BYTES);
        let there = thread.join().unwrap();
        assert!(here.is_some() || there.is_some());
        if here.is_none() || there.is_none() {
            REFUSED.fetch_add(1, Relaxed);
        }
    });
}

#[test]
fn a_waker_may_drop_segments_while_a_magazine_is_exchanged() {
    use core::{future::Future, pin::Pin, task};
    use std::{sync, task::Wake};

    static WOKEN: AtomicUsize = AtomicUsize::new(0);
    /// Drops its segments when it wakes: on the thread, and at the moment, that serves a waiter.
    struct Stash(sync::Mutex<Vec<SegmentMut>>);
    impl Wake for Stash {
        fn wake(self: sync::Arc<Self>) {
            WOKEN.fetch_add(1, Relaxed);
            let segments = core::mem::take(&mut *self.0.lock().unwrap());
            drop(segments);
        }
    }
    explore(&WOKEN, || {
        // Just large enough for one thread to keep magazines, of one segment.
        let pool = Pool::builder().bytes_max(8 * SLAB_BYTES).build();
        let mut kept: Vec<SegmentMut> = (0..8).map(|_| pool.take(SLAB_BYTES)).collect();
        let stash = sync::Arc::new(Stash(sync::Mutex::new(kept.split_off(6))));
        // Fills both magazines, so that the next one is exchanged.
        kept.truncate(4);
        let waker = task::Waker::from(sync::Arc::clone(&stash));
        let other = pool.clone();
        let worker = thread::spawn(move || {
            let mut take = other.take_async(SLAB_BYTES);
            let _ = Pin::new(&mut take).poll(&mut task::Context::from_waker(&waker));
            drop(take);
        });
        while_others_run();
        drop(kept.pop());
        worker.join().unwrap();
        drop((stash, kept));
        assert_eq!(pool.stats().in_use_bytes(), 0);
    });
}

/// Remembers that it was woken.
#[derive(Default)]
struct Flag(AtomicUsize);

impl std::task::Wake for Flag {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Polls once; `None` when it waits.
fn poll(take: &mut Take<'_>, flag: &std::sync::Arc<Flag>) -> Option<SegmentMut> {
    let waker = std::task::Waker::from(std::sync::Arc::clone(flag));
    match core::pin::Pin::new(take).poll(&mut core::task::Context::from_waker(&waker)) {
        core::task::Poll::Ready(segment) => Some(segment.expect("it waits")),
        core::task::Poll::Pending => None,
    }
}

#[test]
fn a_waiter_is_never_lost() {
    static WAITED: AtomicUsize = AtomicUsize::new(0);
    explore(&WAITED, || {
        let pool = pool_of_one();
        let segment = take(&pool).expect("the first");
        let giver = thread::spawn(move || drop(segment));
        let flag = std::sync::Arc::default();
        while_others_run();
        let mut wait = pool.take_async(SLAB_BYTES);
        let at_once = poll(&mut wait, &flag);
        giver.join().unwrap();
        if at_once.is_none() {
            WAITED.fetch_add(1, Relaxed);
            assert_eq!(flag.0.load(Relaxed), 1, "the segment came back and nobody was woken");
            assert!(poll(&mut wait, &flag).is_some());
        }
    });
}

#[test]
fn a_waiter_gets_what_went_to_the_depot() {
    static WAITED: AtomicUsize = AtomicUsize::new(0);
    explore(&WAITED, || {
        // Just large enough for one thread to keep magazines, of one segment.
        let pool = Pool::builder().bytes_max(8 * SLAB_BYTES).build();
        let other = pool.clone();
        let giver = thread::spawn(move || {
            let mut kept: Vec<_> = (0..8).filter_map(|_| take(&other)).collect();
            // Two fill the magazines; with the third one of them goes to the depot.
            kept.truncate(kept.len() - 3);
            kept
        });
        let flag = std::sync::Arc::default();
        while_others_run();
        let mut wait = pool.take_async(SLAB_BYTES);
        let at_once = poll(&mut wait, &flag);
        let kept = giver.join().unwrap();
        if at_once.is_none() {
            WAITED.fetch_add(1, Relaxed);
            assert_eq!(flag.0.load(Relaxed), 1, "a magazine came and nobody was woken");
            assert!(poll(&mut wait, &flag).is_some());
        }
        drop(kept);
    });
}

#[test]
fn a_waiter_that_gives_up_passes_its_segment_on() {
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    explore(&PASSED, || {
        let pool = pool_of_one();
        let segment = take(&pool).expect("the first");
        let flags: [std::sync::Arc<Flag>; 2] = Default::default();
        let (mut first, mut second) = (pool.take_async(SLAB_BYTES), pool.take_async(SLAB_BYTES));
        assert!(poll(&mut first, &flags[0]).is_none() && poll(&mut second, &flags[1]).is_none());
        let giver = thread::spawn(move || drop(segment));
        while_others_run();
        drop(first);
        giver.join().unwrap();
        if flags[0].0.load(Relaxed) > 0 {
            PASSED.fetch_add(1, Relaxed);
        }
        assert_eq!(flags[1].0.load(Relaxed), 1);
        assert!(poll(&mut second, &flags[1]).is_some());
    });
}

#[test]
fn a_budget_is_never_over_its_cap() {
    static REFUSED: AtomicUsize = AtomicUsize::new(0);
    explore(&REFUSED, || {
        let pool = Pool::new();
        let budget = Budget::new(&pool, SLAB_BYTES);
        let other = budget.clone();
        let thread = thread::spawn(move || {
            let taken = take(other.pool());
            assert!(other.used_bytes() <= SLAB_BYTES);
            taken.is_some()
        });
        while_others_run();
        let here = take(budget.pool());
        assert!(budget.used_bytes() <= SLAB_BYTES);
        if here.is_none() {
            REFUSED.fetch_add(1, Relaxed);
        }
        drop(here);
        thread.join().unwrap();
        assert_eq!((budget.used_bytes(), budget.used_bytes_peak()), (0, SLAB_BYTES));
    });
}

#[test]
fn a_view_that_leads_to_its_account_keeps_it_from_the_next_owner() {
    static CHARGED: AtomicUsize = AtomicUsize::new(0);
    explore(&CHARGED, || {
        let pool = pool_of_one();
        let budget = Budget::new(&pool, SLAB_BYTES);
        let mut segment = take(budget.pool()).expect("the first");
        segment.extend_from_slice(b"shared");
        let segment = segment.freeze();
        let other = segment.clone();
        let reader = thread::spawn(move || {
            let reached = other.pool().expect("a pooled view").clone();
            drop(other);
            drop(reached);
        });
        while_others_run();
        drop(segment);
        // The next owner writes where the view read its account.
        if let Some(segment) = take(budget.pool()) {
            CHARGED.fetch_add(1, Relaxed);
            drop(segment);
        }
        reader.join().unwrap();
        assert_eq!(budget.used_bytes(), 0);
    });
}

#[test]
fn who_waits_for_a_budget_is_never_lost() {
    static WAITED: AtomicUsize = AtomicUsize::new(0);
    explore(&WAITED, || {
        let pool = Pool::new();
        let budget = Budget::new(&pool, SLAB_BYTES);
        let segment = take(budget.pool()).expect("the first");
        let giver = thread::spawn(move || drop(segment));
        let flag = std::sync::Arc::default();
        while_others_run();
        let mut wait = budget.pool().take_async(SLAB_BYTES);
        let at_once = poll(&mut wait, &flag);
        giver.join().unwrap();
        if at_once.is_none() {
            WAITED.fetch_add(1, Relaxed);
            assert_eq!(flag.0.load(Relaxed), 1, "the account was lowered and nobody was woken");
            assert!(poll(&mut wait, &flag).is_some());
        }
    });
}

#[test]
fn a_budget_that_waits_gets_what_another_gave_back() {
    static WAITED: AtomicUsize = AtomicUsize::new(0);
    explore(&WAITED, || {
        let pool = pool_of_one();
        let [first, second] = [(); 2].map(|()| Budget::new(&pool, SLAB_BYTES));
        let segment = take(first.pool()).expect("the first");
        let giver = thread::spawn(move || drop(segment));
        let flag = std::sync::Arc::default();
        while_others_run();
        let mut wait = second.pool().take_async(SLAB_BYTES);
        let at_once = poll(&mut wait, &flag);
        giver.join().unwrap();
        if at_once.is_none() {
            WAITED.fetch_add(1, Relaxed);
            assert_eq!(flag.0.load(Relaxed), 1, "memory came back and nobody was woken");
            let taken = poll(&mut wait, &flag);
            assert!(taken.is_some());
            assert_eq!((first.used_bytes(), second.used_bytes()), (0, SLAB_BYTES));
        }
    });
}

#[test]
fn a_count_that_would_overflow_ends_the_process() {
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    explore(&ENDED, || {
        let pool = pool_of_one();
        let mut segment = take(&pool).expect("the first");
        segment.extend_from_slice(b"shared");
        let segment = segment.freeze();
        let other = segment.clone();
        // Both may count up by one; together they would pass the edge.
        segment.pretend_handles(isize::MAX as usize - 2);
        let clone = |segment: &Segment| {
            // What ends the process is a panic in a model.
            catch_unwind(AssertUnwindSafe(|| segment.clone())).ok()
        };
        let thread = thread::spawn(move || (clone(&other), other));
        while_others_run();
        let here = clone(&segment);
        let (there, other) = thread.join().unwrap();
        let ended = usize::from(here.is_none()) + usize::from(there.is_none());
        assert_eq!(ended, 1, "one count passed the edge");
        ENDED.fetch_add(1, Relaxed);
        // The two of the model, and the copy that was made, are left.
        segment.pretend_handles((isize::MAX as usize - 1).wrapping_neg());
        drop((here, there, other));
        assert!(segment.is_unique());
    });
}
