//! Messages read from a socket as they come.

use core::cell::Cell;
use std::io::{self, BufRead, ErrorKind, IoSliceMut, Read, Write};

use flate2::{Compression, write::GzEncoder};
use http_chunked::{
    Assembly, Body, BodyAssembler, BodyLimits, ContentCoding, Framing, Incoming, RequestMethod,
    RequestReader, ResponseReader,
};
use seg_pool::{Pool, Segment};
use seg_seq::Sequence;

use crate::{case::cases, cut::places, outcome::POOL};

/// A socket that gives at most so many bytes a call and is interrupted in between.
struct Socket<'a> {
    wire: &'a [u8],
    most: usize,
    is_interrupted: bool,
}

impl Read for Socket<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        self.is_interrupted = !self.is_interrupted;
        if self.is_interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        let len = self.most.min(target.len());
        self.wire.read(&mut target[..len])
    }
}

fn socket(wire: &[u8], most: usize) -> Socket<'_> {
    Socket { wire, most, is_interrupted: false }
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("into memory")
}

const TWO: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n\
    HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n,\r\n0\r\nETag: a\r\n\r\n\
    HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nworldrest";

#[test]
fn responses_are_read_one_after_another_whatever_the_socket_gives() {
    for most in 1..TWO.len() {
        let mut incoming = Incoming::new(socket(TWO, most), ResponseReader::new(&POOL), &POOL);
        let mut text = String::new();
        assert_eq!(incoming.read_to_string(&mut text).expect("good"), 6);
        assert_eq!((incoming.is_ended(), incoming.trailers().len()), (true, 1));
        assert!(incoming.reader().keeps_alive());
        incoming.next_message(|reader| reader.expect_answer_to(RequestMethod::Other));
        assert!(incoming.read_head().expect("good"));
        assert_eq!(
            incoming.reader().head().and_then(|head| head.find("content-length")),
            Some(&b"5"[..])
        );
        incoming.read_to_string(&mut text).expect("good");
        assert_eq!(text, "hello,world");
        let (mut socket, _, ahead) = incoming.into_parts();
        let mut rest = ahead.to_vec();
        socket.most = 100;
        while let Err(_) | Ok(1..) = socket.read(&mut []) {}
        rest.extend_from_slice(socket.wire);
        assert_eq!(rest, b"rest", "{most}");
    }
}

#[test]
fn a_body_without_a_head_is_read_behind_what_was_read_ahead() {
    let assembler = BodyAssembler::new(&POOL, Framing::Chunked);
    let incoming = Incoming::new(socket(b"lo\r\n0\r\n\r\n", 3), assembler, &POOL);
    let mut incoming = incoming.with_read_ahead(Segment::from_static(b"5\r\nhel"));
    assert_eq!(incoming.fill_buf().expect("good"), b"hel");
    incoming.consume(1);
    let mut target = [0; 9];
    assert_eq!(incoming.read(&mut []).expect("good"), 0);
    assert_eq!(incoming.read(&mut target).expect("good"), 2);
    assert_eq!((incoming.read(&mut target).expect("good"), &target[..2]), (2, &b"lo"[..]));
    assert_eq!(incoming.read(&mut target).expect("the end"), 0);
    assert!(incoming.is_ended());
}

#[test]
fn a_server_sees_the_end_of_the_connection_between_requests() {
    let wire = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let mut incoming = Incoming::new(socket(wire, 7), RequestReader::new(&POOL), &POOL);
    let mut bodies = Vec::new();
    while incoming.read_head().expect("good") {
        let mut body = String::new();
        incoming.read_to_string(&mut body).expect("good");
        bodies.push(body);
        incoming.next_message(RequestReader::reset);
    }
    assert_eq!(bodies, ["", "abc"]);
}

#[test]
fn an_error_comes_behind_the_data_before_it_and_stays() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (body, kind) in
        [("5\r\nhello\r\nX", ErrorKind::InvalidData), ("9\r\nhello", ErrorKind::UnexpectedEof)]
    {
        let wire = [head, body].concat();
        for most in [1, 1000] {
            let reader = ResponseReader::new(&POOL);
            let mut incoming = Incoming::new(socket(wire.as_bytes(), most), reader, &POOL);
            let mut text = Vec::new();
            let error = incoming.read_to_end(&mut text).expect_err("it is broken");
            assert_eq!((error.kind(), &text[..]), (kind, &b"hello"[..]), "{error}");
            let again = incoming.read_to_end(&mut text).expect_err("it stays");
            assert_eq!((again.to_string(), text.len()), (error.to_string(), 5));
            assert!(!incoming.is_ended());
        }
    }
}

