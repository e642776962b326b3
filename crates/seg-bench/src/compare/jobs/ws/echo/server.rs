//! Servers that send back what comes, as well as each implementation allows.

use core::{future::Future, net::SocketAddr};
use std::{rc::Rc, sync::mpsc, thread};

use axum::{Router, handler::Handler, routing::any};
use futures_util::{
    FutureExt as _, Sink, SinkExt as _, Stream, StreamExt as _, future::LocalBoxFuture,
};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use seg_pool::Pool;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    task::LocalSet,
};
use ws_assemble::{Connection, Message, WebSocketUpgrade};

use super::super::peers;

/// A server's thread, and what it does with each connection.
pub(super) struct Server {
    echo: Rc<dyn Fn(TcpStream) -> LocalBoxFuture<'static, ()>>,
}

impl Server {
    /// Starts a server in a thread of its own, which ends with the process.
    pub(super) fn start(choose: impl FnOnce(&mut Self) + Send + 'static) -> SocketAddr {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut server = Self { echo: Rc::new(|_| Box::pin(async {})) };
            choose(&mut server);
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            LocalSet::new().block_on(&runtime, server.listen(sender));
        });
        receiver.recv().expect("the server listens")
    }

    async fn listen(self, sender: mpsc::Sender<SocketAddr>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        sender.send(address).expect("somebody waits");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("a TCP option");
            tokio::task::spawn_local((self.echo)(stream));
        }
    }

    fn set<F: Future<Output = ()> + 'static>(&mut self, echo: impl Fn(TcpStream) -> F + 'static) {
        self.echo = Rc::new(move |stream| Box::pin(echo(stream)));
    }
}

impl Server {
    /// Answers so many bytes with the front of `echoes`, and looks at none: what is left of an echo
    /// without a library.
    pub(super) fn answer(&mut self, frame_len: usize, echoes: &[u8], echo_len: usize) {
        let echoes: Rc<[u8]> = echoes.into();
        self.set(move |mut stream| {
            let echoes = Rc::clone(&echoes);
            async move {
                let mut buffer = vec![0; 64 << 10];
                let mut received = 0;
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    received += count;
                    let echoed = &echoes[..received / frame_len * echo_len];
                    received %= frame_len;
                    if stream.write_all(echoed).await.is_err() {
                        return;
                    }
                }
            }
        });
    }
}

/// All that came in one read is answered in one write.
pub(super) fn ours(server: &mut Server) {
    let pool = Pool::new();
    server.set(move |stream| echo(Connection::server(stream, &pool)));
}

/// Connections of axum's extractor that this workspace has.
pub(super) fn our_axum(server: &mut Server) {
    let pool = Pool::new();
    axum(server, move |upgrade: WebSocketUpgrade| {
        let pool = pool.clone();
        async move { upgrade.with_pool(&pool).on_upgrade(echo) }
    });
}

/// Connections of the extractor that axum has.
pub(super) fn their_axum(server: &mut Server) {
    axum(server, async |upgrade: axum::extract::ws::WebSocketUpgrade| {
        upgrade.on_upgrade(echo_items)
    });
}

fn axum<H: Handler<T, ()>, T: 'static>(server: &mut Server, handler: H) {
    let router = Router::new().route("/", any(handler));
    server.set(move |stream| {
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        async move {
            // How the stream ends is seen by the connection that it was given to.
            let _ = connection.with_upgrades().await;
        }
    });
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut connection: Connection<S>) {
    let mut messages: Vec<Message> = Vec::new();
    while connection.next_batch(&mut messages).await.is_ok_and(|count| count > 0) {
        if let [message] = &messages[..] {
            connection.send(message).await.expect("a client that reads");
        } else {
            for message in &messages {
                connection.queue(message).await.expect("a client that reads");
            }
            connection.flush().await.expect("a client that reads");
        }
        messages.clear();
    }
}

pub(super) fn tungstenite(server: &mut Server) {
    server.set(|stream| async {
        let config = Some(peers::tungstenite_config());
        let role = tokio_tungstenite::tungstenite::protocol::Role::Server;
        echo_items(tokio_tungstenite::WebSocketStream::from_raw_socket(stream, role, config).await)
            .await;
    });
}

/// Has no queue: each frame is written on its own.
pub(super) fn fastwebsockets(server: &mut Server) {
    server.set(|stream| async {
        let mut socket = peers::fastwebsockets(stream);
        while let Ok(frame) = socket.read_frame().await {
            socket.write_frame(frame).await.expect("a client that reads");
        }
    });
}

pub(super) fn tokio_websockets(server: &mut Server) {
    server.set(|stream| echo_items(peers::tokio_websockets(stream)));
}

pub(super) fn yawc(server: &mut Server) {
    server.set(|stream| echo_items(peers::yawc(stream)));
}

pub(super) fn sockudo(server: &mut Server) {
    server.set(|stream| echo_items(peers::sockudo(stream)));
}

/// Queues answers as long as messages are there, and flushes then.
async fn echo_items<T, E, S>(mut socket: S)
where
    S: Stream + Sink<T> + Unpin,
    S::Item: Item<T, E>,
{
    while let Some(Some(message)) = socket.next().await.map(Item::message) {
        let mut next = Some(message);
        while let Some(message) = next {
            if socket.feed(message).await.is_err() {
                return;
            }
            next = socket.next().now_or_never().flatten().and_then(Item::message);
        }
        if socket.flush().await.is_err() {
            return;
        }
    }
}

/// What comes out of a stream: messages, or results of them.
trait Item<T, E> {
    fn message(self) -> Option<T>;
}

impl<T, E> Item<T, E> for Result<T, E> {
    fn message(self) -> Option<T> {
        self.ok()
    }
}

/// yawc's stream ends with an error.
impl Item<Self, ()> for yawc::Frame {
    fn message(self) -> Option<Self> {
        Some(self)
    }
}
