//! Echoes over TLS: both ends are rustls, in one thread, over a pipe in memory.
//!
//! rustls copies what it sends. It gathers the slices of a vectored write in a vector first: ours, which
//! leaves header and payload where they lie, makes it allocate once more for a message than peers that
//! have copied both into one slice.

use core::{cell::RefCell, future::Future};
use std::{rc::Rc, time::Instant};

use anyhow::ensure;
use futures_util::{SinkExt as _, StreamExt as _};
use seg_pool::Pool;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    runtime::{Builder, Runtime},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, rustls::pki_types::ServerName, server};
use ws_assemble::Connection;

use super::{
    echo::{KEY, frame},
    peers,
};
use crate::compare::{
    Contender, Job, Kind,
    tls::{client_config, server_config},
};

const LEN: usize = 16 << 10;

/// Bytes that lie between the two ends.
pub(super) const PIPE_BYTES: usize = 64 << 10;

pub(super) fn jobs() -> Vec<Job> {
    vec![
        Job::new("ws/tls_echo_16k", LEN as u64)
            .with(way(Kind::Ours, "ws-assemble Connection", |stream| async {
                let mut connection = Connection::server(stream, &Pool::new());
                while let Ok(Some(message)) = connection.next().await
                    && connection.send(&message).await.is_ok()
                {}
            }))
            .with(way(Kind::Peer, "tokio-tungstenite", |stream| async {
                let config = Some(peers::tungstenite_config());
                let role = tokio_tungstenite::tungstenite::protocol::Role::Server;
                let open =
                    tokio_tungstenite::WebSocketStream::from_raw_socket(stream, role, config);
                let mut socket = open.await;
                while let Some(Ok(message)) = socket.next().await
                    && socket.send(message).await.is_ok()
                {}
            })),
    ]
}

/// A client, and the runtime that its server runs on.
struct Client {
    runtime: Runtime,
    stream: client::TlsStream<DuplexStream>,
    frame: Vec<u8>,
    echo: Vec<u8>,
    buffer: Vec<u8>,
}

impl Client {
    fn open<F: Future<Output = ()> + Send + 'static>(
        serve: fn(server::TlsStream<DuplexStream>) -> F,
    ) -> Self {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let (near, far) = duplex(PIPE_BYTES);
        let (server, certificate) = server_config();
        runtime.spawn(async move {
            serve(TlsAcceptor::from(server).accept(far).await.expect("a client")).await;
        });
        let name = ServerName::try_from("localhost").expect("a name");
        let stream =
            runtime.block_on(TlsConnector::from(client_config(certificate)).connect(name, near));
        let payload: Vec<u8> = (0..=250).cycle().take(LEN).collect();
        let echo = frame(&payload, None);
        Self {
            runtime,
            stream: stream.expect("a server"),
            frame: frame(&payload, Some(KEY)),
            buffer: vec![0; echo.len()],
            echo,
        }
    }

    fn exchange(&mut self) {
        let Self { runtime, stream, frame, buffer, .. } = self;
        runtime.block_on(async {
            stream.write_all(frame).await.expect("a server that reads");
            stream.flush().await.expect("a server that reads");
            stream.read_exact(buffer).await.expect("an echo");
        });
    }
}

/// Starts the server when the contender is first used, and keeps it.
fn way<F: Future<Output = ()> + Send + 'static>(
    kind: Kind,
    name: &str,
    serve: fn(server::TlsStream<DuplexStream>) -> F,
) -> Contender {
    let client: Rc<RefCell<Option<Client>>> = Rc::default();
    let again = Rc::clone(&client);
    Contender::timed(kind, name, move |count| {
        let mut client = client.borrow_mut();
        let client = client.get_or_insert_with(|| Client::open(serve));
        let start = Instant::now();
        (0..count).for_each(|_| client.exchange());
        start.elapsed()
    })
    .checked(move || {
        let mut client = again.borrow_mut();
        let client = client.get_or_insert_with(|| Client::open(serve));
        client.exchange();
        ensure!(client.buffer == client.echo, "the echo differs");
        Ok(())
    })
}
