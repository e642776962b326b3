//! The layers of tower.

use core::{convert::Infallible, error::Error};
use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use http_chunked::{BodyLimits, Contexts, Decompress, DecompressLayer, DecompressRequestLayer};
#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
use http_chunked::{Compress, CompressLayer, ContentCoding};
#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
use seg_flate::Level;
use tower_layer::Layer;
use tower_service::Service;

use crate::outcome::POOL;

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

fn gzip(data: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let coded = encoder.write_all(data).and_then(|()| encoder.finish());
    coded.expect("into memory").into()
}

/// A service made of a function.
struct Serve<F>(F);

impl<A, B, F: FnMut(Request<A>) -> Response<B>> Service<Request<A>> for Serve<F> {
    type Response = Response<B>;
    type Error = Infallible;
    type Future = core::future::Ready<Result<Response<B>, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut core::task::Context<'_>,
    ) -> core::task::Poll<Result<(), Infallible>> {
        core::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        core::future::ready(Ok((self.0)(request)))
    }
}

#[test]
fn a_client_asks_for_codings_and_gets_the_plain_body() {
    let layer = DecompressLayer::new(BodyLimits::new(), &POOL);
    for (coding, status, is_decoded) in
        [("gzip", 200, true), ("compress", 200, false), ("gzip", 206, false)]
    {
        let coded = gzip(b"hello");
        let mut asked = HeaderMap::new();
        let mut service = layer.layer(Serve(|request: Request<()>| {
            asked = request.headers().clone();
            let builder = Response::builder().status(status).header("content-encoding", coding);
            let builder = builder.header("content-length", coded.len());
            builder.body(Full::new(coded.clone())).expect("good")
        }));
        let response = run(service.call(Request::new(()))).expect("infallible");
        let plain = if is_decoded { Bytes::from("hello") } else { coded.clone() };
        for name in ["content-encoding", "content-length"] {
            assert_eq!(response.headers().contains_key(name), !is_decoded, "{coding} {status}");
        }
        let body = run(response.into_body().collect()).expect("good").to_bytes();
        assert_eq!(body, plain, "{coding} {status}");
        assert!(asked["accept-encoding"].to_str().expect("text").starts_with("gzip, deflate"));
    }
}

#[test]
fn a_client_that_asks_for_itself_or_for_a_range_is_left_alone() {
    let layer = DecompressLayer::new(BodyLimits::new(), &POOL);
    for (name, value, expected) in
        [("accept-encoding", "identity", Some("identity")), ("range", "bytes=1-2", None)]
    {
        let mut asked = HeaderMap::new();
        let mut service = layer.layer(Serve(|request: Request<()>| {
            asked = request.headers().clone();
            Response::new(Full::<Bytes>::default())
        }));
        let request = Request::builder().header(name, value).body(()).expect("good");
        run(service.call(request)).expect("infallible");
        let asked = asked.get("accept-encoding").map(|value| value.to_str().expect("text"));
        assert_eq!(asked, expected, "{name}");
    }
}

#[test]
fn an_answer_to_head_keeps_its_fields() {
    let layer = DecompressLayer::new(BodyLimits::new(), &POOL);
    let mut service = layer.layer(Serve(|_: Request<()>| {
        let builder = Response::builder().header("content-encoding", "gzip");
        builder.header("content-length", 99).body(Full::<Bytes>::default()).expect("good")
    }));
    let request = Request::head("/").body(()).expect("good");
    let response = run(service.call(request)).expect("infallible");
    assert_eq!(response.headers()["content-length"], "99");
    assert!(run(response.into_body().collect()).expect("nothing is decoded").to_bytes().is_empty());
}

