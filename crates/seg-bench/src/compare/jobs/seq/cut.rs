//! Cutting messages into fragments and packets.

use core::hint::black_box;
use std::sync::Arc;

use anyhow::ensure;
use bytes::Bytes;
use seg_pool::Pool;
use seg_seq::{Packet, PacketBatch, Sequence};

use super::{
    super::seal::{Seal, TAG_BYTES},
    MIB, in_segments, payload,
};
use crate::compare::{Contender, Job, Kind};

/// Bytes of a packet on most networks, and those that its header takes.
const MTU: usize = 1_420;
const HEADER_BYTES: usize = 40;
const PAYLOAD_BYTES: usize = MTU - HEADER_BYTES - TAG_BYTES;

pub(super) fn jobs() -> Vec<Job> {
    let sizes = [(4 << 10, "4k"), (64 << 10, "64k"), (256 << 10, "256k"), (MIB, "1m")];
    let mut jobs: Vec<_> = sizes.map(|(len, name)| fragment(len, name)).into();
    jobs.extend([packets(false), packets(true)]);
    jobs
}

fn fragment(len: usize, name: &str) -> Job {
    let bytes = payload(len);
    let message = in_segments(&bytes);
    let (kept, owned, checked) = (message.clone(), message.clone(), message.clone());
    let shared = Bytes::from(bytes.clone());
    // The first clone moves `Bytes` from its unshared to its shared form.
    let split = shared.clone();
    let expected = bytes.clone();
    Job::new(format!("seq/fragment_{name}_1420"), len as u64)
        .with(
            Contender::new(Kind::Ours, "Sequence::fragments", move || {
                message.fragments(MTU).for_each(|fragment| {
                    black_box(fragment);
                });
            })
            .checked(move || {
                let fragments = checked.fragments(MTU).flat_map(|fragment| fragment.slices());
                ensure!(fragments.collect::<Vec<_>>().concat() == expected);
                Ok(())
            }),
        )
        .with(Contender::new(Kind::Ours, "fragments, each kept", move || {
            for fragment in kept.fragments(MTU) {
                match fragment.to_segment() {
                    Some(segment) => drop(black_box(segment)),
                    None => drop(black_box(fragment.to_sequence())),
                }
            }
        }))
        .with(Contender::with_setup(
            Kind::Ours,
            "Sequence::split_to, each kept",
            move || owned.clone(),
            |mut rest| {
                while rest.len() > MTU as u64 {
                    drop(black_box(rest.split_to(MTU as u64)));
                }
                rest
            },
        ))
        .with(Contender::new(Kind::Peer, "Bytes::slice", move || {
            for start in (0..shared.len()).step_by(MTU) {
                drop(black_box(shared.slice(start..shared.len().min(start + MTU))));
            }
        }))
        .with(Contender::with_setup(
            Kind::Peer,
            "Bytes::split_to",
            move || split.clone(),
            |mut rest| {
                while rest.len() > MTU {
                    drop(black_box(rest.split_to(MTU)));
                }
                rest
            },
        ))
        .with(Contender::with_setup(
            Kind::Peer,
            "Vec::split_off",
            move || bytes.clone(),
            |mut rest| {
                while rest.len() > MTU {
                    let after = rest.split_off(MTU);
                    drop(black_box(core::mem::replace(&mut rest, after)));
                }
                rest
            },
        ))
}

/// The start of a packet, and what makes its nonce its own.
fn header(number: usize) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&number.to_le_bytes());
    header
}

fn make_packet(seal: &Seal, number: usize, packet: &mut Packet) {
    packet.prepend(&header(number));
    let (header, payload) = packet.parts_mut();
    let tag = seal.seal(header, payload);
    packet.append(&tag);
}

/// A whole packet in a buffer of its own, that has space for the tag.
fn make_buffer(seal: &Seal, number: usize, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(HEADER_BYTES + payload.len() + TAG_BYTES);
    packet.extend_from_slice(&header(number));
    packet.extend_from_slice(payload);
    let (header, payload) = packet.split_at_mut(HEADER_BYTES);
    let tag = seal.seal(header, payload);
    packet.extend_from_slice(&tag);
    packet
}

