//! Limits that were set.

use core::slice::from_ref;

use http_chunked::{
    BodyAssembler, BodyLimits, DecodeErrorKind, Decoder, Framing, Limits, MessageLimits,
    ResponseReader, Trailing,
};
use seg_pool::{Pool, Segment};

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
fn limits_that_were_set_read_back() {
    let (pool, limits) = (Pool::new(), Limits::new().with_size_digits_max(3));
    let body = BodyLimits::new().with_body_bytes_max(5).with_chunked(limits);
    let message = MessageLimits::new().with_interim_max(1).with_body(body);
    assert_eq!(Decoder::with_limits(limits).limits(), limits);
    assert_eq!(BodyAssembler::new(&pool, Framing::Chunked).with_limits(body).limits(), body);
    assert_eq!(ResponseReader::new(&pool).with_limits(message).limits(), message);
    assert_eq!(ResponseReader::new(&pool).limits(), MessageLimits::new());
}

#[test]
fn digits_of_a_size_are_limited() {
    let wire = "005\r\nhello\r\n0\r\n\r\n";
    assert_eq!(refusal(Limits::new().with_size_digits_max(3), wire), None);
    assert_eq!(refusal(Limits::new().with_size_digits_max(2), wire), refused("size-too-long", 2));
    assert_eq!(Limits::new().with_size_digits_max(0), Limits::new().with_size_digits_max(1));
    assert_eq!(Limits::new().with_size_digits_max(17), Limits::new());
}

#[test]
fn the_size_of_a_chunk_is_limited() {
    let wire = "5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(refusal(Limits::new().with_chunk_bytes_max(5), wire), None);
    assert_eq!(refusal(Limits::new().with_chunk_bytes_max(4), wire), refused("size-too-large", 0));
    assert_eq!(Limits::new().with_chunk_bytes_max(u64::MAX), Limits::new());
}

#[test]
fn the_length_of_a_size_line_is_limited_with_and_without_extensions() {
    let plain = "00\r\n\r\n";
    assert_eq!(refusal(Limits::new().with_size_line_bytes_max(2), plain), None);
    let limits = Limits::new().with_size_line_bytes_max(1);
    assert_eq!(refusal(limits, plain), refused("size-line-too-long", 1));
    assert_eq!(refusal(limits, "0;a\r\n\r\n"), refused("size-line-too-long", 1));
    let none = Limits::new().with_size_line_bytes_max(0);
    assert_eq!(refusal(none, "0\r\n\r\n"), refused("size-line-too-long", 0));
}

#[test]
fn framing_without_credit_is_refused_at_the_end_of_its_line() {
    let limits = Limits::new().with_framing_excess_bytes_max(0);
    assert_eq!(refusal(limits, "000000000005\r\nhello\r\n000000000000\r\n\r\n"), None);
    let wire = "1;aaaaaaaaaaaaa\r\nx\r\n0\r\n\r\n";
    assert_eq!(refusal(limits, wire), refused("framing-excess", 16));
    assert_eq!(refusal(limits, "0000000000000\r\n\r\n"), refused("framing-excess", 14));
}

#[test]
fn trailers_are_limited_in_number_and_length() {
    let wire = "0\r\nA: b\r\nC: d\r\n\r\n";
    assert_eq!(refusal(Limits::new().with_trailer_fields_max(2), wire), None);
    assert_eq!(
        refusal(Limits::new().with_trailer_fields_max(1), wire),
        refused("too-many-trailers", 9)
    );
    assert_eq!(refusal(Limits::new().with_trailer_bytes_max(12), wire), None);
    let limits = Limits::new().with_trailer_bytes_max(11);
    assert_eq!(refusal(limits, wire), refused("trailers-too-long", 14));
}

#[test]
fn one_octet_chunks_pass_for_ever() {
    const CHUNKS: usize = if cfg!(miri) { 100 } else { 100_000 };
    let mut decoder = Decoder::with_limits(Limits::new().with_framing_excess_bytes_max(0));
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
    let mut decoder = Decoder::with_limits(Limits::new().with_trailer_fields_max(1));
    let error = decoder.step(&mut &b"0\r\nA: b\r\nC: d"[..]).expect_err("too many trailers");
    assert_eq!(error.kind(), DecodeErrorKind::TooManyTrailers);
    decoder.reset();
    assert!(decoder.trailers().is_empty());
    let wire = [Segment::from_static(b"1\r\nx\r\n0\r\nE: f\r\n\r\n")];
    let outcome = Outcome::of_decoder(decoder, &wire);
    assert_eq!(outcome.trailers, [("E".to_owned(), b"f".to_vec())]);
}

#[test]
fn what_is_set_is_read() {
    let chunked = Limits::new()
        .with_size_digits_max(1)
        .with_chunk_bytes_max(2)
        .with_size_line_bytes_max(3)
        .with_framing_excess_bytes_max(4)
        .with_trailer_bytes_max(5)
        .with_trailer_fields_max(6);
    let sizes = (chunked.size_digits_max(), chunked.chunk_bytes_max());
    assert_eq!((sizes, chunked.size_line_bytes_max()), ((1, 2), 3));
    assert_eq!(chunked.framing_excess_bytes_max(), 4);
    assert_eq!((chunked.trailer_bytes_max(), chunked.trailer_fields_max()), (5, 6));

    let body = BodyLimits::new().with_body_bytes_max(1 << 10);
    assert_eq!((body.body_bytes_max(), body.held_bytes_max()), (1 << 10, (2 << 10) + (1 << 20)));
    let body = body
        .with_held_bytes_max(1)
        .with_ratio_max(2)
        .with_content_codings_max(3)
        .with_window_bytes_max(4)
        .with_trailing(Trailing::Leave)
        .with_chunked(chunked);
    assert_eq!((body.held_bytes_max(), body.ratio_max()), (1, 2));
    assert_eq!((body.content_codings_max(), body.window_bytes_max()), (3, 4));
    assert_eq!((body.trailing(), body.chunked()), (Trailing::Leave, chunked));

    let message = MessageLimits::new().with_interim_max(1).with_body(body);
    assert_eq!((message.interim_max(), message.body()), (1, body));
    for (set, read) in [(0, 1), (1, 1), (65_536, 65_536), (65_537, 65_536)] {
        assert_eq!(message.with_head_bytes_max(set).head_bytes_max(), read);
    }
}
