//! hyper on the other side, over loopback and in memory.

use core::convert::Infallible;
use core::error::Error;

use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use http_chunked::{
    Body, BodyLimits, ChunkedWriter, ContentCoding, Incoming, RequestReader, ResponseReader,
    SegmentBody, Trailers,
};
use hyper::{
    HeaderMap, Request, Response,
    body::{Body as _, Bytes, Frame},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use proptest::{collection::vec, prelude::*};
use seg_pool::Pool;
use seg_seq::{SegmentedBuf, Sequence};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::outcome::POOL;

const BODY_BYTES: usize = 300_000;

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

fn text(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

fn sequence(bytes: &[u8]) -> Sequence {
    let mut buffer = SegmentedBuf::new(&POOL);
    buffer.extend_from_slice(bytes);
    buffer.freeze()
}

fn trailers() -> Trailers {
    let mut trailers = Trailers::new();
    trailers.push("x-sum", b"12").expect("a trailer");
    trailers
}

/// Frames as hyper sends them: chunks of these lengths, and a trailer.
fn frames(chunks: Vec<Vec<u8>>) -> BoxBody<Bytes, Infallible> {
    let mut fields = HeaderMap::new();
    fields.insert("x-sum", "12".parse().expect("a value"));
    let data = chunks.into_iter().map(|chunk| Frame::data(Bytes::from(chunk)));
    let frames = data.chain([Frame::trailers(fields)]).map(Ok);
    BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames)))
}

/// Answers with a body of chunks, or sends back the body that came.
async fn answer(
    request: Request<hyper::body::Incoming>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let mut response = match request.uri().path() {
        "/chunks" => Response::new(frames(text(BODY_BYTES).chunks(7_000).map(Vec::from).collect())),
        "/empty" => Response::new(BodyExt::boxed(Full::default())),
        _ => {
            let body = Body::collect(
                request.into_body(),
                ContentCoding::Identity,
                BodyLimits::new(),
                &POOL,
            )
            .await;
            let body = body.expect("it comes whole");
            let sum = body.trailers().find("x-sum").unwrap_or_default().to_vec();
            let mut response = Response::new(BodyExt::boxed(Full::new(body.into_bytes())));
            let sum = hyper::header::HeaderValue::from_bytes(&sum).expect("a value");
            response.headers_mut().insert("x-got", sum);
            response
        }
    };
    response.headers_mut().insert("trailer", "x-sum".parse().expect("a value"));
    Ok(response)
}

/// Starts a hyper server for one connection and connects to it.
async fn connect() -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a client");
        let server = hyper::server::conn::http1::Builder::new();
        // The client may be gone before the server notices.
        let _ = server.serve_connection(TokioIo::new(socket), service_fn(answer)).await;
    });
    TcpStream::connect(address).await.expect("the server is there")
}

#[test]
fn a_hyper_server_is_read_on_one_connection() {
    run(async {
        let mut incoming = Incoming::new(connect().await, ResponseReader::new(&POOL), &POOL);
        for path in ["/chunks", "/empty", "/chunks"] {
            let expected = if path == "/empty" { Vec::new() } else { text(BODY_BYTES) };
            incoming
                .next_message(|reader| reader.expect_answer_to(http_chunked::RequestMethod::Other));
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n");
            incoming.socket_mut().write_all(request.as_bytes()).await.expect("sent");
            let mut body = Vec::new();
            incoming.read_to_end(&mut body).await.expect("a good response");
            assert!(body == expected, "{path}");
            assert_eq!(incoming.trailers().len(), usize::from(path == "/chunks"));
            assert!(incoming.reader().keeps_alive());
        }
    });
}

