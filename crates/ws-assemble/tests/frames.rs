//! The rules of frames, one row each, in every cut, for both roles and both assemblies.

use seg_pool::{Pool, SegmentMut, SegmentSize};
use ws_assemble::{
    Assembly, CloseFrame, DecodeError, DecodeErrorKind, Decoder, Event, Limits, MessageKind, Role,
};

const CASES: &str = include_str!("data/frames.cases");

/// Longer wires are not cut at every byte, but near both ends and here and there between.
const CUT_EVERYWHERE_MAX: usize = if cfg!(miri) { 12 } else { 160 };

/// A step that meets every phase of a masking key.
const CUT_STEP: usize = if cfg!(miri) { 40_009 } else { 9_001 };

/// Longer wires are left out where each byte costs too much.
const WIRE_BYTES_MAX: usize = if cfg!(miri) { 300 } else { 1 << 20 };

/// One row of the table.
struct Case {
    name: &'static str,
    role: &'static str,
    limits: Limits,
    wire: Vec<u8>,
    events: Vec<Seen>,
    outcome: Outcome,
}

/// An [`Event`] in plain bytes, so that tables can spell it.
#[derive(Debug, PartialEq)]
enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, Vec<u8>)>),
}

/// What the decoder says when the wire is used up.
#[derive(Debug, PartialEq)]
enum Outcome {
    BetweenMessages,
    Inside,
    Closed,
    Failed { kind: String, offset: usize, code: u16 },
}

/// What one receiver is fed: where each byte stands in the row, and one place after them.
struct Wire {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

fn cases() -> impl Iterator<Item = Case> {
    CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(Case::parse)
}

impl Case {
    fn parse(line: &'static str) -> Self {
        let fields: Vec<_> = line.split('|').map(str::trim).collect();
        let [name, role, limits, wire, events, outcome] = fields[..] else {
            panic!("not six fields: {line}");
        };
        Self {
            name,
            role,
            limits: parse_limits(limits),
            wire: unescape(wire),
            events: events.split_whitespace().map(Seen::parse).collect(),
            outcome: Outcome::parse(outcome),
        }
    }

    /// The receivers of this row, and what each is sent.
    fn receivers(&self) -> Vec<(Role, Wire)> {
        match self.role {
            "client" => vec![(Role::Client, Wire::plain(&self.wire))],
            "server" => vec![(Role::Server, Wire::plain(&self.wire))],
            "both" => vec![
                (Role::Client, Wire::plain(&self.wire)),
                (Role::Server, Wire::masked(&self.wire)),
            ],
            other => panic!("{}: a role of {other}", self.name),
        }
    }
}

impl Seen {
    fn parse(text: &str) -> Self {
        let (kind, rest) = text.split_once('(').expect("kind(payload)");
        let inside = rest.strip_suffix(')').expect("kind(payload)");
        match kind {
            "text" => Self::Text(unescape(inside)),
            "bin" => Self::Binary(unescape(inside)),
            "ping" => Self::Ping(unescape(inside)),
            "pong" => Self::Pong(unescape(inside)),
            "close" => Self::Close(
                inside
                    .split_once(',')
                    .map(|(code, reason)| (code.parse().expect("a code"), unescape(reason))),
            ),
            other => panic!("an event of {other}"),
        }
    }

    fn of(event: &Event) -> Self {
        match event {
            Event::Message(message) => match message.kind() {
                MessageKind::Text => Self::Text(message.as_str().expect("UTF-8").into()),
                MessageKind::Binary => Self::Binary(message.data().to_vec()),
            },
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close(close) => Self::Close(close.as_ref().map(|close: &CloseFrame| {
                assert_eq!(&close.payload()[2..], close.reason().as_bytes());
                (close.code().get(), close.reason().into())
            })),
        }
    }
}

impl Outcome {
    fn parse(text: &str) -> Self {
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            ["ok"] => Self::BetweenMessages,
            ["more"] => Self::Inside,
            ["closed"] => Self::Closed,
            ["err", kind, offset, code] => Self::Failed {
                kind: kind.to_owned(),
                offset: offset.parse().expect("an offset"),
                code: code.parse().expect("a code"),
            },
            _ => panic!("an outcome of {text}"),
        }
    }
}

