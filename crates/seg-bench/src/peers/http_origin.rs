//! A hyper 1.x origin.

use core::convert::Infallible;
use std::io;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Frame, Incoming},
    header::{CONTENT_ENCODING, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::{Payload, payload::fragments};

/// Serves the payload on every connection that comes, until it is dropped.
///
/// `/plain` is the input, `/gzip` the same with `Content-Encoding: gzip`; both are chunked, in
/// chunks of [`FRAGMENT_BYTES`](super::FRAGMENT_BYTES). A connection carries any number of requests.
///
/// # Errors
///
/// Returns the error of a listener that cannot accept. A connection that fails ends alone.
pub async fn serve(listener: TcpListener, payload: Payload) -> io::Result<Infallible> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve_connection(stream, payload.clone()));
    }
}

async fn serve_connection(stream: TcpStream, payload: Payload) {
    // Without it, the end of a body could wait for an acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| {
        let response = respond(&request, &payload);
        async { Ok::<_, Infallible>(response) }
    });
    // The client sees a connection that ends early; there is nobody else to tell.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn respond(
    request: &Request<Incoming>,
    payload: &Payload,
) -> Response<impl Body<Data = Bytes, Error = Infallible> + use<>> {
    let (status, bytes) = match request.uri().path() {
        "/plain" => (StatusCode::OK, payload.plain.clone()),
        "/gzip" => (StatusCode::OK, payload.gzip.clone()),
        _ => (StatusCode::NOT_FOUND, Bytes::from_static(b"not found\n")),
    };
    let mut response = Response::new(chunked(bytes));
    *response.status_mut() = status;
    if request.uri().path() == "/gzip" {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// A body of unknown length, which HTTP/1.1 has to send chunked.
fn chunked(bytes: Bytes) -> impl Body<Data = Bytes, Error = Infallible> + use<> {
    StreamBody::new(stream::iter(fragments(bytes).map(|(fragment, _)| Ok(Frame::data(fragment)))))
}
