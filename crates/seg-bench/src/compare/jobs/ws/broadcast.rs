//! One message to 1,000 connections over real sockets, each flushed. An operation is one delivery, and its
//! time is what the sending thread uses of a processor: nobody else runs in it, and what is received is
//! thrown away outside of it.

mod sockets;

use core::{cell::RefCell, ops::Range, time::Duration};
use std::rc::Rc;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::SinkExt as _;
use seg_pool::Pool;
use tokio::runtime::Runtime;
use tokio_tungstenite::{WebSocketStream, tungstenite};
use ws_assemble::{Broadcast, Connection, Message};

use super::{
    deflate::{self, are_two_messages},
    peers, size_name,
    write::are_two_frames,
};
use crate::{
    alloc_count::Scope,
    compare::{Contender, Job, Kind},
};
use sockets::{Socket, Sockets, thread_time};

/// Connections that get each message.
const CONNECTIONS: usize = 1_000;

/// Sends one message over some of the connections, one after the other.
type Send = Box<dyn FnMut(&Runtime, Range<usize>)>;

type Check = fn(&[u8], &Bytes) -> anyhow::Result<()>;

pub(super) fn jobs() -> Vec<Job> {
    let sockets = Rc::default();
    [100, 16 << 10]
        .into_iter()
        .flat_map(|len| [plain(len, &sockets), compressed(len, &sockets)])
        .collect()
}

fn name(len: usize, how: &str) -> String {
    format!("ws/broadcast_{}_{how}_{CONNECTIONS}", size_name(len))
}

/// Opened when they are first used.
type Shared = Rc<RefCell<Option<Sockets>>>;

fn plain(len: usize, sockets: &Shared) -> Job {
    let payload = Bytes::from(vec![7; len]);
    let way = |kind, name, open| way(kind, name, sockets, &payload, open, are_two_frames);
    Job::new(name(len, "plain"), len as u64)
        .with(way(Kind::Ours, "ws-assemble Broadcast", |sockets, payload| {
            broadcast(sockets, payload, Connection::server)
        }))
        .with(way(Kind::Peer, "tokio-tungstenite", |sockets, payload| {
            let config = Some(peers::tungstenite_config());
            let role = tungstenite::protocol::Role::Server;
            let open = |socket: &Socket| {
                let open = WebSocketStream::from_raw_socket(socket.clone(), role, config);
                sockets.runtime.block_on(open)
            };
            let mut connections: Vec<_> = sockets.near.iter().map(open).collect();
            Box::new(move |runtime, range| {
                runtime.block_on(async {
                    for connection in &mut connections[range] {
                        let message = tungstenite::Message::Binary(payload.clone());
                        connection.send(message).await.expect("a socket");
                    }
                });
            })
        }))
        .with(way(Kind::Peer, "fastwebsockets", |sockets, payload| {
            let mut connections: Vec<_> =
                sockets.near.iter().cloned().map(peers::fastwebsockets).collect();
            Box::new(move |runtime, range| {
                runtime.block_on(async {
                    for connection in &mut connections[range] {
                        let payload = fastwebsockets::Payload::Borrowed(&payload);
                        let frame = fastwebsockets::Frame::binary(payload);
                        connection.write_frame(frame).await.expect("a socket");
                    }
                });
            })
        }))
}

fn compressed(len: usize, sockets: &Shared) -> Job {
    let payload = Bytes::from(deflate::text(len));
    let way = |kind, name, open| way(kind, name, sockets, &payload, open, are_two_messages);
    Job::new(name(len, "deflate"), len as u64)
        .with(way(Kind::Ours, "ws-assemble Broadcast", |sockets, payload| {
            let agreed = deflate::agreed();
            broadcast(sockets, payload, |socket, pool| {
                Connection::server(socket, pool).with_deflate(&agreed)
            })
        }))
        .with(way(Kind::Ours, "ws-assemble, compressed for each", |sockets, payload| {
            let (pool, agreed) = (Pool::new(), deflate::agreed());
            let open = |socket| Connection::server(socket, &pool).with_deflate(&agreed);
            let mut connections: Vec<_> = sockets.near.iter().cloned().map(open).collect();
            let message = Message::binary(payload);
            Box::new(move |runtime, range| {
                runtime.block_on(async {
                    for connection in &mut connections[range] {
                        connection.send(&message).await.expect("a socket");
                    }
                });
            })
        }))
        .with(way(Kind::Peer, "yawc", |sockets, payload| {
            let mut connections: Vec<_> =
                sockets.near.iter().cloned().map(peers::yawc_deflate).collect();
            Box::new(move |runtime, range| {
                runtime.block_on(async {
                    for connection in &mut connections[range] {
                        let frame = yawc::Frame::binary(payload.clone());
                        connection.send(frame).await.expect("a socket");
                    }
                });
            })
        }))
}

