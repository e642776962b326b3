//! What the process keeps of the system's memory after `trim` and after a pool's end.
#![cfg(all(target_os = "linux", not(miri), not(seg_loom), not(seg_heap)))]

#[path = "harness/resident.rs"]
mod resident;

use std::{sync::Mutex, thread};

use seg_pool::{Pool, SegmentMut};

use resident::{assert_as_small_as, resident_bytes, statm};

const HELD_BYTES: usize = 1 << 30;
const SLACK_BYTES: usize = 2 << 20;

/// The figures are those of the process, so one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn address_space_bytes() -> usize {
    statm(0)
}

fn take_all(pool: &Pool) -> Vec<SegmentMut> {
    (0..4_096).map(|_| pool.take(16_384)).collect()
}

#[test]
fn a_pool_that_ends_gives_its_address_space_back() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // The growth of the allocator comes first, which reserves 64 MiB for a second thread.
    drop(take_all(&Pool::new()));
    thread::spawn(|| drop(take_all(&Pool::new()))).join().expect("no panic");
    let before = address_space_bytes();
    let check = |what: &str| {
        let after = address_space_bytes();
        assert!(after <= before + SLACK_BYTES, "{what}: {} bytes more", after - before);
    };
    let pool = Pool::new();
    drop(take_all(&pool));
    assert!(address_space_bytes() >= before + (32 << 20), "the pool keeps what came back");
    drop(pool.clone());
    assert!(address_space_bytes() >= before + (32 << 20), "the pool has not ended");
    drop(pool);
    check("segments first");

    let pool = Pool::new();
    let kept = take_all(&pool);
    drop(pool);
    drop(kept);
    check("the pool first");

    let pool = Pool::new();
    let kept = take_all(&pool);
    thread::spawn(move || drop(pool)).join().expect("no panic");
    drop(kept);
    check("the pool first, in another thread");
}

#[test]
fn pools_that_come_and_go_leave_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let come_and_go = || (0..500).for_each(|_| drop(Pool::new().take(256)));
    come_and_go();
    let before = resident_bytes();
    come_and_go();
    assert_as_small_as(before);
}

#[test]
fn a_trimmed_pool_that_once_held_a_gibibyte_is_as_small_as_at_the_start() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let pool = Pool::new();
    drop(pool.take(1));
    let before = resident_bytes();
    let mut kept = Vec::with_capacity(HELD_BYTES / 16_384);
    for _ in 0..HELD_BYTES / 16_384 {
        let mut segment = pool.take(16_384);
        for page in (0..segment.capacity()).step_by(4096) {
            segment.spare_capacity_mut().write_byte(page, 1);
        }
        kept.push(segment);
    }
    let full = resident_bytes();
    assert!(full >= before + HELD_BYTES, "{} bytes", full - before);
    drop(kept);
    assert_eq!(pool.stats().in_use_bytes(), 0);
    pool.trim();
    assert_as_small_as(before);
}
