//! Criterion benchmarks of seg-flate.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seg_flate::{Decode, Deflater, Encode, Flush, Format, Inflater, Level, Limits};
use seg_pool::Pool;
use seg_seq::SegmentedBuf;

const TEXT_BYTES: usize = 1 << 20;

/// Rows whose numbers differ, so that there is something to look for.
fn text() -> Vec<u8> {
    let rows = (0_u32..).flat_map(|row| {
        let (id, hash) = (row, row.wrapping_mul(2_654_435_761));
        format!("{{\"id\": {id}, \"hash\": {hash}, \"name\": \"a plain row\"}}\n").into_bytes()
    });
    rows.take(TEXT_BYTES).collect()
}

fn compressed(text: &[u8]) -> Vec<u8> {
    let mut output = SegmentedBuf::new(&Pool::new());
    let mut deflater = Deflater::new(Format::Gzip, Level::DEFAULT);
    deflater.push(&mut &text[..], Flush::Finish, &mut output).expect("the pool has no cap");
    output.freeze().to_vec()
}

/// From 16 KiB at a time into segments, the state used again.
fn gunzip(c: &mut Criterion) {
    let wire = compressed(&text());
    let mut output = SegmentedBuf::new(&Pool::new());
    let mut inflater = Inflater::new(Format::Gzip, Limits::default());
    let mut group = c.benchmark_group("flate");
    group.throughput(Throughput::Bytes(TEXT_BYTES as u64));
    group.bench_function("gunzip_1m", |b| {
        b.iter(|| {
            inflater.reset(Format::Gzip);
            for piece in wire.chunks(16 << 10) {
                inflater.push(&mut &piece[..], &mut output).expect("a valid stream");
            }
            inflater.finish().expect("a whole stream");
            output.split()
        });
    });
}

fn gzip(c: &mut Criterion) {
    let text = text();
    let mut output = SegmentedBuf::new(&Pool::new());
    let mut group = c.benchmark_group("flate");
    group.throughput(Throughput::Bytes(TEXT_BYTES as u64)).sample_size(20);
    for (name, level) in [("gzip_1m_fast", Level::FAST), ("gzip_1m_default", Level::DEFAULT)] {
        let mut deflater = Deflater::new(Format::Gzip, level);
        group.bench_function(name, |b| {
            b.iter(|| {
                deflater.reset(Format::Gzip);
                let pushed = deflater.push(&mut &text[..], Flush::Finish, &mut output);
                pushed.expect("the pool has no cap");
                output.split()
            });
        });
    }
}

criterion_group!(benches, gunzip, gzip);
criterion_main!(benches);
