//! Echoes over axum, compressed where the client wants it:
//! `cargo run --example axum_server --features axum,deflate -- 127.0.0.1:9001`

use core::fmt::Debug;

use axum::{Router, extract::State, response::Response, routing::any, serve::Listener};
use seg_pool::Pool;
use tokio::net::TcpListener;
use ws_assemble::{DeflateConfig, WebSocketUpgrade};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("usage: axum_server ADDRESS");
    let listener = TcpListener::bind(&address).await?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener).await
}

pub(crate) async fn serve(listener: impl Listener<Addr: Debug>) -> std::io::Result<()> {
    let pool = Pool::builder().bytes_max(256 << 20).build();
    axum::serve(listener, Router::new().route("/echo", any(echo)).with_state(pool)).await
}

async fn echo(State(pool): State<Pool>, upgrade: WebSocketUpgrade) -> Response {
    let upgrade = upgrade.with_pool(&pool).deflate(&DeflateConfig::default());
    upgrade.on_upgrade(|mut connection| async move {
        while let Ok(Some(message)) = connection.next().await
            && connection.send(&message).await.is_ok()
        {}
    })
}
