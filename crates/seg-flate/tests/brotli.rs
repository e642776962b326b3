//! Brotli: decoding in every cut, limits, bad input, and what it asks of the allocator.
#![cfg(feature = "brotli")]

#[path = "../../seg-pool/tests/harness/counting.rs"]
mod counting;
#[path = "harness/text.rs"]
mod text;

use brotli::enc::BrotliEncoderParams;
use counting::allocations;
use seg_flate::{BrotliDecoder, InflateErrorKind as Kind, Limits, Status};
use seg_pool::{Pool, SegmentSize};
use seg_seq::SegmentedBuf;

const LEN: usize = if cfg!(miri) { 300 } else { 100_000 };

fn encoded(plain: &[u8], window_bits: i32) -> Vec<u8> {
    let params = BrotliEncoderParams { quality: 5, lgwin: window_bits, ..Default::default() };
    let mut wire = Vec::new();
    brotli::BrotliCompress(&mut &plain[..], &mut wire, &params).expect("into memory");
    wire
}

/// What became of a stream in these pieces: output, octets left, and the refusal.
fn outcome(limits: Limits, pieces: &[&[u8]]) -> (Vec<u8>, usize, Option<(Kind, u64)>) {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let (mut decoder, mut output) = (BrotliDecoder::new(limits), SegmentedBuf::new(&pool));
    let (mut rest, mut refusal) = (0, None);
    for piece in pieces {
        let mut input = *piece;
        let pushed = decoder.push(&mut input, &mut output);
        rest += input.len();
        match (pushed, refusal) {
            (Ok(status), None) => assert!(input.is_empty() || status == Status::End),
            (Ok(_), Some(error)) => panic!("{error} was forgotten"),
            (Err(error), first) => assert_eq!(*refusal.insert(error), first.unwrap_or(error)),
        }
        assert_eq!(decoder.produced(), output.len());
    }
    if let Err(error) = decoder.finish() {
        assert_eq!(*refusal.insert(error), error);
        assert_eq!(decoder.finish(), Err(error));
    }
    let refusal = refusal.map(|error| (error.kind(), error.offset()));
    (output.freeze().to_vec(), rest, refusal)
}

#[test]
fn streams_come_back_however_they_are_cut() {
    let text = text::text(if cfg!(miri) { 100 } else { 3_000 });
    for plain in [&b""[..], b"a", &text] {
        let wire = [encoded(plain, 16), b"rest".to_vec()].concat();
        let expected = (plain.to_vec(), 4, None);
        assert_eq!(outcome(Limits::default(), &[&wire]), expected);
        for cut in 0..wire.len() {
            let (head, tail) = wire.split_at(cut);
            assert_eq!(outcome(Limits::default(), &[head, tail]), expected, "cut at {cut}");
        }
        let octets: Vec<&[u8]> = wire.chunks(1).collect();
        assert_eq!(outcome(Limits::default(), &octets), expected);
    }
}

#[test]
fn every_window_is_decoded() {
    let plain = text::text(LEN);
    for window_bits in 10..=24 {
        let wire = encoded(&plain, window_bits);
        let (decoded, rest, refusal) = outcome(Limits::default(), &[&wire]);
        assert!(decoded == plain, "{window_bits}");
        assert_eq!((rest, refusal), (0, None));
    }
}

#[test]
fn every_truncation_is_an_error_and_keeps_what_was_decoded() {
    let plain = text::text(if cfg!(miri) { 50 } else { 2_000 });
    let wire = encoded(&plain, 18);
    for len in 0..wire.len() {
        let (decoded, _, refusal) = outcome(Limits::default(), &[&wire[..len]]);
        assert!(plain.starts_with(&decoded));
        assert_eq!(refusal, Some((Kind::Truncated, len as u64)));
    }
}

#[test]
fn flipped_bits_never_panic_and_stay_within_the_limits() {
    let plain = text::text(if cfg!(miri) { 50 } else { 1_000 });
    let wire = encoded(&plain, 18);
    let limits = Limits::default().output_bytes_max(10_000).window_bytes_max(1 << 18);
    let mut refused = 0;
    for bit in 0..8 * wire.len() {
        let mut broken = wire.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        let whole = outcome(limits, &[&broken]);
        assert!(whole.0.len() <= 10_000);
        let octets: Vec<&[u8]> = broken.chunks(1).collect();
        let (decoded, _, refusal) = outcome(limits, &octets);
        assert_eq!(refusal.map(|(kind, _)| kind), whole.2.map(|(kind, _)| kind));
        assert_eq!(refusal.is_none(), whole.2.is_none());
        assert!(refusal.is_some() || decoded == whole.0);
        refused += usize::from(refusal.is_some());
    }
    assert!(refused > 4 * wire.len(), "most are noticed, though there is no checksum");
}

