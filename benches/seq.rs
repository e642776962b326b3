//! Criterion benchmarks of seg-seq.

use core::hint::black_box;
use std::io::Read;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seg_pool::Pool;
use seg_seq::{SegmentedBuf, Sequence};

const MESSAGE_BYTES: usize = 1 << 20;

fn message(pool: &Pool) -> Sequence {
    let mut buffer = SegmentedBuf::new(pool);
    buffer.extend_from_slice(&vec![7; MESSAGE_BYTES - 4]);
    buffer.extend_from_slice(b"end.");
    buffer.freeze()
}

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
    let message = message(&Pool::new());
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
    group.bench_function("u32_be", |b| {
        b.iter(|| {
            let mut reader = message.as_reader();
            let mut sum = 0_u64;
            while let Ok(value) = reader.read_u32_be() {
                sum = sum.wrapping_add(value.into());
            }
            black_box(sum)
        });
    });
}

fn find(c: &mut Criterion) {
    let message = message(&Pool::new());
    let mut group = c.benchmark_group("seq/find");
    group.throughput(Throughput::Bytes(MESSAGE_BYTES as u64));
    group.bench_function("byte", |b| b.iter(|| black_box(&message).position(b'.')));
    group.bench_function("needle", |b| b.iter(|| black_box(&message).find(b"end.")));
}

fn cut(c: &mut Criterion) {
    let pool = Pool::new();
    let message = message(&pool);
    let mut group = c.benchmark_group("seq/cut");
    group.throughput(Throughput::Bytes(MESSAGE_BYTES as u64));
    group.bench_function("fragments_1420", |b| {
        b.iter(|| {
            black_box(&message).fragments(1_420).for_each(|fragment| _ = black_box(fragment))
        });
    });
    group.bench_function("packets_1364", |b| {
        b.iter(|| {
            let packets = black_box(&message).packets(&pool, 1_420, 40, 16);
            packets.expect("a payload").for_each(|packet| drop(black_box(packet)));
        });
    });
}

criterion_group!(benches, append, read, find, cut);
criterion_main!(benches);