#[test]
fn an_exhausted_pool_is_an_error() {
    // The head is in a segment of another size, so in another slab.
    let pool = Pool::builder().bytes_max(128 << 10).build();
    let all: Vec<_> = (0..8).map(|_| pool.take(16 << 10)).collect();
    let mut incoming = Incoming::new(socket(TWO, 100), ResponseReader::new(&pool), &pool);
    assert_eq!(incoming.read_head().expect_err("no segment").kind(), ErrorKind::OutOfMemory);
    drop(all);
    assert!(incoming.read_head().expect("good"));
}

#[test]
fn a_long_body_is_streamed_through_little_memory() {
    let plain = vec![b'x'; if cfg!(miri) { 5_000 } else { 8 << 20 }];
    for coding in [ContentCoding::Identity, ContentCoding::Gzip] {
        let data = if coding == ContentCoding::Gzip { gzip(&plain) } else { plain.clone() };
        let pool = Pool::builder().bytes_max(512 << 10).build();
        let assembler = BodyAssembler::new(&pool, Framing::UntilClose).with_content_coding(coding);
        // All of the compressed data comes with one read.
        let mut incoming = Incoming::new(socket(&data, 1 << 20), assembler, &pool);
        let mut text = Vec::new();
        incoming.read_to_end(&mut text).expect("good");
        assert!(text == plain, "{coding:?}");
        drop(incoming);
        assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn a_body_is_collected_with_what_was_not_read_of_it_whatever_the_socket_gives() {
    for assembly in [Assembly::Segmented, Assembly::Contiguous] {
        for most in 1..TWO.len() {
            let reader = ResponseReader::new(&POOL).with_assembly(assembly);
            let mut incoming = Incoming::new(socket(TWO, most), reader, &POOL);
            let mut first = [0];
            incoming.read_exact(&mut first).expect("a body");
            let body = incoming.collect().expect("good");
            assert_eq!((first, body.bytes()), (*b"h", &b"ello,"[..]), "{most}");
            assert_eq!(body.trailers().find("etag"), Some(&b"a"[..]));
            assert!(incoming.is_ended());
            incoming.next_message(ResponseReader::reset);
            assert_eq!(incoming.collect().expect("good").bytes(), b"world");
            assert!(incoming.collect().expect("nothing is left").is_empty());
        }
    }
}

#[test]
fn what_came_of_a_body_that_cannot_be_collected_is_there_to_be_read() {
    let wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx";
    for most in 1..wire.len() {
        let mut incoming = Incoming::new(socket(wire, most), ResponseReader::new(&POOL), &POOL);
        let error = incoming.collect().expect_err("no size");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let mut text = [0; 5];
        incoming.read_exact(&mut text).expect("it came before the error");
        assert_eq!(&text, b"hello");
        assert_eq!(incoming.read(&mut text).expect_err("it stays").kind(), ErrorKind::InvalidData);
    }
}

#[test]
fn a_body_that_is_collected_is_within_the_limits_of_the_reader() {
    let pool = Pool::new();
    let (data, limits) = (gzip(&[b'x'; 100_000]), BodyLimits::new().with_body_bytes_max(99_999));
    for (limits, is_good) in [(BodyLimits::new(), true), (limits, false)] {
        let assembler = BodyAssembler::new(&pool, Framing::UntilClose).with_limits(limits);
        let assembler = assembler.with_content_coding(ContentCoding::Gzip);
        // One byte at a time: what is collected does not hold a segment for each of them.
        let mut incoming = Incoming::new(socket(&data, 1), assembler, &pool);
        let body = incoming.collect();
        assert_eq!(body.as_ref().ok().map(Body::len), is_good.then_some(100_000));
        assert!(body.map_or(0, |body| body.sequence().held_bytes()) <= 256 << 10);
    }
}

/// What comes of a chunked body that is there already in these pieces: data, trailers, what follows, and why not.
fn outcome(pieces: &[&[u8]], is_collected: bool) -> (Vec<u8>, String, Vec<u8>, Option<String>) {
    // Copies, as parts of one segment would be one chunk.
    let received: Sequence = pieces.iter().map(|piece| Segment::from(piece.to_vec())).collect();
    let assembler = BodyAssembler::new(&POOL, Framing::Chunked);
    let mut incoming = Incoming::new(&b""[..], assembler, &POOL).with_read_ahead(received);
    let mut data = Vec::new();
    if is_collected && let Ok(body) = incoming.collect() {
        data.extend_from_slice(body.bytes());
    }
    let result = incoming.read_to_end(&mut data);
    let trailers = format!("{:?}", incoming.trailers());
    let rest = incoming.into_parts().2.to_vec();
    (data, trailers, rest, result.err().map(|error| error.to_string()))
}

#[test]
fn what_came_at_once_in_several_segments_is_what_comes_in_one() {
    let files = [include_str!("../data/chunked.jsonl"), include_str!("../data/cases.jsonl")];
    for case in files.iter().flat_map(|file| cases(file)) {
        let wire = case.wire();
        let whole = outcome(&[&wire], false);
        for at in places(wire.len()) {
            let (front, rest) = wire.split_at(at);
            let (middle, back) = rest.split_at(rest.len() / 2);
            let cut = outcome(&[front, middle, back], at % 2 == 0);
            assert_eq!(cut, whole, "{} at {at}", case.name);
        }
    }
}

/// A socket that reads into several buffers at once, and has nothing, is interrupted, or fails in between.
#[derive(Default)]
struct Wide<'a> {
    wire: Cell<&'a [u8]>,
    calls: Cell<usize>,
    /// The longest of those calls, in bytes.
    longest: Cell<usize>,
    /// Bytes that only the plain read has.
    tail: usize,
}

impl Wide<'_> {
    fn read_vectored(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.calls.set(self.calls.get() + 1);
        match self.calls.get() % 8 {
            2 => return Err(ErrorKind::WouldBlock.into()),
            4 => return Err(ErrorKind::Interrupted.into()),
            6 => return Err(ErrorKind::ConnectionReset.into()),
            _ => {}
        }
        let len: usize = slices.iter().map(|slice| slice.len()).sum();
        self.longest.set(self.longest.get().max(len));
        let mut wire = self.wire.get();
        let before = wire.len();
        if before <= self.tail {
            return Err(ErrorKind::WouldBlock.into());
        }
        // Some calls leave buffers empty.
        let most = if self.calls.get().is_multiple_of(40) { 150_000 } else { before - self.tail };
        let mut now = &wire[..most.min(before)];
        let count = now.read_vectored(slices)?;
        wire = &wire[count..];
        self.wire.set(wire);
        Ok(count)
    }
}

