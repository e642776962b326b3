//! One message to 1,000 connections, each flushed; an operation is one delivery.

use bytes::Bytes;
use futures_util::SinkExt as _;
use seg_pool::Pool;
use tokio_tungstenite::tungstenite;
use ws_assemble::{Broadcast, Connection, Message};

use super::{
    deflate::{self, are_two_messages},
    peers, size_name,
    source::{Source, ready},
    write::{Write, are_two_frames, way},
};
use crate::compare::{Job, Kind};

/// Connections that get each message.
const CONNECTIONS: usize = 1_000;

pub(super) fn jobs() -> Vec<Job> {
    [100, 16 << 10].into_iter().flat_map(|len| [plain(len), compressed(len)]).collect()
}

fn name(len: usize, how: &str) -> String {
    format!("ws/broadcast_{}_{how}_{CONNECTIONS}", size_name(len))
}

fn plain(len: usize) -> Job {
    let payload = Bytes::from(vec![7; len]);
    let way = |kind, name, open| way(kind, name, &payload, open, are_two_frames);
    Job::new(name(len, "plain"), len as u64)
        .with(way(Kind::Ours, "ws-assemble Broadcast", |source, payload| {
            broadcast(payload, |pool| Connection::server(source.clone(), pool))
        }))
        .with(way(Kind::Peer, "tungstenite", |source, payload| {
            each(&source, peers::tungstenite, move |socket| {
                let message = tungstenite::Message::Binary(payload.clone());
                socket.send(message).expect("never full");
            })
        }))
        .with(way(Kind::Peer, "fastwebsockets", |source, payload| {
            each(&source, peers::fastwebsockets, move |socket| {
                let payload = fastwebsockets::Payload::Borrowed(&payload);
                let frame = fastwebsockets::Frame::binary(payload);
                ready(socket.write_frame(frame)).expect("never full");
            })
        }))
}

fn compressed(len: usize) -> Job {
    let payload = Bytes::from(deflate::text(len));
    let way = |kind, name, open| way(kind, name, &payload, open, are_two_messages);
    Job::new(name(len, "deflate"), len as u64)
        .with(way(Kind::Ours, "ws-assemble Broadcast", |source, payload| {
            let agreed = deflate::agreed();
            broadcast(payload, move |pool| {
                Connection::server(source.clone(), pool).with_deflate(&agreed)
            })
        }))
        .with(way(Kind::Ours, "ws-assemble, compressed for each", |source, payload| {
            let message = Message::binary(payload);
            each(&source, deflate::ours, move |connection| {
                ready(connection.send(&message)).expect("never full");
            })
        }))
        .with(way(Kind::Peer, "yawc", |source, payload| {
            each(&source, peers::yawc_deflate, move |socket| {
                ready(socket.send(yawc::Frame::binary(payload.clone()))).expect("never full");
            })
        }))
}

/// Prepares the message anew for each round.
fn broadcast(payload: Bytes, open: impl Fn(&Pool) -> Connection<Source>) -> Write {
    let pool = Pool::new();
    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| open(&pool)).collect();
    let prepare = move || {
        Broadcast::new(Message::binary(payload.clone()), &pool).expect("a pool without a limit")
    };
    let (mut prepared, mut at) = (prepare(), 0);
    Box::new(move || {
        ready(connections[at].send_broadcast(&prepared)).expect("never full");
        at += 1;
        if at == CONNECTIONS {
            (prepared, at) = (prepare(), 0);
        }
    })
}

/// Sends to one connection after the other.
fn each<C: 'static>(
    source: &Source,
    open: impl Fn(Source) -> C,
    mut send: impl FnMut(&mut C) + 'static,
) -> Write {
    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| open(source.clone())).collect();
    let mut next = (0..CONNECTIONS).cycle();
    Box::new(move || {
        let at = next.next().unwrap_or_default();
        send(&mut connections[at]);
    })
}