#[test]
fn a_hyper_server_reads_what_we_encode() {
    run(async {
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut socket = connect().await;
        socket.write_all(head).await.expect("sent");
        let mut writer = ChunkedWriter::new(socket, &POOL);
        let body = text(BODY_BYTES);
        for piece in body[..100_000].chunks(333) {
            writer.write_all(piece).await.expect("sent");
        }
        writer.push_chunk(&mut sequence(&body[100_000..])).expect("queued");
        writer.finish_async(&trailers()).await.expect("sent");
        let socket = writer.into_socket();
        let mut incoming = Incoming::new(socket, ResponseReader::new(&POOL), &POOL);
        assert!(incoming.read_head_async().await.expect("a response"));
        assert_eq!(incoming.reader().head().and_then(|head| head.find("x-got")), Some(&b"12"[..]));
        let mut echoed = Vec::new();
        incoming.read_to_end(&mut echoed).await.expect("a good response");
        assert!(echoed == body);
    });
}

#[test]
fn a_hyper_client_and_our_reader_and_encoder_talk() {
    run(async {
        let (client, server) = tokio::io::duplex(4 << 10);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(client)).await.expect("ready");
        tokio::spawn(connection);
        let server = async {
            let mut incoming = Incoming::new(server, RequestReader::new(&POOL), &POOL);
            while incoming.read_head_async().await.expect("a good request") {
                let mut body = Vec::new();
                incoming.read_to_end(&mut body).await.expect("a good body");
                assert_eq!(incoming.trailers().find("x-sum"), Some(&b"12"[..]));
                let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                incoming.socket_mut().write_all(head).await.expect("sent");
                let mut writer = ChunkedWriter::new(incoming.socket_mut(), &POOL);
                writer.write_all(&body).await.expect("sent");
                writer.finish_async(&trailers()).await.expect("sent");
                incoming.next_message(RequestReader::reset);
            }
        };
        let client = async move {
            for len in [1, 10, 1_000, BODY_BYTES] {
                let body = SegmentBody::new(sequence(&text(len)), trailers());
                // A size that is known would be sent as a length, without the trailers.
                let body = StreamBody::new(body.into_data_stream_with_trailers());
                let request = Request::post("/").header("host", "a").header("te", "trailers");
                let request = request.header("trailer", "x-sum").body(body).expect("a request");
                let response = sender.send_request(request).await.expect("an answer");
                let got = Body::collect(
                    response.into_body(),
                    ContentCoding::Identity,
                    BodyLimits::new(),
                    &POOL,
                )
                .await;
                let got = got.expect("it comes whole");
                assert!(got.sequence() == &text(len)[..], "{len}");
                assert_eq!(got.trailers(), &trailers());
            }
        };
        tokio::join!(server, client);
    });
}

/// `SegmentBody` as a stream of frames, whose length hyper does not know.
trait Frames {
    fn into_data_stream_with_trailers(
        self,
    ) -> impl futures_util::Stream<Item = Result<Frame<seg_pool::Segment>, Infallible>> + Send;
}

impl Frames for SegmentBody {
    fn into_data_stream_with_trailers(
        self,
    ) -> impl futures_util::Stream<Item = Result<Frame<seg_pool::Segment>, Infallible>> + Send {
        futures_util::stream::unfold(self, |mut body| async { Some((body.frame().await?, body)) })
    }
}

#[test]
fn a_segment_body_has_a_frame_for_every_chunk_and_its_trailers() {
    run(async {
        let data = sequence(&text(40_000));
        let mut body = SegmentBody::new(data.clone(), trailers());
        // An exact size would make hyper send a length instead of chunks.
        let hint = body.size_hint();
        assert_eq!((hint.lower(), hint.upper(), body.is_end_stream()), (40_000, None, false));
        assert_eq!(SegmentBody::from(data.clone()).size_hint().exact(), Some(40_000));
        for chunk in data.chunks() {
            let frame = body.frame().await.expect("a frame").expect("no error");
            assert_eq!(frame.into_data().expect("data").as_ptr(), chunk.as_ptr());
        }
        let frame = body.frame().await.expect("a frame").expect("no error");
        assert_eq!(frame.into_trailers().expect("trailers").get("x-sum").expect("it"), "12");
        assert!(body.is_end_stream() && body.frame().await.is_none());
    });
}

