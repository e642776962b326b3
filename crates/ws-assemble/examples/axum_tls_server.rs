//! Echoes over axum and TLS:
//! `cargo run --example axum_tls_server --features axum,deflate,rustls -- 127.0.0.1:9001 cert.pem key.pem`

#[expect(dead_code, reason = "its main is not called")]
#[path = "axum_server.rs"]
pub(crate) mod axum_server;
#[expect(dead_code, reason = "its main is not called")]
#[path = "tls_server.rs"]
pub(crate) mod tls_server;

use core::{net::SocketAddr, time::Duration};
use std::{env, io, sync::Arc};

use axum::serve::Listener;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig, server::TlsStream};

/// How long a handshake may take, and how many may be at it at a time.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
const HANDSHAKES_MAX: usize = 1_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let [address, chain, key] = [1, 2, 3].map(|at| env::args().nth(at).expect("3 arguments"));
    let tls = tls_server::config(&chain, &key)?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    Ok(axum_server::serve(TlsListener::new(listener, tls)).await?)
}

/// Handshakes run in tasks, so that a slow client holds up no other.
pub(crate) struct TlsListener {
    tcp: TcpListener,
    tls: TlsAcceptor,
    handshakes: JoinSet<io::Result<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    pub(crate) fn new(tcp: TcpListener, tls: ServerConfig) -> Self {
        Self { tcp, tls: Arc::new(tls).into(), handshakes: JoinSet::new() }
    }
}

impl Listener for TlsListener {
    type Addr = SocketAddr;
    type Io = TlsStream<TcpStream>;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let accepts = self.handshakes.len() < HANDSHAKES_MAX;
            tokio::select! {
                (stream, peer) = Listener::accept(&mut self.tcp), if accepts => {
                    let opened = timeout(HANDSHAKE_MAX, self.tls.accept(stream));
                    self.handshakes.spawn(async move { Ok((opened.await??, peer)) });
                }
                Some(done) = self.handshakes.join_next() => {
                    // A client whose handshake failed is gone.
                    if let Ok(Ok(opened)) = done {
                        return opened;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