impl Wire {
    fn plain(wire: &[u8]) -> Self {
        Self { bytes: wire.to_vec(), places: (0..=wire.len()).collect() }
    }

    /// The same frames with another key each. Headers may be wrong or cut, as in the table.
    fn masked(wire: &[u8]) -> Self {
        let mut masked = Self { bytes: Vec::new(), places: Vec::new() };
        let mut key = [0x37, 0xfa, 0x21, 0x3d];
        let mut start = 0;
        while start < wire.len() {
            let rest = &wire[start..];
            let len_bytes = match rest.get(1) {
                Some(126) => 2,
                Some(127) => 8,
                _ => 0,
            };
            let header = &rest[..rest.len().min(2 + len_bytes)];
            for (index, byte) in header.iter().enumerate() {
                masked.push(if index == 1 { byte | 0x80 } else { *byte }, start + index);
            }
            start += header.len();
            if header.len() < 2 + len_bytes {
                break;
            }
            key.iter().for_each(|byte| masked.push(*byte, start));
            let number = header[2..].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            let len = if len_bytes == 0 { header[1].into() } else { number };
            let len = usize::try_from(len).unwrap_or(usize::MAX).min(wire.len() - start);
            for index in 0..len {
                masked.push(wire[start + index] ^ key[index % 4], start + index);
            }
            start += len;
            key = key.map(|byte| byte.wrapping_mul(5).wrapping_add(113));
        }
        masked.places.push(wire.len());
        masked
    }

    fn push(&mut self, byte: u8, place: usize) {
        self.bytes.push(byte);
        self.places.push(place);
    }

    fn cuts(&self) -> Vec<usize> {
        let len = self.bytes.len();
        if len <= CUT_EVERYWHERE_MAX {
            return (0..=len).collect();
        }
        let near = CUT_EVERYWHERE_MAX / 4;
        (0..near).chain((near..len - near).step_by(CUT_STEP)).chain(len - near..=len).collect()
    }
}

fn parse_limits(text: &str) -> Limits {
    let items = text.split(',').map(str::trim).filter(|item| *item != "-");
    items.fold(Limits::default(), |limits, item| {
        let (name, value) = item.split_once('=').expect("name=value");
        let small = || value.parse().expect("a number");
        match name {
            "message" => limits.with_message_bytes_max(value.parse().expect("a number")),
            "fragments" => limits.with_fragments_max(small()),
            "empty" => limits.with_empty_fragments_max(small()),
            other => panic!("a limit of {other}"),
        }
    })
}

/// Reads `\xNN` and `{abc*9}`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(hex) = rest.strip_prefix("\\x") {
            bytes.push(u8::from_str_radix(&hex[..2], 16).expect("two digits"));
            rest = &hex[2..];
        } else if let Some(repeated) = rest.strip_prefix('{') {
            let (inside, after) = repeated.split_once('}').expect("a closing brace");
            let (unit, count) = inside.split_once('*').expect("{abc*9}");
            bytes.extend(unescape(unit).repeat(count.parse().expect("a number")));
            rest = after;
        } else {
            assert!(first.is_ascii_graphic(), "{first:?} in {text}");
            bytes.push(rest.as_bytes()[0]);
            rest = &rest[1..];
        }
    }
    bytes
}

fn segment(pool: &Pool, bytes: &[u8]) -> SegmentMut {
    let mut segment = pool.take(bytes.len().max(1));
    segment.extend_from_slice(bytes);
    segment
}

