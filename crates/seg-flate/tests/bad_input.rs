//! Streams that are cut short, corrupt, too large, or no streams at all.

#[path = "harness/decode.rs"]
mod harness;

use std::io::Write;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use harness::{Outcome, decode};
use proptest::prelude::*;
use seg_flate::{Decode, Format, InflateError, InflateErrorKind as Kind, Inflater, Limits};
use seg_pool::{Pool, SLAB_BYTES, SegmentSize};
use seg_seq::SegmentedBuf;

/// Zeroes in a bomb.
const BOMB_BYTES: usize = if cfg!(miri) { 70_000 } else { 2 << 20 };

const FORMATS: [Format; 4] = [Format::Gzip, Format::Zlib, Format::Raw, Format::Deflate];

/// `body` in a wrapping; HTTP's `deflate` is zlib here.
fn compress(format: Format, body: &[u8]) -> Vec<u8> {
    let level = Compression::best();
    match format {
        Format::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(body).and_then(|()| encoder.finish())
        }
        Format::Raw => {
            let mut encoder = DeflateEncoder::new(Vec::new(), level);
            encoder.write_all(body).and_then(|()| encoder.finish())
        }
        _ => {
            let mut encoder = ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(body).and_then(|()| encoder.finish())
        }
    }
    .expect("into memory")
}

/// Numbers in words, which repeat somewhat.
fn text(len: usize) -> Vec<u8> {
    let mut text: Vec<u8> = Vec::new();
    (0..).take_while(|n| n * 6 < len).for_each(|n| text.extend(format!("{:x}, ", n * n).bytes()));
    text.truncate(len);
    text
}

fn in_bytes(wire: &[u8]) -> Vec<&[u8]> {
    wire.chunks(1).collect()
}

#[test]
fn every_truncation_is_an_error_and_keeps_what_was_decoded() {
    let body = text(if cfg!(miri) { 60 } else { 2_000 });
    for format in FORMATS {
        let wire = compress(format, &body);
        let mut before = 0;
        for len in 0..wire.len() {
            let name = format!("{format:?}, {len} of {} bytes", wire.len());
            let outcome = decode(format, Limits::default(), &[&wire[..len]]);
            assert_eq!(outcome.failure, Some((Kind::Truncated, len as u64)), "{name}");
            assert!(body.starts_with(&outcome.decoded), "{name}");
            // Every further byte of input shows as much or more of the output.
            assert!(outcome.decoded.len() >= before, "{name}");
            before = outcome.decoded.len();
            let cut = decode(format, Limits::default(), &in_bytes(&wire[..len]));
            assert_eq!(cut, outcome, "{name}");
        }
        // The last byte of each wrapping holds at most the end of the last block.
        assert_eq!(before, body.len(), "{format:?}");
    }
}

#[test]
fn every_flipped_bit_is_an_error_or_changes_nothing() {
    let body = text(if cfg!(miri) { 20 } else { 300 });
    for (format, harmless_max) in [(Format::Gzip, 8 * 6 + 1), (Format::Zlib, 0)] {
        let good = compress(format, &body);
        let mut harmless = 0;
        for bit in 0..good.len() * 8 {
            let mut wire = good.clone();
            wire[bit / 8] ^= 1 << (bit % 8);
            let outcome = decode(format, Limits::default(), &[&wire]);
            if outcome.failure.is_none() {
                assert_eq!(outcome, Outcome::whole(&body), "{format:?}, bit {bit}");
                harmless += 1;
            }
            let cut = decode(format, Limits::default(), &in_bytes(&wire));
            assert_eq!(cut.decoded, outcome.decoded, "{format:?}, bit {bit}");
            assert_eq!(cut.failure.is_some(), outcome.failure.is_some(), "bit {bit}");
        }
        // A gzip header's time, extra flags, system and FTEXT say nothing about the data. The
        // padding bits of the last block may be anything.
        assert!(harmless <= harmless_max + 7, "{format:?}: {harmless} bits");
    }
}

