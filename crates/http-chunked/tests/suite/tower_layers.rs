//! The layers of tower.

use core::convert::Infallible;
use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use http_chunked::{BodyLimits, Decompress, DecompressLayer, DecompressRequestLayer};
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
                let text = error.to_string();
                assert!(text.starts_with("body is longer than allowed"), "{text}");
            }
            (None, Err(status)) => {
                assert_eq!(response.status(), status);
                assert!(response.headers().contains_key("accept-encoding"));
            }
            (read, expected) => panic!("{read:?}, not {expected:?}"),
        }
    }
}
