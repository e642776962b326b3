//! Messages from end to end, acknowledged: the example's transport beside quinn.
//!
//! No like for like: quinn also shakes hands, negotiates keys and renews them, paces, controls congestion,
//! follows the round trip, limits flows, multiplexes streams and moves between paths, over sockets and
//! in packets of its own.

use std::{thread, time::Instant};

use seg_pool::Pool;
use seg_seq::Sequence;

use super::{
    MIB,
    peer::{Cipher, Link, Peer},
    quinn_peer::QuinnPeer,
    socket::bind,
    way,
};
use crate::compare::{
    Contender, Job, Kind,
    jobs::seq::{in_segments, payload},
};

pub(super) fn job() -> Job {
    let bytes = payload(MIB);
    let message = in_segments(&bytes);
    Job::new("udp/transport_1m", MIB as u64)
        .with(ours("transport, ChaCha20-Poly1305", message.clone(), true))
        .with(ours("transport, in the clear", message, false))
        .with(way(Kind::Peer, "quinn, a stream a message", QuinnPeer::connect, move |peer| {
            let start = Instant::now();
            peer.send(&bytes);
            start.elapsed()
        }))
}

fn ours(name: &str, message: Sequence, is_sealed: bool) -> Contender {
    way(
        Kind::Ours,
        name,
        move || connect(is_sealed),
        move |peer| {
            let start = Instant::now();
            peer.queue(message.clone()).expect("few fragments");
            while !peer.is_idle() {
                peer.turn().expect("the other peer is there");
            }
            start.elapsed()
        },
    )
}

/// Starts the other peer in a thread of its own.
fn connect(is_sealed: bool) -> Peer {
    let [socket, other] = [bind(), bind()];
    let [address, other_address] =
        [&socket, &other].map(|socket| socket.local_addr().expect("it is bound"));
    let peer = move |socket, to, side| {
        let cipher = is_sealed.then(Cipher::chacha20_poly1305);
        let link = Link::new(socket, to, None).expect("socket options");
        Peer::new(link, Cipher::new(cipher, side), &Pool::new())
    };
    thread::spawn(move || {
        let mut peer = peer(other, address, 1);
        loop {
            // Silence is no fault: nobody may be measuring.
            let _ = peer.turn();
            peer.take_complete().for_each(drop);
        }
    });
    peer(socket, other_address, 0)
}
