//! An encoder in front of a socket.

use std::io::{self, IoSlice, Write};

use http_chunked::{BodyAssembler, ChunkedWriter, Encoder, Framing, Progress, Trailers};
use seg_pool::{Pool, Segment, SegmentMut, SegmentSize};

/// A socket that takes at most so many bytes a call and is interrupted in between.
#[derive(Debug, Default)]
struct Socket {
    bytes: Vec<u8>,
    most: usize,
    calls: usize,
    is_interrupted: bool,
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.is_interrupted = !self.is_interrupted;
        if self.is_interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.calls += 1;
        let before = self.bytes.len();
        for slice in slices {
            let left = self.most - (self.bytes.len() - before);
            self.bytes.extend_from_slice(&slice[..slice.len().min(left)]);
        }
        Ok(self.bytes.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn decode(wire: &[u8]) -> Vec<u8> {
    let mut assembler = BodyAssembler::new(&Pool::new(), Framing::Chunked);
    let mut received = Segment::from(bytes::Bytes::copy_from_slice(wire));
    assert_eq!(assembler.push(&mut received), Ok(Progress::End));
    assert!(received.is_empty());
    assembler.take_body().bytes().to_vec()
}

#[test]
fn all_that_is_written_arrives_however_little_the_socket_takes() {
    let body: Vec<u8> = (0..=250).cycle().take(200_000).collect();
    for most in [1000, 4096, usize::MAX] {
        let socket = Socket { most, ..Socket::default() };
        let mut writer = ChunkedWriter::new(socket, &Pool::new());
        for piece in body.chunks(777) {
            writer.write_all(piece).expect("the socket takes it");
        }
        writer.finish(&Trailers::new()).expect("the socket takes it");
        let socket = writer.into_socket();
        assert!(decode(&socket.bytes) == body, "{most}");
    }
}

#[test]
fn a_body_of_200_kb_goes_out_in_few_writes() {
    let socket = Socket { most: usize::MAX, ..Socket::default() };
    let mut writer = ChunkedWriter::new(socket, &Pool::new());
    for _ in 0..200 {
        writer.write_all(&[7; 1000]).expect("the socket takes it");
    }
    writer.finish(&Trailers::new()).expect("the socket takes it");
    let socket = writer.into_socket();
    assert!(socket.calls <= 4, "{}", socket.calls);
}

#[test]
fn a_flush_sends_what_was_written_so_far() {
    let socket = Socket { most: usize::MAX, ..Socket::default() };
    let mut writer = ChunkedWriter::new(socket, &Pool::new());
    writer.write_all(b"event").expect("taken");
    assert_eq!(writer.socket().bytes, b"");
    writer.flush().expect("written");
    assert_eq!(writer.socket().bytes, b"5\r\nevent\r\n");
    writer.flush().expect("nothing to write");
    assert_eq!(writer.into_socket().bytes, b"5\r\nevent\r\n");
}

#[test]
fn a_socket_that_takes_nothing_is_an_error() {
    let mut writer = ChunkedWriter::new(Socket::default(), &Pool::new());
    writer.write_all(b"event").expect("taken");
    assert_eq!(writer.flush().expect_err("nothing fits").kind(), io::ErrorKind::WriteZero);
}

#[test]
fn an_exhausted_pool_is_an_error_that_names_it() {
    let pool = Pool::builder().segment_size(SegmentSize::B256).bytes_max(64 << 10).build();
    let mut taken = Vec::new();
    while let Ok(segment) = pool.try_take_size(pool.segment_size()) {
        taken.push(segment);
    }
    let mut writer = ChunkedWriter::with_encoder(Vec::new(), Encoder::new(&pool));
    let error = writer.write(b"event").expect_err("no segment is left");
    assert!(error.to_string().contains("at byte 0 of the body"), "{error}");
    let error = writer.finish(&Trailers::new()).expect_err("no segment is left");
    assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    drop(taken);
    assert_eq!(writer.write(b"event").expect("there is one"), 5);
    writer.finish(&Trailers::new()).expect("there is memory");
    assert_eq!(writer.into_socket(), b"5\r\nevent\r\n0\r\n\r\n");
}

#[cfg(feature = "tokio")]
mod tokio_io {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn run<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(future)
    }

    #[test]
    fn all_that_is_written_arrives_however_little_the_socket_takes() {
        let body: Vec<u8> = (0..=250).cycle().take(200_000).collect();
        run(async {
            for capacity in [1, 100, 10_000] {
                let (client, mut server) = tokio::io::duplex(capacity);
                let mut writer = ChunkedWriter::new(client, &Pool::new());
                let body = if capacity == 1 { &body[..3000] } else { &body[..] };
                let mut wire = Vec::new();
                let write = async {
                    for piece in body.chunks(777) {
                        writer.write_all(piece).await?;
                    }
                    writer.shutdown().await
                };
                let (written, read) = tokio::join!(write, server.read_to_end(&mut wire));
                written.expect("the socket takes it");
                read.expect("the end comes");
                assert!(decode(&wire) == body, "{capacity}");
            }
        });
    }

    #[test]
    fn a_long_chunk_is_written_before_more_is_read_and_loses_nothing_when_that_is_given_up() {
        const LEN: usize = 100_000;
        run(async {
            let pool = Pool::new();
            let (client, mut server) = tokio::io::duplex(1 << 10);
            let mut writer = ChunkedWriter::new(client, &pool);
            let data = Segment::from_static(&[b'x'; LEN]);
            let mut left = 0;
            for _ in 0..3 {
                let mut data = data.clone().into();
                tokio::select! {
                    biased;
                    written = writer.write_chunk(&mut data) => panic!("nobody reads: {written:?}"),
                    () = core::future::ready(()) => {}
                }
                // The first is taken and being written; the others wait for that.
                left += data.len();
            }
            assert_eq!(left, 2 * LEN as u64);
            let mut wire = Vec::new();
            let trailers = Trailers::new();
            let finish = async {
                writer.finish_async(&trailers).await.expect("written");
                drop(writer);
            };
            let (read, ()) = tokio::join!(server.read_to_end(&mut wire), finish);
            read.expect("the end comes");
            assert_eq!(decode(&wire), vec![b'x'; LEN]);
        });
    }

    #[test]
    fn an_end_that_is_given_up_goes_on() {
        run(async {
            let (client, mut server) = tokio::io::duplex(3);
            let mut writer = ChunkedWriter::new(client, &Pool::new());
            writer.write_all(b"hello").await.expect("taken");
            let (mut wire, trailers) = (Vec::new(), Trailers::new());
            let mut read = async || {
                let mut octets = [0; 3];
                let len = server.read(&mut octets).await.expect("open");
                wire.extend_from_slice(&octets[..len]);
                wire.len()
            };
            for len in [3, 6, 9, 12] {
                tokio::select! {
                    biased;
                    ended = writer.finish_async(&trailers) => panic!("it is full: {ended:?}"),
                    () = core::future::ready(()) => {}
                }
                assert_eq!(read().await, len);
            }
            writer.finish_async(&trailers).await.expect("there is space for the rest");
            assert_eq!(read().await, 15);
            assert_eq!(wire, b"5\r\nhello\r\n0\r\n\r\n");
        });
    }

    #[test]
    fn trailers_are_sent_and_the_socket_stays_open() {
        run(async {
            let (client, mut server) = tokio::io::duplex(1 << 10);
            let mut writer = ChunkedWriter::new(client, &Pool::new());
            writer.write_all(b"hello").await.expect("taken");
            let mut trailers = Trailers::new();
            trailers.push("ETag", b"\"a\"").expect("a trailer");
            writer.finish_async(&trailers).await.expect("written");
            let mut client = writer.into_socket();
            client.write_all(b"next").await.expect("open");
            drop(client);
            let mut wire = String::new();
            server.read_to_string(&mut wire).await.expect("text");
            assert_eq!(wire, "5\r\nhello\r\n0\r\nETag: \"a\"\r\n\r\nnext");
        });
    }
}

#[test]
fn writes_are_of_64_kib_and_nothing_is_held_after_a_flush() {
    const LEN: usize = 4 << 20;
    let pool = Pool::new();
    for most in [usize::MAX, 50_000] {
        let mut writer = ChunkedWriter::new(Socket { most, ..Socket::default() }, &pool);
        for _ in 0..LEN / 1000 {
            writer.write_all(&[7; 1000]).expect("the socket takes it");
        }
        writer.flush().expect("the socket takes it");
        assert_eq!(pool.stats().in_use_bytes(), 0);
        let calls = writer.socket().calls;
        assert!(calls >= LEN / most.min(66 << 10), "{calls} calls");
        assert!(calls <= 2 * LEN / (64 << 10) + 2, "{calls} calls");
    }
}

/// Takes every segment that the pool still has.
fn take_all(pool: &Pool) -> Vec<SegmentMut> {
    let of_size = |size| core::iter::from_fn(move || pool.try_take_size(size).ok());
    SegmentSize::ALL.into_iter().rev().flat_map(of_size).collect()
}

#[test]
fn what_is_encoded_goes_out_without_memory_to_link_it() {
    let pool = Pool::builder().bytes_max(128 << 10).build();
    let head = Segment::from_static(b"HTTP/1.1 200 OK\r\n\r\n");
    let socket = Socket { most: 5, ..Socket::default() };
    let mut writer = ChunkedWriter::new(socket, &pool).with_head(head.clone().into());
    writer.write_all(b"hello").expect("there is memory");
    let others = take_all(&pool);
    writer.flush().expect("written");
    let (head, body) = writer.socket().bytes.split_at(head.len());
    assert_eq!((head, body), (&b"HTTP/1.1 200 OK\r\n\r\n"[..], &b"5\r\nhello\r\n"[..]));
    drop(others);
}

#[test]
fn what_was_written_is_dropped_without_memory_for_another_list() {
    const SEGMENTS: usize = 40;
    let pool = Pool::builder().bytes_max(128 << 10).build();
    let socket = Socket { most: 5_000, ..Socket::default() };
    let mut writer = ChunkedWriter::new(socket, &pool);
    let data = Segment::from_static(&[b'x'; 2_000]);
    for _ in 0..SEGMENTS {
        let mut data = data.clone();
        writer.push_segment(&mut data).expect("there is memory");
        assert!(data.is_empty(), "it is taken");
    }
    let others = take_all(&pool);
    // Each write ends inside of a chunk, many chunks before the last.
    writer.flush().expect("written");
    drop(others);
    writer.finish(&Trailers::new()).expect("written");
    let socket = writer.into_socket();
    assert_eq!(decode(&socket.bytes), vec![b'x'; SEGMENTS * 2_000]);
}
