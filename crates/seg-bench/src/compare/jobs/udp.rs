//! Packets over loopback sockets: batches a system call against a packet a system call.
//!
//! What is received or sent at the other end is done by another thread between the times that are
//! measured, except in `transport`, where both work at once.

#[expect(dead_code, unused_imports, reason = "the example uses all of it")]
#[path = "../../../../seg-seq/examples/transport/peer.rs"]
mod peer;
mod quinn_peer;
mod receive;
mod send;
mod socket;
mod transport;

use core::time::Duration;

use seg_seq::PacketBatch;

use super::seal::{Seal, TAG_BYTES};
use crate::compare::{Contender, Job, Kind};

const MIB: usize = 1 << 20;

/// Bytes of a packet, and those of its header.
const MTU: usize = 1_200;
const HEADER_BYTES: usize = 24;
const PAYLOAD_BYTES: usize = MTU - HEADER_BYTES - TAG_BYTES;

/// Packets that one call sends.
const GROUP_PACKETS: usize = 54;

/// The most system calls for a message.
const CALLS_MAX: u64 = 20;

pub(super) fn jobs() -> Vec<Job> {
    vec![
        send::job(false),
        send::job(true),
        receive::job(false),
        receive::job(true),
        transport::job(),
    ]
}

fn name(task: &str, is_sealed: bool) -> String {
    let end = if is_sealed { "_sealed" } else { "" };
    format!("udp/{task}_1m_1200{end}")
}

/// The start of a packet, and what makes its nonce its own.
fn header(number: usize) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&number.to_le_bytes());
    header
}

/// Writes the header, encrypts, and writes the tag, for each packet.
fn seal_batch(seal: &Seal, batch: &mut PacketBatch, first: usize) {
    for (packet, number) in batch.packets_mut().zip(first..) {
        packet.header.copy_from_slice(&header(number));
        let tag = seal.seal(packet.header, packet.payload);
        packet.tag.copy_from_slice(&tag);
    }
}

/// Opens what a way needs when it is first used, and keeps it; an operation says how long it took.
fn way<T: 'static>(
    kind: Kind,
    name: &str,
    open: impl Fn() -> T + 'static,
    op: impl Fn(&mut T) -> Duration + 'static,
) -> Contender {
    let mut kept = None;
    Contender::timed(kind, name, move |count| {
        let kept = kept.get_or_insert_with(&open);
        (0..count).map(|_| op(kept)).sum()
    })
}
