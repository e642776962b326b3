//! Echoes over hyper: `cargo run --example hyper_server --features hyper -- 127.0.0.1:9001`

use hyper::{server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use ws_assemble::{Connection, on_upgrade};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    serve(TcpListener::bind(std::env::args().nth(1).expect("ADDRESS")).await?).await
}

pub(crate) async fn serve(listener: TcpListener) -> std::io::Result<()> {
    println!("listening on {}", listener.local_addr()?);
    let pool = seg_pool::Pool::builder().bytes_max(256 << 20).build();
    let echo = |mut connection: Connection<_>| async move {
        while let Ok(Some(message)) = connection.next().await
            && connection.send(&message).await.is_ok()
        {}
    };
    loop {
        let (stream, pool) = (TokioIo::new(listener.accept().await?.0), pool.clone());
        let service = service_fn(move |mut request| {
            let response = on_upgrade(&mut request, &pool, |asked| Ok(asked.accept()), echo);
            async { hyper::Result::Ok(response.map(http_body_util::Full::new)) }
        });
        tokio::spawn(Builder::new().serve_connection(stream, service).with_upgrades());
    }
}
