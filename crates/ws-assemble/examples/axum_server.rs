//! Takes connections over from axum, routed like any other request, and echoes:
//! `cargo run --example axum_server --features deflate,tokio -- 127.0.0.1:9001`

use core::{error::Error, time::Duration};
use std::env;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    response::Response,
    routing::get,
};
use hyper::upgrade::{self, Upgraded};
use hyper_util::{rt::TokioIo, server::conn::auto};
use seg_pool::Pool;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use ws_assemble::{Connection, ConnectionError, Deflate, DeflateOptions, Refusal, UpgradeRequest};

/// How long a connection that failed is held to tell the peer why, and what it may send meanwhile.
const FINISH_MAX: Duration = Duration::from_secs(2);
const DISCARD_BYTES_MAX: u64 = 64 << 20;

type AnyError = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let address = env::args().nth(1).ok_or("usage: axum_server ADDRESS")?;
    let listener = TcpListener::bind(&address).await?;
    println!("listening on {}", listener.local_addr()?);
    let pool = Pool::builder().bytes_max(256 << 20).build();
    let router = Router::new()
        .route("/", get(|| async { "a WebSocket is at /echo\n" }))
        .route("/echo", get(upgrade_to_echo))
        .with_state(pool);
    axum::serve(listener, router).await?;
    Ok(())
}

/// Grants the upgrade, compression included, and leaves the connection to a task of its own.
async fn upgrade_to_echo(State(pool): State<Pool>, mut request: Request) -> Response {
    let fields = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let line = format!("{} {} {:?}", request.method(), request.uri(), request.version());
    let acceptance = match UpgradeRequest::from_fields(&line, fields) {
        Ok(request) => request.accept().deflate(&DeflateOptions::default()),
        Err(error) => {
            let refusal = Refusal::from(error);
            return response(refusal.status(), refusal.fields());
        }
    };
    let agreed = acceptance.agreed_deflate().copied();
    let upgrade = upgrade::on(&mut request);
    tokio::spawn(async move {
        let echoed = match upgrade.await {
            Ok(upgraded) => echo(upgraded, agreed.as_ref(), &pool).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = echoed {
            eprintln!("{error}");
        }
    });
    response(acceptance.status(), acceptance.fields())
}

fn response<'a>(status: u16, fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status.try_into().expect("three digits");
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a token");
        response.headers_mut().append(name, HeaderValue::from_bytes(value).expect("a value"));
    }
    response
}

async fn echo(upgraded: Upgraded, agreed: Option<&Deflate>, pool: &Pool) -> Result<(), AnyError> {
    // Frames may have come along with the request: they have been read already.
    let parts = auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded).map_err(|_| "no TCP")?;
    let (stream, ahead) = (parts.io.into_inner(), parts.read_buf);
    let mut connection = Connection::server(stream, pool).with_read_ahead(&ahead);
    if let Some(agreed) = agreed {
        connection = connection.with_deflate(agreed);
    }
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