#[test]
fn a_server_gets_plain_requests_under_its_limits() {
    let layer = DecompressRequestLayer::new(BodyLimits::new().with_body_bytes_max(100), &POOL);
    for (coding, data, expected) in [
        ("gzip", gzip(b"hello"), Ok(&b"hello"[..])),
        ("gzip", gzip(&[0; 1000]), Err(StatusCode::OK)),
        ("compress", Bytes::from("x"), Err(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
    ] {
        let mut got = None;
        let mut service = layer.layer(Serve(|request: Request<Decompress<Full<Bytes>>>| {
            assert!(!request.headers().contains_key("content-encoding"));
            got = Some(request.into_body());
            Response::new(Full::<Bytes>::default())
        }));
        let request = Request::builder().header("content-encoding", coding);
        let request = request.body(Full::new(data)).expect("good");
        let response = run(service.call(request)).expect("infallible");
        let read = got.map(|body| run(body.collect()));
        match (read, expected) {
            (Some(Ok(body)), Ok(expected)) => assert_eq!(body.to_bytes(), expected),
            (Some(Err(error)), Err(StatusCode::OK)) => {
                let text = error.source().expect("why it is refused").to_string();
                assert!(text.starts_with("body is longer than `body_bytes_max`"), "{text}");
            }
            (None, Err(status)) => {
                assert_eq!(response.status(), status);
                assert!(response.headers().contains_key("accept-encoding"));
            }
            (read, expected) => panic!("{read:?}, not {expected:?}"),
        }
    }
}

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
/// A body of pieces, each of which comes a poll after the one before, and trailers.
struct Slow {
    pieces: Vec<&'static str>,
    is_ready: bool,
}

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: core::pin::Pin<&mut Self>,
        context: &mut core::task::Context<'_>,
    ) -> core::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        self.is_ready = !self.is_ready;
        if !self.is_ready {
            context.waker().wake_by_ref();
            return core::task::Poll::Pending;
        }
        let next = if self.pieces.is_empty() { None } else { Some(self.pieces.remove(0)) };
        core::task::Poll::Ready(next.map(|piece| {
            Ok(match piece.strip_prefix("trailer ") {
                Some(value) => {
                    let value = value.parse().expect("a value");
                    http_body::Frame::trailers(HeaderMap::from_iter([(http::header::ETAG, value)]))
                }
                None => http_body::Frame::data(Bytes::from(piece)),
            })
        }))
    }
}

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
#[test]
fn a_slow_body_waits_in_no_encoder_and_holds_no_segment() {
    for &coding in ContentCoding::ALL {
        let pool = seg_pool::Pool::new();
        let slow = Slow { pieces: vec!["hello", ", ", "world", "trailer x"], is_ready: true };
        let contexts = Contexts::default();
        let body = Compress::new(slow, coding, Level::DEFAULT, &contexts, &pool);
        let mut body =
            Decompress::new(body, coding, BodyLimits::new(), &Contexts::default(), &POOL);
        let mut got = Vec::new();
        let trailers = run(async {
            loop {
                let frame = body.frame().await.expect("trailers come").expect("it is well");
                match frame.into_data() {
                    // Each piece can be decoded before the next one is there.
                    Ok(data) => got.push(String::from_utf8(data.to_vec()).expect("text")),
                    Err(frame) => break frame.into_trailers().expect("trailers"),
                }
                assert_eq!(pool.stats().in_use_bytes(), 0, "{coding:?}");
            }
        });
        assert_eq!(got, ["hello", ", ", "world"], "{coding:?}");
        assert_eq!(trailers["etag"], "x", "{coding:?}");
        assert!(run(body.frame()).is_none(), "{coding:?}");
    }
}

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
#[test]
fn a_server_encodes_what_may_be_encoded_and_says_so() {
    let layer = CompressLayer::new(&POOL).with_codings(&[ContentCoding::Gzip]);
    for (asked, status, field, is_coded, vary) in [
        ("gzip", 200, ("etag", "\"a\""), true, Some("accept-encoding")),
        ("gzip", 404, ("etag", "W/\"a\""), true, Some("accept-encoding")),
        ("gzip", 200, ("vary", "*"), true, Some("*")),
        ("gzip", 200, ("vary", "origin, Accept-Encoding"), true, Some("origin, Accept-Encoding")),
        ("br", 200, ("etag", "\"a\""), false, Some("accept-encoding")),
        ("identity;q=0", 200, ("etag", "\"a\""), false, Some("accept-encoding")),
        ("gzip", 206, ("content-range", "bytes 0-1/2"), false, None),
        ("gzip", 204, ("etag", "\"a\""), false, None),
        ("gzip", 200, ("content-encoding", "br"), false, None),
        ("gzip", 200, ("content-digest", "sha-256=:AA==:"), false, None),
        ("gzip", 200, ("cache-control", "public, No-Transform"), false, None),
    ] {
        let mut service = layer.layer(Serve(|_: Request<()>| {
            let builder = Response::builder().status(status).header(field.0, field.1);
            let builder = builder.header("content-length", 5).header("accept-ranges", "bytes");
            builder.body(Full::new(Bytes::from("hello"))).expect("good")
        }));
        let request = Request::builder().header("accept-encoding", asked).body(()).expect("good");
        let response = run(service.call(request)).expect("infallible");
        let (parts, body) = response.into_parts();
        let name = format!("{asked} {status} {field:?}");
        for plain in ["content-length", "accept-ranges"] {
            assert_eq!(parts.headers.contains_key(plain), !is_coded, "{name}");
        }
        let found = parts.headers.get("vary").map(|value| value.to_str().expect("text"));
        assert_eq!(found, vary, "{name}");
        let coded = parts.headers.get("content-encoding").is_some_and(|value| value == "gzip");
        assert_eq!(coded, is_coded, "{name}");
        if let Some(tag) = parts.headers.get("etag") {
            assert_eq!(tag.as_bytes().starts_with(b"W/"), is_coded, "{name}");
        }
        let coding = if is_coded { ContentCoding::Gzip } else { ContentCoding::Identity };
        let body = Decompress::new(body, coding, BodyLimits::new(), &Contexts::default(), &POOL);
        assert_eq!(run(body.collect()).expect("good").to_bytes(), "hello", "{name}");
    }
}

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
#[test]
fn answers_to_head_and_unchanged_ones_have_the_fields_of_what_would_be_encoded() {
    let layer = CompressLayer::new(&POOL).with_codings(&[ContentCoding::Gzip]);
    for (method, status, is_named) in [("HEAD", 200, true), ("GET", 304, false)] {
        let mut service = layer.layer(Serve(|_: Request<()>| {
            let builder = Response::builder().status(status).header("etag", "\"a\"");
            builder.body(Full::<Bytes>::default()).expect("good")
        }));
        let request = Request::builder().method(method).header("accept-encoding", "gzip");
        let request = request.body(()).expect("good");
        let (parts, body) = run(service.call(request)).expect("infallible").into_parts();
        assert_eq!(parts.headers["etag"], "W/\"a\"", "{method}");
        assert_eq!(parts.headers["vary"], "accept-encoding", "{method}");
        assert_eq!(parts.headers.contains_key("content-encoding"), is_named, "{method}");
        assert!(run(body.collect()).expect("nothing").to_bytes().is_empty(), "{method}");
    }
}
