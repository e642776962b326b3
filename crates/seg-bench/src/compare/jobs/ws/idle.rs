//! Connections that wait: what each keeps, as bytes an operation.

use core::{
    future::Future,
    hint::black_box,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::{io, time::Instant};

use anyhow::ensure;
use futures_util::StreamExt as _;
use seg_pool::Pool;
use tokio::io::{AsyncRead, Join, ReadBuf, Sink, join, sink};
use ws_assemble::Connection;

use super::peers;
use crate::{
    alloc_count::Scope,
    compare::{Contender, Job, Kind},
};

const CONNECTIONS: usize = 100_000;

/// What a connection of ours may keep, all of it.
const STATE_BYTES_MAX: i64 = 512;

/// What the pool that they share may keep about itself.
const POOL_BYTES_MAX: i64 = 4 << 10;

pub(super) fn jobs() -> Vec<Job> {
    vec![
        Job::new("ws/idle_100k", 0)
            .with(ours())
            .with(way(Kind::Peer, "fastwebsockets", || {
                let mut socket = Box::new(peers::fastwebsockets(silent()));
                waits(socket.read_frame());
                socket
            }))
            .with(way(Kind::Peer, "tokio-websockets", || {
                let mut socket = Box::new(peers::tokio_websockets(silent()));
                waits(socket.next());
                socket
            }))
            .with(way(Kind::Peer, "tungstenite", || {
                let config = Some(peers::tungstenite_config());
                let role = tokio_tungstenite::tungstenite::protocol::Role::Server;
                let open =
                    tokio_tungstenite::WebSocketStream::from_raw_socket(silent(), role, config);
                let mut open = pin!(open);
                let mut context = Context::from_waker(Waker::noop());
                let Poll::Ready(socket) = open.as_mut().poll(&mut context) else {
                    unreachable!("there is no handshake");
                };
                let mut socket = Box::new(socket);
                waits(socket.next());
                socket
            }))
            .with(way(Kind::Peer, "yawc", || {
                let mut socket = Box::new(peers::yawc(silent()));
                waits(socket.next_frame());
                socket
            })),
    ]
}

/// Nothing comes from here. Takes no memory of its own.
#[derive(Debug)]
struct Silent;

type Stream = Join<Silent, Sink>;

impl AsyncRead for Silent {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

/// A stream on which nothing comes.
fn silent() -> Stream {
    join(Silent, sink())
}

fn waits<T>(future: impl Future<Output = T>) {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "nothing was sent");
}

fn open(pool: &Pool) -> Box<Connection<Stream>> {
    let mut connection = Box::new(Connection::server(silent(), pool));
    waits(connection.next());
    connection
}

fn ours() -> Contender {
    let pool = Pool::new();
    let all = move || {
        let mut connections = Vec::with_capacity(CONNECTIONS);
        let scope = Scope::start();
        connections.extend((0..CONNECTIONS).map(|_| open(&pool)));
        let counts = scope.finish();
        (connections, counts, pool.stats().in_use_bytes())
    };
    let again = all.clone();
    let pool = Pool::new();
    way(Kind::Ours, "ws-assemble", move || open(&pool))
        .checked(move || {
            let (connections, counts, held) = all();
            let most = STATE_BYTES_MAX * i64::try_from(connections.len())? + POOL_BYTES_MAX;
            ensure!(counts.live_bytes <= most, "{} bytes", counts.live_bytes);
            ensure!(held == 0, "{held} bytes of segments");
            Ok(())
        })
        .from_nothing(move || drop(again()))
}

/// Opens connections and keeps them until the sample ends.
fn way<T: 'static>(kind: Kind, name: &str, open: impl Fn() -> Box<T> + 'static) -> Contender {
    /// So many of the largest peers' buffers fit into memory.
    const AT_A_TIME: u32 = 1_000;
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
}
