//! Downloads with reqwest into pooled segments: `cargo run --example reqwest --features http-body -- URL`

use core::error::Error;

use http_chunked::{Body, BodyLimits, ContentCodings};
use seg_pool::Pool;

pub(crate) async fn fetch(url: &str, pool: &Pool) -> Result<Body, Box<dyn Error>> {
    let request = reqwest::Client::new().get(url).header("accept-encoding", "gzip, deflate");
    let response = http::Response::<reqwest::Body>::from(request.send().await?);
    let codings = ContentCodings::from_headers(response.headers()).ok_or("unknown coding")?;
    let limits = BodyLimits::new().with_body_bytes_max(64 << 20);
    Ok(Body::collect(response.into_body(), codings, limits, pool).await?)
}

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: reqwest URL")?;
    let body = fetch(&url, Pool::global()).await?;
    println!("{} bytes in {} chunks", body.len(), body.sequence().chunk_count());
    Ok(())
}
