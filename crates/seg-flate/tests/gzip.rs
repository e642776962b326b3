//! The framing of gzip: headers, members, trailers, and what lies behind them (RFC 1952).

#[path = "harness/decode.rs"]
mod harness;

use flate2::Crc;
use harness::{Outcome, decode};
use seg_flate::{Decode, Format, InflateErrorKind as Kind, Inflater, Limits, Status, Trailing};
use seg_pool::Pool;
use seg_seq::{SegmentedBuf, Sequence};

const FTEXT: u8 = 1;
const FHCRC: u8 = 1 << 1;
const FEXTRA: u8 = 1 << 2;
const FNAME: u8 = 1 << 3;
const FCOMMENT: u8 = 1 << 4;

/// "hello" with fixed codes.
const HELLO: &[u8] = b"\xcb\x48\xcd\xc9\xc9\x07\x00";
/// No bytes, with fixed codes.
const NOTHING: &[u8] = b"\x03\x00";

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A header with the fields that `flags` names (RFC 1952 section 2.3).
fn header(flags: u8, extra: &[u8], text: &[u8]) -> Vec<u8> {
    let mut header = vec![0x1f, 0x8b, 8, flags, 0x12, 0x34, 0x56, 0x78, 2, 255];
    if flags & FEXTRA != 0 {
        header.extend(u16::try_from(extra.len()).expect("16 bits").to_le_bytes());
        header.extend(extra);
    }
    for flag in [FNAME, FCOMMENT] {
        if flags & flag != 0 {
            header.extend(text);
            header.push(0);
        }
    }
    if flags & FHCRC != 0 {
        let [low, high, ..] = crc(&header).to_le_bytes();
        header.extend([low, high]);
    }
    header
}

fn member(header: &[u8], data: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("32 bits");
    [header, data, &crc(body).to_le_bytes(), &length.to_le_bytes()].concat()
}

fn hello() -> Vec<u8> {
    member(&header(0, b"", b""), HELLO, b"hello")
}

/// Asserts the outcome of `wire` whole, byte by byte, and cut at every byte.
#[track_caller]
fn check(name: &str, limits: Limits, wire: &[u8], expected: &Outcome) {
    let bytes: Vec<&[u8]> = wire.chunks(1).collect();
    assert_eq!(&decode(Format::Gzip, limits, &bytes), expected, "{name}, in bytes");
    for at in 0..=wire.len() {
        let (head, tail) = wire.split_at(at);
        let outcome = decode(Format::Gzip, limits, &[head, tail]);
        assert_eq!(&outcome, expected, "{name}, cut at {at}");
    }
}

/// Asserts where `wire` is refused, what it decoded to before, and that nothing behind is taken.
#[track_caller]
fn check_refused(name: &str, limits: Limits, wire: &[u8], decoded: &[u8], kind: Kind, offset: u64) {
    for at in 0..=wire.len() {
        let (head, tail) = wire.split_at(at);
        let outcome = decode(Format::Gzip, limits, &[head, tail]);
        let failure = Some((kind, offset));
        assert_eq!(
            (outcome.decoded, outcome.failure),
            (decoded.to_vec(), failure),
            "{name}, cut at {at}"
        );
    }
}

#[test]
fn every_combination_of_header_fields_is_read() {
    let longest = vec![7; if cfg!(miri) { 20 } else { 300 }];
    for flags in 0..1 << 5 {
        for extra in [&b""[..], b"x", b"AB\x02\x00\x00\x01", &longest] {
            for text in [&b""[..], b"a name\xe9"] {
                let wire = member(&header(flags, extra, text), HELLO, b"hello");
                let name = format!("flags {flags:#07b}, {} bytes extra", extra.len());
                check(&name, Limits::default(), &wire, &Outcome::whole(b"hello"));
            }
        }
    }
}

#[test]
fn a_header_checksum_that_is_wrong_is_refused_at_its_second_byte() {
    for flags in [FHCRC, FHCRC | FTEXT, FHCRC | FEXTRA | FNAME | FCOMMENT] {
        let good = header(flags, b"extra", b"name");
        for bit in 0..16 {
            let mut wire = member(&good, HELLO, b"hello");
            wire[good.len() - 2 + bit / 8] ^= 1 << (bit % 8);
            let offset = good.len() as u64 - 1;
            let name = format!("flags {flags:#07b}, bit {bit}");
            check_refused(&name, Limits::default(), &wire, b"", Kind::HeaderChecksum, offset);
        }
    }
}

