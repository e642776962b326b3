//! Criterion benchmarks of http-chunked.

use core::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use http_chunked::{BodyAssembler, ContentCoding, Decoder, Framing, Step};
use seg_pool::{Pool, Segment};

const BODY_BYTES: usize = 1 << 20;

/// What a socket hands over at a time.
const RECEIVE_BYTES: usize = 16 << 10;

fn encoded(chunk_bytes: usize) -> Vec<u8> {
    let body: Vec<u8> = (b' '..=b'~').cycle().take(BODY_BYTES).collect();
    let mut wire = Vec::new();
    for chunk in body.chunks(chunk_bytes) {
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    wire
}

fn received(pool: &Pool, wire: &[u8]) -> Vec<Segment> {
    let receive = |piece: &[u8]| {
        let mut segment = pool.take(RECEIVE_BYTES);
        segment.extend_from_slice(piece);
        segment.freeze()
    };
    wire.chunks(RECEIVE_BYTES).map(receive).collect()
}

/// Received segments into a body, whose data is linked.
fn assemble(c: &mut Criterion) {
    let mut group = c.benchmark_group("chunked/assemble_1m");
    group.throughput(Throughput::Bytes(BODY_BYTES as u64));
    for chunk_bytes in [16, 1 << 10, 16 << 10] {
        let (pool, wire) = (Pool::new(), encoded(chunk_bytes));
        let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
        group.bench_function(format!("in_{chunk_bytes}"), |b| {
            b.iter_batched(
                || received(&pool, &wire),
                |segments| {
                    assembler.reset(Framing::Chunked, ContentCoding::Identity);
                    for mut segment in segments {
                        assembler.push(&mut segment).expect("a valid body");
                    }
                    assembler.take_body()
                },
                BatchSize::PerIteration,
            );
        });
    }
}

/// The grammar alone.
fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("chunked/decode_1m");
    group.throughput(Throughput::Bytes(BODY_BYTES as u64));
    for chunk_bytes in [16, 1 << 10] {
        let wire = encoded(chunk_bytes);
        group.bench_function(format!("in_{chunk_bytes}"), |b| {
            b.iter(|| {
                let (mut decoder, mut rest) = (Decoder::new(), black_box(&wire[..]));
                while let Step::Data(data) = decoder.step(&mut rest).expect("a valid body") {
                    black_box(data);
                }
            });
        });
    }
}

criterion_group!(benches, assemble, decode);
criterion_main!(benches);
