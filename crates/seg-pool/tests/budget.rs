//! Budgets: what is charged to one, for how long, and what a refusal leaves behind.

use std::thread;

use bytes::Bytes;
use seg_pool::{Budget, Cause, Pool, PoolRef, SLAB_BYTES, Segment, SegmentMut, SegmentSize};

/// Rounds in the tests with threads.
const ROUNDS: usize = if cfg!(miri) { 20 } else { 2_000 };

#[test]
fn a_segment_is_charged_with_its_whole_size_until_its_last_view_goes() {
    let pool = Pool::new();
    let budget = Budget::new(&pool, 10_000);
    let mut segment = budget.pool().take(600);
    assert_eq!((budget.used_bytes(), budget.bytes_max()), (1_024, 10_000));
    segment.extend_from_slice(b"abcdef");
    let front = segment.split_to(3);
    drop(segment);
    let shared = front.freeze();
    let slice = shared.slice(1..2);
    drop(shared);
    let bytes = Bytes::from(slice);
    let again = Segment::from(bytes.clone());
    drop(bytes);
    assert_eq!(budget.used_bytes(), 1_024);
    let exclusive = again.slice(..);
    drop(again);
    assert_eq!(exclusive, b"b");
    drop(exclusive);
    assert_eq!((budget.used_bytes(), budget.used_bytes_peak()), (0, 1_024));
}