/// Feeds `pieces` one after the other; returns the events up to the end or the error.
fn decode<'a>(
    decoder: &mut Decoder,
    pool: &Pool,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Seen>, Result<(), DecodeError>) {
    let mut seen = Vec::new();
    for piece in pieces.into_iter().flat_map(|piece| piece.chunks(SegmentSize::MAX.bytes())) {
        let mut input = segment(pool, piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => seen.push(Seen::of(&event)),
                Ok(None) => break,
                Err(error) => return (seen, Err(error)),
            }
        }
        assert!(input.is_empty(), "None means that the input is used up");
    }
    (seen, Ok(()))
}

fn outcome(
    decoder: &mut Decoder,
    pool: &Pool,
    wire: &Wire,
    end: Result<(), DecodeError>,
) -> Outcome {
    let Err(error) = end else {
        assert_eq!(decoder.offset(), wire.bytes.len() as u64);
        let outcome = match (decoder.is_closed(), decoder.is_between_messages()) {
            (true, _) => Outcome::Closed,
            (false, true) => Outcome::BetweenMessages,
            (false, false) => Outcome::Inside,
        };
        let finished = decoder.finish().map_err(|error| (error.kind(), error.offset()));
        let truncated = Err((DecodeErrorKind::Truncated, wire.bytes.len() as u64));
        assert_eq!(finished, if outcome == Outcome::Closed { Ok(()) } else { truncated });
        return outcome;
    };
    assert!(!decoder.is_closed() && !decoder.is_between_messages());
    assert_eq!(decoder.decode(&mut segment(pool, b"\x81\x00")), Err(error), "the error stays");
    assert_eq!(decoder.finish(), Err(error), "the error stays");
    let offset = usize::try_from(error.offset()).expect("a place in the wire");
    Outcome::Failed {
        kind: format!("{:?}", error.kind()),
        offset: wire.places[offset],
        code: error.close_code().get(),
    }
}

/// Runs one row in one way of cutting.
fn check(case: &Case, role: Role, assembly: Assembly, wire: &Wire, pieces: &[&[u8]], how: &str) {
    let pool = Pool::global();
    let mut decoder = Decoder::new(role).with_assembly(assembly).with_limits(case.limits);
    let (seen, end) = decode(&mut decoder, pool, pieces.iter().copied());
    let outcome = outcome(&mut decoder, pool, wire, end);
    let about = || format!("{}, {role:?}, {assembly:?}, {how}", case.name);
    assert_eq!(seen, case.events, "{}", about());
    assert_eq!(outcome, case.outcome, "{}", about());
}

/// Runs every row for each of its receivers, in both assemblies.
fn for_every_row(check_row: impl Fn(&Case, Role, Assembly, &Wire)) {
    let mut rows = 0;
    for case in cases().filter(|case| case.wire.len() <= WIRE_BYTES_MAX) {
        for (role, wire) in case.receivers() {
            for assembly in [Assembly::Segmented, Assembly::Contiguous] {
                check_row(&case, role, assembly, &wire);
                rows += 1;
            }
        }
    }
    assert!(rows > 600, "only {rows} rows were run");
}

#[test]
fn every_row_comes_out_when_received_at_once() {
    for_every_row(|case, role, assembly, wire| {
        check(case, role, assembly, wire, &[&wire.bytes], "whole");
    });
}

#[test]
fn every_row_comes_out_in_every_cut() {
    for_every_row(|case, role, assembly, wire| {
        for cut in wire.cuts() {
            let (head, tail) = wire.bytes.split_at(cut);
            check(case, role, assembly, wire, &[head, tail], &format!("cut at {cut}"));
        }
    });
}

#[test]
fn every_row_comes_out_byte_by_byte() {
    for_every_row(|case, role, assembly, wire| {
        let pieces: Vec<_> = wire.bytes.chunks(1).collect();
        check(case, role, assembly, wire, &pieces, "byte by byte");
    });
}

#[test]
fn no_two_rows_share_a_name() {
    let mut names: Vec<_> = cases().map(|case| case.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
