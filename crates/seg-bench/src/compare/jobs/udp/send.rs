//! A message on its way out: packets made, encrypted and sent. Another thread receives between the groups.

use core::time::Duration;
use std::time::Instant;

use anyhow::ensure;
use bytes::Bytes;
use seg_pool::Pool;
use seg_seq::Sequence;

use super::{
    CALLS_MAX, GROUP_PACKETS, HEADER_BYTES, MIB, MTU, PAYLOAD_BYTES, Seal, TAG_BYTES, header, name,
    seal_batch,
    socket::{Sink, Socket, bind},
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
    Job::new(name("send", is_sealed), MIB as u64)
        .with(ours(message, seal.clone()))
        .with(one_by_one("Vec, send each", bytes.clone(), seal.clone(), |packet| packet))
        .with(one_by_one("Bytes, send each", bytes, seal.clone(), Bytes::from))
        .with(floor(seal))
}

fn ours(message: Sequence, seal: Seal) -> Contender {
    let open = || (Pool::new(), Socket::open(), Sink::start());
    let send = move |(pool, socket, sink): &mut (Pool, Socket, Sink)| {
        let (mut time, mut calls, mut number) = (Duration::ZERO, 0, 0);
        let batches = message.packet_batches(pool, MTU, HEADER_BYTES, TAG_BYTES);
        let mut batches = batches.expect("a payload");
        loop {
            let start = Instant::now();
            let Some(batch) = batches.next() else { return (time, calls) };
            let mut batch = batch.expect("no limit");
            seal_batch(&seal, &mut batch, number);
            calls += socket.send(sink.address, &batch);
            time += start.elapsed();
            number += batch.packet_count();
            sink.wait(batch.len());
        }
    };
    let check = send.clone();
    way(Kind::Ours, "Sequence::packet_batches", open, move |sockets| send(sockets).0).checked(
        move || {
            let (_, calls) = check(&mut open());
            ensure!(calls <= CALLS_MAX, "{calls} system calls");
            Ok(())
        },
    )
}

/// A packet in a buffer of its own, and a call for it.
fn one_by_one<T: AsRef<[u8]> + 'static>(
    name: &str,
    bytes: Vec<u8>,
    seal: Seal,
    finish: fn(Vec<u8>) -> T,
) -> Contender {
    let open = || {
        let (socket, sink) = (bind(), Sink::start());
        socket.connect(sink.address).expect("loopback");
        (socket, sink)
    };
    way(Kind::Peer, name, open, move |(socket, sink)| {
        let (mut time, mut numbers) = (Duration::ZERO, 0..);
        for group in bytes.chunks(GROUP_PACKETS * PAYLOAD_BYTES) {
            let (start, mut len) = (Instant::now(), 0);
            for (payload, number) in group.chunks(PAYLOAD_BYTES).zip(&mut numbers) {
                let mut packet = Vec::with_capacity(MTU);
                packet.extend_from_slice(&header(number));
                packet.extend_from_slice(payload);
                let (header, payload) = packet.split_at_mut(HEADER_BYTES);
                let tag = seal.seal(header, payload);
                packet.extend_from_slice(&tag);
                len += socket.send(finish(packet).as_ref()).expect("loopback");
            }
            time += start.elapsed();
            sink.wait(len);
        }
        time
    })
}

/// The same system calls with one prepared buffer, encrypted where it lies.
fn floor(seal: Seal) -> Contender {
    let open = || (Socket::open(), Sink::start(), vec![7; GROUP_PACKETS * MTU]);
    way(Kind::Floor, "system calls, and encryption, alone", open, move |(socket, sink, buffer)| {
        let (mut time, mut packets) = (Duration::ZERO, MIB.div_ceil(PAYLOAD_BYTES));
        while packets > 0 {
            let group = &mut buffer[..packets.min(GROUP_PACKETS) * MTU];
            let start = Instant::now();
            for packet in group.chunks_mut(MTU) {
                let (header, rest) = packet.split_at_mut(HEADER_BYTES);
                let (payload, tag) = rest.split_at_mut(PAYLOAD_BYTES);
                tag.copy_from_slice(&seal.seal(header, payload));
            }
            socket.send(sink.address, group);
            time += start.elapsed();
            packets -= group.len() / MTU;
            sink.wait(group.len());
        }
        time
    })
}
