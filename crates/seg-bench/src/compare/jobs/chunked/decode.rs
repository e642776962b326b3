//! Chunked bodies decoded. The wire bytes lie in 16 KiB buffers of each contender's own kind, which
//! are filled outside the timed part.

use bytes::Bytes;
use http_chunked::{Assembly, Body, BodyAssembler, Decoder, Framing, Step};
use seg_pool::{Pool, Segment};

use super::{
    RECEIVE_BYTES,
    actix_codec::ActixCodec,
    httparse_loop::{Copying, HttparseLoop, Splitting},
    hyper_peer::HyperServer,
    payload,
    transfer::ChunkedTransfer,
    ureq_call::UreqCall,
};
use crate::compare::{
    Job, Kind,
    jobs::way::{Way, contender},
};

pub(super) fn jobs() -> Vec<Job> {
    vec![
        job("chunked/16m_in_16k", 16 << 20, 16 << 10),
        job("chunked/1m_in_1k", 1 << 20, 1 << 10),
        job("chunked/64k_in_16b", 64 << 10, 16),
        job("chunked/64k_in_1b", 64 << 10, 1),
    ]
}

/// The body in chunks of `chunk` bytes.
fn encoded(body: &[u8], chunk: usize) -> &'static [u8] {
    let mut wire = Vec::with_capacity(body.len() * 2);
    for data in body.chunks(chunk) {
        wire.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
        wire.extend_from_slice(data);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    Vec::leak(wire)
}

fn job(name: &str, bytes: usize, chunk: usize) -> Job {
    let body: &'static [u8] = Vec::leak(payload(bytes));
    let wire = encoded(body, chunk);
    let len = bytes as u64;
    Job::new(name, len)
        .with(contender(Kind::Ours, "http-chunked", len, move || {
            Assembled::new(wire, Assembly::Segmented)
        }))
        .with(contender(Kind::Ours, "http-chunked, contiguous", len, move || {
            Assembled::new(wire, Assembly::Contiguous)
        }))
        .with(contender(Kind::Ours, "http-chunked, decoder alone", len, move || Alone(wire)))
        .with(contender(Kind::Peer, "httparse loop, split_to", len, move || {
            HttparseLoop::<Splitting>::new(wire)
        }))
        .with(contender(Kind::Peer, "httparse loop, copied", len, move || {
            HttparseLoop::<Copying>::new(wire)
        }))
        .with(contender(Kind::Peer, "chunked_transfer", len, move || ChunkedTransfer(wire)))
        .with(contender(Kind::Peer, "actix-http codec", len, move || ActixCodec::new(wire)))
        .with(contender(Kind::Peer, "ureq-proto", len, move || UreqCall(wire)))
        .with(contender(Kind::Peer, "hyper server", len, move || HyperServer::new(wire)))
        .with(contender(Kind::Floor, "memcpy of the payload", len, move || Copied(body)))
}

/// Our assembler over received segments.
struct Assembled {
    wire: &'static [u8],
    pool: Pool,
    assembler: BodyAssembler,
}

impl Assembled {
    fn new(wire: &'static [u8], assembly: Assembly) -> Self {
        let pool = Pool::new();
        let assembler = BodyAssembler::new(&pool, Framing::Chunked).with_assembly(assembly);
        Self { wire, pool, assembler }
    }
}

impl Way for Assembled {
    type Input = Vec<Segment>;
    type Output = Body;

    fn input(&mut self) -> Vec<Segment> {
        let receive = |piece: &[u8]| {
            let mut segment = self.pool.take(RECEIVE_BYTES);
            segment.extend_from_slice(piece);
            segment.freeze()
        };
        self.wire.chunks(RECEIVE_BYTES).map(receive).collect()
    }

    fn run(&mut self, received: Vec<Segment>) -> Body {
        self.assembler.reset(Framing::Chunked, http_chunked::ContentCoding::Identity);
        for mut segment in received {
            self.assembler.push(&mut segment).expect("a valid body");
        }
        self.assembler.take_body()
    }

    fn output_len(body: &Body) -> u64 {
        body.len()
    }
}

/// Our state machine, whose data goes nowhere.
struct Alone(&'static [u8]);

impl Way for Alone {
    type Input = Vec<Bytes>;
    type Output = u64;

    fn input(&mut self) -> Vec<Bytes> {
        self.0.chunks(RECEIVE_BYTES).map(Bytes::from_static).collect()
    }

    fn run(&mut self, received: Vec<Bytes>) -> u64 {
        let (mut decoder, mut len) = (Decoder::new(), 0);
        for piece in &received {
            let mut rest = &piece[..];
            while let Step::Data(data) = decoder.step(&mut rest).expect("a valid body") {
                len += core::hint::black_box(data).len() as u64;
            }
        }
        len
    }

    fn output_len(len: &u64) -> u64 {
        *len
    }
}

/// The payload, copied into memory that was used before.
struct Copied(&'static [u8]);

impl Way for Copied {
    type Input = Vec<u8>;
    type Output = Vec<u8>;

    fn input(&mut self) -> Vec<u8> {
        vec![1; self.0.len()]
    }

    fn run(&mut self, mut target: Vec<u8>) -> Vec<u8> {
        target.copy_from_slice(self.0);
        target
    }

    fn output_len(target: &Vec<u8>) -> u64 {
        target.len() as u64
    }
}