#[test]
fn refused_zlib_streams_say_where() {
    let good = compress(Format::Zlib, b"hello");
    let adler = good.len() - 4;
    let mut cases: Vec<(&str, Vec<u8>, Kind, u64)> = vec![
        ("method", b"\x79\x00".to_vec(), Kind::MethodUnsupported, 0),
        ("gzip", b"\x1f\x8b\x08".to_vec(), Kind::MethodUnsupported, 0),
        ("window_of_64_kib", b"\x88\x1c\x03\x00".to_vec(), Kind::HeaderInvalid, 1),
        ("check_bits", b"\x78\x9d\x03\x00".to_vec(), Kind::HeaderInvalid, 1),
        ("dictionary", b"\x78\xbb\x00\x00\x00\x01".to_vec(), Kind::DictionaryNeeded, 1),
    ];
    for index in adler..good.len() {
        let mut wire = good.clone();
        wire[index] ^= 0x80;
        cases.push(("adler", wire, Kind::ChecksumMismatch, adler as u64));
    }
    for (name, wire, kind, offset) in cases {
        for at in 0..=wire.len() {
            let (head, tail) = wire.split_at(at);
            let outcome = decode(Format::Zlib, Limits::default(), &[head, tail]);
            assert_eq!(outcome.failure, Some((kind, offset)), "{name}, cut at {at}");
        }
    }
}

#[test]
fn deflate_is_zlib_when_its_header_says_so() {
    const RAW: &[u8] = b"\x78\x02\x00\xfd\xffhi\x03\x00";
    const DICTIONARY: &[u8] = b"\x78\x20\x00\xdf\xff--------------------------------\x03\x00";
    // The Adler-32 is checked, so it was not taken for a raw stream.
    let mut wire = compress(Format::Deflate, b"hello");
    let adler = wire.len() - 4;
    wire[adler] ^= 1;
    let outcome = decode(Format::Deflate, Limits::default(), &in_bytes(&wire));
    let failure = Some((Kind::ChecksumMismatch, adler as u64));
    assert_eq!(outcome, Outcome { failure, ..Outcome::whole(b"hello") });
    // A stored block's first byte may look like zlib's; the second then is no check of it.
    let outcome = decode(Format::Deflate, Limits::default(), &in_bytes(RAW));
    assert_eq!(outcome, Outcome::whole(b"hi"));
    // A header that asks for a dictionary is one, even if what follows could be a stored block.
    let outcome = decode(Format::Deflate, Limits::default(), &in_bytes(DICTIONARY));
    assert_eq!(outcome.failure, Some((Kind::DictionaryNeeded, 1)));
    // One byte is not enough to tell.
    let one = decode(Format::Deflate, Limits::default(), &[b"\x78"]);
    assert_eq!(one.failure, Some((Kind::Truncated, 1)));
}

/// Bits in the order of RFC 1951 section 3.1.1.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    /// Appends a number, its lowest bit first.
    fn number(mut self, value: u32, count: u32) -> Self {
        self.0.extend((0..count).map(|bit| value >> bit & 1 == 1));
        self
    }

    /// Appends a Huffman code, its highest bit first.
    fn code(mut self, code: u32, count: u32) -> Self {
        self.0.extend((0..count).rev().map(|bit| code >> bit & 1 == 1));
        self
    }

    /// Appends a last block's header, and "x" if its codes are the fixed ones.
    fn block(kind: u32) -> Self {
        let header = Self::default().number(1, 1).number(kind, 2);
        if kind == 1 { header.code(0x30 + u32::from(b'x'), 8) } else { header }
    }

    /// Returns the bytes, and enough behind them that none of them is missing.
    fn bytes(self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | u8::from(*bit) << at)
        };
        self.0.chunks(8).map(byte).chain([0; 16]).collect()
    }
}

#[test]
fn data_that_breaks_a_rule_is_refused() {
    /// Code lengths for a header of a dynamic block: HLIT, HDIST, HCLEN.
    fn dynamic(literals: u32, distances: u32, lengths: &[u32]) -> Bits {
        let count = u32::try_from(lengths.len()).expect("at most 19");
        let header = Bits::block(2).number(literals - 257, 5).number(distances - 1, 5);
        lengths.iter().fold(header.number(count - 4, 4), |bits, len| bits.number(*len, 3))
    }
    let cases: [(&str, Bits, &[u8]); 12] = [
        ("block_type_3", Bits::block(3), b""),
        ("stored_lengths_differ", Bits::block(0).number(0, 5).number(5, 16).number(5, 16), b""),
        ("symbol_286", Bits::block(1).code(0b1100_0110, 8), b"x"),
        ("symbol_287", Bits::block(1).code(0b1100_0111, 8), b"x"),
        ("distance_symbol_30", Bits::block(1).code(1, 7).code(30, 5), b"x"),
        ("distance_symbol_31", Bits::block(1).code(1, 7).code(31, 5), b"x"),
        ("distance_before_the_start", Bits::block(1).code(1, 7).code(1, 5), b"x"),
        ("distance_far_before", Bits::block(1).code(1, 7).code(29, 5).number(8_191, 13), b"x"),
        ("literals_287", dynamic(287, 1, &[1, 1, 0, 0]), b""),
        ("lengths_oversubscribed", dynamic(257, 1, &[1, 1, 1, 1]), b""),
        ("lengths_incomplete", dynamic(257, 1, &[2, 2, 0, 0]), b""),
        // Symbol 16 repeats the length before, and there is none.
        ("repeat_of_nothing", dynamic(257, 1, &[1, 1, 0, 0]).code(0, 1), b""),
    ];
    for (name, bits, decoded) in cases {
        let wire = bits.bytes();
        for at in 0..=wire.len() {
            let (head, tail) = wire.split_at(at);
            let outcome = decode(Format::Raw, Limits::default(), &[head, tail]);
            let name = format!("{name}, cut at {at}");
            assert_eq!(outcome.failure.map(|(kind, _)| kind), Some(Kind::DataCorrupt), "{name}");
            assert_eq!(outcome.decoded, decoded, "{name}");
        }
    }
}

