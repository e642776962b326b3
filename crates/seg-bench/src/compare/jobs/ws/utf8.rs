//! UTF-8 over segments of 16 KiB, with characters on the boundaries.

use core::hint::black_box;

use anyhow::ensure;
use ws_assemble::Utf8Validator;

use super::{size_name, source::READ_BYTES, wire};
use crate::compare::{Contender, Job, Kind};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(super) fn jobs() -> Vec<Job> {
    let texts = [
        ("ascii", wire::ASCII),
        ("latin", wire::LATIN),
        ("cjk", wire::CJK),
        ("emoji", wire::EMOJI),
    ];
    let mut jobs = Vec::new();
    for (name, pattern) in texts {
        for len in [1 << 10, 64 << 10, 1 << 20] {
            jobs.push(job(&format!("utf8/{name}_{}", size_name(len)), pattern, len));
        }
    }
    jobs.push(fused());
    jobs
}

fn is_text(segments: &[&[u8]]) -> bool {
    let mut validator = Utf8Validator::new();
    segments.iter().all(|segment| validator.push(segment).is_ok()) && validator.is_complete()
}

fn job(name: &str, pattern: &str, len: usize) -> Job {
    let whole: &'static [u8] = wire::text(pattern, len).leak();
    // An odd size, so that characters of two to four bytes are cut.
    let segments: Vec<&[u8]> = whole.chunks(READ_BYTES - 1).collect();
    let checked = segments.clone();
    Job::new(name, len as u64)
        .with(
            Contender::new(Kind::Ours, "Utf8Validator", move || {
                assert!(is_text(black_box(&segments)));
            })
            .checked(move || {
                ensure!(is_text(&checked) && !is_text(&[&checked, &[&b"\xff"[..]][..]].concat()));
                Ok(())
            }),
        )
        .with(Contender::new(Kind::Peer, "simdutf8 basic, one shot", move || {
            assert!(simdutf8::basic::from_utf8(black_box(whole)).is_ok());
        }))
        .with(Contender::new(Kind::Peer, "core::str::from_utf8, one shot", move || {
            assert!(core::str::from_utf8(black_box(whole)).is_ok());
        }))
}

/// Masked text as a server gets it: unmasked and validated, in segments.
fn fused() -> Job {
    const LEN: usize = 64 << 10;
    let text = wire::text(wire::WIDE, LEN);
    let mut masked = text.clone();
    ws_assemble::mask(&mut masked, KEY, 0);
    Job::new("utf8/mask_utf8_fused_64k", LEN as u64)
        .with(fused_way(Kind::Ours, "unmask_text", &masked, &text, |buffer| {
            in_segments(buffer, |bytes, validator, phase| {
                ws_assemble::unmask_text(bytes, KEY, phase, validator).is_ok()
            })
        }))
        .with(fused_way(Kind::Peer, "two passes of ours", &masked, &text, |buffer| {
            in_segments(buffer, |bytes, validator, phase| {
                ws_assemble::mask(bytes, KEY, phase);
                validator.push(bytes).is_ok()
            })
        }))
        .with(fused_way(
            Kind::Peer,
            "yawc, then simdutf8, in one slice",
            &masked,
            &text,
            |buffer| {
                yawc::mask::apply_mask(buffer, KEY);
                simdutf8::basic::from_utf8(buffer).is_ok()
            },
        ))
}

/// Unmasks and validates segment by segment.
fn in_segments(
    buffer: &mut [u8],
    mut pass: impl FnMut(&mut [u8], &mut Utf8Validator, usize) -> bool,
) -> bool {
    let mut validator = Utf8Validator::new();
    let mut phase = 0;
    let are_text = buffer.chunks_mut(READ_BYTES - 1).all(|segment| {
        let is_text = pass(segment, &mut validator, phase);
        phase = (phase + segment.len()) % 4;
        is_text
    });
    are_text && validator.is_complete()
}

fn fused_way(
    kind: Kind,
    name: &str,
    masked: &[u8],
    text: &[u8],
    pass: fn(&mut [u8]) -> bool,
) -> Contender {
    let run = move |masked: &[u8], buffer: &mut [u8]| {
        // Each comes from the socket: a copy into cold bytes is part of every way.
        buffer.copy_from_slice(masked);
        assert!(pass(buffer));
    };
    let (input, text, again) = (masked.to_vec(), text.to_vec(), masked.to_vec());
    let mut buffer = vec![0; input.len()];
    Contender::new(kind, name, move || run(black_box(&input), black_box(&mut buffer))).checked(
        move || {
            let mut buffer = vec![0; again.len()];
            run(&again, &mut buffer);
            ensure!(buffer == text, "the text differs");
            Ok(())
        },
    )
}
