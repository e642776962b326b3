//! What the process keeps of the system's memory after `trim`.
#![cfg(all(target_os = "linux", not(miri), not(seg_loom), not(seg_heap)))]

use std::fs;

use seg_pool::Pool;

const HELD_BYTES: usize = 1 << 30;
const SLACK_BYTES: usize = 2 << 20;

fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("procfs");
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a second column") * 4096
}

#[test]
fn a_trimmed_pool_that_once_held_a_gibibyte_is_as_small_as_at_the_start() {
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
    let after = resident_bytes();
    assert!(after <= before + SLACK_BYTES, "{} bytes more", after - before);
}
