//! Zstandard: limits of output and ratio.
#![cfg(feature = "zstd")]

#[path = "harness/frames.rs"]
mod frames;

use frames::{header, last_block, outcome, outcome_in_pieces, repeating};
use seg_flate::{InflateErrorKind as Kind, Limits};

const BLOCK: usize = 128 << 10;

/// A frame of so many blocks, each of one octet repeated.
fn bomb(blocks: usize) -> Vec<u8> {
    let mut wire = header(20);
    for block in 1..=blocks {
        let start = wire.len();
        wire.extend_from_slice(&last_block(1, BLOCK, b"z"));
        wire[start] &= if block < blocks { !1 } else { !0 };
    }
    wire
}

#[test]
fn a_bomb_stops_at_the_output_limit() {
    let wire = bomb(if cfg!(miri) { 2 } else { 10 });
    let total = (wire.len() - 6) / 4 * BLOCK;
    for most in [0, 1, 1_000, BLOCK - 1, BLOCK, BLOCK + 1, total - 1] {
        let limits = Limits::default().with_output_bytes_max(most as u64);
        let (decoded, _, refusal) = outcome_in_pieces(limits, &wire, &[1, 5]);
        let block_end = 6 + (most / BLOCK + 1) * 4;
        assert_eq!((decoded.len(), refusal), (most, Some((Kind::OutputTooLong, block_end as u64))));
    }
    let exact = Limits::default().with_output_bytes_max(total as u64);
    assert_eq!(outcome(exact, &[&wire]).2, None);
    // One copy.
    let wire = [&header(20)[..], &repeating(1, 1, 9)].concat();
    let limits = Limits::default().with_output_bytes_max(99);
    let (decoded, _, refusal) = outcome_in_pieces(limits, &wire, &[1]);
    assert_eq!((decoded.len(), refusal), (99, Some((Kind::OutputTooLong, wire.len() as u64))));
}

#[test]
fn raw_octets_are_counted_one_by_one() {
    let wire = [&header(20)[..], &last_block(0, 1_000, &[b'r'; 1_000])].concat();
    let limits = Limits::default().with_output_bytes_max(600);
    let (decoded, _, refusal) = outcome_in_pieces(limits, &wire, &[1, 3, 256, 599]);
    assert_eq!((decoded.len(), refusal), (600, Some((Kind::OutputTooLong, 609))));
}

#[test]
fn a_bomb_stops_at_the_ratio_limit_however_it_is_cut() {
    let wire = bomb(if cfg!(miri) { 2 } else { 10 });
    let limits = Limits::default().with_ratio_max(500);
    let (decoded, _, refusal) = outcome_in_pieces(limits, &wire, &[1, 5, 255, 256, 257]);
    // The first step of the input counts whole.
    let allowed = (64 << 10) + 500 * 256;
    let end = 6 + (allowed / BLOCK + 1) * 4;
    assert_eq!((decoded.len(), refusal), (allowed, Some((Kind::RatioTooHigh, end as u64))));
    assert_eq!(outcome(Limits::default().with_ratio_max(1 << 20), &[&wire]).2, None);
}

#[test]
fn what_comes_later_does_not_make_up_for_too_high_a_ratio() {
    let mut wire = bomb(3);
    let last = wire.len() - 4;
    wire[last] &= !1;
    wire.extend_from_slice(&last_block(0, BLOCK, &vec![7; BLOCK]));
    let limits = Limits::default().with_ratio_max(5);
    let (decoded, _, refusal) = outcome_in_pieces(limits, &wire, &[1, 7, 256, 4_096]);
    assert_eq!(decoded.len(), (64 << 10) + 5 * 256);
    assert_eq!(refusal, Some((Kind::RatioTooHigh, 10)));
    // Where the data comes first, it does.
    let mut wire = header(20);
    wire.extend_from_slice(&last_block(0, BLOCK, &vec![7; BLOCK]));
    wire[6] &= !1;
    wire.extend_from_slice(&last_block(1, BLOCK, b"z"));
    assert_eq!(outcome_in_pieces(limits, &wire, &[4_096]).2, None);
}