impl Read for Wide<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        self.wire.get_mut().read(target)
    }
}

/// Goes on after errors of the socket.
fn read_all(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            result => return result,
        }
    }
}

/// Long enough for reads into so many bytes at once.
const LONG: usize = if cfg!(miri) { 7 << 20 } else { 32 << 20 };
const AT_ONCE: usize = if cfg!(miri) { 128 << 10 } else { 512 << 10 };

/// A response in chunks of many lengths, with a trailer, and the start of the next one.
fn long_response() -> (Vec<u8>, Vec<u8>) {
    let mut body: Vec<u8> = (0..=250).collect::<Vec<_>>().repeat(LONG / 251 + 1);
    body.truncate(LONG);
    let mut wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let (mut rest, mut len) = (&body[..], 1);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(len.min(rest.len()));
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
        (rest, len) = (after, len * 7 % 100_003);
    }
    wire.extend_from_slice(b"0\r\nETag: a\r\n\r\nHTTP/1.1 200 OK\r\n");
    (body, wire)
}

#[test]
fn reads_that_keep_coming_full_go_on_to_several_segments_and_lose_nothing() {
    let (body, wire) = long_response();
    for (bytes_max, longest) in [(usize::MAX, AT_ONCE), (512 << 10, AT_ONCE.min(400 << 10))] {
        for tail in [0, 1, 70_000] {
            let pool = Pool::builder().bytes_max(bytes_max).build();
            let socket = Wide { wire: Cell::new(&wire), tail, ..Wide::default() };
            let incoming = Incoming::new(socket, ResponseReader::new(&pool), &pool);
            let mut incoming = incoming.with_vectored_reads(Wide::read_vectored);
            let mut text = Vec::new();
            read_all(|| incoming.read_to_end(&mut text)).expect("good");
            assert!(text == body, "{bytes_max} and {tail}");
            assert_eq!((incoming.is_ended(), incoming.trailers().len()), (true, 1));
            let reached = incoming.socket().longest.get();
            assert!(reached <= longest && reached > longest / 4 * 3, "{reached} of {longest}");
            let (socket, reader, ahead) = incoming.into_parts();
            assert_eq!([&ahead.to_vec(), socket.wire.get()].concat(), b"HTTP/1.1 200 OK\r\n");
            drop((reader, ahead));
            assert_eq!(pool.stats().in_use_bytes(), 0);
        }
    }
}

