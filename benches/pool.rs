//! Criterion benchmarks of seg-pool.

use core::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use seg_pool::{Pool, SegmentSize};

fn take_and_drop(c: &mut Criterion) {
    let pool = Pool::new();
    for size in [SegmentSize::B256, SegmentSize::K16, SegmentSize::K64] {
        c.bench_function(&format!("pool/same_thread/{size}"), |b| {
            b.iter(|| black_box(pool.try_take_size(size)));
        });
    }
    let mut kept = Vec::with_capacity(64);
    c.bench_function("pool/burst_64", |b| {
        b.iter(|| {
            kept.extend((0..64).map(|_| pool.take(16_384)));
            black_box(&mut kept).clear();
        });
    });
}

fn share(c: &mut Criterion) {
    let mut segment = Pool::new().take(16_384);
    segment.extend_from_slice(&[7; 16_384]);
    let segment = segment.freeze();
    c.bench_function("segment/clone_drop", |b| b.iter(|| black_box(segment.clone())));
    c.bench_function("segment/slice", |b| {
        b.iter(|| black_box(segment.slice(black_box(10)..black_box(100))));
    });
}

criterion_group!(benches, take_and_drop, share);
criterion_main!(benches);