/// Pushes all of `wire`; returns the error, the output, and what the output's memory is.
fn push_bomb(
    format: Format,
    limits: Limits,
    wire: &[u8],
    piece: usize,
) -> (Option<InflateError>, u64, u64) {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let mut output = SegmentedBuf::new(&pool);
    let mut inflater = Inflater::new(format, limits);
    let error =
        wire.chunks(piece).find_map(|mut piece| inflater.push(&mut piece, &mut output).err());
    if let Some(error) = error {
        assert_eq!(inflater.push(&mut &wire[..], &mut output), Err(error), "it stays");
        assert_eq!(inflater.finish(), Err(error), "it stays");
    }
    (error, output.len(), output.held_bytes())
}

/// Returns the most that a list of segments of 256 bytes takes: one block in small lists, and in long ones the
/// first of 64 KiB, leaves of 64 KiB for the chunks, and the directory of the leaves, which begins with 256 bytes.
fn list_bytes(len: u64) -> u64 {
    match len.div_ceil(256) {
        0..=1 => 0,
        2..=6 => 256,
        7..=126 => 4_096,
        127..=510 => 16_384,
        chunks => 65_536 + 256 + (chunks * 32).next_multiple_of(65_536),
    }
}

#[test]
fn a_bomb_stops_at_the_output_limit() {
    let body = vec![0; BOMB_BYTES];
    let all = BOMB_BYTES as u64;
    for format in FORMATS {
        let wire = compress(format, &body);
        for limit in [0, 1, 255, 256, 257, 65_536, all - 1] {
            for piece in [7, wire.len()] {
                let limits = Limits::default().with_output_bytes_max(limit);
                let (error, len, held) = push_bomb(format, limits, &wire, piece);
                let name = format!("{format:?}, limit {limit}, pieces of {piece}");
                assert_eq!(error.map(|e| e.kind()), Some(Kind::OutputTooLong), "{name}");
                assert_eq!(len, limit, "{name}");
                let held_max = limit.next_multiple_of(256) + list_bytes(limit);
                assert!(held <= held_max, "{name}: {held} bytes held");
            }
        }
        let exact = Limits::default().with_output_bytes_max(all);
        for piece in [1, wire.len()] {
            let (error, len, _) = push_bomb(format, exact, &wire, piece);
            assert_eq!((error, len), (None, all), "{format:?}");
        }
    }
}

#[test]
fn what_is_beyond_the_output_limit_is_in_the_same_place_in_every_cut() {
    // Blocks of nothing lie between what is allowed and what is not, and behind that.
    let nothing = b"\0\0\0\xff\xff".repeat(20);
    let hello = b"\0\x05\0\xfa\xffhello";
    let wire = [hello, &nothing[..], b"\0\x01\0\xfe\xff!", &nothing].concat();
    let place = (hello.len() + nothing.len() + 6) as u64;
    for piece in [1, 2, 7, wire.len()] {
        let limits = Limits::default().with_output_bytes_max(5);
        let (error, len, _) = push_bomb(Format::Raw, limits, &wire, piece);
        let error = error.map(|error| (error.kind(), error.offset()));
        let expected = Some((Kind::OutputTooLong, place));
        assert_eq!((error, len), (expected, 5), "pieces of {piece}");
    }
    // Matches, the last of which the end of the block follows in the same byte or in the next one.
    let wire = compress(Format::Raw, &[0; 600]);
    for limit in 1..600 {
        let limits = Limits::default().with_output_bytes_max(limit);
        let whole = decode(Format::Raw, limits, &[&wire]);
        let bytes = decode(Format::Raw, limits, &in_bytes(&wire));
        assert_eq!(bytes, whole, "limit {limit}");
        assert_eq!(whole.failure.map(|failure| failure.0), Some(Kind::OutputTooLong));
    }
}