#[test]
fn a_vectored_read_that_gives_nothing_is_the_end() {
    let body = vec![b'x'; LONG];
    for (len, is_good) in [(LONG as u64, true), (LONG as u64 + 1, false)] {
        let socket = Wide { wire: Cell::new(&body), ..Wide::default() };
        let assembler = BodyAssembler::new(&POOL, Framing::Length(len));
        let mut incoming =
            Incoming::new(socket, assembler, &POOL).with_vectored_reads(Wide::read_vectored);
        let mut text = Vec::new();
        let read = read_all(|| incoming.read_to_end(&mut text));
        assert_eq!(read.is_ok(), is_good);
        assert_eq!(text.len(), LONG);
    }
}

#[cfg(feature = "tokio")]
mod tokio_io {
    use core::{
        pin::Pin,
        task::{Context, Poll},
    };

    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf};

    use super::*;

    impl AsyncRead for Wide<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            target: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.wire.get().is_empty() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Pin::new(self.wire.get_mut()).poll_read(context, target)
        }
    }

    fn run<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(future)
    }

    /// Sends `wire` in pieces, letting the reader run in between.
    async fn send(mut socket: DuplexStream, wire: &[u8], most: usize) {
        for piece in wire.chunks(most) {
            socket.write_all(piece).await.expect("the reader is there");
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn responses_are_read_one_after_another_whatever_the_socket_gives() {
        for most in (1..TWO.len()).step_by(3) {
            run(async {
                let (client, server) = tokio::io::duplex(64);
                let read = async {
                    let mut incoming = Incoming::new(client, ResponseReader::new(&POOL), &POOL);
                    let mut text = String::new();
                    incoming.read_to_string(&mut text).await.expect("good");
                    assert_eq!((incoming.is_ended(), incoming.trailers().len()), (true, 1));
                    incoming.next_message(|reader| reader.expect_answer_to(RequestMethod::Other));
                    assert!(incoming.read_head_async().await.expect("good"));
                    while let Some(data) = incoming.next_data().await.expect("good") {
                        text.extend(data.to_vec().into_iter().map(char::from));
                    }
                    assert_eq!(text, "hello,world");
                    let (mut socket, _, ahead) = incoming.into_parts();
                    let mut rest = ahead.to_vec();
                    socket.read_to_end(&mut rest).await.expect("good");
                    assert_eq!(rest, b"rest", "{most}");
                };
                tokio::join!(read, send(server, TWO, most));
            });
        }
    }

    #[test]
    fn what_a_vectored_read_gives_is_handed_on_as_a_whole_and_nothing_is_held_while_none_comes() {
        let (body, mut wire) = long_response();
        wire.truncate(wire.len() - "0\r\nETag: a\r\n\r\nHTTP/1.1 200 OK\r\n".len());
        run(async {
            let pool = Pool::new();
            let socket = Wide { wire: Cell::new(&wire), tail: 1, ..Wide::default() };
            let incoming = Incoming::new(socket, ResponseReader::new(&pool), &pool);
            let mut incoming = incoming.with_vectored_reads(Wide::read_vectored);
            let (mut text, mut longest) = (Vec::with_capacity(body.len()), 0);
            while text.len() < body.len() {
                tokio::select! {
                    biased;
                    data = incoming.next_data() => match data {
                        Ok(data) => {
                            let data = data.expect("data");
                            longest = longest.max(data.len());
                            data.chunks().for_each(|chunk| text.extend_from_slice(chunk));
                        }
                        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
                    },
                    () = tokio::task::yield_now() => {}
                }
            }
            assert!(text == body);
            assert!((AT_ONCE as u64 / 4 * 3..=AT_ONCE as u64).contains(&longest), "{longest}");
            tokio::select! {
                biased;
                _ = incoming.next_data() => panic!("nothing is there"),
                () = tokio::task::yield_now() => {}
            }
            // The head alone.
            assert_eq!(pool.stats().in_use_bytes(), 256);
        });
    }

    #[test]
    fn a_task_that_reads_from_a_socket_that_never_ends_lets_others_run() {
        struct Endless;

        impl AsyncRead for Endless {
            fn poll_read(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
                target: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                target.set_filled(target.capacity());
                Poll::Ready(Ok(()))
            }
        }

        fn read_vectored(_: &Endless, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
            Ok(slices.iter().map(|slice| slice.len()).sum())
        }

        run(async {
            let assembler = BodyAssembler::new(&POOL, Framing::UntilClose);
            let mut incoming = Incoming::new(Endless, assembler, &POOL);
            incoming = incoming.with_vectored_reads(read_vectored);
            let others = tokio::spawn(async {});
            let mut reads = 0;
            while !others.is_finished() && reads < 10_000 {
                incoming.next_data().await.expect("good").expect("data");
                reads += 1;
            }
            assert!(others.is_finished());
        });
    }

    #[test]
    fn a_read_that_is_given_up_loses_nothing_and_holds_no_segment() {
        run(async {
            let pool = Pool::new();
            let (client, mut server) = tokio::io::duplex(64);
            let mut incoming = Incoming::new(client, ResponseReader::new(&pool), &pool);
            let mut text = Vec::new();
            let comma = TWO.windows(4).position(|octets| octets == b",\r\n0").expect("it is there");
            for piece in TWO[..=comma].chunks(7) {
                // Nothing is there: both times the attempt is given up.
                for _ in 0..2 {
                    tokio::select! {
                        biased;
                        data = incoming.next_data() => {
                            text.extend(data.expect("good").expect("data").to_vec());
                        }
                        () = core::future::ready(()) => {}
                    }
                }
                server.write_all(piece).await.expect("the reader is there");
            }
            while text.len() < 6 {
                let data = incoming.next_data().await.expect("good").expect("data");
                text.extend(data.to_vec());
            }
            assert_eq!(text, b"hello,");
            // That of the head, which came in pieces, and the one that is read into.
            assert!(pool.stats().in_use_bytes() <= 2 * (16 << 10));
        });
    }

    #[test]
    fn a_collection_that_is_given_up_goes_on_and_loses_nothing() {
        for is_read_between in [false, true] {
            run(async {
                let (client, mut server) = tokio::io::duplex(64);
                let mut incoming = Incoming::new(client, ResponseReader::new(&POOL), &POOL);
                let mut text = Vec::new();
                for piece in TWO.chunks(7) {
                    if incoming.is_ended() {
                        break;
                    }
                    tokio::select! {
                        biased;
                        body = incoming.collect_async() => text.extend(body.expect("good").bytes()),
                        () = core::future::ready(()) => {}
                    }
                    if is_read_between {
                        tokio::select! {
                            biased;
                            data = incoming.next_data() => {
                                text.extend(data.expect("good").map_or(vec![], |data| data.to_vec()));
                            }
                            () = core::future::ready(()) => {}
                        }
                    }
                    server.write_all(piece).await.expect("the reader is there");
                }
                if !incoming.is_ended() {
                    let body = incoming.collect_async().await.expect("good");
                    text.extend(body.bytes());
                }
                assert_eq!((text.as_slice(), incoming.trailers().len()), (&b"hello,"[..], 1));
            });
        }
    }

    #[test]
    fn sockets_and_bodies_of_futures_io_go_through_compat() {
        use futures_util::io::{AsyncReadExt as _, Cursor};
        use tokio_util::compat::{FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};
        run(async {
            let socket = Cursor::new(TWO).compat();
            let incoming = Incoming::new(socket, ResponseReader::new(&POOL), &POOL);
            let mut text = String::new();
            incoming.compat().read_to_string(&mut text).await.expect("good");
            assert_eq!(text, "hello,");
        });
    }

    #[test]
    fn nothing_is_held_after_a_message_that_was_read() {
        run(async {
            let pool = Pool::new();
            let (client, mut server) = tokio::io::duplex(1 << 10);
            let mut incoming = Incoming::new(client, RequestReader::new(&pool), &pool);
            let wire = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
            server.write_all(wire).await.expect("the reader is there");
            let mut text = String::new();
            incoming.read_to_string(&mut text).await.expect("good");
            assert_eq!((text.as_str(), incoming.is_ended()), ("ab", true));
            // The head alone, in the smallest segment, until the next message is read.
            assert_eq!(pool.stats().in_use_bytes(), 256);
            incoming.next_message(RequestReader::reset);
            assert_eq!(pool.stats().in_use_bytes(), 0);
        });
    }

    #[test]
    fn a_full_pool_slows_a_stream_down_when_it_is_to_wait() {
        run(async {
            let pool = Pool::builder().bytes_max(128 << 10).build();
            let exhaust = || core::iter::from_fn(|| pool.try_take(64 << 10).ok());
            let mut others: Vec<_> = exhaust().collect();
            assert_eq!(others.len(), 2);
            let (client, mut server) = tokio::io::duplex(1 << 10);
            server.write_all(TWO).await.expect("the reader is there");
            drop(server);
            let mut incoming =
                Incoming::new(client, ResponseReader::new(&pool), &pool).with_memory_wait(true);
            let mut text = Vec::new();
            let mut waits = 0;
            let mut read = core::pin::pin!(incoming.read_to_end(&mut text));
            let result = loop {
                tokio::select! {
                    biased;
                    result = &mut read => break result,
                    () = tokio::task::yield_now() => {
                        waits += 1;
                        others.pop().expect("it needs a slab for the read and one for the head");
                    }
                }
            };
            assert_eq!((result.expect("good"), &text[..], waits), (6, &b"hello,"[..], 2));
        });
    }

    #[test]
    fn an_idle_connection_holds_no_segment() {
        run(async {
            let pool = Pool::new();
            let (client, mut server) = tokio::io::duplex(64);
            let mut incoming = Incoming::new(client, RequestReader::new(&pool), &pool);
            for _ in 0..3 {
                tokio::select! {
                    biased;
                    read = incoming.read_head_async() => panic!("nothing was sent: {read:?}"),
                    () = core::future::ready(()) => {}
                }
                assert_eq!(pool.stats().in_use_bytes(), 0);
                let wire = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
                server.write_all(wire).await.expect("the reader is there");
                assert!(incoming.read_head_async().await.expect("good"));
                let mut text = String::new();
                incoming.read_to_string(&mut text).await.expect("good");
                assert_eq!(text, "ab");
                incoming.next_message(RequestReader::reset);
            }
        });
    }

    #[test]
    fn short_reads_that_are_kept_lie_side_by_side() {
        const LEN: usize = if cfg!(miri) { 4_000 } else { 200_000 };
        run(async {
            let pool = Pool::new();
            let (client, server) = tokio::io::duplex(1024);
            let body = vec![b'x'; LEN];
            let assembler = BodyAssembler::new(&pool, Framing::Length(LEN as u64));
            let read = async {
                let mut incoming = Incoming::new(client, assembler, &pool);
                let mut kept = Sequence::new();
                while let Some(data) = incoming.next_data().await.expect("good") {
                    kept.append(data);
                }
                assert_eq!(kept.len(), LEN as u64);
                // An eighth of a segment may stay unused, and the copies of runs below 1 KiB.
                let held = pool.stats().in_use_bytes() as u64;
                assert!(held <= LEN as u64 * 8 / 7 + (64 << 10), "{held} bytes held");
            };
            tokio::join!(read, send(server, &body, 1024));
        });
    }
}