#[test]
fn a_view_made_exclusive_again_stays_charged() {
    let pool = Pool::new();
    let budget = Budget::new(&pool, 10_000);
    let mut segment = budget.pool().take(256);
    segment.extend_from_slice(b"x");
    let segment = segment.freeze().try_into_mut().expect("the only view");
    assert_eq!(budget.used_bytes(), 256);
    drop(segment);
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn a_segment_leads_to_its_pool_and_its_account() {
    let pool = Pool::builder().segment_size(SegmentSize::K4).build();
    let budget = Budget::new(&pool, 10_000);
    let mut first = budget.pool().take(256);
    first.extend_from_slice(b"x");
    let second = first.pool().take(1_024);
    assert!(first.pool().is_same(&pool) && second.pool().is_same(&pool));
    assert_eq!(budget.used_bytes(), 1_280);
    // Through views on several threads, while others drop theirs.
    let view = first.freeze();
    let taken: Vec<_> = thread::scope(|scope| {
        let views: Vec<_> = (0..4).map(|_| view.clone()).collect();
        let threads: Vec<_> = views
            .into_iter()
            .map(|view| scope.spawn(move || view.pool().expect("a pooled view").take(512)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(budget.used_bytes(), 1_280 + 4 * 512);
    drop(view);
    assert_eq!(budget.used_bytes(), 1_024 + 4 * 512);
    drop((taken, second));
    assert_eq!(budget.used_bytes(), 0);
    // What was given back and taken again without the budget is on no account.
    let plain = pool.take(256);
    drop(plain.pool().take(256));
    assert_eq!((plain.pool().segment_size(), budget.used_bytes_peak()), (SegmentSize::K4, 3_328));
}

#[test]
fn a_borrowed_handle_counts_nothing_and_its_clone_does() {
    let pool = Pool::new();
    let budget = Budget::new(&pool, 1_024);
    let segment = budget.pool().take(256);
    let borrowed = PoolRef::from(budget.pool());
    assert!(borrowed.is_same(&pool) && segment.pool().is_same(&borrowed));
    let kept = segment.pool().clone();
    drop((segment, budget, pool));
    // The clone keeps the pool and the account.
    let last = kept.take(1_024);
    assert_eq!(kept.try_take_size(SegmentSize::B256).expect_err("the cap").bytes_max(), 1_024);
    assert_eq!(last.pool().stats().in_use_bytes(), 1_024);
}

#[test]
fn memory_without_a_pool_leads_to_none() {
    let adopted = Segment::from(Bytes::from(vec![1, 2, 3]));
    assert!(adopted.pool().is_none());
    assert!(Segment::from_static(b"abc").pool().is_none());
    assert!(Segment::new().pool().is_none());
}

#[test]
fn the_cap_is_met_to_the_byte() {
    let pool = Pool::new();
    let budget = Budget::new(&pool, 3 * 512);
    let kept: Vec<_> = core::iter::from_fn(|| budget.pool().try_take(512).ok()).collect();
    assert_eq!((kept.len(), budget.used_bytes()), (3, 1_536));
    let error = budget.pool().try_take_size(SegmentSize::B256).expect_err("it is full");
    assert_eq!(
        (error.requested_bytes(), error.available_bytes(), error.bytes_max()),
        (256, 0, 1_536)
    );
    assert_eq!(error.cause(), Cause::Budget);
    assert!(error.to_string().starts_with("budget exhausted"), "{error}");
    assert!(pool.try_take(512).is_ok(), "the pool is not");
}

#[test]
fn a_refusal_charges_nobody() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let tenant = Budget::new(&pool, 1_000);
    let connection = Budget::new(tenant.pool(), 100_000);
    let error = connection.pool().try_take_size(SegmentSize::K1).expect_err("the tenant's cap");
    assert_eq!((error.cause(), error.bytes_max()), (Cause::Budget, 1_000));
    assert_eq!((connection.used_bytes(), tenant.used_bytes()), (0, 0));

    let whole = pool.take(65_536);
    let error = connection.pool().try_take_size(SegmentSize::B256).expect_err("the pool's limit");
    assert_eq!(error.cause(), Cause::Pool);
    assert_eq!((connection.used_bytes(), tenant.used_bytes()), (0, 0));
    drop(whole);
    assert!(connection.pool().try_take(256).is_ok());
}

#[test]
fn a_budget_within_a_budget_counts_against_both() {
    let pool = Pool::new();
    let tenant = Budget::new(&pool, 2_048);
    let connections = [Budget::new(tenant.pool(), 1_536), Budget::new(tenant.pool(), 1_536)];
    let first = connections[0].pool().take(1_024);
    let second = connections[1].pool().take(1_024);
    assert_eq!(tenant.used_bytes(), 2_048);
    assert!(connections[0].pool().try_take(256).is_err(), "the tenant is full");
    drop(first);
    assert_eq!((connections[0].used_bytes(), tenant.used_bytes()), (0, 1_024));
    assert!(connections[1].pool().try_take(1_024).is_err(), "the connection is full");
    drop(second);
    assert_eq!(tenant.used_bytes(), 0);
}

#[test]
fn clones_are_one_budget_and_one_pool() {
    let pool = Pool::new();
    let budget = Budget::new(&pool, 1_024);
    let clone = budget.clone();
    let handle = clone.pool().clone();
    assert!(handle.is_same(&pool));
    let segment = handle.take(1_024);
    assert!(budget.pool().try_take(256).is_err());
    drop((clone, handle));
    assert_eq!(budget.used_bytes(), 1_024);
    drop(segment);
    assert_eq!(budget.used_bytes(), 0);
    assert!(format!("{budget:?}").contains("bytes_max: 1024"));
}

#[test]
fn a_segment_may_outlive_its_budget_and_its_pool() {
    let pool = Pool::new();
    let tenant = Budget::new(&pool, 4_096);
    let connection = Budget::new(tenant.pool(), 4_096);
    let mut segment = connection.pool().take(256);
    drop(connection);
    assert_eq!(tenant.used_bytes(), 256);
    let kept = tenant.pool().take(256);
    drop((tenant, pool));
    segment.extend_from_slice(b"late");
    assert_eq!(segment, b"late");
    drop((segment, kept));
}

#[test]
fn a_segments_next_use_is_on_its_takers_account() {
    let pool = Pool::new();
    let budgets = [Budget::new(&pool, 65_536), Budget::new(&pool, 65_536)];
    for round in 0..10 {
        let segment = budgets[round % 2].pool().take(4_096);
        assert_eq!(budgets[round % 2].used_bytes(), 4_096);
        assert_eq!(budgets[(round + 1) % 2].used_bytes(), 0);
        drop(segment);
        let free = pool.take(4_096);
        assert_eq!(budgets[0].used_bytes() + budgets[1].used_bytes(), 0);
        drop(free);
    }
}

#[test]
fn a_secret_of_a_budget_is_zeroed_too() {
    let pool = Pool::builder().zero_on_drop(true).build();
    let budget = Budget::new(&pool, 65_536);
    let mut segment = budget.pool().take(256);
    segment.extend_from_slice(&[0x5e; 256]);
    drop(segment);
    assert_eq!(pool.take(256).spare_initialized_mut(), [0; 256]);
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn threads_never_pass_the_cap_together() {
    let pool = Pool::new();
    let budget = Budget::new(&pool, 40_000);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|worker| {
                let budget = &budget;
                scope.spawn(move || {
                    let mut kept: Vec<SegmentMut> = Vec::new();
                    for round in 0..ROUNDS {
                        match budget.pool().try_take(1_000 * (round % 9 + worker)) {
                            Ok(segment) => kept.push(segment),
                            Err(_) => kept.clear(),
                        }
                        assert!(budget.used_bytes() <= 40_000);
                    }
                })
            })
            .collect();
        assert!(workers.into_iter().all(|worker| worker.join().is_ok()));
    });
    assert_eq!((budget.used_bytes(), pool.stats().in_use_bytes()), (0, 0));
    assert!(budget.used_bytes_peak() <= 40_000);
}

#[test]
fn statistics_tell_one_budget_from_another() {
    let pool = Pool::new();
    let tenant = Budget::with_label(&pool, 2_048, format!("tenant {}", 7));
    let connection = Budget::with_label(tenant.pool(), 1_024, "connection");
    let held = connection.pool().take(1_024);
    assert!(connection.pool().try_take(256).is_err());
    let more = tenant.pool().take(1_024);
    drop(held);
    // This one the tenant refuses: the connection has nothing in use.
    let third = tenant.pool().take(1_024);
    assert!(connection.pool().try_take(256).is_err());

    let (of_tenant, of_connection) = (tenant.stats(), connection.stats());
    assert_eq!((of_tenant.label(), of_connection.label()), ("tenant 7", "connection"));
    assert_eq!((of_tenant.used_bytes(), of_tenant.used_bytes_peak()), (2_048, 2_048));
    assert_eq!((of_connection.used_bytes(), of_connection.used_bytes_peak()), (0, 1_024));
    assert_eq!((of_tenant.bytes_max(), of_connection.bytes_max()), (2_048, 1_024));
    assert_eq!((of_tenant.refused(), of_connection.refused()), (1, 1));
    assert_eq!((of_tenant.waits(), pool.stats().refused()), (0, 0));
    assert_eq!(Budget::new(&pool, 1).label(), "");
    drop((more, third));
}

#[test]
fn who_waits_for_a_budget_is_counted_there() {
    let budget = Budget::new(&Pool::new(), 256);
    let held = budget.pool().take(256);
    let mut wait = core::pin::pin!(budget.pool().take_async(256));
    let mut context = core::task::Context::from_waker(core::task::Waker::noop());
    assert!(wait.as_mut().poll(&mut context).is_pending());
    drop(held);
    let taken = wait.as_mut().poll(&mut context).map(|taken| taken.expect("it was granted").len());
    assert!(taken.is_ready());
    let stats = budget.stats();
    assert_eq!((stats.waits(), stats.refused()), (1, 0));
}