#[test]
fn a_bomb_of_many_members_stops_at_the_output_limit() {
    let member = compress(Format::Gzip, &[0; 1_000]);
    let wire = member.repeat(50);
    for (limit, is_refused) in [(999, true), (1_000, true), (49_999, true), (50_000, false)] {
        let limits = Limits::default().with_output_bytes_max(limit);
        let (error, len, _) = push_bomb(Format::Gzip, limits, &wire, wire.len());
        let expected = is_refused.then_some(Kind::OutputTooLong);
        assert_eq!((error.map(|e| e.kind()), len), (expected, limit));
    }
    // Members of nothing are within any limit.
    let nothing = compress(Format::Gzip, b"").repeat(50);
    let none = Limits::default().with_output_bytes_max(0).with_ratio_max(0);
    let (error, len, held) = push_bomb(Format::Gzip, none, &nothing, 11);
    assert_eq!((error, len, held), (None, 0, 0));
}

#[test]
fn a_bomb_stops_at_the_ratio_limit() {
    let body = vec![0; BOMB_BYTES];
    for format in FORMATS {
        let wire = compress(format, &body);
        for ratio in [0, 1, 10] {
            let limits = Limits::default().with_ratio_max(ratio);
            let (_, refused_len, _) = push_bomb(format, limits, &wire, wire.len());
            for piece in [1, 100, 255, 256, 257, wire.len()] {
                let (error, len, held) = push_bomb(format, limits, &wire, piece);
                let name = format!("{format:?}, ratio {ratio}, pieces of {piece}");
                let Some(error) = error else { panic!("{name}: no error") };
                assert_eq!(error.kind(), Kind::RatioTooHigh, "{name}");
                assert_eq!(len, refused_len, "{name}");
                assert!(held <= len + 256 + list_bytes(len + 256), "{name}: {held} bytes held");
                // Where the step ends that made too much.
                let step_end = (error.offset() + 1).next_multiple_of(256);
                assert!((65_536..=65_536 + ratio * step_end).contains(&len), "{name}: {len}");
            }
        }
        let (error, len, _) =
            push_bomb(format, Limits::default().with_ratio_max(1_100), &wire, wire.len());
        assert_eq!((error, len), (None, BOMB_BYTES as u64), "{format:?}");
    }
}

#[test]
fn what_comes_later_does_not_make_up_for_too_high_a_ratio() {
    // As a whole it grows less than ninefold, but not where it begins.
    let mut state = 1_u32;
    let noise = (0..BOMB_BYTES / 8).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    let body: Vec<u8> = vec![0; BOMB_BYTES].into_iter().chain(noise).collect();
    for format in FORMATS {
        let wire = compress(format, &body);
        assert!(body.len() < 9 * wire.len() + 65_536);
        let limits = Limits::default().with_ratio_max(9);
        let outcome = |piece| {
            let (error, len, _) = push_bomb(format, limits, &wire, piece);
            (error.map(|error| error.kind()), len)
        };
        let whole = outcome(wire.len());
        assert_eq!(whole.0, (!cfg!(miri)).then_some(Kind::RatioTooHigh), "{format:?}");
        for piece in [1, 1_000, 16 << 10] {
            assert_eq!(outcome(piece), whole, "{format:?}, pieces of {piece}");
        }
    }
}

#[test]
fn the_nearer_of_two_limits_is_the_one_named() {
    let wire = compress(Format::Zlib, &vec![0; BOMB_BYTES]);
    for (bytes, kind) in [(65_536, Kind::OutputTooLong), (65_537, Kind::RatioTooHigh)] {
        let limits = Limits::default().with_output_bytes_max(bytes).with_ratio_max(0);
        let (error, len, _) = push_bomb(Format::Zlib, limits, &wire, wire.len());
        assert_eq!((error.map(|e| e.kind()), len), (Some(kind), 65_536));
    }
}

/// A pool of one slab.
fn small_pool(size: SegmentSize) -> Pool {
    Pool::builder().bytes_max(SLAB_BYTES).segment_size(size).build()
}

