//! Messages into the caller's own buffer: where a peer cannot, its message is copied there.

use core::hint::black_box;

use anyhow::ensure;
use futures_util::StreamExt as _;
use seg_pool::Pool;
use tokio_tungstenite::tungstenite;
use ws_assemble::{Connection, MessageKind, ReadInto};

use super::{
    peers, size_name,
    source::{Source, ready},
    wire::Wire,
};
use crate::compare::{Contender, Job, Kind};

/// Reads one message into the buffer; returns how long it is.
type Read = Box<dyn FnMut(&mut [u8]) -> usize>;

pub(super) fn jobs() -> Vec<Job> {
    [1 << 10, 64 << 10].into_iter().map(job).collect()
}

fn job(len: usize) -> Job {
    let wire = Wire::new(MessageKind::Binary, len, 1);
    let way = |kind, name, open| way(kind, name, wire, open);
    Job::new(format!("ws/read_into_{}", size_name(len)), len as u64)
        .with(way(Kind::Ours, "ws-assemble read_message_into", |source| {
            let mut connection = ours(source);
            Box::new(move |buffer| {
                let read = ready(connection.read_message_into(buffer));
                let ReadInto::Message { len, .. } = read.expect("a good wire") else {
                    unreachable!("the buffer is long enough");
                };
                len
            })
        }))
        .with(way(Kind::Ours, "ws-assemble next, no copy", |source| {
            let mut connection = ours(source);
            Box::new(move |_| {
                let message = ready(connection.next()).expect("a good wire").expect("never closed");
                usize::try_from(message.len()).unwrap_or(0)
            })
        }))
        .with(way(Kind::Peer, "tungstenite", |source| {
            let mut socket = peers::tungstenite(source);
            Box::new(move |buffer| match socket.read().expect("a good wire") {
                tungstenite::Message::Binary(payload) => copy(&payload, buffer),
                other => unreachable!("{other:?}"),
            })
        }))
        .with(way(Kind::Peer, "fastwebsockets", |source| {
            let mut socket = peers::fastwebsockets(source);
            Box::new(move |buffer| {
                copy(&ready(socket.read_frame()).expect("a good wire").payload, buffer)
            })
        }))
        .with(way(Kind::Peer, "tokio-websockets", |source| {
            let mut socket = peers::tokio_websockets(source);
            Box::new(move |buffer| {
                let message = ready(socket.next()).expect("never closed").expect("a good wire");
                copy(message.as_payload(), buffer)
            })
        }))
        .with(way(Kind::Peer, "yawc", |source| {
            let mut socket = peers::yawc(source);
            Box::new(move |buffer| {
                copy(ready(socket.next_frame()).expect("a good wire").payload(), buffer)
            })
        }))
        .with(way(Kind::Peer, "sockudo-ws", |source| {
            let mut socket = peers::sockudo(source);
            Box::new(move |buffer| {
                let message = ready(socket.next()).expect("never closed").expect("a good wire");
                copy(message.as_bytes(), buffer)
            })
        }))
}

fn ours(source: Source) -> Connection<Source> {
    Connection::server(source, &Pool::new())
}

fn copy(payload: &[u8], buffer: &mut [u8]) -> usize {
    buffer[..payload.len()].copy_from_slice(payload);
    payload.len()
}

fn way(kind: Kind, name: &str, wire: Wire, open: fn(Source) -> Read) -> Contender {
    let mut read = open(Source::new(wire.bytes));
    let mut buffer = vec![0; wire.payload.len()];
    let copies = !name.ends_with("no copy");
    Contender::new(kind, name, move || {
        let len = read(black_box(&mut buffer));
        assert_eq!(len, buffer.len());
    })
    .checked(move || {
        let mut read = open(Source::new(wire.bytes));
        let mut buffer = vec![0; wire.payload.len()];
        for _ in 0..wire.bytes.len() / wire.payload.len() + 2 {
            buffer.fill(0);
            ensure!(read(&mut buffer) == buffer.len(), "the length differs");
            ensure!(!copies || buffer == wire.payload, "the payload differs");
        }
        Ok(())
    })
}