#[test]
fn a_bomb_stops_at_the_output_and_the_ratio_limit() {
    let wire = encoded(&vec![0; 10 * LEN], 22);
    assert!(wire.len() < 100);
    let limits = Limits::default().output_bytes_max(LEN as u64);
    let (decoded, _, refusal) = outcome(limits, &[&wire]);
    assert_eq!((decoded.len(), refusal.map(|(kind, _)| kind)), (LEN, Some(Kind::OutputTooLong)));
    let exact = Limits::default().output_bytes_max(10 * LEN as u64);
    assert_eq!(outcome(exact, &[&wire]).2, None);

    let bomb = encoded(&vec![0; 1 << 20], 22);
    let limits = Limits::default().ratio_max(1000);
    let (decoded, _, refusal) = outcome(limits, &[&bomb]);
    assert_eq!(refusal.map(|(kind, _)| kind), Some(Kind::RatioTooHigh));
    assert_eq!(decoded.len(), 1000 * 256 + (64 << 10), "the last step of the input counts whole");
}

#[test]
fn what_comes_later_does_not_make_up_for_too_high_a_ratio() {
    let mut state = 1_u32;
    let noise = (0..LEN).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    let plain: Vec<u8> = vec![0; 3 * LEN].into_iter().chain(noise).collect();
    let wire = encoded(&plain, 22);
    assert!(plain.len() < 5 * wire.len() + (64 << 10), "{}", wire.len());
    let limits = Limits::default().ratio_max(5);
    let refused = (64 << 10) + 5 * 256;
    let expected = if cfg!(miri) { plain.len() } else { refused };
    for step in [1, 7, 255, 256, 257, 4096, wire.len()] {
        let (decoded, _, refusal) = outcome(limits, &wire.chunks(step).collect::<Vec<_>>());
        assert_eq!(decoded.len(), expected, "pieces of {step}");
        let kind = (!cfg!(miri)).then_some(Kind::RatioTooHigh);
        assert_eq!(refusal.map(|(kind, _)| kind), kind, "pieces of {step}");
    }
}

#[test]
fn a_window_above_the_limit_is_refused_and_not_taken() {
    let plain = text::text(LEN);
    let wire = encoded(&plain, 22);
    let limits = Limits::default().window_bytes_max(64 << 10);
    let mut refusal = None;
    let (_, largest) = allocations(|| refusal = outcome(limits, &[&wire]).2);
    if LEN > 64 << 10 {
        assert_eq!(refusal.map(|(kind, _)| kind), Some(Kind::WindowTooLarge));
        assert!(largest <= 66 << 10, "{largest} bytes");
        assert_eq!(outcome(limits, &[&encoded(&plain, 16)]).2, None);
    }
    // Windows above 16 MiB are another format.
    let large = outcome(Limits::default(), &[b"\x11\x3f\xff"]).2;
    assert_eq!(large.map(|(kind, _)| kind), Some(Kind::HeaderInvalid));
}

#[test]
fn stream_after_stream_allocates_nothing_but_segments() {
    let wire = encoded(&text::text(LEN), 18);
    let pool = Pool::new();
    let mut output = SegmentedBuf::new(&pool);
    let mut decoder = BrotliDecoder::new(Limits::default());
    let mut decode = |wire: &[u8]| {
        decoder.reset();
        for mut piece in wire.chunks(1_460) {
            assert!(decoder.push(&mut piece, &mut output).is_ok());
        }
        let result = decoder.finish();
        drop(output.split());
        result
    };
    for _ in 0..4 {
        assert_eq!(decode(&wire), Ok(()));
        assert!(decode(&wire[..wire.len() / 2]).is_err());
    }
    let (count, _) = allocations(|| {
        for _ in 0..4 {
            assert_eq!(decode(&wire), Ok(()));
            assert!(decode(&wire[..wire.len() / 2]).is_err());
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn after_an_exhausted_pool_the_rest_of_the_input_is_pushed() {
    let plain = text::text(LEN);
    let wire = encoded(&plain, 16);
    let pool = Pool::builder().segment_size(SegmentSize::B256).bytes_max(64 << 10).build();
    let (mut decoder, mut output) =
        (BrotliDecoder::new(Limits::default()), SegmentedBuf::new(&pool));
    let (mut input, mut decoded, mut exhausted) = (&wire[..], Vec::new(), 0);
    loop {
        let pushed = decoder.push(&mut input, &mut output);
        decoded.extend(output.split().to_vec());
        output.clear();
        match pushed {
            Ok(status) => break assert_eq!((status, input.len()), (Status::End, 0)),
            Err(error) => assert!(matches!(error.kind(), Kind::OutOfMemory(_)), "{error}"),
        }
        exhausted += 1;
    }
    assert!(decoded == plain);
    assert_eq!(exhausted > 0, LEN > 64 << 10);
}
