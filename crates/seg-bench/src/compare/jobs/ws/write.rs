//! A server's messages, flushed one by one.

use core::hint::black_box;
use std::sync::{Arc, Mutex};

use anyhow::ensure;
use bytes::Bytes;
use futures_util::SinkExt as _;
use seg_pool::Pool;
use tokio_tungstenite::tungstenite;
use ws_assemble::{Connection, Header, Message, Opcode};

use super::{
    peers, size_name,
    source::{Source, ready},
};
use crate::compare::{Contender, Job, Kind};

pub(super) fn jobs() -> Vec<Job> {
    [16, 1 << 10, 64 << 10].into_iter().map(job).collect()
}

/// Writes one message.
pub(super) type Write = Box<dyn FnMut()>;

fn job(len: usize) -> Job {
    let payload = Bytes::from(vec![7; len]);
    let way = |kind, name, open: fn(Source, Bytes) -> Write| {
        way(kind, name, &payload, open, are_two_frames)
    };
    Job::new(format!("ws/write_{}", size_name(len)), len as u64)
        .with(way(Kind::Ours, "ws-assemble Connection", ours))
        .with(way(Kind::Peer, "tungstenite", |source, payload| {
            let mut socket = peers::tungstenite(source);
            Box::new(move || {
                let message = tungstenite::Message::Binary(payload.clone());
                socket.send(message).expect("never full");
            })
        }))
        .with(way(Kind::Peer, "fastwebsockets", |source, payload| {
            let role = fastwebsockets::Role::Server;
            let mut socket = fastwebsockets::WebSocket::after_handshake(source, role);
            Box::new(move || {
                let payload = fastwebsockets::Payload::Borrowed(&payload);
                let frame = fastwebsockets::Frame::binary(payload);
                ready(socket.write_frame(frame)).expect("never full");
            })
        }))
        .with(way(Kind::Peer, "tokio-websockets", |source, payload| {
            let mut socket = peers::tokio_websockets(source);
            Box::new(move || {
                let message = tokio_websockets::Message::binary(payload.clone());
                ready(socket.send(message)).expect("never full");
            })
        }))
        .with(way(Kind::Peer, "yawc", |source, payload| {
            let mut socket = peers::yawc(source);
            Box::new(move || {
                let frame = yawc::Frame::binary(payload.clone());
                ready(socket.send(frame)).expect("never full");
            })
        }))
        .with(way(Kind::Peer, "sockudo-ws", |source, payload| {
            let mut socket = peers::sockudo(source);
            Box::new(move || {
                let message = sockudo_ws::Message::Binary(payload.clone());
                ready(socket.send(message)).expect("never full");
            })
        }))
}

fn ours(source: Source, payload: Bytes) -> Write {
    let mut connection = Connection::server(source, &Pool::new());
    let message = Message::binary(payload);
    Box::new(move || ready(connection.send(black_box(&message))).expect("never full"))
}

/// Makes a contender that writes the payload as a message, and checks what two of them are written as.
pub(super) fn way(
    kind: Kind,
    name: &str,
    payload: &Bytes,
    open: fn(Source, Bytes) -> Write,
    check: fn(&[u8], &Bytes) -> anyhow::Result<()>,
) -> Contender {
    let write = open(Source::new(&[]), payload.clone());
    let payload = payload.clone();
    Contender::new(kind, name, write).checked(move || {
        let output = Arc::new(Mutex::new(Vec::new()));
        let mut write = open(Source::keeping(&output), payload.clone());
        write();
        write();
        let output = output.lock().expect("nobody panics");
        check(&output, &payload)
    })
}

pub(super) fn are_two_frames(output: &[u8], payload: &Bytes) -> anyhow::Result<()> {
    let (opcode, payload_len) = (Opcode::Binary, payload.len() as u64);
    let header = Header { fin: true, is_compressed: false, opcode, mask: None, payload_len };
    let (bytes, len) = header.to_bytes();
    let frame = [&bytes[..len], payload].concat();
    ensure!(*output == frame.repeat(2), "{} bytes were written", output.len());
    Ok(())
}
