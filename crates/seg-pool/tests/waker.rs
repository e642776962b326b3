//! Wakers are other people's code: they may use the pool themselves, whenever they run or end.
#![expect(unsafe_code, reason = "makes a waker from its table")]

use core::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::{
    panic::catch_unwind,
    sync::{Arc, Mutex, mpsc},
    task::Wake,
    thread,
};

use seg_pool::{Budget, Pool, SLAB_BYTES, SegmentMut, Take, TakeError};

/// Longer than anything here takes; only a deadlock does.
const PATIENCE: Duration = Duration::from_secs(if cfg!(miri) { 600 } else { 5 });

/// Counts its wake-ups, and does something at each.
struct Act<F>(AtomicUsize, F);

impl<F: Fn() + Send + Sync + 'static> Act<F> {
    fn new(act: F) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(0), act))
    }
}

impl<F: Fn() + Send + Sync + 'static> Wake for Act<F> {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
        (self.1)();
    }
}

/// Owns a segment, as a task owns a future that owns one.
struct Owner(#[expect(dead_code, reason = "owned for its drop")] Mutex<SegmentMut>);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

impl Owner {
    fn waker(segment: SegmentMut) -> Waker {
        Waker::from(Arc::new(Self(Mutex::new(segment))))
    }
}

fn poll(take: &mut Take<'_>, waker: &Waker) -> Poll<Result<SegmentMut, TakeError>> {
    Pin::new(take).poll(&mut Context::from_waker(waker))
}

/// Takes all that a pool has.
fn drain(pool: &Pool) -> Vec<SegmentMut> {
    core::iter::from_fn(|| pool.try_take_size(pool.segment_size()).ok()).collect()
}

/// Runs `action` in a thread of its own and asserts that it comes to its end.
#[track_caller]
fn assert_ends(action: impl FnOnce() + Send + 'static) {
    let (send, ended) = mpsc::channel();
    let worker = thread::spawn(move || {
        action();
        assert!(send.send(()).is_ok());
    });
    match ended.recv_timeout(PATIENCE) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it waits for itself"),
        _ => assert!(worker.join().is_ok()),
    }
}

#[test]
fn a_waker_may_take_and_drop_segments_of_the_same_pool() {
    assert_ends(|| {
        let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
        let mut kept = drain(&pool);
        let inner = pool.clone();
        let act = Act::new(move || drop(inner.try_take_size(inner.segment_size())));
        let mut take = pool.take_async(16_384);
        assert!(poll(&mut take, &Waker::from(Arc::clone(&act))).is_pending());
        drop(kept.split_off(2));
        assert_eq!(act.0.load(SeqCst), 1);
        assert!(poll(&mut take, Waker::noop()).is_ready());
        drop(kept);
        assert_eq!(pool.stats().in_use_bytes(), 0);
    });
}

#[test]
fn a_waker_may_use_another_pool_while_a_thread_gives_its_cache_back() {
    let pool = Pool::builder().bytes_max(8 * SLAB_BYTES).build();
    let other = Pool::new();
    let kept = pool.take(16_384);
    drop(pool.take(16_384)); // stays in this thread's cache
    let inner = other.clone();
    let act = Act::new(move || drop(inner.take(256)));
    let waker = Waker::from(Arc::clone(&act));
    let mut takes = [pool.take_async(16_384), pool.take_async(16_384)];
    let rest = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let rest = drain(&pool);
            assert!(takes.iter_mut().all(|take| poll(take, &waker).is_pending()));
            rest
        });
        worker.join().expect("it ends")
    });
    // The first waiter gets this one. The second gets the cached one, on its way back.
    drop(kept);
    assert_eq!(act.0.load(SeqCst), 2);
    drop((takes, rest));
    let held = other.stats().held_bytes();
    assert_eq!(other.stats().in_use_bytes(), 0);
    assert_eq!(other.trim(), held, "nothing of the other pool is lost");
}

#[test]
fn a_waker_that_owns_a_segment_may_end_when_a_wait_is_given_up() {
    assert_ends(|| {
        let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
        let mut kept = drain(&pool);
        let owner = Owner::waker(kept.pop().expect("four"));
        let mut take = pool.take_async(16_384);
        assert!(poll(&mut take, &owner).is_pending());
        drop(owner);
        drop(take);
        drop(kept);
        assert_eq!(pool.stats().in_use_bytes(), 0);
    });
}

#[test]
fn a_waker_that_owns_a_segment_may_be_replaced() {
    assert_ends(|| {
        let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
        let mut kept = drain(&pool);
        let owner = Owner::waker(kept.pop().expect("four"));
        let mut take = pool.take_async(65_536);
        assert!(poll(&mut take, &owner).is_pending());
        drop(owner);
        assert!(poll(&mut take, Waker::noop()).is_pending());
        drop(kept);
        assert!(poll(&mut take, Waker::noop()).is_ready());
    });
}

