//! What a pool does when the system has no memory.
#![expect(unsafe_code, reason = "limits the memory of the process")]
#![cfg(all(target_os = "linux", not(miri), not(seg_loom), not(seg_heap)))]

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::{fs, sync::Arc, task::Wake};

use seg_pool::{Cause, OutOfMemory, Pool, SLAB_BYTES, SegmentMut, TakeError};

/// What the process may still take from the system.
const LEFT_BYTES: usize = 16 << 20;

fn address_space_bytes() -> libc::rlim_t {
    let statm = fs::read_to_string("/proc/self/statm").expect("procfs");
    let pages =
        statm.split_whitespace().next().and_then(|pages| pages.parse::<libc::rlim_t>().ok());
    pages.expect("a first column") * 4096
}

/// Runs `action` with a limit on the process's address space; this file has one test, so that
/// no other meets it.
fn with_address_space<T>(bytes: libc::rlim_t, action: impl FnOnce() -> T) -> T {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live `rlimit`.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) }, 0);
    let lowered = libc::rlimit { rlim_cur: bytes, ..limit };
    // SAFETY: the pointer is to a live `rlimit`.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const lowered) }, 0);
    let outcome = action();
    // SAFETY: the pointer is to a live `rlimit`.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
    outcome
}

/// Takes until there is nothing left; `kept` has its capacity already, as nothing can be allocated then.
fn take_all(pool: &Pool, kept: &mut Vec<SegmentMut>) -> Option<OutOfMemory> {
    while kept.len() < kept.capacity() {
        match pool.try_take_size(pool.segment_size()) {
            Ok(segment) => kept.push(segment),
            Err(error) => return Some(error),
        }
    }
    None
}

/// Nobody waits for a pool that is below its limit while the system has no memory.
fn check_waiting() {
    let pool = Pool::new();
    drop(pool.take(16_384));
    let mut kept = Vec::with_capacity(4 * LEFT_BYTES / 16_384);
    let waker = Waker::from(Arc::new(Nobody));
    let limit = address_space_bytes() + LEFT_BYTES as libc::rlim_t;
    let polled = with_address_space(limit, || {
        assert!(take_all(&pool, &mut kept).is_some());
        let mut wait = pool.take_async(16_384);
        let polled = Pin::new(&mut wait).poll(&mut Context::from_waker(&waker));
        polled.map(|taken| taken.map(|segment| segment.capacity()))
    });
    let Poll::Ready(Err(TakeError::OutOfMemory(error))) = polled else { panic!("{polled:?}") };
    assert_eq!(error.cause(), Cause::System);
}

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

/// What lies idle in another size serves when the system has nothing.
fn check_other_size() {
    let pool = Pool::new();
    // Makes the caches of both sizes.
    drop((pool.take(16_384), pool.take(4_096)));
    pool.trim();
    let mut kept = Vec::with_capacity(4 * LEFT_BYTES / 16_384);
    let limit = address_space_bytes() + LEFT_BYTES as libc::rlim_t;
    let taken = with_address_space(limit, || {
        assert!(take_all(&pool, &mut kept).is_some());
        kept.clear();
        pool.try_take(4_096).map(|segment| segment.capacity())
    });
    assert_eq!(taken, Ok(4_096));
}

/// Returns whether a limit on the address space is one: QEMU's user mode takes it and ignores it.
fn is_limited() -> bool {
    let limit = address_space_bytes() + LEFT_BYTES as libc::rlim_t;
    with_address_space(limit, || Vec::<u8>::new().try_reserve_exact(2 * LEFT_BYTES).is_err())
}

#[test]
fn a_system_without_memory_is_an_error_and_what_comes_back_serves_again() {
    let is_emulated = std::env::var_os("SEG_TEST_RUNNER").is_some_and(|runner| !runner.is_empty());
    if is_emulated && !is_limited() {
        return;
    }
    let pool = Pool::new();
    let mut kept = Vec::with_capacity(4 * LEFT_BYTES / 16_384);
    kept.push(pool.take(16_384));
    let limit = address_space_bytes() + LEFT_BYTES as libc::rlim_t;
    let (refusal, count, again) = with_address_space(limit, || {
        let refusal = take_all(&pool, &mut kept);
        let count = kept.len();
        kept.truncate(count - 10);
        (refusal, count, take_all(&pool, &mut kept))
    });
    let refusal = refusal.expect("the address space ends before the list");
    assert_eq!((refusal.cause(), refusal.requested_bytes()), (Cause::System, 16_384));
    assert_eq!(kept.len(), count, "the ten that came back were given again");
    assert_eq!(again.map(|error| error.cause()), Some(Cause::System));
    let held = pool.stats().held_bytes();
    assert!((8 * SLAB_BYTES..=LEFT_BYTES + SLAB_BYTES).contains(&held), "{held}");
    kept.push(pool.take(16_384));
    drop(kept);
    assert_eq!(pool.stats().in_use_bytes(), 0);
    assert_eq!(pool.trim(), pool.stats().held_bytes_peak());
    check_other_size();
    check_waiting();
}
