//! Masking in place.

use core::hint::black_box;

use anyhow::ensure;

use super::size_name;
use crate::compare::{Contender, Job, Kind};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(super) fn jobs() -> Vec<Job> {
    [16, 125, 1 << 10, 16 << 10, 1 << 20].into_iter().map(job).collect()
}

fn job(len: usize) -> Job {
    // As payload lies behind a header: not aligned.
    Job::new(format!("mask/{}", size_name(len)), len as u64)
        .with(way(Kind::Ours, "ws-assemble", len, |bytes| ws_assemble::mask(bytes, KEY, 0)))
        .with(way(Kind::Peer, "yawc", len, |bytes| yawc::mask::apply_mask(bytes, KEY)))
        .with(way(Kind::Peer, "fastwebsockets", len, |bytes| fastwebsockets::unmask(bytes, KEY)))
        .with(floor(len))
}

fn way(kind: Kind, name: &str, len: usize, mask: fn(&mut [u8])) -> Contender {
    let mut buffer = vec![7_u8; len + 64];
    let start = 6 + buffer.as_ptr().align_offset(64);
    let range = start..start + len;
    Contender::new(kind, name, move || mask(black_box(&mut buffer[range.clone()]))).checked(
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
    let mut buffer = vec![7_u8; len + 64];
    let start = 6 + buffer.as_ptr().align_offset(64);
    Contender::new(Kind::Floor, "AVX2 pass", move || {
        super::floor::xor(black_box(&mut buffer[start..start + len]), KEY);
    })
}
