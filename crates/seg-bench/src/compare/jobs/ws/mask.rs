//! Masking in place.

use core::hint::black_box;

use anyhow::ensure;

use super::{size_name, source::READ_BYTES};
use crate::compare::{Contender, Job, Kind};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Of a short masked frame: payload is not aligned.
const HEADER_BYTES: usize = 6;

pub(super) fn jobs() -> Vec<Job> {
    [16, 125, 1 << 10, 16 << 10, 1 << 20].into_iter().map(job).collect()
}

fn job(len: usize) -> Job {
    Job::new(format!("mask/{}", size_name(len)), len as u64)
        .with(way(Kind::Ours, "ws-assemble", len, |bytes| ws_assemble::mask(bytes, KEY, 0)))
        .with(way(Kind::Peer, "yawc", len, |bytes| yawc::mask::apply_mask(bytes, KEY)))
        .with(way(Kind::Peer, "fastwebsockets", len, |bytes| fastwebsockets::unmask(bytes, KEY)))
        .with(floor(len))
}

fn way(kind: Kind, name: &str, len: usize, mask: fn(&mut [u8])) -> Contender {
    let mut received = Received::new(len);
    Contender::new(kind, name, move || mask(black_box(received.next_payload()))).checked(
        move || {
            let mut bytes: Vec<u8> = (0..=250_u8).cycle().take(len).collect();
            let expected: Vec<u8> =
                bytes.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
            mask(&mut bytes);
            ensure!(bytes == expected, "the mask differs");
            Ok(())
        },
    )
}

fn floor(len: usize) -> Contender {
    let mut received = Received::new(len);
    Contender::new(Kind::Floor, "AVX2 pass", move || {
        super::floor::xor(black_box(received.next_payload()), KEY);
    })
}

/// Messages of one length, one after the other, as a read delivers them. To mask the same few bytes over
/// and over would measure how stores are forwarded to loads of another shape.
struct Received {
    buffer: Vec<u8>,
    len: usize,
    at: usize,
}

impl Received {
    fn new(len: usize) -> Self {
        Self { buffer: vec![7; READ_BYTES.max(len + HEADER_BYTES)], len, at: 0 }
    }

    #[inline]
    fn next_payload(&mut self) -> &mut [u8] {
        let start = self.at + HEADER_BYTES;
        let end = start + self.len;
        self.at = if end + HEADER_BYTES + self.len <= self.buffer.len() { end } else { 0 };
        &mut self.buffer[start..end]
    }
}
