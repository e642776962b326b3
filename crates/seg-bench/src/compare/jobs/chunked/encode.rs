//! Bodies encoded and handed to a vectored write that only counts.

use http_chunked::{Encoder, Trailers};
use seg_pool::{Pool, Segment};
use seg_seq::Sequence;

use super::{hyper_peer::HyperAnswer, payload};
use crate::compare::{
    Job, Kind,
    jobs::way::{Way, contender},
};

pub(super) fn jobs() -> Vec<Job> {
    vec![
        job("chunked/encode_16m_in_16k", 16 << 20, 16 << 10),
        job("chunked/encode_1m_in_1k", 1 << 20, 1 << 10),
        job("chunked/encode_64k_in_16b", 64 << 10, 16),
    ]
}

fn job(name: &str, bytes: usize, chunk: usize) -> Job {
    let body: &'static [u8] = Vec::leak(payload(bytes));
    let framing: usize =
        body.chunks(chunk).map(|data| format!("{:x}", data.len()).len() + "\r\n\r\n".len()).sum();
    let wire = (bytes + framing + "0\r\n\r\n".len()) as u64;
    let mut job =
        Job::new(name, bytes as u64)
            .with(contender(Kind::Ours, "http-chunked", wire, move || Linked::new(body, chunk)));
    // A copied chunk has to fit a segment; where it does not fit the rest of one, it becomes two.
    if chunk < 16 << 10 {
        let make = move || Pushed { encoder: Encoder::new(&Pool::new()), body, chunk };
        let wire = make().run(());
        job = job.with(contender(Kind::Ours, "http-chunked, copied", wire, make));
    }
    job.with(contender(Kind::Peer, "hyper server", wire, move || HyperAnswer::new(body, chunk)))
        .with(contender(Kind::Peer, "format! into a Vec", wire, move || Formatted { body, chunk }))
}

/// What a vectored write would have taken.
fn write(output: &Sequence) -> u64 {
    output.io_slices().map(|slice| core::hint::black_box(slice).len() as u64).sum()
}

/// Chunks as given, linked when they are long.
struct Linked {
    encoder: Encoder,
    data: Vec<Segment>,
}

impl Linked {
    fn new(body: &[u8], chunk: usize) -> Self {
        let pool = Pool::new();
        let data = |data: &[u8]| {
            let mut segment = pool.take(chunk);
            segment.extend_from_slice(data);
            segment.freeze()
        };
        Self { encoder: Encoder::new(&pool), data: body.chunks(chunk).map(data).collect() }
    }
}

impl Way for Linked {
    type Input = Vec<Segment>;
    type Output = u64;

    fn input(&mut self) -> Vec<Segment> {
        self.data.clone()
    }

    fn run(&mut self, mut body: Vec<Segment>) -> u64 {
        self.encoder.reset();
        let mut written = 0;
        for batch in body.chunks_mut(16) {
            for data in batch {
                self.encoder.push_segment(data).expect("the pool has no cap");
            }
            written += write(&self.encoder.take());
        }
        self.encoder.finish(&Trailers::new()).expect("the pool has no cap");
        written + write(&self.encoder.take())
    }

    fn output_len(written: &u64) -> u64 {
        *written
    }
}

/// Copied into chunks of that size.
struct Pushed {
    encoder: Encoder,
    body: &'static [u8],
    chunk: usize,
}

impl Way for Pushed {
    type Input = ();
    type Output = u64;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> u64 {
        self.encoder.reset();
        let mut written = 0;
        for mut data in self.body.chunks(self.chunk) {
            self.encoder.push(&mut data).expect("the pool has no cap");
            self.encoder.flush();
            if self.encoder.len() > 64 << 10 {
                written += write(&self.encoder.take());
            }
        }
        self.encoder.finish(&Trailers::new()).expect("the pool has no cap");
        written + write(&self.encoder.take())
    }

    fn output_len(written: &u64) -> u64 {
        *written
    }
}

/// What one writes without a library.
struct Formatted {
    body: &'static [u8],
    chunk: usize,
}

impl Way for Formatted {
    type Input = ();
    type Output = u64;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> u64 {
        let mut output = Vec::new();
        let mut written = 0;
        for data in self.body.chunks(self.chunk) {
            output.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
            output.extend_from_slice(data);
            output.extend_from_slice(b"\r\n");
            if output.len() > 64 << 10 {
                written += core::hint::black_box(&output).len() as u64;
                output.clear();
            }
        }
        output.extend_from_slice(b"0\r\n\r\n");
        written + output.len() as u64
    }

    fn output_len(written: &u64) -> u64 {
        *written
    }
}