/// Makes all packets of a message in batches, which wait together until the last one is made.
fn batches(message: Sequence, seal: Seal) -> impl Fn(&Pool, &mut Vec<PacketBatch>) + Clone {
    move |pool, queue| {
        let mut number = 0;
        let batches = message.packet_batches(pool, MTU, HEADER_BYTES, TAG_BYTES);
        for batch in batches.expect("a payload") {
            let mut batch = batch.expect("no limit");
            for packet in batch.packets_mut() {
                packet.header.copy_from_slice(&header(number));
                let tag = seal.seal(packet.header, packet.payload);
                packet.tag.copy_from_slice(&tag);
                number += 1;
            }
            queue.push(batch);
        }
    }
}

/// Makes all packets of a message, which wait together until the last one is made.
fn packets(is_sealed: bool) -> Job {
    let bytes = payload(MIB);
    let message = in_segments(&bytes);
    let pool = Pool::new();
    let count = bytes.len().div_ceil(PAYLOAD_BYTES);
    let seal = Seal::new(is_sealed);
    let (source, sealer, source_pool) = (message.clone(), seal.clone(), pool.clone());
    let make = move |pool: &Pool, queue: &mut Vec<Packet>| {
        let packets = source.packets(pool, MTU, HEADER_BYTES, TAG_BYTES).expect("a payload");
        for (number, packet) in packets.enumerate() {
            let mut packet = packet.expect("no limit");
            make_packet(&sealer, number, &mut packet);
            queue.push(packet);
        }
    };
    let (check, fresh) = (make.clone(), make.clone());
    let expected = bytes.clone();
    let reference = seal.clone();
    let mut queue = Vec::with_capacity(count);
    let in_batches = batches(message, seal.clone());
    let (batch_check, batch_fresh) = (in_batches.clone(), in_batches.clone());
    let (batch_pool, batch_reference) = (pool.clone(), seal.clone());
    let batch_expected = bytes.clone();
    let mut batch_queue = Vec::with_capacity(count);
    let name = if is_sealed { "seq/packets_1m_1364_sealed" } else { "seq/packets_1m_1364" };
    Job::new(name, MIB as u64)
        .with(
            Contender::new(Kind::Ours, "Sequence::packet_batches", move || {
                in_batches(&batch_pool, &mut batch_queue);
                black_box(&mut batch_queue).clear();
            })
            .checked(move || {
                let mut queue = Vec::new();
                batch_check(&Pool::new(), &mut queue);
                let payloads = batch_expected.chunks(PAYLOAD_BYTES).enumerate();
                let buffers: Vec<_> = payloads
                    .map(|(number, payload)| make_buffer(&batch_reference, number, payload))
                    .collect();
                let packets = queue.iter().flat_map(|batch| batch.chunks(MTU));
                ensure!(packets.eq(buffers.iter().map(|buffer| &buffer[..])));
                Ok(())
            })
            .from_nothing(move || {
                batch_fresh(&Pool::new(), &mut Vec::with_capacity(count));
            }),
        )
        .with(
            Contender::new(Kind::Ours, "Sequence::packets", move || {
                make(&source_pool, &mut queue);
                black_box(&mut queue).clear();
            })
            .checked(move || {
                let mut queue = Vec::new();
                check(&pool, &mut queue);
                let payloads = expected.chunks(PAYLOAD_BYTES).enumerate();
                let buffers =
                    payloads.map(|(number, payload)| make_buffer(&reference, number, payload));
                ensure!(queue.len() == count);
                ensure!(queue.iter().zip(buffers).all(|(packet, buffer)| **packet == *buffer));
                Ok(())
            })
            .from_nothing(move || {
                fresh(&Pool::new(), &mut Vec::with_capacity(count));
            }),
        )
        .with(buffers("Box<[u8]> each", bytes.clone(), seal.clone(), Vec::into_boxed_slice))
        .with(buffers("Arc<[u8]> each", bytes, seal, Arc::<[u8]>::from))
}

fn buffers<T: 'static>(
    name: &str,
    bytes: Vec<u8>,
    seal: Seal,
    finish: impl Fn(Vec<u8>) -> T + 'static,
) -> Contender {
    let mut queue = Vec::with_capacity(bytes.len().div_ceil(PAYLOAD_BYTES));
    Contender::new(Kind::Peer, name, move || {
        for (number, payload) in bytes.chunks(PAYLOAD_BYTES).enumerate() {
            queue.push(finish(make_buffer(&seal, number, payload)));
        }
        black_box(&mut queue).clear();
    })
}
