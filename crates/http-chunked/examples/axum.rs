//! Uploads and downloads in axum, in pooled segments, compressed: `cargo run --example axum --features tower`

use axum::{Router, body::Body as AxumBody, http::StatusCode, routing::post};
use http_chunked::{
    Body, BodyLimits, BytesBody, CompressLayer, ContentCoding, DecompressRequestLayer, SegmentBody,
};
use seg_pool::Pool;
use seg_seq::Sequence;

async fn upload(body: AxumBody) -> Result<String, StatusCode> {
    let (plain, limits) = (ContentCoding::Identity, BodyLimits::new());
    let body = Body::collect(body, plain, limits, Pool::global()).await;
    Ok(format!("{} bytes\n", body.map_err(|_| StatusCode::BAD_REQUEST)?.len()))
}

async fn download() -> AxumBody {
    let data = Sequence::from(b"a line of text\n".repeat(10_000));
    AxumBody::new(BytesBody::new(SegmentBody::from(data)))
}

pub(crate) fn app() -> Router {
    let (limits, pool) = (BodyLimits::new().with_body_bytes_max(64 << 20), Pool::global());
    let app = Router::new().route("/", post(upload).get(download));
    app.layer(CompressLayer::new(pool)).layer(DecompressRequestLayer::new(limits, pool))
}

#[tokio::main]
pub(crate) async fn main() -> std::io::Result<()> {
    axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, app()).await
}
