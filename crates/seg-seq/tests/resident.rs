//! What the process keeps of the system's memory after a storm of long lists.
//!
//! Not with slabs from the heap: a sanitizer's allocator keeps what was freed.
#![cfg(all(target_os = "linux", not(miri), not(seg_heap)))]

#[path = "../../seg-pool/tests/harness/resident.rs"]
mod resident;

use core::sync::atomic::{AtomicBool, Ordering};
use std::{sync::mpsc, thread};

use seg_pool::{Pool, Segment, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};

use resident::{assert_as_small_as, resident_bytes};

const THREADS: usize = 4;
const ROUNDS: usize = 3;

/// Chunks of a list: 9 MiB of blocks.
const CHUNKS: usize = 300_000;

/// What threads, their stacks and the allocator may take meanwhile.
const MEANWHILE_BYTES: usize = 16 << 20;

/// A list of chunks that do not join, one byte each.
fn long(pool: &Pool) -> Sequence {
    let mut whole = pool.take(256);
    whole.extend_from_slice(&[7; 256]);
    let mut whole = whole.freeze();
    let mut buf = SegmentedBuf::new(pool);
    for index in 0..CHUNKS {
        let at = 2 * (index % 100);
        buf.push(whole.share(at..at + 1));
    }
    buf.freeze()
}

/// Clones, cuts and joins lists, and hands parts of them to another thread.
fn storm(pool: &Pool, to: &mpsc::SyncSender<Sequence>) {
    for round in 0..ROUNDS {
        let mut one = long(pool);
        let mut two = one.clone();
        let at = one.len() / 3 * (round as u64 + 1) / 2;
        let back = one.split_off(at);
        let front = two.split_to(at);
        assert!(one == front && back.len() == two.len());
        one.append(back);
        assert_eq!((one.len(), one.chunk_count()), (CHUNKS as u64, CHUNKS));
        to.send(two.slice(at / 2..at)).expect("somebody receives");
        one.truncate(at);
        bytes::Buf::advance(&mut two, CHUNKS / 10);
        to.send(one).expect("somebody receives");
    }
}

#[test]
fn after_a_storm_of_long_lists_the_process_is_as_small_as_before_and_the_pool_says_so() {
    let pool = Pool::builder().segment_size(SegmentSize::K4).build();
    // What each thread and each size needs once.
    thread::scope(|scope| {
        let spawn = || scope.spawn(|| drop((pool.take(256), Segment::from(vec![1]))));
        let threads: Vec<_> = (0..=THREADS).map(|_| spawn()).collect();
        // A thread gives its cache back when it has ended, which a scope does not wait for.
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
    pool.trim();
    let before = resident_bytes();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (to, from) = mpsc::sync_channel::<Sequence>(4);
        let sampler = scope.spawn(|| {
            let (mut samples, mut most) = (0, 0);
            while !is_over.load(Ordering::Relaxed) {
                // Read in this order, what is counted later may be missing from the first figure only.
                let resident = resident_bytes();
                let stats = pool.stats();
                let known = before + stats.held_bytes_peak() + MEANWHILE_BYTES;
                assert!(resident <= known, "{resident} bytes are resident, {known} are known");
                assert!(stats.in_use_bytes() <= stats.held_bytes());
                (samples, most) = (samples + 1, most.max(stats.in_use_bytes()));
                thread::yield_now();
            }
            assert!(samples > 10 && most > CHUNKS * 32, "{samples} samples, {most} bytes at most");
        });
        let receiver = scope.spawn(|| {
            let received: u64 = from.into_iter().map(|sequence| sequence.len()).sum();
            assert!(received > CHUNKS as u64);
            is_over.store(true, Ordering::Relaxed);
        });
        let mut threads = vec![sampler, receiver];
        for _ in 0..THREADS {
            let (to, pool) = (to.clone(), &pool);
            threads.push(scope.spawn(move || storm(pool, &to)));
        }
        drop(to);
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
    assert_eq!(pool.stats().in_use_bytes(), 0);
    pool.trim();
    assert_eq!(pool.stats().held_bytes(), 0);
    assert_as_small_as(before);
}
