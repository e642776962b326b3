//! Zstandard: both ways, decoding in every cut, frames, bad input, and the memory that it takes.
#![cfg(feature = "zstd")]

#[path = "../../seg-pool/tests/harness/counting.rs"]
mod counting;
#[path = "harness/frames.rs"]
mod frames;
#[path = "harness/text.rs"]
mod text;

use std::io::Write;

use counting::allocations;
use frames::{header, last_block, outcome, outcome_in_pieces, repeating};
use ruzstd::{
    decoding::FrameDecoder,
    encoding::{CompressionLevel, compress_to_vec},
};
use seg_flate::{
    Contexts, Decode, Encode, Flush, InflateErrorKind as Kind, Level, Limits, Status, Trailing,
    ZstdDecoder, ZstdEncoder,
};
use seg_pool::{Pool, SegmentSize};
use seg_seq::SegmentedBuf;

const LEN: usize = if cfg!(miri) { 300 } else { 100_000 };

fn encoded(plain: &[u8]) -> Vec<u8> {
    compress_to_vec(plain, CompressionLevel::Fastest)
}

/// Frames of the reference encoder, with names and what they decode to.
fn vectors() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let cases = include_str!("data/zstd.cases").lines().filter(|line| !line.starts_with('#'));
    let all = cases.map(|line| {
        let [name, plain, hex] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("not three columns: {line}");
        };
        let (kind, len) = plain.split_once(' ').expect("a kind and a length");
        let octets = hex.as_bytes().chunks(2).map(|pair| {
            let digits = str::from_utf8(pair).expect("digits");
            u8::from_str_radix(digits, 16).expect("hexadecimal digits")
        });
        (name, generated(kind, len.parse().expect("a number")), octets.collect())
    });
    all.filter(|(_, plain, _): &(_, Vec<u8>, _)| !cfg!(miri) || plain.len() <= 3_000).collect()
}

/// What the vectors were made of.
fn generated(kind: &str, len: usize) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut random = 1_u64;
    match kind {
        "text" => return text::text(len),
        "zeros" => return vec![0; len],
        "page" => {
            for number in (0..).take_while(|number| number * 25 < len) {
                let square = number * number;
                writeln!(plain, "{number} squared is {square}, which is no prime").expect("a Vec");
            }
        }
        "records" => {
            while plain.len() < len {
                random = random * 48_271 % 0x7fff_ffff;
                plain.push(random.to_le_bytes()[1]);
                plain.extend_from_slice(b"of a record; ");
            }
        }
        "slices" => {
            plain = text::text(8_192);
            while plain.len() < len {
                random = random * 48_271 % 0x7fff_ffff;
                let at = usize::try_from(random % 8_000).expect("below 8000");
                let slice = plain[at..][..8 + usize::try_from(random % 23).expect("few")].to_vec();
                plain.push(b'x');
                plain.extend_from_slice(&slice);
            }
        }
        _ => panic!("{kind} is not known"),
    }
    plain.truncate(len);
    plain
}

#[test]
fn frames_of_the_reference_encoder_come_back_however_they_are_cut() {
    for (name, plain, wire) in vectors() {
        let lengths = if cfg!(miri) { &[100][..] } else { &[1, 7, 255, 256, 1_000] };
        let (decoded, rest, refusal) = outcome_in_pieces(Limits::default(), &wire, lengths);
        assert!(decoded == plain, "{name}: {} of {} octets", decoded.len(), plain.len());
        assert_eq!((rest, refusal), (0, None), "{name}");
    }
}

#[test]
fn every_cut_in_two_changes_nothing() {
    let plain = text::text(if cfg!(miri) { 60 } else { 2_000 });
    let limits = Limits::default().with_trailing(Trailing::Leave);
    for plain in [&b""[..], b"a", &plain] {
        let wire = [encoded(plain), b"rest".to_vec()].concat();
        let expected = (plain.to_vec(), 4, None);
        for cut in 0..=wire.len() {
            let (head, tail) = wire.split_at(cut);
            assert_eq!(outcome(limits, &[head, tail]), expected, "cut at {cut}");
        }
    }
}

#[test]
fn every_truncation_is_an_error_and_keeps_whole_blocks() {
    for (name, plain, wire) in vectors().into_iter().filter(|(_, _, wire)| wire.len() < 2_000) {
        for len in (0..wire.len()).step_by(if cfg!(miri) { 97 } else { 1 }) {
            let (decoded, _, refusal) = outcome(Limits::default(), &[&wire[..len]]);
            assert!(plain.starts_with(&decoded), "{name}");
            assert_eq!(refusal, Some((Kind::Truncated, len as u64)), "{name}");
        }
    }
}