#[test]
fn after_an_exhausted_pool_the_rest_of_the_input_is_pushed() {
    let body = text(4 * SLAB_BYTES + 1);
    for format in FORMATS {
        let wire = compress(format, &body);
        for (size, piece) in [(SegmentSize::B256, wire.len()), (SegmentSize::K16, 1_000)] {
            let pool = small_pool(size);
            let mut output = SegmentedBuf::new(&pool);
            let mut inflater = Inflater::new(format, Limits::default());
            let (mut decoded, mut refusals) = (Vec::new(), 0);
            for mut input in wire.chunks(piece) {
                while let Err(error) = inflater.push(&mut input, &mut output) {
                    assert!(matches!(error.kind(), Kind::OutOfMemory(_)), "{error}");
                    assert_eq!(error.offset(), inflater.consumed());
                    // It comes again for as long as there is no memory.
                    assert_eq!(inflater.push(&mut input, &mut output), Err(error));
                    decoded.extend(output.split().to_vec());
                    refusals += 1;
                }
                assert!(input.is_empty());
            }
            decoded.extend(output.split().to_vec());
            assert_eq!(inflater.finish(), Ok(()));
            assert!(decoded == body, "{format:?}, {size:?}");
            assert!(refusals >= 4, "{refusals} refusals");
        }
    }
}

#[test]
fn an_error_of_io_says_whether_more_input_helps() {
    let mut inflater = Inflater::new(Format::Gzip, Limits::default());
    let truncated = inflater.finish().expect_err("no stream");
    assert_eq!(std::io::Error::from(truncated).kind(), std::io::ErrorKind::UnexpectedEof);
    inflater.reset(Format::Gzip);
    let wrong = inflater.push(&mut &b"no gzip"[..], &mut SegmentedBuf::new(&Pool::new()));
    let wrong = std::io::Error::from(wrong.expect_err("no gzip"));
    assert_eq!(wrong.kind(), std::io::ErrorKind::InvalidData);
    assert!(wrong.get_ref().is_some_and(|inside| inside.is::<InflateError>()));
}

#[test]
fn an_error_says_what_and_where() {
    let mut inflater = Inflater::new(Format::Gzip, Limits::default());
    let mut output = SegmentedBuf::new(&Pool::new());
    let error = inflater.push(&mut &b"\x1f\x8b\x00"[..], &mut output).expect_err("no DEFLATE");
    assert_eq!(
        error.to_string(),
        "compression method is not DEFLATE, at byte 2 of the compressed stream"
    );
}

/// Bytes that get past the first checks more often than random ones do.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let mutated = (
        prop::sample::select(&FORMATS[..]),
        0_usize..3_000,
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    )
        .prop_map(|(format, len, changes)| {
            let mut wire = compress(format, &text(len));
            for (index, byte) in changes {
                let index = index.index(wire.len());
                wire[index] = byte;
            }
            wire
        });
    let headed = prop::collection::vec(any::<u8>(), 0..500).prop_flat_map(|bytes| {
        prop::sample::select(vec![&b""[..], b"\x1f\x8b\x08\x00\0\0\0\0\0\0", b"\x78\x9c"])
            .prop_map(move |head| [head, &bytes].concat())
    });
    prop_oneof![mutated, headed]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 2_000 }))]

    #[test]
    fn garbage_never_panics_and_its_cuts_change_little(
        wire in garbage(),
        at in any::<prop::sample::Index>(),
        limit in prop_oneof![Just(u64::MAX), 0_u64..2_000],
    ) {
        let limits = Limits::default().with_output_bytes_max(limit);
        let (head, tail) = wire.split_at(at.index(wire.len() + 1));
        for format in FORMATS {
            let name = format!("{format:?}");
            let whole = decode(format, limits, &[&wire]);
            prop_assert!(whole.decoded.len() as u64 <= limit, "{}", name);
            let cut = decode(format, limits, &[head, tail]);
            prop_assert_eq!(&cut.decoded, &whole.decoded, "{}", name);
            prop_assert_eq!(where_it_is_certain(&cut), where_it_is_certain(&whole), "{}", name);
        }
    }
}

/// A failure, with its offset where that is no matter of how far the engine looks ahead.
fn where_it_is_certain(outcome: &Outcome) -> Option<(Kind, Option<u64>)> {
    outcome.failure.map(|(kind, offset)| match kind {
        Kind::DataCorrupt | Kind::OutputTooLong => (kind, None),
        _ => (kind, Some(offset)),
    })
}
