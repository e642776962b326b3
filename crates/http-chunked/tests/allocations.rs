//! What messages ask of the allocator, counted by thread.

#[path = "../../seg-pool/tests/harness/counting.rs"]
mod counting;

use core::cell::Cell;
use std::io::{self, BufRead as _, IoSliceMut, Read, Write as _};

use counting::allocations;
use flate2::{Compression, write::GzEncoder};
use http_chunked::{BodyAssembler, Contexts, Framing, Incoming, MessageStep, RequestReader};
use seg_pool::{Pool, Segment};

/// Rounds of warming up, and then of counting.
const ROUNDS: usize = if cfg!(miri) { 2 } else { 8 };

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("into memory")
}

/// A request in a segment of a pool.
fn request(pool: &Pool, coding: &str, body: &[u8]) -> Segment {
    let mut wire = pool.take(16 << 10);
    let head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    wire.extend_from_slice(head.as_bytes());
    wire.extend_from_slice(body);
    wire.freeze()
}

#[test]
fn a_reader_allocates_nothing_for_a_message_also_when_it_is_compressed() {
    let (pool, contexts) = (Pool::new(), Contexts::new(1 << 20));
    let body = b"hello hello hello";
    for received in [request(&pool, "gzip", &gzip(body)), request(&pool, "identity", body)] {
        let mut reader = RequestReader::new(&pool).with_contexts(&contexts);
        let mut read = || {
            reader.reset();
            let mut received = received.clone();
            assert_eq!(reader.push(&mut received), Ok(MessageStep::Head));
            assert_eq!(reader.push(&mut received), Ok(MessageStep::End));
            assert_eq!(reader.take_data(), body);
        };
        (0..ROUNDS).for_each(|_| read());
        assert_eq!(allocations(|| (0..ROUNDS).for_each(|_| read())), (0, 0));
    }
}

#[test]
fn reads_into_several_segments_allocate_nothing() {
    let pool = Pool::new();
    let assembler = BodyAssembler::new(&pool, Framing::UntilClose);
    let mut incoming = Incoming::new(Endless::default(), assembler, &pool)
        .with_vectored_reads(Endless::read_vectored);
    let mut read = || {
        for _ in 0..ROUNDS << 6 {
            let count = incoming.fill_buf().expect("endless").len();
            incoming.consume(count);
        }
    };
    read();
    read();
    assert_eq!(allocations(read), (0, 0));
    assert!(incoming.socket().0.get() >= ROUNDS, "it reads into several");
}

/// A socket that counts its vectored reads.
#[derive(Default)]
struct Endless(Cell<usize>);

impl Endless {
    fn read_vectored(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.set(self.0.get() + 1);
        io::repeat(b'x').read_vectored(slices)
    }
}

impl Read for Endless {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        io::repeat(b'x').read(target)
    }
}

#[cfg(all(feature = "http-body", feature = "zlib-rs"))]
mod bodies {
    use core::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use bytes::Bytes;
    use http_body_util::Full;
    use http_chunked::{BodyLimits, Compress, ContentCoding, Decompress, Level};
    use hyper::body::Body;

    use super::*;

    /// Reads a body to its end, which is there, and returns its length.
    fn drain(body: impl Body<Data = Bytes, Error: core::fmt::Debug>) -> usize {
        let (mut body, mut len) = (pin!(body), 0);
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
            len += frame.expect("good").into_data().map_or(0, |data| data.len());
        }
        len
    }

    /// The allocations of a round, once all is warm.
    fn steady(mut round: impl FnMut()) -> usize {
        (0..ROUNDS).for_each(|_| round());
        allocations(round).0
    }

    #[test]
    fn a_body_that_is_decoded_or_encoded_allocates_only_for_the_bytes_that_it_hands_on() {
        let (pool, contexts) = (Pool::new(), Contexts::new(1 << 20));
        let plain = b"hello hello hello";
        let coded = Bytes::from(gzip(plain));
        let (coding, limits) = (ContentCoding::Gzip, BodyLimits::new());
        let decoded = steady(|| {
            let body = Full::new(coded.clone());
            let body = Decompress::new(body, coding, limits, &contexts, &pool);
            assert_eq!(drain(body), plain.len());
        });
        // The count of the `Bytes` that came, and that of the one that is handed on.
        assert!(decoded <= 2, "{decoded} allocations");
        let encoded = steady(|| {
            let body = Full::new(Bytes::from_static(plain));
            let body = Compress::new(body, coding, Level::DEFAULT, &contexts, &pool);
            assert!(drain(body) > 0);
        });
        assert!(encoded <= 1, "{encoded} allocations");
    }
}
