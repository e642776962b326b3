//! Criterion benchmarks of seg-seq.

use core::hint::black_box;
use std::io::Read;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seg_pool::Pool;
use seg_seq::SegmentedBuf;

const MESSAGE_BYTES: usize = 1 << 20;

fn append(c: &mut Criterion) {
    let pool = Pool::new();
    let mut group = c.benchmark_group("seq/append_1m");
    group.throughput(Throughput::Bytes(MESSAGE_BYTES as u64));
    for piece_bytes in [1_400, 16_384] {
        let piece = vec![7; piece_bytes];
        group.bench_function(format!("in_{piece_bytes}"), |b| {
            b.iter(|| {
                let mut buffer = SegmentedBuf::new(&pool);
                for _ in 0..MESSAGE_BYTES / piece_bytes {
                    buffer.extend_from_slice(&piece);
                }
                black_box(buffer.freeze())
            });
        });
    }
}

fn read(c: &mut Criterion) {
    let pool = Pool::new();
    let mut buffer = SegmentedBuf::new(&pool);
    buffer.extend_from_slice(&vec![7; MESSAGE_BYTES]);
    let message = buffer.freeze();
    let mut target = [0; 4096];
    let mut group = c.benchmark_group("seq/read");
    group.throughput(Throughput::Bytes(MESSAGE_BYTES as u64));
    group.bench_function("4k", |b| {
        b.iter(|| {
            let mut reader = message.as_reader();
            while reader.read(&mut target).is_ok_and(|count| count > 0) {
                black_box(&mut target);
            }
        });
    });
}

criterion_group!(benches, append, read);
criterion_main!(benches);