#[test]
fn what_is_decoded_comes_out_with_its_block() {
    // Two blocks of 5 octets in a window of 8 MiB, the first of them not the last.
    let first = [&header(23)[..], &[5 << 3, 0, 0], b"hello"].concat();
    let second = last_block(0, 5, b"world");
    let (mut decoder, mut output) =
        (ZstdDecoder::new(Limits::default()), SegmentedBuf::new(&Pool::new()));
    assert_eq!(decoder.push(&mut &first[..], &mut output), Ok(Status::NeedInput));
    assert_eq!(output.split().to_vec(), b"hello");
    assert_eq!(decoder.push(&mut &second[..5], &mut output), Ok(Status::NeedInput));
    assert_eq!(output.split().to_vec(), b"wo");
    assert_eq!(decoder.push(&mut &second[5..], &mut output), Ok(Status::NeedInput));
    assert_eq!((output.split().to_vec(), decoder.finish()), (b"rld".to_vec(), Ok(())));
}

#[test]
fn frames_follow_each_other_and_some_are_skipped() {
    let hello = encoded(b"hello, ");
    let skipped = b"\x5f\x2a\x4d\x18\x05\0\0\0other".to_vec();
    let empty_skipped = b"\x50\x2a\x4d\x18\0\0\0\0".to_vec();
    let wire = [&skipped[..], &hello, &empty_skipped, &encoded(b"world"), &skipped].concat();
    assert_eq!(outcome_in_pieces(Limits::default(), &wire, &[1, 2, 3, 11]).0, b"hello, world");
    assert_eq!(outcome(Limits::default(), &[&wire]).2, None);
    assert_eq!(outcome(Limits::default(), &[&skipped]), (Vec::new(), 0, None));
    let len = skipped.len() - 1;
    let truncated = outcome(Limits::default(), &[&skipped[..len]]);
    assert_eq!(truncated.2, Some((Kind::Truncated, len as u64)));

    let trailing = [&hello[..], b"rest"].concat();
    let refused = outcome_in_pieces(Limits::default(), &trailing, &[1, 3]);
    assert_eq!(refused.0, b"hello, ");
    assert_eq!(refused.2, Some((Kind::TrailingData, hello.len() as u64)));
    // Half of a magic number may be all of what follows, and is no frame in either mode.
    for after in [&b"("[..], b"(c) 2024", b"Padding", b"P", b"X-Footer", b"\x28\xb5\x2f\x2f"] {
        let wire = [&hello[..], after].concat();
        let leave = Limits::default().with_trailing(Trailing::Leave);
        for cut in 0..=wire.len() {
            let left = outcome(leave, &[&wire[..cut], &wire[cut..]]);
            assert_eq!(left, (b"hello, ".to_vec(), after.len(), None), "{after:?}, cut at {cut}");
        }
        let (kind, offset) = match after.len() {
            1 => (Kind::Truncated, wire.len()),
            _ => (Kind::TrailingData, hello.len()),
        };
        let refused = outcome_in_pieces(Limits::default(), &wire, &[1, 3]);
        assert_eq!(refused.2, Some((kind, offset as u64)), "{after:?}");
    }
}

#[test]
fn a_wrong_checksum_and_a_wrong_size_are_noticed() {
    let (_, _, wire) = vectors().into_iter().find(|(name, ..)| *name == "checked").expect("there");
    let place = wire.len() as u64 - 4;
    for at in wire.len() - 4..wire.len() {
        let mut broken = wire.clone();
        broken[at] ^= 1;
        let (decoded, _, refusal) = outcome_in_pieces(Limits::default(), &broken, &[1, 100]);
        assert_eq!((decoded.len(), refusal), (3_000, Some((Kind::ChecksumMismatch, place))));
    }
    let sized = |size| [b"\x28\xb5\x2f\xfd\x20", &[size][..], &last_block(0, 5, b"hello")].concat();
    assert_eq!(outcome(Limits::default(), &[&sized(5)]).2, None);
    let short = outcome_in_pieces(Limits::default(), &sized(6), &[1]);
    assert_eq!((short.0.len(), short.2), (5, Some((Kind::LengthMismatch, 14))));
    // A window of four octets has no blocks of five.
    assert_eq!(outcome(Limits::default(), &[&sized(4)]).2, Some((Kind::DataCorrupt, 6)));
    let long = [b"\x28\xb5\x2f\xfd\x80\x00", &[4, 0, 0, 0][..], &last_block(1, 5, b"a")].concat();
    let refused = outcome_in_pieces(Limits::default(), &long, &[1]);
    assert_eq!((refused.0.len(), refused.2), (0, Some((Kind::LengthMismatch, 10))));
}

