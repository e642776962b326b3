//! Waiting for segments, polled by hand.

use core::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    task::{Context, Poll, Waker},
};
use std::{
    sync::{Arc, mpsc},
    task::Wake,
    thread,
};

use seg_pool::{Budget, Cause, Pool, SLAB_BYTES, SegmentMut, SegmentSize, Take, TakeError};

/// Rounds in the tests with threads.
const ROUNDS: usize = if cfg!(miri) { 20 } else { 5_000 };

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn poll(take: &mut Take<'_>, count: &Arc<Count>) -> Poll<Result<SegmentMut, TakeError>> {
    let waker = Waker::from(Arc::clone(count));
    Pin::new(take).poll(&mut Context::from_waker(&waker))
}

fn ready(poll: Poll<Result<SegmentMut, TakeError>>) -> SegmentMut {
    match poll {
        Poll::Ready(Ok(segment)) => segment,
        other => panic!("not ready: {other:?}"),
    }
}

/// Takes all that a pool has.
fn drain(pool: &Pool) -> Vec<SegmentMut> {
    core::iter::from_fn(|| pool.try_take_size(pool.segment_size()).ok()).collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = core::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn nobody_waits_while_there_is_memory() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let count = Arc::default();
    assert_eq!(ready(poll(&mut pool.take_async(1_000), &count)).capacity(), 1_024);
    assert_eq!(pool.stats().waits(), 0);
}

#[test]
fn a_wait_may_name_the_size() {
    let pool = Pool::builder().segment_size(SegmentSize::K4).build();
    let taken = ready(poll(&mut pool.take_size_async(pool.segment_size()), &Arc::default()));
    assert_eq!(taken.capacity(), 4_096);
    let taken = ready(poll(&mut pool.take_size_async(SegmentSize::B512), &Arc::default()));
    assert_eq!(taken.capacity(), 512);
}

#[test]
fn waiters_are_served_in_the_order_of_their_coming() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let mut kept = drain(&pool);
    let counts: [Arc<Count>; 3] = core::array::from_fn(|_| Arc::default());
    let mut takes: [Take<'_>; 3] = core::array::from_fn(|_| pool.take_async(16_384));
    for (take, count) in takes.iter_mut().zip(&counts) {
        assert!(poll(take, count).is_pending());
    }
    for turn in 0..3 {
        kept.pop();
        let woken: Vec<_> = counts.iter().map(|count| count.0.load(SeqCst)).collect();
        assert_eq!(woken.iter().sum::<usize>(), turn + 1);
        assert_eq!(woken[turn], 1);
    }
    for (take, count) in takes.iter_mut().zip(&counts) {
        kept.push(ready(poll(take, count)));
    }
    assert_eq!((kept.len(), pool.stats().waits()), (4, 3));
}

#[test]
fn nobody_overtakes_who_waits() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let mut kept = drain(&pool);
    let count = Arc::default();
    let mut take = pool.take_async(16_384);
    assert!(poll(&mut take, &count).is_pending());
    kept.pop();
    assert!(pool.try_take_size(pool.segment_size()).is_err(), "the segment is promised");
    let mut late = pool.take_async(16_384);
    assert!(poll(&mut late, &Arc::default()).is_pending());
    kept.push(ready(poll(&mut take, &count)));
}

#[test]
fn a_waiter_that_is_dropped_gives_its_turn_away() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let mut kept = drain(&pool);
    let (first, second) = (Arc::default(), Arc::default());
    let (mut one, mut two) = (pool.take_async(16_384), pool.take_async(16_384));
    assert!(poll(&mut one, &first).is_pending() && poll(&mut two, &second).is_pending());
    drop(one);
    kept.pop();
    assert_eq!((first.0.load(SeqCst), second.0.load(SeqCst)), (0, 1));
    let segment = ready(poll(&mut two, &second));
    assert_eq!(segment.capacity(), 16_384);
}

#[test]
fn a_segment_that_was_granted_and_not_received_goes_to_the_next() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let mut kept = drain(&pool);
    let (first, second) = (Arc::default(), Arc::default());
    let (mut one, mut two) = (pool.take_async(16_384), pool.take_async(16_384));
    assert!(poll(&mut one, &first).is_pending() && poll(&mut two, &second).is_pending());
    kept.pop();
    assert_eq!((first.0.load(SeqCst), second.0.load(SeqCst)), (1, 0));
    drop(one);
    assert_eq!(second.0.load(SeqCst), 1);
    drop(ready(poll(&mut two, &second)));
    drop(kept);
    assert_eq!(pool.stats().in_use_bytes(), 0);
}

#[test]
fn a_waiter_for_another_size_gets_a_whole_slab() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let kept = drain(&pool);
    let count = Arc::default();
    let mut take = pool.take_async(65_536);
    assert!(poll(&mut take, &count).is_pending());
    drop(kept);
    assert_eq!(ready(poll(&mut take, &count)).capacity(), 65_536);
}

