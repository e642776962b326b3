//! Connections that wait: what each keeps, as held bytes.

use core::{
    future::Future,
    hint::black_box,
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use std::{io, sync::Arc, time::Instant};

use anyhow::ensure;
use futures_util::StreamExt as _;
use seg_pool::Pool;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, Join, ReadBuf, Sink, duplex, join, sink},
    runtime::Builder,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, rustls::pki_types::ServerName, server::TlsStream};
use ws_assemble::Connection;

use super::{
    echo::{KEY, frame},
    peers,
    tls::PIPE_BYTES,
};
use crate::{
    alloc_count::{Counts, Scope},
    compare::{
        Contender, Job, Kind,
        tls::{client_config, server_config},
    },
};

const CONNECTIONS: usize = 100_000;

/// What a connection of ours may keep, all of it.
const STATE_BYTES_MAX: i64 = 512;

/// What the pool that they share may keep about itself.
const POOL_BYTES_MAX: i64 = 4 << 10;

/// The message that a connection has read before it waits.
const MESSAGE_BYTES: usize = 1 << 20;

pub(super) fn jobs() -> Vec<Job> {
    let silent = || join(Silent, sink());
    let wire: Arc<[u8]> = frame(&vec![7; MESSAGE_BYTES], Some(KEY)).into();
    let wire = move || join(Wire { rest: Arc::clone(&wire), at: 0 }, sink());
    let tls = tls();
    let alone = tls.clone();
    vec![
        job("ws/idle_100k", 0, silent, many(silent)),
        job("ws/idle_after_1m", 1, wire.clone(), ours(1, wire)),
        job("ws/idle_tls", 0, tls.clone(), ours(0, tls)).with(way(
            Kind::Floor,
            "rustls alone",
            move || Box::new(alone()),
            || 0,
        )),
    ]
}

/// Opens connections over streams that `stream` makes; each reads so many messages, and then waits.
fn job<S>(
    name: &str,
    messages: usize,
    stream: impl Fn() -> S + Clone + 'static,
    ours: Contender,
) -> Job
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let streams = [(); 4].map(|()| stream.clone());
    let [fast, tokio, tungstenite, yawc] = streams;
    Job::new(name, 0)
        .with(ours)
        .with(peer("fastwebsockets", move || {
            let mut socket = Box::new(peers::fastwebsockets(fast()));
            (0..messages).for_each(|_| drop(now(socket.read_frame()).expect("a message")));
            waits(socket.read_frame());
            socket
        }))
        .with(peer("tokio-websockets", move || {
            let mut socket = Box::new(peers::tokio_websockets(tokio()));
            (0..messages).for_each(|_| drop(now(socket.next()).expect("a message")));
            waits(socket.next());
            socket
        }))
        .with(peer("tungstenite", move || {
            let config = Some(peers::tungstenite_config());
            let role = tokio_tungstenite::tungstenite::protocol::Role::Server;
            let stream = tungstenite();
            let open = tokio_tungstenite::WebSocketStream::from_raw_socket(stream, role, config);
            let mut socket = Box::new(now(open));
            (0..messages).for_each(|_| drop(now(socket.next()).expect("a message")));
            waits(socket.next());
            socket
        }))
        .with(peer("yawc", move || {
            let mut socket = Box::new(peers::yawc(yawc()));
            (0..messages).for_each(|_| drop(now(socket.next_frame()).expect("a message")));
            waits(socket.next_frame());
            socket
        }))
}

fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    pool: &Pool,
    messages: usize,
) -> Box<Connection<S>> {
    let mut connection = Box::new(Connection::server(stream, pool));
    (0..messages).for_each(|_| drop(now(connection.next()).expect("a message")));
    waits(connection.next());
    connection
}

fn ours<S>(messages: usize, stream: impl Fn() -> S + Clone + 'static) -> Contender
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let pool = Pool::new();
    let shared = pool.clone();
    let open = move || open(stream(), &shared, messages);
    way(Kind::Ours, "ws-assemble", open, move || pool.stats().in_use_bytes())
}

