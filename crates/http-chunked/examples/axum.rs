//! Uploads and downloads in axum, in pooled segments, compressed: `cargo run --example axum --features tower`

use axum::{Router, body::Body as AxumBody, http::HeaderMap, http::StatusCode, routing::post};
use http_chunked::{Body, BodyLimits, BytesBody, CompressLayer, ContentCodings, SegmentBody};
use seg_pool::Pool;
use seg_seq::SegmentedBuf;

async fn upload(headers: HeaderMap, body: AxumBody) -> Result<String, StatusCode> {
    let codings =
        ContentCodings::from_headers(&headers).ok_or(StatusCode::UNSUPPORTED_MEDIA_TYPE)?;
    let limits = BodyLimits::new().with_body_bytes_max(64 << 20);
    let body = Body::collect(body, codings, limits, Pool::global()).await;
    Ok(format!("{} bytes\n", body.map_err(|_| StatusCode::BAD_REQUEST)?.len()))
}

async fn download() -> AxumBody {
    let mut data = SegmentedBuf::new(Pool::global());
    (0..10_000).for_each(|_| data.extend_from_slice(b"a line of text\n"));
    AxumBody::new(BytesBody::new(SegmentBody::from(data.freeze())))
}

pub(crate) fn app() -> Router {
    Router::new().route("/", post(upload).get(download)).layer(CompressLayer::new(Pool::global()))
}

#[tokio::main]
pub(crate) async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("listening on http://{}/", listener.local_addr()?);
    axum::serve(listener, app()).await
}
