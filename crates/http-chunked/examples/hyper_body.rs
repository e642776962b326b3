//! hyper's server and client with our bodies: the server answers with segments and a trailer, the
//! client links what comes.
//!
//! `cargo run --example hyper_body --features http-body,tokio`

use core::{convert::Infallible, error::Error};

use http_body_util::Empty;
use http_chunked::{Body, BodyLimits, ContentCodings, SegmentBody, Trailers};
use hyper::{Request, Response, body::Bytes, service::service_fn};
use hyper_util::rt::TokioIo;
use seg_pool::Pool;
use seg_seq::SegmentedBuf;
use tokio::net::{TcpListener, TcpStream};

/// Makes a body of a megabyte in pooled segments.
fn body(pool: &Pool) -> SegmentBody {
    let mut buffer = SegmentedBuf::new(pool);
    for line in 0..40_000 {
        buffer.extend_from_slice(format!("this is line {line:>6} of many\n").as_bytes());
    }
    let mut trailers = Trailers::new();
    // A name and a value that are right.
    let pushed = trailers.push("x-lines", b"40000");
    debug_assert_eq!(pushed, Ok(()));
    SegmentBody::new(buffer.freeze(), trailers)
}

async fn serve(listener: TcpListener) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (socket, _) = listener.accept().await?;
    let pool = Pool::new();
    let service = service_fn(|_| {
        let response = Response::builder()
            .header("transfer-encoding", "chunked")
            .header("trailer", "x-lines")
            .body(body(&pool));
        async { Ok::<_, Infallible>(response.unwrap_or_default()) }
    });
    let server = hyper::server::conn::http1::Builder::new();
    server.serve_connection(TokioIo::new(socket), service).await?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(serve(listener));
    let socket = TokioIo::new(TcpStream::connect(address).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(socket).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get("/")
        .header("host", address.to_string())
        .header("te", "trailers")
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let codings = ContentCodings::from_headers(response.headers()).unwrap_or_default();
    let limits = BodyLimits::new();
    let body = Body::collect(response.into_body(), codings, limits, Pool::global()).await?;
    println!(
        "{status}: {} bytes in {} chunks, trailers {:?}",
        body.len(),
        body.sequence().chunk_count(),
        body.trailers(),
    );
    drop(sender);
    connection.await??;
    server.await??;
    Ok(())
}
