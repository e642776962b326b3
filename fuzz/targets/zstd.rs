//! Zstandard frames, whole and cut, and ruzstd.
#![no_main]

#[path = "../../crates/seg-flate/tests/harness/frames.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod frames;

use frames::outcome;
use libfuzzer_sys::fuzz_target;
use ruzstd::decoding::FrameDecoder;
use seg_flate::{Limits, Trailing};

const OUTPUT_BYTES_MAX: u64 = 1 << 18;

fuzz_target!(|input: &[u8]| {
    let [ratio, cut, wire @ ..] = input else { return };
    let limits = Limits::default()
        .with_output_bytes_max(OUTPUT_BYTES_MAX)
        .with_window_bytes_max(1 << 20)
        .with_trailing(Trailing::Leave);
    let (head, tail) = wire.split_at(wire.len() * usize::from(*cut) / 255);
    let whole = outcome(limits, &[wire]);
    assert!(whole.0.len() as u64 <= OUTPUT_BYTES_MAX);
    let cut = outcome(limits, &[head, tail]);
    assert_eq!((&cut.0, cut.2), (&whole.0, whole.2));

    let limits = limits.with_ratio_max(u64::from(*ratio));
    let limited = outcome(limits, &[wire]);
    assert!(whole.0.starts_with(&limited.0));
    let cut = outcome(limits, &[head, tail]);
    assert_eq!((cut.0, cut.2), (limited.0, limited.2));

    // Each of the two libraries accepts faulty streams that the other refuses.
    if whole.2.is_none() {
        let stream = &wire[..wire.len() - whole.1];
        let mut theirs = vec![0; whole.0.len()];
        if let Ok(len) = FrameDecoder::new().decode_all(stream, &mut theirs) {
            assert_eq!(theirs[..len], whole.0);
        }
    }
});
