//! Echoes over loopback: 32 connections, the server in one thread, the client in another, and so many
//! messages in flight on each connection.

mod client;
mod server;

use core::cell::RefCell;
use std::rc::Rc;

use ws_assemble::{Header, Opcode, mask};

use super::size_name;
use crate::compare::{Contender, Job, Kind};

use client::Client;
use server::Server;

/// Connections of a job.
const CONNECTIONS: usize = 32;

pub(super) fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for len in [64, 1 << 10, 64 << 10] {
        for window in [1, 16] {
            jobs.push(job(len, window));
        }
    }
    jobs.extend([125, 16 << 10].map(axum_job));
    jobs
}

/// Both over the same hyper. axum's own has no compression.
fn axum_job(len: usize) -> Job {
    const WINDOW: usize = 16;
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";
    let payload: Vec<u8> = (0..=250).cycle().take(len).collect();
    let way =
        |kind, name, server: fn(&mut Server)| way(kind, name, REQUEST, &payload, WINDOW, server);
    Job::new(format!("ws/axum_echo_{}_w{WINDOW}", size_name(len)), len as u64)
        .with(way(Kind::Ours, "ws-assemble WebSocketUpgrade", server::our_axum))
        .with(way(Kind::Peer, "axum's own ws", server::their_axum))
}

fn job(len: usize, window: usize) -> Job {
    let payload: Vec<u8> = (0..=250).cycle().take(len).collect();
    let way = |kind, name, server: fn(&mut Server)| way(kind, name, b"", &payload, window, server);
    let job = Job::new(format!("ws/echo_loopback_{}_w{window}", size_name(len)), len as u64)
        .with(way(Kind::Ours, "ws-assemble Connection", server::ours))
        .with(way(Kind::Peer, "tokio-tungstenite", server::tungstenite))
        .with(way(Kind::Peer, "fastwebsockets", server::fastwebsockets))
        .with(way(Kind::Peer, "tokio-websockets", server::tokio_websockets))
        .with(way(Kind::Peer, "yawc", server::yawc))
        .with(way(Kind::Peer, "sockudo-ws", server::sockudo));
    let (frame_len, echo) = (frame(&payload, Some(KEY)).len(), frame(&payload, None));
    let echoes = echo.repeat(window);
    let alone = move |server: &mut Server| server.answer(frame_len, &echoes, echo.len());
    job.with(self::way(Kind::Floor, "system calls alone", b"", &payload, window, alone))
}

pub(super) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(super) fn frame(payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let header = Header {
        fin: true,
        is_compressed: false,
        opcode: Opcode::Binary,
        mask: key,
        payload_len: payload.len() as u64,
    };
    let (header, header_len) = header.to_bytes();
    let mut frame = [&header[..header_len], payload].concat();
    if let Some(key) = key {
        mask(&mut frame[header_len..], key, 0);
    }
    frame
}

/// Starts the server when the contender is first used, and keeps it. Its connections begin with
/// `request`, if there is one.
fn way(
    kind: Kind,
    name: &str,
    request: &'static [u8],
    payload: &[u8],
    window: usize,
    server: impl FnOnce(&mut Server) + Clone + Send + 'static,
) -> Contender {
    let client = Rc::new(RefCell::new(None));
    let again = Rc::clone(&client);
    let (frame, payload) = (frame(payload, Some(KEY)), payload.to_vec());
    let open =
        move || Client::open(Server::start(server.clone()), request, &frame, &payload, window);
    let open_again = open.clone();
    Contender::timed(kind, name, move |count| {
        let mut client = client.borrow_mut();
        client.get_or_insert_with(&open).run(count)
    })
    .checked(move || again.borrow_mut().get_or_insert_with(&open_again).check())
}