#[test]
fn a_waker_that_owns_a_budgets_segment_may_end_when_a_wait_is_given_up() {
    assert_ends(|| {
        let pool = Pool::new();
        let budget = Budget::new(&pool, 16_384);
        let owner = Owner::waker(budget.pool().take(16_384));
        let mut take = budget.pool().take_async(16_384);
        assert!(poll(&mut take, &owner).is_pending());
        drop(owner);
        drop(take);
        assert_eq!(budget.used_bytes(), 0);
    });
}

#[test]
fn a_waker_that_owns_a_budgets_segment_may_be_replaced() {
    assert_ends(|| {
        let pool = Pool::new();
        let budget = Budget::new(&pool, 16_384);
        let owner = Owner::waker(budget.pool().take(16_384));
        let mut take = budget.pool().take_async(16_384);
        assert!(poll(&mut take, &owner).is_pending());
        drop(owner);
        let _ = poll(&mut take, Waker::noop());
        assert!(poll(&mut take, Waker::noop()).is_ready());
    });
}

/// A waker of which every copy does something when it is dropped.
mod on_drop {
    use core::task::{RawWaker, RawWakerVTable, Waker};
    use std::sync::Arc;

    type Act = Box<dyn Fn()>;

    static TABLE: RawWakerVTable = RawWakerVTable::new(copy, end, |_| (), end);

    fn copy(data: *const ()) -> RawWaker {
        // SAFETY: the data of a waker of this table is a counted `Act`.
        unsafe { Arc::increment_strong_count(data.cast::<Act>()) };
        RawWaker::new(data, &TABLE)
    }

    fn end(data: *const ()) {
        // SAFETY: as above; this copy's count goes with it.
        let act = unsafe { Arc::from_raw(data.cast::<Act>()) };
        (*act)();
    }

    pub(super) fn waker(action: impl Fn() + 'static) -> Waker {
        let act: Arc<Act> = Arc::new(Box::new(action));
        let data = Arc::into_raw(act).cast();
        // SAFETY: the functions of the table keep the count, and the tests use it in one thread.
        unsafe { Waker::from_raw(RawWaker::new(data, &TABLE)) }
    }
}

#[test]
fn a_waker_that_is_dropped_with_a_grant_may_use_the_pool() {
    assert_ends(|| {
        let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
        let mut kept = drain(&pool);
        let inner = pool.clone();
        let waker = on_drop::waker(move || assert!(inner.stats().held_bytes() > 0));
        let mut take = pool.take_async(16_384);
        assert!(poll(&mut take, &waker).is_pending());
        kept.pop();
        assert!(poll(&mut take, &waker).is_ready());
    });
}

#[test]
fn a_waker_that_is_dropped_with_a_grant_may_use_the_budget() {
    assert_ends(|| {
        let pool = Pool::new();
        let budget = Budget::new(&pool, 16_384);
        let kept = budget.pool().take(16_384);
        let inner = budget.clone();
        let waker =
            on_drop::waker(move || drop(inner.pool().try_take_size(inner.pool().segment_size())));
        let (mut take, mut late) =
            (budget.pool().take_async(16_384), budget.pool().take_async(16_384));
        assert!(poll(&mut take, &waker).is_pending());
        assert!(poll(&mut late, &waker).is_pending());
        drop(kept);
        assert!(poll(&mut take, &waker).is_ready());
    });
}

#[test]
fn a_waker_that_panics_loses_no_segment_and_no_charge() {
    let pool = Pool::new();
    let tenant = Budget::new(&pool, 65_536);
    let connection = Budget::new(tenant.pool(), 16_384);
    for _ in 0..3 {
        let kept = connection.pool().take(16_384);
        let waker = Waker::from(Act::new(|| panic!("on purpose")));
        let mut take = connection.pool().take_async(16_384);
        assert!(poll(&mut take, &waker).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(kept))).is_err());
        drop(take);
        assert_eq!((connection.used_bytes(), tenant.used_bytes()), (0, 0));
        assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn nobody_waits_for_a_size_that_lies_idle() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let mut kept = drain(&pool);
    let mut large = pool.take_async(65_536);
    assert!(poll(&mut large, Waker::noop()).is_pending());
    // Of no use to the first waiter, who needs the whole slab.
    kept.pop();
    let act = Act::new(|| ());
    let mut small = pool.take_async(16_384);
    let served = poll(&mut small, &Waker::from(Arc::clone(&act))).is_ready();
    assert!(served || act.0.load(SeqCst) > 0, "and nothing else is going to wake it");
}

#[test]
#[should_panic(expected = "polled again")]
fn a_future_that_was_ready_is_not_polled_again() {
    let pool = Pool::new();
    let mut take = pool.take_async(256);
    assert!(poll(&mut take, Waker::noop()).is_ready());
    let _ = poll(&mut take, Waker::noop());
}
