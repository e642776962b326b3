//! Echoes over loopback: 32 connections, the server in one thread, the client in another, and so many
//! messages in flight on each connection.

mod client;
mod server;

use core::cell::RefCell;
use std::rc::Rc;

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
    jobs
}

fn job(len: usize, window: usize) -> Job {
    let way = |kind, name, server| way(kind, name, len, window, server);
    Job::new(format!("ws/echo_loopback_{}_w{window}", size_name(len)), len as u64)
        .with(way(Kind::Ours, "ws-assemble Connection", server::ours))
        .with(way(Kind::Peer, "tokio-tungstenite", server::tungstenite))
        .with(way(Kind::Peer, "fastwebsockets", server::fastwebsockets))
        .with(way(Kind::Peer, "tokio-websockets", server::tokio_websockets))
        .with(way(Kind::Peer, "yawc", server::yawc))
        .with(way(Kind::Peer, "sockudo-ws", server::sockudo))
}

/// Starts the server when the contender is first used, and keeps it.
fn way(kind: Kind, name: &str, len: usize, window: usize, server: fn(&mut Server)) -> Contender {
    let client = Rc::new(RefCell::new(None));
    let again = Rc::clone(&client);
    let open = move || Client::open(Server::start(server), len, window);
    Contender::timed(kind, name, move |count| {
        let mut client = client.borrow_mut();
        client.get_or_insert_with(open).run(count)
    })
    .checked(move || again.borrow_mut().get_or_insert_with(open).check())
}