#[test]
fn a_header_checksum_covers_every_byte_before_it() {
    let good = header(FHCRC | FEXTRA | FNAME, b"extra", b"name");
    for index in (4..10).chain(12..17).chain(17..21) {
        let mut wire = member(&good, HELLO, b"hello");
        wire[index] ^= 1;
        let offset = good.len() as u64 - 1;
        let name = format!("byte {index}");
        check_refused(&name, Limits::default(), &wire, b"", Kind::HeaderChecksum, offset);
    }
}

#[test]
fn refused_headers_say_which_byte() {
    let cases: &[(&str, &[u8], Kind, u64)] = &[
        ("no_magic", b"\x1e\x8b\x08\x00", Kind::HeaderInvalid, 0),
        ("half_a_magic", b"\x1f\x8a\x08\x00", Kind::HeaderInvalid, 1),
        ("compress_magic", b"\x1f\x9d\x90\x00", Kind::HeaderInvalid, 1),
        ("method_stored", b"\x1f\x8b\x00\x00", Kind::MethodUnsupported, 2),
        ("method_reserved", b"\x1f\x8b\xff\x00", Kind::MethodUnsupported, 2),
        ("flag_5_encrypted", b"\x1f\x8b\x08\x20", Kind::FlagsReserved, 3),
        ("flag_6", b"\x1f\x8b\x08\x40", Kind::FlagsReserved, 3),
        ("flag_7", b"\x1f\x8b\x08\x80", Kind::FlagsReserved, 3),
        ("all_flags", b"\x1f\x8b\x08\xff", Kind::FlagsReserved, 3),
        ("zlib", b"\x78\x9c\x03\x00", Kind::HeaderInvalid, 0),
    ];
    for (name, wire, kind, offset) in cases {
        check_refused(name, Limits::default(), wire, b"", *kind, *offset);
        // Of a second member, offsets go on from the first.
        let first = hello();
        if wire.starts_with(b"\x1f\x8b") {
            let second = [&first, *wire].concat();
            let offset = first.len() as u64 + offset;
            check_refused(name, Limits::default(), &second, b"hello", *kind, offset);
        }
    }
}

#[test]
fn a_header_is_as_long_as_the_limit_and_no_longer() {
    let cases: &[(&str, Vec<u8>)] = &[
        ("fixed", header(0, b"", b"")),
        ("extra", header(FEXTRA, &[0; 40], b"")),
        ("name", header(FNAME, b"", &[b'n'; 40])),
        ("comment", header(FCOMMENT, b"", &[b'c'; 40])),
        ("checksum", header(FHCRC, b"", b"")),
    ];
    for (name, header) in cases {
        let len = header.len() as u64;
        let wire = member(header, HELLO, b"hello");
        let exact = Limits::default().with_header_bytes_max(len);
        check(name, exact, &wire, &Outcome::whole(b"hello"));
        // Members have the limit each.
        let twice = [&wire[..], &wire].concat();
        check(name, exact, &twice, &Outcome::whole(b"hellohello"));
        for limit in [1, len / 2, len - 1] {
            let limits = Limits::default().with_header_bytes_max(limit);
            check_refused(name, limits, &wire, b"", Kind::HeaderTooLong, limit - 1);
        }
        let second = [&hello(), &wire[..]].concat();
        if len > 10 {
            let limits = Limits::default().with_header_bytes_max(len - 1);
            let offset = hello().len() as u64 + len - 2;
            check_refused(name, limits, &second, b"hello", Kind::HeaderTooLong, offset);
        }
    }
}

#[test]
fn a_name_without_an_end_stops_at_the_default_limit() {
    let mut wire = header(FNAME, b"", b"");
    wire.pop();
    wire.resize(1 << 20, b'n');
    let outcome = decode(Format::Gzip, Limits::default(), &[&wire]);
    assert_eq!(outcome.failure, Some((Kind::HeaderTooLong, (16 << 10) + 9)));
    assert_eq!(outcome.rest, (1 << 20) - (16 << 10) - 10);
}

#[test]
fn members_follow_one_another() {
    let empty = member(&header(FNAME, b"", b"empty"), NOTHING, b"");
    let hello = member(&header(FHCRC | FEXTRA, b"e", b""), HELLO, b"hello");
    type Case<'a> = (&'a str, &'a [&'a [u8]], &'a [u8]);
    let cases: &[Case<'_>] = &[
        ("one", &[&hello], b"hello"),
        ("two", &[&hello, &hello], b"hellohello"),
        ("one_empty", &[&empty], b""),
        ("all_empty", &[&empty, &empty, &empty], b""),
        ("empty_first", &[&empty, &hello], b"hello"),
        ("empty_between", &[&hello, &empty, &hello], b"hellohello"),
        ("empty_last", &[&hello, &empty], b"hello"),
    ];
    for (name, members, body) in cases {
        let wire = members.concat();
        for trailing in [Trailing::Refuse, Trailing::Leave] {
            let limits = Limits::default().with_trailing(trailing);
            check(name, limits, &wire, &Outcome::whole(body));
        }
    }
}

