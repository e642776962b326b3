//! Coded bodies of `http_body` decoded by a layer of tower.

use core::{
    convert::Infallible,
    future::Ready,
    pin::pin,
    task::{Context, Poll, Waker},
};
use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures_util::stream;
use http::{Request, Response, header};
use http_body_util::StreamBody;
use http_chunked::{BodyLimits, Contexts, DecompressLayer};
use hyper::body::{Body, Frame};
use seg_pool::Pool;
use tower_http::decompression::DecompressionLayer;
use tower_layer::Layer;
use tower_service::Service;

use super::{RECEIVE_BYTES, payload};
use crate::compare::{
    Job, Kind,
    jobs::way::{Way, contender},
};

pub(super) fn jobs() -> Vec<Job> {
    let sizes = [("1k", 1 << 10), ("64k", 64 << 10), ("16m", 16 << 20)];
    sizes.into_iter().map(|(name, bytes)| job(name, bytes)).collect()
}

fn job(name: &str, bytes: usize) -> Job {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let coded = encoder.write_all(&records(bytes)).and_then(|()| encoder.finish());
    let coded = coded.expect("into memory");
    let pieces: Vec<Bytes> = coded.chunks(RECEIVE_BYTES).map(Bytes::copy_from_slice).collect();
    let (ours, theirs, len) = (pieces.clone(), pieces, bytes as u64);
    Job::new(format!("chunked/gunzip_body_{name}"), len)
        .with(contender(Kind::Ours, "http-chunked's layer", len, move || {
            let (pool, contexts) = (Pool::new(), Contexts::new(1 << 20));
            let layer = DecompressLayer::new(BodyLimits::new(), &pool).with_contexts(&contexts);
            Decoded { pieces: ours.clone(), layer }
        }))
        .with(contender(Kind::Peer, "tower-http's layer", len, move || Decoded {
            pieces: theirs.clone(),
            layer: DecompressionLayer::new(),
        }))
}

/// Lines that differ a little, as records do.
fn records(bytes: usize) -> Vec<u8> {
    let noise = payload(61);
    let line = |at: usize| {
        let at = at * 31 % 9_973;
        let name = String::from_utf8_lossy(&noise[at % 40..][..21]).into_owned();
        format!("{{\"id\":{at},\"name\":\"{name}\",\"score\":{}}}\n", at * at % 10_007)
    };
    (0..).flat_map(|at| line(at).into_bytes()).take(bytes).collect()
}

/// A response through a layer, read to its end as it comes.
struct Decoded<L> {
    pieces: Vec<Bytes>,
    layer: L,
}

type Coded = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

impl<L, B> Way for Decoded<L>
where
    L: Layer<Answer> + 'static,
    L::Service: Service<Request<()>, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    type Input = Vec<Result<Frame<Bytes>, Infallible>>;
    type Output = u64;

    fn input(&mut self) -> Self::Input {
        self.pieces.iter().cloned().map(Frame::data).map(Ok).collect()
    }

    fn run(&mut self, frames: Self::Input) -> u64 {
        let mut context = Context::from_waker(Waker::noop());
        let mut service = self.layer.layer(Answer(Some(StreamBody::new(stream::iter(frames)))));
        let answered = pin!(service.call(Request::new(()))).poll(&mut context);
        let Poll::Ready(Ok(response)) = answered else { unreachable!("it is ready at once") };
        let (mut body, mut len) = (pin!(response.into_body()), 0);
        while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
            let Ok(frame) = frame else { unreachable!("a valid body") };
            len += frame.into_data().map_or(0, |data| core::hint::black_box(data).len() as u64);
        }
        len
    }

    fn output_len(len: &u64) -> u64 {
        *len
    }
}

/// A service that answers once, with a coded body.
struct Answer(Option<Coded>);

impl Service<Request<()>> for Answer {
    type Response = Response<Coded>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Coded>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let mut response = Response::new(self.0.take().expect("it is called once"));
        let gzip = header::HeaderValue::from_static("gzip");
        response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
        core::future::ready(Ok(response))
    }
}