#[test]
fn collecting_stops_at_the_limit_and_refuses_forbidden_trailers() {
    run(async {
        let limits = BodyLimits::new().with_body_bytes_max(9);
        let error = Body::collect(
            frames(vec![vec![0; 5], vec![0; 5]]),
            ContentCoding::Identity,
            limits,
            &POOL,
        )
        .await;
        let error = error.expect_err("too long");
        assert_eq!(
            error.source().map(ToString::to_string).as_deref(),
            Some("body is longer than `body_bytes_max` at byte 9 of the body")
        );
        let mut fields = HeaderMap::new();
        fields.insert("content-length", "12".parse().expect("a value"));
        let stream =
            futures_util::stream::iter([Ok::<_, Infallible>(Frame::<Bytes>::trailers(fields))]);
        let error = Body::collect(StreamBody::new(stream), ContentCoding::Identity, limits, &POOL)
            .await
            .expect_err("forbidden");
        assert_eq!(
            [error.to_string(), error.source().map(ToString::to_string).unwrap_or_default()],
            ["the body has a trailer that must not come", "field is not allowed as a trailer"]
        );
        let body = Body::collect(
            frames(vec![vec![1; 5], vec![2; 4]]),
            ContentCoding::Identity,
            limits,
            &POOL,
        )
        .await
        .expect("good");
        assert_eq!((body.sequence().chunk_count(), body.len()), (1, 9));
        assert_eq!(body.trailers(), &trailers());
    });
}

/// What hyper's client reads of a response with this body.
async fn hyper_reads(wire: Vec<u8>, step: usize) -> (Vec<u8>, HeaderMap) {
    let (client, mut server) = tokio::io::duplex(1 << 20);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(client)).await.expect("ready");
    tokio::spawn(connection);
    tokio::spawn(async move {
        let mut request = [0; 1000];
        let count = server.read(&mut request).await.expect("a request");
        assert!(count > 0);
        for piece in wire.chunks(step) {
            server.write_all(piece).await.expect("sent");
            tokio::task::yield_now().await;
        }
    });
    let request = Request::get("/").body(Full::<Bytes>::default()).expect("a request");
    let response = sender.send_request(request).await.expect("a response");
    let body = response.into_body().collect().await.expect("a good body");
    let fields = body.trailers().cloned().unwrap_or_default();
    (body.to_bytes().to_vec(), fields)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn valid_bodies_are_read_as_hyper_reads_them(
        chunks in vec((vec(any::<u8>(), 1..400), "(;[a-z]{1,5}(=[a-z0-9]{1,5})?){0,2}", 0_usize..3), 0..8),
        fields in vec(("x-[a-z0-9]{1,6}", "([!-~]([!-~ ]{0,10}[!-~])?)?"), 0..4),
        step in 1_usize..600,
    ) {
        let mut wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for (data, extensions, zeros) in &chunks {
            let size = format!("{}{:x}{extensions}\r\n", "0".repeat(*zeros), data.len());
            wire.extend_from_slice(size.as_bytes());
            wire.extend_from_slice(data);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"0\r\n");
        for (name, value) in &fields {
            wire.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        wire.extend_from_slice(b"\r\n");
        let (theirs, their_fields) = run(hyper_reads(wire.clone(), step));

        let pool = Pool::new();
        let mut incoming = Incoming::new(&wire[..], ResponseReader::new(&pool), &pool);
        let mut ours = Vec::new();
        std::io::Read::read_to_end(&mut incoming, &mut ours).expect("a good body");
        prop_assert_eq!(ours, theirs);
        let ours: Vec<_> = incoming.trailers().iter().collect();
        prop_assert_eq!(ours.len(), their_fields.len());
        for (name, value) in ours {
            let mut found = their_fields.get_all(name).iter();
            prop_assert!(found.any(|other| other.as_bytes() == value), "{name}");
        }
    }
}