#[test]
fn a_member_cannot_reach_into_the_one_before() {
    // A literal "x" and a match of three bytes from five before, with fixed codes: legal only if
    // the member before counted.
    let wire = [hello(), header(0, b"", b""), b"\xab\x00\x12\x00".to_vec()].concat();
    let outcome = decode(Format::Gzip, Limits::default(), &[&wire]);
    let failure = outcome.failure.map(|(kind, _)| kind);
    assert_eq!(failure, Some(Kind::DataCorrupt), "{:?}", outcome.decoded);
}

#[test]
fn bytes_behind_the_last_member_are_refused_or_left() {
    let first = hello();
    let cases: &[(&str, &[u8])] = &[
        ("zero", b"\0"),
        ("padding", &[0; 30]),
        ("second_magic_byte", b"\x8b\x1f"),
        ("next_message", b"HTTP/1.1 200 OK\r\n\r\n"),
    ];
    for members in 1..3 {
        let body = b"hello".repeat(members);
        for (name, behind) in cases {
            let wire = [&first.repeat(members), *behind].concat();
            let offset = (first.len() * members) as u64;
            check_refused(name, Limits::default(), &wire, &body, Kind::TrailingData, offset);
            let left = Outcome { rest: behind.len(), ..Outcome::whole(&body) };
            check(name, Limits::default().with_trailing(Trailing::Leave), &wire, &left);
        }
    }
}

#[test]
fn what_follows_the_last_member_of_a_sequence_is_left_once() {
    let (wire, after) = (hello(), b"\x1fgarbage");
    let limits = Limits::default().with_trailing(Trailing::Leave);
    for cut in 0..wire.len() + after.len() {
        let wire = [&wire, &after[..]].concat();
        let (head, tail) = wire.split_at(cut);
        let mut input = Sequence::from(head.to_vec());
        input.append(tail.to_vec().into());
        let mut inflater = Inflater::new(Format::Gzip, limits);
        let pushed = inflater.push_sequence(&mut input, &mut SegmentedBuf::new(&Pool::new()));
        assert_eq!(pushed, Ok(Status::End));
        assert_eq!([inflater.leftover(), &input.to_vec()].concat(), after, "cut at {cut}");
    }
}

#[test]
fn what_starts_no_member_by_both_magic_bytes_is_left_or_refused() {
    let first = hello();
    for after in [&b"\x1f"[..], b"\x1fgarbage", b"\x1f\x1f\x8b", b"\x8b\x1f"] {
        let wire = [&first, after].concat();
        let left = Outcome { rest: after.len(), ..Outcome::whole(b"hello") };
        check("left", Limits::default().with_trailing(Trailing::Leave), &wire, &left);
        // One byte alone may be the start of a member that was cut short.
        let (kind, offset) = match after.len() {
            1 => (Kind::Truncated, wire.len()),
            _ => (Kind::TrailingData, first.len()),
        };
        check_refused("refused", Limits::default(), &wire, b"hello", kind, offset as u64);
    }
    // What starts with both has to be a member.
    let wire = [&first, &b"\x1f\x8b!"[..]].concat();
    for trailing in [Trailing::Refuse, Trailing::Leave] {
        let limits = Limits::default().with_trailing(trailing);
        let offset = first.len() as u64 + 2;
        check_refused("method", limits, &wire, b"hello", Kind::MethodUnsupported, offset);
        check_refused("half", limits, &wire[..wire.len() - 1], b"hello", Kind::Truncated, offset);
    }
}

#[test]
fn trailers_are_checked_in_every_member() {
    let good = hello();
    let trailer = good.len() - 8;
    for before in 0..3 {
        let body = b"hello".repeat(before + 1);
        for bit in 0..64 {
            let mut wire = good.repeat(before + 1);
            wire[good.len() * before + trailer + bit / 8] ^= 1 << (bit % 8);
            let (kind, field) =
                if bit < 32 { (Kind::ChecksumMismatch, 0) } else { (Kind::LengthMismatch, 4) };
            let offset = (good.len() * before + trailer + field) as u64;
            let name = format!("bit {bit} behind {before} members");
            check_refused(&name, Limits::default(), &wire, &body, kind, offset);
        }
    }
}