#[test]
fn a_block_makes_no_more_than_its_window_and_128_kib() {
    let decode = |log, block: &[u8]| {
        let (decoded, _, refusal) = outcome(Limits::default(), &[&header(log), block]);
        assert!(decoded.iter().all(|&octet| octet == b'a'));
        (decoded.len(), refusal)
    };
    const MOST: usize = 128 << 10;
    let refused = |at| (0, Some((Kind::DataCorrupt, at)));
    assert_eq!(decode(20, &last_block(1, MOST, b"a")), (MOST, None));
    assert_eq!(decode(20, &last_block(1, MOST + 1, b"a")), refused(6));
    assert_eq!(decode(10, &last_block(1, 1 << 10, b"a")), (1 << 10, None));
    assert_eq!(decode(10, &last_block(0, (1 << 10) + 1, &[b'a'; 1025])), refused(6));
    // Literals alone: one octet, as often as 20 bits can say.
    let alone = last_block(2, 5, &[0xfd, 0xff, 0xff, b'a', 0]);
    assert_eq!(decode(10, &alone), refused(14));
    assert_eq!(decode(20, &alone), refused(14));
    // A copy, with literals before and behind.
    assert_eq!(decode(20, &repeating(1, 1, 0xfffc)), (MOST - 4 + 1 + 3, None));
    assert_eq!(decode(20, &repeating(1, 1, 0xfffd)), refused(21));
    assert_eq!(decode(20, &repeating(3, 1, 0xfffa)), (MOST, None));
    assert_eq!(decode(20, &repeating(3, 1, 0xfffb)), refused(21));
    assert_eq!(decode(16, &repeating(1, 1, 0)), refused(21));
    // It takes more literals than there are, and copies what was never there.
    assert_eq!(decode(20, &repeating(1, 2, 0)), refused(21));
    assert_eq!(decode(20, &repeating(1, 0, 0)), refused(21));
}

#[test]
fn without_sequences_there_are_no_modes_however_the_count_is_written() {
    // Two literals as they are, then the count.
    let decode = |count: &[u8]| {
        let block = [&[2 << 3, b'h', b'i'][..], count].concat();
        let wire = [header(20), last_block(2, block.len(), &block)].concat();
        let (decoded, _, refusal) = outcome_in_pieces(Limits::default(), &wire, &[1]);
        (decoded, refusal.map(|(kind, _)| kind))
    };
    for count in [&[0][..], &[0x80, 0]] {
        assert_eq!(decode(count), (b"hi".to_vec(), None), "{count:?}");
        let modes = [count, &[0]].concat();
        assert_eq!(decode(&modes), (Vec::new(), Some(Kind::DataCorrupt)), "{modes:?}");
    }
}

#[test]
fn fewer_than_six_literals_are_not_in_four_streams() {
    for literals in 0..=9_u32 {
        // A code of two words of one bit; the streams, of one byte each, are zeroes behind their marks.
        let part = literals.div_ceil(4);
        let last = literals.saturating_sub(3 * part);
        let streams = [1_u8 << part, 1 << part, 1 << part, 1 << last];
        let section = [&[128, 0x10, 1, 0, 1, 0, 1, 0][..], &streams].concat();
        let sizes = 0b0110 | literals << 4 | u32::try_from(section.len()).expect("few") << 14;
        let block = [&sizes.to_le_bytes()[..3], &section, &[0]].concat();
        let wire = [header(20), last_block(2, block.len(), &block)].concat();
        let (decoded, _, refusal) = outcome_in_pieces(Limits::default(), &wire, &[1]);
        let expected = if literals < 6 { Some(Kind::DataCorrupt) } else { None };
        assert_eq!(refusal.map(|(kind, _)| kind), expected, "{literals} literals");
        let len = if literals < 6 { 0 } else { literals as usize };
        assert_eq!(decoded, vec![0; len], "{literals} literals");
    }
}

