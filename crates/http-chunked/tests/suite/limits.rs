//! Limits that were set.

use core::slice::from_ref;

use http_chunked::{DecodeErrorKind, Decoder, Limits};
use seg_pool::Segment;

use crate::{
    case::Verdict,
    cut::{octets, pieces},
    outcome::Outcome,
};

/// The kind and offset that `limits` refuse `wire` with, the same in every cut; `None` when they
/// accept it.
fn refusal(limits: Limits, wire: &'static str) -> Option<(String, u64)> {
    let wire = Segment::from_static(wire.as_bytes());
    let whole = Outcome::of_decoder(Decoder::with_limits(limits), from_ref(&wire));
    let cuts = (1..wire.len()).map(|at| pieces(&wire, &[at])).chain([octets(&wire)]);
    for cut in cuts {
        assert_eq!(Outcome::of_decoder(Decoder::with_limits(limits), &cut), whole, "{cut:?}");
    }
    assert_eq!(whole.error.is_none(), whole.verdict == Verdict::Accept);
    whole.error
}

fn refused(kind: &str, offset: u64) -> Option<(String, u64)> {
    Some((kind.to_owned(), offset))
}

#[test]
fn digits_of_a_size_are_limited() {
    let wire = "005\r\nhello\r\n0\r\n\r\n";
    assert_eq!(refusal(Limits::new().size_digits_max(3), wire), None);
    assert_eq!(refusal(Limits::new().size_digits_max(2), wire), refused("size-too-long", 2));
    assert_eq!(Limits::new().size_digits_max(0), Limits::new().size_digits_max(1));
    assert_eq!(Limits::new().size_digits_max(17), Limits::new());
}

#[test]
fn the_size_of_a_chunk_is_limited() {
    let wire = "5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(refusal(Limits::new().chunk_bytes_max(5), wire), None);
    assert_eq!(refusal(Limits::new().chunk_bytes_max(4), wire), refused("size-too-large", 0));
    assert_eq!(Limits::new().chunk_bytes_max(u64::MAX), Limits::new());
}

#[test]
fn the_length_of_a_size_line_is_limited_with_and_without_extensions() {
    let plain = "00\r\n\r\n";
    assert_eq!(refusal(Limits::new().size_line_bytes_max(2), plain), None);
    let limits = Limits::new().size_line_bytes_max(1);
    assert_eq!(refusal(limits, plain), refused("size-line-too-long", 1));
    assert_eq!(refusal(limits, "0;a\r\n\r\n"), refused("size-line-too-long", 1));
    let none = Limits::new().size_line_bytes_max(0);
    assert_eq!(refusal(none, "0\r\n\r\n"), refused("size-line-too-long", 0));
}

#[test]
fn framing_without_credit_is_refused_at_the_end_of_its_line() {
    let limits = Limits::new().framing_excess_bytes_max(0);
    assert_eq!(refusal(limits, "000000000005\r\nhello\r\n000000000000\r\n\r\n"), None);
    let wire = "1;aaaaaaaaaaaaa\r\nx\r\n0\r\n\r\n";
    assert_eq!(refusal(limits, wire), refused("framing-excess", 16));
    assert_eq!(refusal(limits, "0000000000000\r\n\r\n"), refused("framing-excess", 14));
}

#[test]
fn trailers_are_limited_in_number_and_length() {
    let wire = "0\r\nA: b\r\nC: d\r\n\r\n";
    assert_eq!(refusal(Limits::new().trailer_fields_max(2), wire), None);
    assert_eq!(refusal(Limits::new().trailer_fields_max(1), wire), refused("too-many-trailers", 9));
    assert_eq!(refusal(Limits::new().trailer_bytes_max(12), wire), None);
    let limits = Limits::new().trailer_bytes_max(11);
    assert_eq!(refusal(limits, wire), refused("trailers-too-long", 14));
}

#[test]
fn one_octet_chunks_pass_for_ever() {
    const CHUNKS: usize = if cfg!(miri) { 100 } else { 100_000 };
    let mut decoder = Decoder::with_limits(Limits::new().framing_excess_bytes_max(0));
    for _ in 0..CHUNKS {
        let mut chunk = &b"1\r\nx\r\n"[..];
        while !chunk.is_empty() {
            assert!(decoder.step(&mut chunk).is_ok());
        }
    }
    assert_eq!(decoder.offset(), 6 * CHUNKS as u64);
}

#[test]
fn a_reset_decoder_forgets_everything_but_its_limits() {
    let mut decoder = Decoder::with_limits(Limits::new().trailer_fields_max(1));
    let error = decoder.step(&mut &b"0\r\nA: b\r\nC: d"[..]).expect_err("too many trailers");
    assert_eq!(error.kind(), DecodeErrorKind::TooManyTrailers);
    decoder.reset();
    assert!(decoder.trailers().is_empty());
    let wire = [Segment::from_static(b"1\r\nx\r\n0\r\nE: f\r\n\r\n")];
    let outcome = Outcome::of_decoder(decoder, &wire);
    assert_eq!(outcome.trailers, [("E".to_owned(), b"f".to_vec())]);
}
