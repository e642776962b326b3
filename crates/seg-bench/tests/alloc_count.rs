//! The counting allocator, installed.
#![expect(unsafe_code, reason = "allocates without a collection")]

use core::{alloc::Layout, hint::black_box};
use std::{alloc, thread};

use seg_bench::alloc_count::{self, CountingAlloc, Counts, Scope};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

fn counted(work: impl FnOnce()) -> Counts {
    let scope = Scope::start();
    work();
    scope.finish()
}

fn buffer(len: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(len))
}

#[test]
fn the_allocator_knows_that_it_is_installed() {
    assert!(alloc_count::is_installed());
}

#[test]
fn a_block_taken_and_given_back_leaves_its_peak() {
    let counts = counted(|| drop(buffer(1000)));
    let want = Counts {
        allocs: 1,
        allocated_bytes: 1000,
        largest_bytes: 1000,
        live_bytes: 0,
        peak_live_bytes: 1000,
    };
    assert_eq!(counts, want);
}

#[test]
fn zeroed_memory_counts_like_any_other() {
    let counts = counted(|| drop(black_box(vec![0_u8; 1 << 20])));
    assert_eq!((counts.allocs, counts.largest_bytes, counts.live_bytes), (1, 1 << 20, 0));
}

#[test]
fn growing_counts_the_new_size_and_keeps_the_difference() {
    let mut bytes = buffer(100);
    let counts = counted(|| bytes.reserve_exact(300));
    let want = Counts {
        allocs: 1,
        allocated_bytes: 300,
        largest_bytes: 300,
        live_bytes: 200,
        peak_live_bytes: 200,
    };
    assert_eq!(counts, want);
}

#[test]
fn shrinking_gives_the_difference_back() {
    let mut bytes = buffer(300);
    bytes.extend_from_slice(&[7; 100]);
    let counts = counted(|| bytes.shrink_to_fit());
    assert_eq!((counts.allocs, counts.largest_bytes), (1, 100));
    assert_eq!((counts.live_bytes, counts.peak_live_bytes), (-200, 0));
}

#[test]
fn live_bytes_fall_below_zero_when_older_memory_is_freed() {
    let older = buffer(500);
    let counts = counted(|| drop(older));
    assert_eq!((counts.allocs, counts.live_bytes, counts.peak_live_bytes), (0, -500, 0));
}

#[test]
fn the_peak_is_the_highest_sum_and_not_the_last() {
    let counts = counted(|| {
        let first = buffer(1000);
        let second = buffer(2000);
        drop(first);
        drop(buffer(500));
        drop(second);
    });
    assert_eq!((counts.allocs, counts.peak_live_bytes, counts.live_bytes), (3, 3000, 0));
    assert_eq!((counts.allocated_bytes, counts.largest_bytes), (3500, 2000));
}

#[test]
fn an_aligned_block_counts_its_size() {
    let layout = Layout::from_size_align(65_536, 4096).expect("a layout");
    let counts = counted(|| {
        // SAFETY: the size of `layout` is not 0.
        let block = unsafe { alloc::alloc(layout) };
        assert_eq!(block.addr() % 4096, 0);
        // SAFETY: `block` was just allocated with `layout`.
        unsafe { alloc::dealloc(block, layout) };
    });
    assert_eq!((counts.allocs, counts.largest_bytes, counts.live_bytes), (1, 65_536, 0));
}

#[test]
fn nothing_is_counted_outside_a_scope() {
    let first = Scope::start();
    let _ = first.finish();
    let kept = buffer(1000);
    let counts = counted(|| ());
    drop(kept);
    assert_eq!(counts, Counts::default());
}

#[test]
fn another_thread_is_not_counted() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let other = thread::spawn(move || {
        wait.recv().expect("a signal");
        drop(buffer(1 << 20));
    });
    let counts = counted(|| {
        go.send(()).expect("the other thread");
        other.join().expect("the other thread");
    });
    assert!(counts.largest_bytes < 1 << 20, "{counts:?}");
}

#[test]
fn memory_freed_on_another_thread_stays_live_here() {
    let counts = counted(|| {
        let bytes = buffer(1 << 20);
        thread::scope(|scope| scope.spawn(|| drop(bytes)).join().expect("the other thread"));
    });
    assert!(counts.live_bytes >= 1 << 20, "{counts:?}");
}

#[test]
fn an_outer_scope_counts_what_the_inner_one_does() {
    let outer = Scope::start();
    let kept = buffer(100);
    let inner = counted(|| drop(buffer(1000)));
    let outer = outer.finish();
    drop(kept);
    assert_eq!((inner.allocs, inner.peak_live_bytes), (1, 1000));
    assert_eq!((outer.allocs, outer.allocated_bytes, outer.largest_bytes), (2, 1100, 1000));
    assert_eq!((outer.live_bytes, outer.peak_live_bytes), (100, 1100));
}

#[test]
fn a_scope_that_is_dropped_ends() {
    let outer = Scope::start();
    let inner = Scope::start();
    drop(buffer(10));
    drop(inner);
    drop(buffer(20));
    let counts = outer.finish();
    assert_eq!((counts.allocs, counts.allocated_bytes), (2, 30));
}

#[test]
fn periods_join_to_the_counts_of_the_whole() {
    let whole = Scope::start();
    let scope = Scope::start();
    let kept = buffer(1000);
    let first = scope.finish();
    let scope = Scope::start();
    let more = buffer(500);
    drop(kept);
    drop(more);
    let second = scope.finish();
    assert_eq!(first.then(second), whole.finish());
}

#[test]
fn counting_itself_allocates_nothing() {
    let counts = counted(|| {
        let scope = Scope::start();
        black_box(scope.finish());
    });
    assert_eq!(counts, Counts::default());
}