#[test]
fn flipped_bits_never_panic_and_whatever_passes_passes_elsewhere() {
    let mut theirs = vec![0; 1 << 20];
    let mut refused = 0;
    let limits = Limits::default().with_output_bytes_max(1 << 20).with_window_bytes_max(1 << 21);
    let wires = vectors().into_iter().filter(|(_, plain, _)| plain.len() <= 3_000);
    for wire in wires.map(|(_, _, wire)| wire) {
        for bit in (0..8 * wire.len()).step_by(if cfg!(miri) { 999 } else { 13 }) {
            let mut broken = wire.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            let (decoded, _, refusal) = outcome_in_pieces(limits, &broken, &[100]);
            if refusal.is_none() {
                let len = FrameDecoder::new().decode_all(&broken, &mut theirs).expect("it passed");
                assert!(decoded == theirs[..len], "bit {bit}");
            }
            refused += usize::from(refusal.is_some());
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_dictionary_and_reserved_bits_are_refused() {
    for (wire, expected) in [
        (&b"\x28\xb5\x2f\xfd\x01\x00\x07"[..], (Kind::DictionaryNeeded, 6)),
        (b"\x28\xb5\x2f\xfd\x08", (Kind::FlagsReserved, 4)),
        (b"\x28\xb5\x2f\xfd\x00\x00\x07\x00\x00", (Kind::DataCorrupt, 6)),
        (b"\x1f\x8b", (Kind::HeaderInvalid, 0)),
        (b"", (Kind::Truncated, 0)),
    ] {
        assert_eq!(outcome_in_pieces(Limits::default(), wire, &[1]).2, Some(expected));
    }
}

#[test]
fn a_window_above_the_limit_is_refused_and_none_is_taken_before_its_data() {
    let limits = Limits::default().with_window_bytes_max(1 << 20);
    let (mut refusal, mut passed) = (None, None);
    let large = [&header(21)[..], &last_block(0, 1, b"a")].concat();
    let (_, largest) = allocations(|| refusal = outcome(limits, &[&large]).2);
    assert_eq!(refusal, Some((Kind::WindowTooLarge, 5)));
    assert!(largest <= 64 << 10, "{largest} bytes");
    let exact = [&header(20)[..], &last_block(0, 1, b"a")].concat();
    let (_, largest) = allocations(|| passed = outcome(limits, &[&exact]).2);
    assert_eq!(passed, None);
    assert!(largest <= 64 << 10, "{largest} bytes for one");
    // A frame of one segment is its own window; this one says it has 2^63 octets, which is above any limit.
    let segment = b"\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x80";
    for limit in [16 << 20, usize::MAX] {
        let limits = Limits::default().with_window_bytes_max(limit);
        assert_eq!(outcome(limits, &[segment]).2, Some((Kind::WindowTooLarge, 5)));
    }
}

#[test]
fn a_short_body_takes_no_window_and_leaves_nothing() {
    // 100 octets in a window of 8 MiB.
    let wire = [header(23), last_block(0, 100, &[b'b'; 100])].concat();
    let contexts = Contexts::new(1 << 20);
    let mut output = SegmentedBuf::new(&Pool::new());
    let mut decoder = ZstdDecoder::new(Limits::default()).with_contexts(&contexts);
    assert_eq!(decoder.memory_bytes(), 0);
    assert_eq!(decoder.push(&mut &wire[..], &mut output), Ok(Status::NeedInput));
    assert!(decoder.memory_bytes() < 1 << 20, "{} bytes", decoder.memory_bytes());
    assert_eq!((decoder.finish(), decoder.memory_bytes()), (Ok(()), 0));
    let kept = (contexts.count(), contexts.bytes());
    assert!(kept.0 == 1 && kept.1 < 1 << 20, "{kept:?}");
    // The next decoder has it, and one whose window is above what may be kept does not give it back.
    decoder.reset();
    assert_eq!(decoder.push(&mut &wire[..20], &mut output), Ok(Status::NeedInput));
    assert_eq!(contexts.count(), 0);
    assert!(decoder.memory_bytes() > 8 << 20, "its end was not there to be seen");
    drop(decoder);
    assert_eq!((contexts.count(), contexts.bytes()), (0, 0));
    // One that fails gives it back at once.
    let mut decoder = ZstdDecoder::new(Limits::default()).with_contexts(&contexts);
    let broken = [header(16), last_block(3, 1, b"a")].concat();
    assert!(decoder.push(&mut &broken[..], &mut output).is_err());
    assert_eq!((decoder.memory_bytes(), contexts.count()), (0, 1));
    contexts.trim();
    assert_eq!((contexts.count(), contexts.bytes()), (0, 0));
}

#[test]
fn what_is_encoded_comes_back_from_here_and_elsewhere() {
    let contexts = Contexts::new(64 << 20);
    for number in 0..=9 {
        let level = Level::new(number).expect("up to 9");
        for len in [0, 1, 300, LEN] {
            let plain = text::text(len);
            let mut wire =
                SegmentedBuf::new(&Pool::builder().segment_size(SegmentSize::B256).build());
            let mut encoder = ZstdEncoder::new(level).with_contexts(&contexts);
            let (head, tail) = plain.split_at(len / 3);
            for (part, flush) in [(head, Flush::Sync), (tail, Flush::None), (b"", Flush::Finish)] {
                assert_eq!(encoder.push(&mut &part[..], flush, &mut wire), Ok(()));
                assert_eq!(encoder.produced(), wire.len());
                if flush == Flush::Sync {
                    let mut decoded = SegmentedBuf::new(&Pool::new());
                    let mut decoder = ZstdDecoder::new(Limits::default());
                    let pushed = decoder.push_sequence(&mut wire.sequence(), &mut decoded);
                    assert_eq!(pushed, Ok(Status::NeedInput));
                    assert!(decoded.freeze() == head, "level {number}, {len} octets");
                }
            }
            assert_eq!((encoder.consumed(), encoder.memory_bytes()), (len as u64, 0));
            let late = encoder.push(&mut &b"late"[..], Flush::None, &mut wire);
            assert!(late.is_err_and(|error| error.offset() == len as u64));
            let wire = wire.freeze().to_vec();
            let limits = Limits::default().with_window_bytes_max(8 << 20);
            assert_eq!(outcome(limits, &[&wire]), (plain.clone(), 0, None));
            let mut theirs = vec![0; len];
            let decoded = FrameDecoder::new().decode_all(&wire, &mut theirs);
            assert!(decoded.is_ok_and(|decoded| theirs[..decoded] == plain[..]));
            assert!(len < LEN || wire.len() < len, "level {number}: {} octets", wire.len());
        }
    }
    assert_eq!(contexts.count(), 1);
}

#[test]
fn an_encoder_without_memory_for_its_output_goes_on_later() {
    let plain: Vec<u8> = text::text(LEN);
    let pool = Pool::builder().segment_size(SegmentSize::B256).bytes_max(64 << 10).build();
    let mut taken: Vec<_> =
        core::iter::from_fn(|| pool.try_take_size(SegmentSize::B256).ok()).collect();
    let (mut encoder, mut output) = (ZstdEncoder::new(Level::FAST), SegmentedBuf::new(&pool));
    let (mut input, mut wire, mut refusals) = (&plain[..], Vec::new(), 0);
    while encoder.push(&mut input, Flush::Finish, &mut output).is_err() {
        refusals += 1;
        wire.extend(output.split().to_vec());
        output.clear();
        drop(taken.pop());
    }
    wire.extend(output.split().to_vec());
    assert!(refusals > 0);
    assert!(outcome(Limits::default(), &[&wire]) == (plain, 0, None));
}

#[test]
fn stream_after_stream_allocates_nothing_but_segments() {
    let small = vectors().into_iter().map(|(_, _, wire)| wire).filter(|wire| wire.len() < 2_000);
    let wires: Vec<Vec<u8>> = small.chain([encoded(&text::text(LEN))]).collect();
    let mut output = SegmentedBuf::new(&Pool::new());
    let mut decoder = ZstdDecoder::new(Limits::default()).with_contexts(&Contexts::new(64 << 20));
    let mut decode = |wire: &[u8]| {
        decoder.reset();
        for mut piece in wire.chunks(1_460) {
            assert!(decoder.push(&mut piece, &mut output).is_ok());
        }
        let result = decoder.finish();
        drop(output.split());
        result
    };
    let mut decode_all = || {
        for wire in &wires {
            assert_eq!(decode(wire), Ok(()));
            assert!(decode(&wire[..wire.len() / 2]).is_err());
        }
    };
    (0..4).for_each(|_| decode_all());
    let (count, _) = allocations(decode_all);
    assert_eq!(count, 0);
}

#[test]
fn after_an_exhausted_pool_the_rest_of_the_input_is_pushed() {
    let plain = text::text(LEN);
    let wire = encoded(&plain);
    let pool = Pool::builder().segment_size(SegmentSize::B256).bytes_max(64 << 10).build();
    let (mut decoder, mut output) = (ZstdDecoder::new(Limits::default()), SegmentedBuf::new(&pool));
    let (mut input, mut decoded, mut exhausted) = (&wire[..], Vec::new(), 0);
    loop {
        let pushed = decoder.push(&mut input, &mut output);
        decoded.extend(output.split().to_vec());
        output.clear();
        match pushed {
            Ok(status) => break assert_eq!((status, input.len()), (Status::NeedInput, 0)),
            Err(error) => assert!(matches!(error.kind(), Kind::OutOfMemory(_)), "{error}"),
        }
        exhausted += 1;
    }
    assert_eq!(decoder.finish(), Ok(()));
    assert!(decoded == plain);
    assert_eq!(exhausted > 0, LEN > 64 << 10);
}
