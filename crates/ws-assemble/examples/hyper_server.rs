//! Takes connections over from hyper, and echoes: axum does the same underneath.
//! `cargo run --example hyper_server --features tokio -- 127.0.0.1:9001`

use core::{convert::Infallible, error::Error, time::Duration};
use std::env;

use http_body_util::Empty;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
    upgrade::{self, Upgraded},
};
use hyper_util::rt::TokioIo;
use seg_pool::Pool;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use ws_assemble::{Connection, ConnectionError, Refusal, UpgradeRequest};

/// How long a connection that failed is held to tell the peer why, and what it may send meanwhile.
const FINISH_MAX: Duration = Duration::from_secs(2);
const DISCARD_BYTES_MAX: u64 = 64 << 20;

type AnyError = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let address = env::args().nth(1).ok_or("usage: hyper_server ADDRESS")?;
    let listener = TcpListener::bind(&address).await?;
    println!("listening on {}", listener.local_addr()?);
    let pool = Pool::builder().bytes_max(256 << 20).build();
    loop {
        let (stream, _) = listener.accept().await?;
        let pool = pool.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, pool.clone()));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.with_upgrades().await {
                eprintln!("{error}");
            }
        });
    }
}

async fn answer(
    mut request: Request<Incoming>,
    pool: Pool,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let fields = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut response = Response::new(Empty::new());
    let line = format!("{} {} {:?}", request.method(), request.uri(), request.version());
    match UpgradeRequest::from_fields(&line, fields) {
        Ok(request_of_client) => {
            let acceptance = request_of_client.accept();
            copy(acceptance.status(), acceptance.fields(), &mut response);
            let upgrade = upgrade::on(&mut request);
            tokio::spawn(async move {
                let echoed = match upgrade.await {
                    Ok(upgraded) => echo(upgraded, &pool).await,
                    Err(error) => Err(error.into()),
                };
                if let Err(error) = echoed {
                    eprintln!("{error}");
                }
            });
        }
        Err(error) => {
            eprintln!("{error}");
            let refusal = Refusal::from(error);
            copy(refusal.status(), refusal.fields(), &mut response);
        }
    }
    Ok(response)
}

fn copy<'a>(
    status: u16,
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    response: &mut Response<Empty<Bytes>>,
) {
    *response.status_mut() = StatusCode::from_u16(status).expect("three digits");
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a token");
        response.headers_mut().append(name, HeaderValue::from_bytes(value).expect("a value"));
    }
}

async fn echo(upgraded: Upgraded, pool: &Pool) -> Result<(), AnyError> {
    // Frames may have come along with the request: hyper has read them already.
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().map_err(|_| "another stream")?;
    let (stream, ahead) = (parts.io.into_inner(), parts.read_buf);
    let mut connection = Connection::server(stream, pool).with_read_ahead(&ahead);
    let echoed = echo_all(&mut connection).await;
    if echoed.is_err() {
        // The peer is to get the close frame that says why. There is nothing to do if it does not.
        let _ = timeout(FINISH_MAX, connection.finish(DISCARD_BYTES_MAX)).await;
    }
    Ok(echoed?)
}

async fn echo_all(connection: &mut Connection<TcpStream>) -> Result<(), ConnectionError> {
    while let Some(message) = connection.next().await? {
        connection.send(&message).await?;
    }
    Ok(())
}
