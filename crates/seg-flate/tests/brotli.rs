//! Brotli: decoding in every cut, limits, bad input, and what it asks of the allocator.
#![cfg(feature = "brotli")]

#[path = "../../seg-pool/tests/harness/counting.rs"]
mod counting;
#[path = "harness/text.rs"]
mod text;

use brotli::enc::BrotliEncoderParams;
use counting::allocations;
use seg_flate::{
    BrotliDecoder, BrotliEncoder, Decode, Encode, Flush, InflateErrorKind as Kind, Level, Limits,
    Status,
};
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
    let limits = Limits::default().with_output_bytes_max(10_000).with_window_bytes_max(1 << 18);
    let (mut refused, mut cut) = (0, 0);
    for bit in 0..8 * wire.len() {
        let mut broken = wire.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        let whole = outcome(limits, &[&broken]);
        assert!(whole.0.len() <= 10_000);
        let octets: Vec<&[u8]> = broken.chunks(1).collect();
        let (decoded, _, refusal) = outcome(limits, &octets);
        assert_eq!(refusal.map(|(kind, _)| kind), whole.2.map(|(kind, _)| kind), "bit {bit}");
        // Where literals go on past the end of their block, the library notices that where the input ends or where they do.
        let is_cut = refusal != whole.2 || decoded != whole.0;
        assert!(!is_cut || whole.0.starts_with(&decoded), "bit {bit}");
        cut += usize::from(is_cut);
        refused += usize::from(refusal.is_some());
    }
    assert!(refused > 4 * wire.len(), "most are noticed, though there is no checksum");
    assert!(cut < refused / 5, "{cut} of {refused} end elsewhere");
}

#[test]
fn a_bomb_stops_at_the_output_and_the_ratio_limit() {
    let wire = encoded(&vec![0; 10 * LEN], 22);
    assert!(wire.len() < 100);
    let limits = Limits::default().with_output_bytes_max(LEN as u64);
    let (decoded, _, refusal) = outcome(limits, &[&wire]);
    assert_eq!((decoded.len(), refusal.map(|(kind, _)| kind)), (LEN, Some(Kind::OutputTooLong)));
    let exact = Limits::default().with_output_bytes_max(10 * LEN as u64);
    assert_eq!(outcome(exact, &[&wire]).2, None);

    let bomb = encoded(&vec![0; 1 << 20], 22);
    let limits = Limits::default().with_ratio_max(1000);
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
    let limits = Limits::default().with_ratio_max(5);
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
    let limits = Limits::default().with_window_bytes_max(64 << 10);
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
fn a_body_takes_its_window_and_leaves_nothing() {
    // 100 octets in a window of 16 MiB.
    let wire = encoded(&[b'b'; 100], 24);
    let mut output = SegmentedBuf::new(&Pool::new());
    output.extend_from_slice(b"a segment");
    let mut decoder = BrotliDecoder::new(Limits::default());
    for wire in [&wire[..], &wire[..wire.len() / 2], b"\x21\x10\x00\x04hello\x07"] {
        let before = counting::LIVE.get();
        let pushed = decoder.push(&mut &wire[..], &mut output);
        let finished = decoder.finish();
        assert_eq!(pushed == Ok(Status::End), finished.is_ok());
        assert_eq!(counting::LIVE.get(), before);
        decoder.reset();
    }
}

#[test]
fn what_was_decoded_before_an_error_is_the_same_in_every_cut() {
    let wire = b"\x21\x10\x00\x04hello\x07";
    let expected = (b"hello".to_vec(), Some((Kind::DataCorrupt, 10)));
    for step in 1..=wire.len() {
        let (decoded, _, refusal) =
            outcome(Limits::default(), &wire.chunks(step).collect::<Vec<_>>());
        assert_eq!((decoded, refusal), expected, "pieces of {step}");
    }
}

#[test]
fn a_limit_is_met_in_the_same_place_in_every_cut() {
    let hello = b"\x21\x10\x00\x04hello\x03".to_vec();
    let text = text::text(if cfg!(miri) { 300 } else { 30_000 });
    let long = encoded(&text, 18);
    for (wire, limit) in [(&hello, 2), (&long, 10), (&long, text.len() as u64 / 2)] {
        let limits = Limits::default().with_output_bytes_max(limit);
        let whole = outcome(limits, &[wire]);
        assert_eq!(whole.0.len() as u64, limit);
        let (kind, offset) = whole.2.expect("it is longer");
        assert_eq!((kind, offset % 256), (Kind::OutputTooLong, 0));
        for step in [1, 2, 3, 7, 100, 255, 256, 257] {
            let cut = outcome(limits, &wire.chunks(step).collect::<Vec<_>>());
            assert_eq!((cut.0, cut.2), (whole.0.clone(), whole.2), "pieces of {step}");
        }
    }
}

#[test]
fn what_is_encoded_comes_back() {
    for number in 0..=9 {
        let level = Level::new(number).expect("up to 9");
        for len in [0, 1, 300, LEN] {
            let plain = text::text(len);
            let mut wire =
                SegmentedBuf::new(&Pool::builder().segment_size(SegmentSize::B256).build());
            let mut encoder = BrotliEncoder::new(level);
            let (head, tail) = plain.split_at(len / 3);
            for (part, flush) in [(head, Flush::Sync), (tail, Flush::None), (b"", Flush::Finish)] {
                assert_eq!(encoder.push(&mut &part[..], flush, &mut wire), Ok(()));
                assert_eq!(encoder.produced(), wire.len());
                if flush == Flush::Sync {
                    let mut decoded = SegmentedBuf::new(&Pool::new());
                    let mut decoder = BrotliDecoder::new(Limits::default());
                    let pushed = decoder.push_sequence(&mut wire.sequence(), &mut decoded);
                    assert_eq!(pushed, Ok(Status::NeedInput));
                    assert!(decoded.freeze() == head, "level {number}, {len} octets");
                }
            }
            let late = encoder.push(&mut &b"late"[..], Flush::None, &mut wire);
            assert!(late.is_err_and(|error| error.offset() == len as u64));
            let wire = wire.freeze().to_vec();
            assert_eq!(outcome(Limits::default(), &[&wire]), (plain, 0, None));
            assert!(len < LEN || wire.len() < len, "level {number}: {} octets", wire.len());
        }
    }
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