/// Ours, checked with very many connections at a time.
fn many<S>(stream: impl Fn() -> S + Clone + 'static) -> Contender
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let pool = Pool::new();
    let again = stream.clone();
    let all = move || {
        let mut connections = Vec::with_capacity(CONNECTIONS);
        let scope = Scope::start();
        connections.extend((0..CONNECTIONS).map(|_| open(stream(), &pool, 0)));
        let counts = scope.finish();
        (connections, counts, pool.stats().in_use_bytes())
    };
    let fresh = all.clone();
    ours(0, again)
        .checked(move || {
            let (connections, counts, held) = all();
            let most = STATE_BYTES_MAX * i64::try_from(connections.len())? + POOL_BYTES_MAX;
            ensure!(counts.live_bytes <= most, "{} bytes", counts.live_bytes);
            ensure!(held == 0, "{held} bytes of segments");
            Ok(())
        })
        .from_nothing(move || drop(fresh()))
}

fn peer<T: 'static>(name: &str, open: impl Fn() -> Box<T> + Clone + 'static) -> Contender {
    way(Kind::Peer, name, open, || 0)
}

/// Opens connections and keeps them until the sample ends. What each keeps is what is freed when they
/// are dropped, with what they hold of a pool.
fn way<T: 'static>(
    kind: Kind,
    name: &str,
    open: impl Fn() -> Box<T> + Clone + 'static,
    pooled_bytes: impl Fn() -> usize + 'static,
) -> Contender {
    /// So many of the largest peers' buffers fit into memory.
    const AT_A_TIME: u32 = 1_000;
    let again = open.clone();
    // Here, so that the list is not counted.
    let mut all = Vec::with_capacity(AT_A_TIME as usize);
    Contender::timed(kind, name, move |count| {
        let mut total = Duration::ZERO;
        let mut left = count;
        while left > 0 {
            let here = left.min(AT_A_TIME.into());
            let start = Instant::now();
            all.extend((0..here).map(|_| black_box(open())));
            total += start.elapsed();
            all.clear();
            left -= here;
        }
        total
    })
    .holding(move |count| {
        let opening = Scope::start();
        let connections: Vec<_> = (0..count).map(|_| again()).collect();
        let opened = opening.finish();
        let pooled = i64::try_from(pooled_bytes()).expect("fits into memory");
        let dropping = Scope::start();
        connections.into_iter().for_each(drop);
        Counts { live_bytes: pooled - dropping.finish().live_bytes, ..opened }
    })
}

/// Nothing comes from here. Takes no memory of its own.
#[derive(Debug)]
struct Silent;

impl AsyncRead for Silent {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

/// Bytes come from here, and then nothing.
struct Wire {
    rest: Arc<[u8]>,
    at: usize,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = &self.rest[self.at..];
        let len = rest.len().min(buf.remaining());
        if len == 0 {
            return Poll::Pending;
        }
        buf.put_slice(&rest[..len]);
        self.at += len;
        Poll::Ready(Ok(()))
    }
}

/// The pipe of a handshake; nothing comes after that.
enum Pipe {
    Handshake(DuplexStream),
    Silent(Join<Silent, Sink>),
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Handshake(pipe) => Pin::new(pipe).poll_read(cx, buf),
            Self::Silent(_) => Poll::Pending,
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Handshake(pipe) => Pin::new(pipe).poll_write(cx, buf),
            Self::Silent(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Handshake(pipe) => Pin::new(pipe).poll_flush(cx),
            Self::Silent(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        Poll::Ready(Ok(()))
    }
}

/// Returns how to make a TLS server whose handshake is done.
fn tls() -> impl Fn() -> TlsStream<Pipe> + Clone {
    let runtime = Arc::new(Builder::new_current_thread().build().expect("a runtime"));
    let (server, certificate) = server_config();
    let acceptor = TlsAcceptor::from(server);
    let connector = TlsConnector::from(client_config(certificate));
    move || {
        let (near, far) = duplex(PIPE_BYTES);
        let name = ServerName::try_from("localhost").expect("a name");
        let (stream, client) = runtime.block_on(async {
            tokio::join!(acceptor.accept(Pipe::Handshake(far)), connector.connect(name, near))
        });
        client.expect("a server");
        let mut stream = stream.expect("a client");
        *stream.get_mut().0 = Pipe::Silent(join(Silent, sink()));
        stream
    }
}

fn waits<T>(future: impl Future<Output = T>) {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "nothing was sent");
}

/// Returns the output of a future whose input is there.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("all of it was sent"),
    }
}