#[test]
fn what_can_never_be_given_is_refused_at_once() {
    let count = Arc::default();
    let tiny = Pool::builder().bytes_max(1_000).build();
    assert!(matches!(
        poll(&mut tiny.take_async(256), &count),
        Poll::Ready(Err(TakeError::OutOfMemory(error))) if error.cause() == Cause::Pool
    ));
    let pool = Pool::new();
    assert!(matches!(
        poll(&mut pool.take_async(65_537), &count),
        Poll::Ready(Err(TakeError::Size(_)))
    ));
    let budget = Budget::new(&pool, 10_000);
    assert!(matches!(
        poll(&mut budget.pool().take_async(16_384), &count),
        Poll::Ready(Err(TakeError::OutOfMemory(error))) if error.cause() == Cause::Budget
    ));
}

#[test]
fn a_budget_makes_its_own_wait_and_not_the_others() {
    let pool = Pool::builder().bytes_max(4 * SLAB_BYTES).build();
    let budget = Budget::new(&pool, 16_384);
    let other = Budget::new(&pool, 16_384);
    let first = budget.pool().take(16_384);
    let count = Arc::default();
    let mut take = budget.pool().take_async(16_384);
    assert!(poll(&mut take, &count).is_pending());
    assert!(other.pool().try_take_size(other.pool().segment_size()).is_ok());
    drop(first);
    assert_eq!(count.0.load(SeqCst), 1);
    let second = ready(poll(&mut take, &count));
    assert_eq!(budget.used_bytes(), 16_384);
    drop(second);
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn nobody_overtakes_who_waits_for_a_budget() {
    let pool = Pool::new();
    let budget = Budget::new(&pool, 32_768);
    let (first, second) = (budget.pool().take(16_384), budget.pool().take(16_384));
    let count = Arc::default();
    let mut take = budget.pool().take_async(32_768);
    assert!(poll(&mut take, &count).is_pending());
    drop(first);
    let error = budget
        .pool()
        .try_take_size(budget.pool().segment_size())
        .expect_err("16 KiB are left, but others wait");
    assert_eq!((error.cause(), error.requested_bytes()), (Cause::Budget, 16_384));
    let mut late = budget.pool().take_async(16_384);
    assert!(poll(&mut late, &Arc::default()).is_pending());
    drop(second);
    assert_eq!(ready(poll(&mut take, &count)).capacity(), 32_768);
    drop(ready(poll(&mut late, &Arc::default())));
    assert!(budget.pool().try_take_size(budget.pool().segment_size()).is_ok());
}

#[test]
fn dropping_a_wait_takes_its_charges_back() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let tenant = Budget::new(&pool, 65_536);
    let connection = Budget::new(tenant.pool(), 32_768);
    let kept = drain(&pool);
    let mut take = connection.pool().take_async(16_384);
    assert!(poll(&mut take, &Arc::default()).is_pending());
    assert_eq!((connection.used_bytes(), tenant.used_bytes()), (16_384, 16_384));
    drop(take);
    assert_eq!((connection.used_bytes(), tenant.used_bytes()), (0, 0));

    let mut hog = tenant.pool().take_async(16_384);
    assert!(poll(&mut hog, &Arc::default()).is_pending(), "charged, and waits for the pool");
    drop(kept);
    drop(ready(poll(&mut hog, &Arc::default())));
    assert_eq!(tenant.used_bytes(), 0);
}

#[test]
fn a_parent_budget_is_waited_for_too() {
    let pool = Pool::new();
    let tenant = Budget::new(&pool, 16_384);
    let connection = Budget::new(tenant.pool(), 65_536);
    let first = tenant.pool().take(16_384);
    let count = Arc::default();
    let mut take = connection.pool().take_async(16_384);
    assert!(poll(&mut take, &count).is_pending());
    assert_eq!(connection.used_bytes(), 16_384);
    drop(first);
    assert_eq!(ready(poll(&mut take, &count)).capacity(), 16_384);
    assert_eq!((connection.used_bytes(), tenant.used_bytes()), (0, 0));
}

#[test]
fn no_wake_up_is_lost_between_threads() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let (send, receive) = mpsc::channel::<SegmentMut>();
    thread::scope(|scope| {
        scope.spawn(move || receive.into_iter().for_each(drop));
        for _ in 0..2 {
            let (pool, send) = (&pool, send.clone());
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let len = if round % 7 == 0 { 65_536 } else { 16_384 };
                    let segment = block_on(pool.take_async(len)).expect("it waits");
                    send.send(segment).expect("the receiver lives");
                }
            });
        }
        drop(send);
    });
    assert_eq!(pool.stats().in_use_bytes(), 0);
}

#[test]
fn no_wake_up_of_a_budget_is_lost_between_threads() {
    let pool = Pool::builder().bytes_max(16 * SLAB_BYTES).build();
    let budget = Budget::new(&pool, 40_000);
    let (send, receive) = mpsc::channel::<SegmentMut>();
    thread::scope(|scope| {
        scope.spawn(move || receive.into_iter().for_each(drop));
        for _ in 0..2 {
            let (pool, send) = (budget.pool(), send.clone());
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let len = if round % 7 == 0 { 32_768 } else { 16_384 };
                    let segment = block_on(pool.take_async(len)).expect("it waits");
                    send.send(segment).expect("the receiver lives");
                }
            });
        }
        drop(send);
    });
    assert_eq!((budget.used_bytes(), pool.stats().in_use_bytes()), (0, 0));
    assert!(budget.used_bytes_peak() <= 40_000);
}
