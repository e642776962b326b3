//! Criterion benchmarks of ws-assemble.

use core::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use seg_pool::{Pool, Segment, SegmentMut};
use seg_seq::{SegmentedBuf, Sequence};
use ws_assemble::{Decoder, Header, Opcode, Role, Utf8Validator, encode_frame, mask, unmask_text};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What a socket hands over at a time.
const RECEIVE_BYTES: usize = 16 << 10;

fn text(len: usize) -> Vec<u8> {
    "{\"id\": 4711, \"name\": \"a plain line of text\"}\n".bytes().cycle().take(len).collect()
}

/// As many masked text messages as fit in one read.
fn messages(payload_bytes: usize) -> Vec<u8> {
    let mut payload = text(payload_bytes);
    mask(&mut payload, KEY, 0);
    let header = Header {
        fin: true,
        is_compressed: false,
        opcode: Opcode::Text,
        mask: Some(KEY),
        payload_len: payload_bytes as u64,
    };
    let (head, len) = header.to_bytes();
    let message = [&head[..len], &payload].concat();
    message.repeat(RECEIVE_BYTES / message.len())
}

fn received(pool: &Pool, wire: &[u8]) -> SegmentMut {
    let mut segment = pool.take(RECEIVE_BYTES);
    segment.extend_from_slice(wire);
    segment
}

/// One read's worth of messages; unmasking writes, so each read comes anew.
fn read(c: &mut Criterion) {
    let mut group = c.benchmark_group("ws/read_16k_of");
    for payload_bytes in [16, 125, 1 << 10] {
        let (pool, wire) = (Pool::new(), messages(payload_bytes));
        let mut decoder = Decoder::new(Role::Server);
        group.throughput(Throughput::Bytes(wire.len() as u64));
        group.bench_function(format!("{payload_bytes}b"), |b| {
            b.iter_batched_ref(
                || received(&pool, &wire),
                |segment| {
                    while let Some(event) = decoder.decode(segment).expect("a good wire") {
                        drop(black_box(event));
                    }
                },
                BatchSize::PerIteration,
            );
        });
    }
}

fn write(c: &mut Criterion) {
    let pool = Pool::new();
    let mut group = c.benchmark_group("ws/encode");
    for payload_bytes in [125, 64 << 10] {
        let payload = Sequence::from(Segment::from(bytes::Bytes::from(text(payload_bytes))));
        group.bench_function(format!("{payload_bytes}b"), |b| {
            b.iter(|| {
                let mut output = SegmentedBuf::new(&pool);
                encode_frame(true, Opcode::Text, None, black_box(&payload), &mut output)
                    .expect("the pool has no cap");
                output.freeze()
            });
        });
    }
}

fn unmask(c: &mut Criterion) {
    let mut bytes = text(RECEIVE_BYTES);
    let mut group = c.benchmark_group("ws/unmask_16k");
    group.throughput(Throughput::Bytes(RECEIVE_BYTES as u64));
    group.bench_function("binary", |b| b.iter(|| mask(black_box(&mut bytes), KEY, 0)));
    let mut masked = text(RECEIVE_BYTES);
    mask(&mut masked, KEY, 0);
    group.bench_function("text", |b| {
        b.iter_batched_ref(
            || masked.clone(),
            |bytes| {
                let mut validator = Utf8Validator::new();
                let valid = unmask_text(bytes, KEY, 0, &mut validator);
                assert!(valid.is_ok() && validator.is_complete(), "ASCII");
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, read, write, unmask);
criterion_main!(benches);
