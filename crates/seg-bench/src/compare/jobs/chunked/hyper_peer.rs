//! hyper's server over memory: one request whose body it decodes, or one whose answer it encodes.

use core::{cell::RefCell, convert::Infallible};
use std::collections::VecDeque;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use tokio::runtime::{Builder, Runtime};

use super::{RECEIVE_BYTES, hyper_io::HyperIo};
use crate::compare::jobs::way::Way;

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime without drivers")
}

/// Decodes.
pub(super) struct HyperServer {
    wire: Vec<u8>,
    runtime: Runtime,
}

impl HyperServer {
    pub(super) fn new(body: &'static [u8]) -> Self {
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
        Self { wire: [head, body].concat(), runtime: runtime() }
    }
}

impl Way for HyperServer {
    type Input = VecDeque<Bytes>;
    type Output = Vec<Bytes>;

    fn input(&mut self) -> VecDeque<Bytes> {
        self.wire.chunks(RECEIVE_BYTES).map(Bytes::copy_from_slice).collect()
    }

    fn run(&mut self, received: VecDeque<Bytes>) -> Vec<Bytes> {
        let kept = RefCell::new(Vec::new());
        let mut written = 0;
        let serve = service_fn(async |request: Request<Incoming>| {
            let mut body = request.into_body();
            while let Some(frame) = body.frame().await {
                if let Ok(data) = frame.expect("a valid body").into_data() {
                    kept.borrow_mut().push(data);
                }
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        });
        let io = HyperIo { received, written: &mut written };
        let connection = http1::Builder::new().serve_connection(io, serve);
        self.runtime.block_on(connection).expect("a valid request");
        kept.into_inner()
    }

    fn output_len(kept: &Vec<Bytes>) -> u64 {
        kept.iter().map(|data| data.len() as u64).sum()
    }
}

/// Encodes.
pub(super) struct HyperAnswer {
    body: Vec<Bytes>,
    runtime: Runtime,
}

impl HyperAnswer {
    pub(super) fn new(body: &[u8], chunk: usize) -> Self {
        let body = body.chunks(chunk).map(Bytes::copy_from_slice).collect();
        Self { body, runtime: runtime() }
    }
}

impl Way for HyperAnswer {
    type Input = Vec<Bytes>;
    type Output = u64;

    fn input(&mut self) -> Vec<Bytes> {
        self.body.clone()
    }

    fn run(&mut self, body: Vec<Bytes>) -> u64 {
        let body = RefCell::new(body);
        let (mut written, mut head) = (0, 0);
        let serve = service_fn(async |_: Request<Incoming>| {
            let frames = body.take().into_iter().map(|data| Ok::<_, Infallible>(Frame::data(data)));
            let body = StreamBody::new(futures_util::stream::iter(frames));
            let mut response = Response::new(body);
            response.headers_mut().insert("date", hyper::header::HeaderValue::from_static("x"));
            Ok::<_, Infallible>(response)
        });
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let received = VecDeque::from([Bytes::from_static(request)]);
        let io = HyperIo { received, written: &mut written };
        let connection = http1::Builder::new().serve_connection(io, serve);
        self.runtime.block_on(connection).expect("a valid request");
        head +=
            "HTTP/1.1 200 OK\r\ndate: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
                .len() as u64;
        written - head
    }

    fn output_len(written: &u64) -> u64 {
        *written
    }
}
