//! What the process keeps of the system's memory after a storm of long compressed messages.
//!
//! Not with slabs from the heap: a sanitizer's allocator keeps what was freed.
#![cfg(all(target_os = "linux", feature = "zlib-rs", not(miri), not(seg_heap)))]

#[path = "../../seg-pool/tests/harness/resident.rs"]
mod resident;

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use seg_flate::{Contexts, Decode, Deflater, Encode, Flush, Format, Inflater, Level, Limits};
use seg_pool::Pool;
use seg_seq::{SegmentedBuf, Sequence};

use resident::{assert_as_small_as, resident_bytes};

const THREADS: usize = 4;
const ROUNDS: usize = 4;

/// Bytes of a message before it is compressed.
const MESSAGE_BYTES: usize = 8 << 20;

/// What is kept of codecs' states for the next stream.
const CONTEXTS_BYTES: usize = 1 << 20;

/// What threads, their stacks and the codecs in use may take meanwhile.
const MEANWHILE_BYTES: usize = 16 << 20;

/// A message that compresses to about a half.
fn message(pool: &Pool, seed: usize) -> Sequence {
    let mut buf = SegmentedBuf::new(pool);
    let mut state = u32::try_from(seed).expect("a small seed") | 1;
    while buf.len() < MESSAGE_BYTES as u64 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [.., byte, other] = state.to_le_bytes();
        buf.extend_from_slice(&[byte, other, b' ', b' ']);
    }
    buf.freeze()
}

/// Compresses and decompresses messages, with codecs whose states other streams used.
fn storm(pool: &Pool, contexts: &Contexts, thread: usize) {
    let sent = message(pool, thread);
    for _ in 0..ROUNDS {
        let mut compressed = SegmentedBuf::new(pool);
        let mut deflater = Deflater::new(Format::Gzip, Level::FAST).with_contexts(contexts);
        deflater
            .push_sequence(&mut sent.clone(), Flush::Finish, &mut compressed)
            .expect("unlimited");
        drop(deflater);
        let (mut compressed, mut received) = (compressed.freeze(), SegmentedBuf::new(pool));
        assert!(compressed.len() < sent.len());
        let mut inflater = Inflater::new(Format::Gzip, Limits::default()).with_contexts(contexts);
        inflater.push_sequence(&mut compressed, &mut received).expect("what was compressed");
        inflater.finish().expect("all of it");
        assert!(received.freeze() == sent);
    }
}

#[test]
fn after_a_storm_of_compressed_messages_the_process_is_as_small_as_before_and_all_owners_say_so() {
    let (pool, contexts) = (Pool::new(), Contexts::new(CONTEXTS_BYTES));
    // What each thread and each codec needs once.
    thread::scope(|scope| {
        let spawn = |thread| scope.spawn(move || drop((thread, vec![1; 1_000])));
        let threads: Vec<_> = (0..=THREADS).map(spawn).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
    pool.trim();
    let before = resident_bytes();
    let (is_over, samples) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let resident = resident_bytes();
                let (stats, kept) = (pool.stats(), contexts.bytes());
                let known = before + stats.held_bytes_peak() + CONTEXTS_BYTES + MEANWHILE_BYTES;
                assert!(resident <= known, "{resident} bytes are resident, {known} are known");
                assert!(kept <= CONTEXTS_BYTES && stats.in_use_bytes() <= stats.held_bytes());
                samples.fetch_add(1, Ordering::Relaxed);
                thread::yield_now();
            }
        });
        let spawn = |thread| {
            let (pool, contexts) = (&pool, &contexts);
            scope.spawn(move || storm(pool, contexts, thread))
        };
        let threads: Vec<_> = (0..THREADS).map(spawn).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        is_over.store(true, Ordering::Relaxed);
        sampler.join().expect("no panic");
    });
    assert!(samples.into_inner() > 10);
    assert!(pool.stats().held_bytes_peak() > THREADS * MESSAGE_BYTES);
    assert!((1..=CONTEXTS_BYTES).contains(&contexts.bytes()));
    contexts.trim();
    assert_eq!((contexts.bytes(), pool.stats().in_use_bytes()), (0, 0));
    pool.trim();
    assert_eq!(pool.stats().held_bytes(), 0);
    assert_as_small_as(before);
}
