//! A message that came: received, decrypted and linked. Another thread sends between the groups.

use core::{hint::black_box, time::Duration};
use std::{net::UdpSocket, time::Instant};

use anyhow::ensure;
use bytes::{Bytes, BytesMut};
use seg_pool::Pool;
use seg_seq::{DatagramBuf, Sequence};

use super::{
    CALLS_MAX, HEADER_BYTES, MIB, MTU, Seal, TAG_BYTES, name, seal_batch,
    socket::{Socket, Source, bind},
    way,
};
use crate::compare::{
    Contender, Job, Kind,
    jobs::seq::{in_segments, payload},
};

pub(super) fn job(is_sealed: bool) -> Job {
    let bytes = payload(MIB);
    let message = in_segments(&bytes);
    let seal = Seal::new(is_sealed);
    Job::new(name("receive", is_sealed), MIB as u64)
        .with(ours(&message, bytes, seal.clone()))
        .with(one_by_one(&message, seal.clone()))
        .with(floor(&message, seal))
}

/// The packets of the message as they are sent, a group a call.
fn groups(message: &Sequence, seal: &Seal) -> Vec<Vec<u8>> {
    let pool = Pool::new();
    let batches = message.packet_batches(&pool, MTU, HEADER_BYTES, TAG_BYTES).expect("a payload");
    let mut number = 0;
    let group = |batch: Result<seg_seq::PacketBatch, _>| {
        let mut batch = batch.expect("no limit");
        seal_batch(seal, &mut batch, number);
        number += batch.packet_count();
        batch.to_vec()
    };
    batches.map(group).collect()
}

/// Sends the groups to a socket, each when it is asked for.
struct Incoming {
    source: Source,
    lens: Vec<usize>,
}

impl Incoming {
    fn start(message: &Sequence, seal: &Seal, socket: &UdpSocket) -> Self {
        let groups = groups(message, seal);
        let lens = groups.iter().map(Vec::len).collect();
        let address = socket.local_addr().expect("it is bound");
        Self { source: Source::start(address, groups), lens }
    }

    /// Returns how long it takes to receive the message: `receive` once until each group is there.
    fn receive(&self, mut receive: impl FnMut() -> usize) -> Duration {
        let mut time = Duration::ZERO;
        for &len in &self.lens {
            self.source.next();
            let (start, mut rest) = (Instant::now(), len);
            while rest > 0 {
                rest -= receive();
            }
            time += start.elapsed();
        }
        time
    }
}

fn ours(message: &Sequence, expected: Vec<u8>, seal: Seal) -> Contender {
    let (message, sealed) = (message.clone(), seal.clone());
    let open = move || {
        let socket = Socket::open();
        let incoming = Incoming::start(&message, &sealed, &socket.socket);
        (socket, incoming, DatagramBuf::new(&Pool::new()))
    };
    let receive = move |(socket, incoming, buffer): &mut (Socket, Incoming, DatagramBuf)| {
        let (mut calls, mut message) = (0, Sequence::new());
        let time = incoming.receive(|| {
            let spare = buffer.try_spare_mut().expect("no limit");
            let (len, stride) = socket.receive(spare);
            calls += 1;
            for mut datagram in buffer.split(len, stride).expect("as it came") {
                let parts = datagram.parts_mut(HEADER_BYTES, TAG_BYTES).expect("long enough");
                seal.open(parts.header, parts.payload, parts.tag);
                let payload = datagram.into_payload(HEADER_BYTES, TAG_BYTES);
                message.push(payload.expect("long enough"));
            }
            len
        });
        (time, calls, message)
    };
    let (open_check, check) = (open.clone(), receive.clone());
    way(Kind::Ours, "DatagramBuf, linked", open, move |sockets| receive(sockets).0).checked(
        move || {
            let (_, calls, message) = check(&mut open_check());
            ensure!(message == expected, "the message differs");
            ensure!(calls <= CALLS_MAX, "{calls} system calls");
            Ok(())
        },
    )
}

/// One call a packet, into the spare capacity of a `BytesMut`.
fn one_by_one(message: &Sequence, seal: Seal) -> Contender {
    let (message, sealed) = (message.clone(), seal.clone());
    let open = move || {
        let socket = bind();
        let incoming = Incoming::start(&message, &sealed, &socket);
        (socket, incoming, BytesMut::new())
    };
    way(Kind::Peer, "BytesMut, recv each", open, move |(socket, incoming, buffer)| {
        let mut message: Vec<Bytes> = Vec::new();
        let time = incoming.receive(|| {
            if buffer.capacity() < MTU {
                buffer.reserve(64 << 10);
            }
            buffer.resize(MTU, 0);
            let len = socket.recv(buffer).expect("loopback");
            let mut packet = buffer.split_to(len);
            buffer.clear();
            let header = packet.split_to(HEADER_BYTES);
            let tag = packet.split_off(packet.len() - TAG_BYTES);
            seal.open(&header, &mut packet, &tag);
            message.push(packet.freeze());
            len
        });
        drop(black_box(message));
        time
    })
}

/// The same system calls into one buffer, decrypted where it lies.
fn floor(message: &Sequence, seal: Seal) -> Contender {
    let (message, sealed) = (message.clone(), seal.clone());
    let open = move || {
        let socket = Socket::open();
        let incoming = Incoming::start(&message, &sealed, &socket.socket);
        (socket, incoming, vec![0; 1 << 16])
    };
    let name = "system calls, and decryption, alone";
    way(Kind::Floor, name, open, move |(socket, incoming, buffer)| {
        incoming.receive(|| {
            let (len, stride) = socket.receive(buffer);
            for packet in buffer[..len].chunks_mut(stride) {
                let (header, payload) = packet.split_at_mut(HEADER_BYTES);
                let (payload, tag) = payload.split_at_mut(payload.len() - TAG_BYTES);
                seal.open(header, payload, tag);
            }
            len
        })
    })
}