/// Prepares the message anew each time.
fn broadcast(
    sockets: &Sockets,
    payload: Bytes,
    open: impl Fn(Socket, &Pool) -> Connection<Socket>,
) -> Send {
    let pool = Pool::new();
    let mut connections: Vec<_> =
        sockets.near.iter().cloned().map(|socket| open(socket, &pool)).collect();
    Box::new(move |runtime, range| {
        let message = Message::binary(payload.clone());
        let prepared = Broadcast::new(message, &pool).expect("a pool without a limit");
        runtime.block_on(async {
            for connection in &mut connections[range] {
                connection.send_broadcast(&prepared).await.expect("a socket");
            }
        });
    })
}

/// The connections are opened when the contender is first used, and kept.
fn way(
    kind: Kind,
    name: &str,
    shared: &Shared,
    payload: &Bytes,
    open: fn(&Sockets, Bytes) -> Send,
    check: Check,
) -> Contender {
    let sender = Rc::new(RefCell::new(Sender {
        sockets: Rc::clone(shared),
        send: None,
        open,
        payload: payload.clone(),
        at: 0,
    }));
    let (again, counted) = (Rc::clone(&sender), Rc::clone(&sender));
    Contender::timed(kind, name, move |count| {
        sender.borrow_mut().send(count, |send| {
            let start = thread_time();
            send();
            thread_time() - start
        })
    })
    .counted(move |count| {
        let mut counts = crate::alloc_count::Counts::default();
        counted.borrow_mut().send(count, |send| {
            let scope = Scope::start();
            send();
            counts = scope.finish();
            Duration::ZERO
        });
        counts
    })
    .checked(move || again.borrow_mut().check(check))
}

/// A contender's connections.
struct Sender {
    sockets: Shared,
    send: Option<Send>,
    open: fn(&Sockets, Bytes) -> Send,
    payload: Bytes,
    /// The connection that is next.
    at: usize,
}

impl Sender {
    /// Sends so many messages in whole rounds, or parts of one; adds up what `measure` returns of
    /// each.
    fn send(
        &mut self,
        count: u64,
        mut measure: impl FnMut(&mut dyn FnMut()) -> Duration,
    ) -> Duration {
        let mut sockets = self.sockets.borrow_mut();
        let sockets = sockets.get_or_insert_with(Sockets::open);
        let send = self.send.get_or_insert_with(|| (self.open)(sockets, self.payload.clone()));
        let (mut total, mut left) = (Duration::ZERO, usize::try_from(count).unwrap_or(usize::MAX));
        while left > 0 {
            let range = self.at..CONNECTIONS.min(self.at + left);
            total += measure(&mut || send(&sockets.runtime, range.clone()));
            for at in range.clone() {
                sockets.received(at).expect("a socket");
            }
            left -= range.len();
            self.at = range.end % CONNECTIONS;
        }
        total
    }

    /// Checks what two messages arrive as at each peer.
    fn check(&mut self, check: Check) -> anyhow::Result<()> {
        let mut sockets = self.sockets.borrow_mut();
        let sockets = sockets.get_or_insert_with(Sockets::open);
        let send = self.send.get_or_insert_with(|| (self.open)(sockets, self.payload.clone()));
        (0..2).for_each(|_| send(&sockets.runtime, 0..CONNECTIONS));
        (0..CONNECTIONS).try_for_each(|at| {
            check(sockets.received(at)?, &self.payload).with_context(|| format!("connection {at}"))
        })
    }
}
