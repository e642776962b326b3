//! What the pool asks of the allocator, counted by thread.

#[path = "harness/counting.rs"]
mod counting;

use std::{
    sync::{Barrier, Mutex},
    thread,
};

use bytes::Bytes;
use counting::allocations;
use seg_pool::{Budget, Pool, SLAB_BYTES, Segment, SegmentMut, SegmentSize};

/// Segments that are more than magazines and depot hold.
const MANY: usize = if cfg!(miri) { 100 } else { 5_000 };

/// Rounds of warming up, and then of counting.
const ROUNDS: usize = if cfg!(miri) { 3 } else { 50 };

/// Asserts that `action` allocates nothing once it has run a few times.
#[track_caller]
fn assert_allocates_nothing(mut action: impl FnMut()) {
    (0..ROUNDS).for_each(|_| action());
    let (count, largest) = allocations(|| (0..ROUNDS).for_each(|_| action()));
    assert_eq!(count, 0, "in {ROUNDS} rounds, the largest of {largest} bytes");
}

#[test]
fn the_allocator_is_counted() {
    assert_eq!(allocations(|| drop(vec![1_u8; 1_000])), (1, 1_000));
}

#[test]
fn one_segment_at_a_time_allocates_nothing() {
    let pool = Pool::new();
    assert_allocates_nothing(|| {
        let mut segment = pool.take(16_384);
        segment.extend_from_slice(&[1; 100]);
        drop(segment);
    });
}

#[test]
fn cutting_joining_and_sharing_allocate_nothing() {
    let pool = Pool::new();
    assert_allocates_nothing(|| {
        let mut segment = pool.take(1_024);
        segment.extend_from_slice(b"one segment in many hands");
        let mut front = segment.split_to(3);
        assert!(front.unsplit(segment).is_ok());
        let back = front.split_off(500);
        let shared = front.freeze();
        let views = [shared.clone(), shared.slice(4..11), shared.slice(5..5), Segment::new()];
        assert_eq!(views[1], b"segment");
        drop((back, views));
        let mut again = shared.try_into_mut().expect("the only view");
        again.spare_initialized_mut();
    });
}

#[test]
fn many_segments_at_once_allocate_nothing() {
    for count in [10, 100, 1_000, MANY] {
        let pool = Pool::new();
        let mut kept: Vec<SegmentMut> = Vec::with_capacity(count);
        assert_allocates_nothing(|| {
            kept.extend((0..count).map(|_| pool.take(1_024)));
            kept.clear();
        });
    }
}

#[test]
fn sizes_and_pools_in_turn_allocate_nothing() {
    let pools = [Pool::new(), Pool::new(), Pool::builder().bytes_max(64 * SLAB_BYTES).build()];
    assert_allocates_nothing(|| {
        for size in SegmentSize::ALL {
            for pool in &pools {
                drop(pool.try_take_size(size));
            }
        }
    });
}

#[test]
fn a_pool_too_small_for_caches_allocates_nothing() {
    let pool = Pool::builder().bytes_max(2 * SLAB_BYTES).build();
    let mut kept: Vec<SegmentMut> = Vec::with_capacity(8);
    assert_allocates_nothing(|| {
        while let Ok(segment) = pool.try_take_size(pool.segment_size()) {
            kept.push(segment);
        }
        assert_eq!(kept.len(), 8);
        kept.clear();
    });
}

#[test]
fn refusals_allocate_nothing() {
    let pool = Pool::builder().bytes_max(16 * SLAB_BYTES).build();
    let budget = Budget::new(&pool, 16_384);
    let kept: Vec<_> =
        core::iter::from_fn(|| pool.try_take_size(pool.segment_size()).ok()).collect();
    assert_allocates_nothing(|| {
        assert!(pool.try_take_size(pool.segment_size()).is_err());
        assert!(pool.try_take(65_537).is_err());
        assert!(budget.pool().try_take(32_768).is_err());
    });
    assert_eq!(kept.len(), 64);
}

#[test]
fn a_budget_and_zeroing_allocate_nothing() {
    let pool = Pool::builder().zero_on_drop(true).build();
    let budget = Budget::new(&pool, 1 << 20);
    assert_allocates_nothing(|| {
        let mut segment = budget.pool().take(4_096);
        segment.extend_from_slice(b"secret");
        drop(segment.freeze());
    });
}

#[test]
fn a_producer_and_a_consumer_allocate_nothing() {
    let pool = Pool::new();
    let barrier = Barrier::new(2);
    let hand = Mutex::new(Vec::with_capacity(200));
    thread::scope(|scope| {
        let consumer = scope.spawn(|| {
            assert_allocates_nothing(|| {
                barrier.wait();
                hand.lock().expect("no panic").clear();
                barrier.wait();
            });
        });
        assert_allocates_nothing(|| {
            hand.lock().expect("no panic").extend((0..200).map(|_| pool.take(2_048).freeze()));
            barrier.wait();
            barrier.wait();
        });
        assert!(consumer.join().is_ok());
    });
}

#[test]
fn no_allocation_is_larger_than_a_slab() {
    let (_, largest) = allocations(|| {
        let pool = Pool::new();
        let mut most = 0;
        for size in SegmentSize::ALL {
            // Lists of lists, so that no list is what is measured.
            let mut kept: Vec<Vec<SegmentMut>> = Vec::with_capacity(MANY / 1_000 + 1);
            for index in 0..MANY {
                if index % 1_000 == 0 {
                    kept.push(Vec::with_capacity(1_000));
                }
                let segment = pool.try_take_size(size).expect("no limit");
                kept.last_mut().expect("the first is pushed at once").push(segment);
            }
            most = most.max(pool.stats().held_bytes());
        }
        assert!(most >= MANY * SLAB_BYTES);
    });
    assert!(largest <= SLAB_BYTES, "{largest} bytes at once");
}

#[test]
fn adopting_bytes_allocates_once_and_little() {
    let bytes = Bytes::from(vec![1; 100_000]);
    let _clone = bytes.clone(); // the shared count that `Bytes` allocates itself
    let (count, largest) = allocations(|| drop(Segment::from(bytes.clone())));
    assert_eq!((count, largest), (1, if cfg!(feature = "report") { 192 } else { 128 }));
}

#[test]
fn handing_a_segment_over_as_bytes_allocates_once_and_little() {
    let pool = Pool::new();
    let mut segment = pool.take(16_384);
    segment.extend_from_slice(&[1; 16_384]);
    let segment = segment.freeze();
    let (count, largest) = allocations(|| drop(Bytes::from(segment.clone())));
    assert_eq!(count, 1);
    assert!(largest <= 128, "{largest} bytes");
    let (count, _) = allocations(|| drop(Bytes::from(Segment::from_static(b"static"))));
    assert_eq!(count, 0);
}
