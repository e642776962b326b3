//! Echoes over hyper: `cargo run --example hyper_server --features hyper -- 127.0.0.1:9001`

use core::convert::Infallible;

use http_body_util::Full;
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service};
use hyper_util::rt::TokioIo;
use seg_pool::Pool;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: hyper_server ADDRESS");
    let listener = TcpListener::bind(&address).await?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener).await
}

pub(crate) async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let pool = Pool::builder().bytes_max(256 << 20).build();
    loop {
        let (stream, pool) = (TokioIo::new(listener.accept().await?.0), pool.clone());
        let service = service::service_fn(move |request| echo(request, pool.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(stream, service).with_upgrades());
    }
}

async fn echo(
    mut request: Request<Incoming>,
    pool: Pool,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (response, connection) = match ws_assemble::upgrade(&mut request, &pool) {
        Ok(upgraded) => upgraded,
        Err(refusal) => return Ok(Response::from(refusal).map(Full::new)),
    };
    tokio::spawn(async move {
        let mut connection = connection.await?;
        while let Some(message) = connection.next().await? {
            connection.send(&message).await?;
        }
        Ok::<_, ws_assemble::ConnectionError>(())
    });
    Ok(response.map(Full::new))
}
