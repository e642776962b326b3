//! An origin: `GET /N` is a chunked body of N bytes, `POST /echo` the body that came, `POST /count` how long it was.

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    server,
    service::service_fn,
};
use hyper_util::rt::TokioIo;

use crate::counted::Counted;

/// What the bodies are made of.
static PIECE: [u8; 64 << 10] = [b'x'; 64 << 10];

pub(crate) type Body = BoxBody<Bytes, hyper::Error>;

/// A body of so many bytes.
pub(crate) fn body(bytes: u64) -> Body {
    let piece = move |start: u64| {
        let left = usize::try_from(bytes - start).unwrap_or(usize::MAX);
        Ok(Frame::data(Bytes::from_static(&PIECE[..left.min(PIECE.len())])))
    };
    let starts = (0..bytes).step_by(PIECE.len());
    StreamBody::new(stream::iter(starts.map(piece))).boxed()
}

/// Reads a body to its end; returns its length.
pub(crate) async fn length(mut body: Incoming) -> hyper::Result<u64> {
    let mut len = 0;
    while let Some(frame) = body.frame().await {
        len += frame?.into_data().map_or(0, |data| data.len() as u64);
    }
    Ok(len)
}

pub(crate) async fn serve(socket: Counted) -> anyhow::Result<()> {
    let service = service_fn(|request: Request<Incoming>| async {
        let path = request.uri().path().to_owned();
        let body = match path.as_str() {
            "/echo" => request.into_body().boxed(),
            "/count" => {
                let len = length(request.into_body()).await?.to_string();
                Full::from(len).map_err(|never| match never {}).boxed()
            }
            _ => body(path[1..].parse().unwrap_or(0)),
        };
        hyper::Result::Ok(Response::new(body))
    });
    let socket = TokioIo::new(socket);
    server::conn::http1::Builder::new().serve_connection(socket, service).await?;
    Ok(())
}
