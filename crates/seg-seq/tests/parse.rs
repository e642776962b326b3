//! What parsers read, against plain slices, whatever the cuts.

use std::io;

use proptest::prelude::*;
use seg_pool::Segment;
use seg_seq::{ReadError, ReadErrorKind, Reader, Sequence};

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };
const STEPS: usize = if cfg!(miri) { 20 } else { 60 };

fn chunk(bytes: &[u8]) -> Segment {
    Segment::from(bytes::Bytes::copy_from_slice(bytes))
}

/// The bytes, cut before each of these offsets.
fn cut(bytes: &[u8], cuts: &[usize]) -> Sequence {
    let mut cuts = cuts.to_vec();
    cuts.sort_unstable();
    let (mut sequence, mut start) = (Sequence::new(), 0);
    for cut in cuts {
        sequence.push(chunk(&bytes[start..cut]));
        start = cut;
    }
    sequence.push(chunk(&bytes[start..]));
    sequence
}

#[derive(Clone, Debug)]
enum Step {
    U8,
    U16,
    U32,
    U64,
    Array,
    Leb128,
    QuicVarint,
    Peek(usize),
    SkipPrefix(usize),
    Skip(u64),
    TakeSequence(u64),
    TakeUntil(u8),
    Find(usize, usize),
    Checkpoint,
    Rewind(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let count = prop_oneof![8 => 0..20_u64, 1 => 0..300_u64, 1 => Just(u64::MAX)];
    prop_oneof![
        Just(Step::U8),
        Just(Step::U16),
        Just(Step::U32),
        Just(Step::U64),
        Just(Step::Array),
        Just(Step::Leb128),
        Just(Step::QuicVarint),
        (0..30_usize).prop_map(Step::Peek),
        (0..10_usize).prop_map(Step::SkipPrefix),
        count.clone().prop_map(Step::Skip),
        count.prop_map(Step::TakeSequence),
        any::<u8>().prop_map(Step::TakeUntil),
        (0..40_usize, 0..5_usize).prop_map(|(at, len)| Step::Find(at, len)),
        Just(Step::Checkpoint),
        (0..8_usize).prop_map(Step::Rewind),
    ]
}

/// What the reader should read, as plainly as can be.
struct Model<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Model<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = *self.rest().first_chunk::<N>()?;
        self.position += N;
        Some(array)
    }

    fn leb128(&mut self) -> Result<u64, ReadErrorKind> {
        let mut value = 0_u128;
        for index in 0..10 {
            let byte = *self.rest().get(index).ok_or(ReadErrorKind::UnexpectedEnd)?;
            value |= u128::from(byte & 0x7f) << (7 * index);
            let fits = u64::try_from(value).map_err(|_| ReadErrorKind::VarintOverflow)?;
            if byte < 0x80 {
                self.position += index + 1;
                return Ok(fits);
            }
        }
        Err(ReadErrorKind::VarintOverflow)
    }

    fn quic_varint(&mut self) -> Option<u64> {
        let first = *self.rest().first()?;
        let len = [1, 2, 4, 8][usize::from(first >> 6)];
        let bytes = self.rest().get(..len)?;
        self.position += len;
        let value = bytes.iter().fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
        Some(value & ((1 << (8 * len - 2)) - 1))
    }

    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let part = self.rest().get(..usize::try_from(count).ok()?)?;
        self.position += part.len();
        Some(part)
    }
}

fn kind<T>(result: Result<T, ReadError>) -> Result<T, ReadErrorKind> {
    result.map_err(|error| error.kind())
}

type ReadInteger<'a, T> = fn(&mut Reader<'a>) -> Result<T, ReadError>;

fn integer<'a, T: Copy + PartialEq + core::fmt::Debug>(
    ours: &mut Reader<'a>,
    read: [ReadInteger<'a, T>; 2],
    expected: Option<[T; 2]>,
) {
    let start = ours.checkpoint();
    for (index, read) in read.into_iter().enumerate() {
        ours.rewind_to(start);
        let expected = expected.map(|values| values[index]);
        assert_eq!(kind(read(ours)), expected.ok_or(ReadErrorKind::UnexpectedEnd));
    }
}

fn values(step: &Step, ours: &mut Reader<'_>, model: &mut Model<'_>) {
    let end = ReadErrorKind::UnexpectedEnd;
    match *step {
        Step::U8 => {
            assert_eq!(ours.peek_u8(), model.rest().first().copied());
            assert_eq!(kind(ours.read_u8()), model.array().map(u8::from_be_bytes).ok_or(end));
        }
        Step::U16 => integer(
            ours,
            [Reader::read_u16_be, Reader::read_u16_le],
            model.array().map(|bytes| [u16::from_be_bytes(bytes), u16::from_le_bytes(bytes)]),
        ),
        Step::U32 => integer(
            ours,
            [Reader::read_u32_be, Reader::read_u32_le],
            model.array().map(|bytes| [u32::from_be_bytes(bytes), u32::from_le_bytes(bytes)]),
        ),
        Step::U64 => integer(
            ours,
            [Reader::read_u64_be, Reader::read_u64_le],
            model.array().map(|bytes| [u64::from_be_bytes(bytes), u64::from_le_bytes(bytes)]),
        ),
        Step::Array => {
            let peeked = ours.peek_array::<11>();
            let read = kind(ours.read_array::<11>());
            assert_eq!(peeked, read.ok());
            assert_eq!(read, model.array().ok_or(end));
        }
        Step::Leb128 => assert_eq!(kind(ours.read_uleb128()), model.leb128()),
        Step::QuicVarint => {
            assert_eq!(kind(ours.read_quic_varint()), model.quic_varint().ok_or(end));
        }
        _ => unreachable!("not a value"),
    }
}

fn compare(
    step: &Step,
    ours: &mut Reader<'_>,
    model: &mut Model<'_>,
    places: &mut Vec<(seg_seq::Checkpoint, usize)>,
) {
    match *step {
        Step::Peek(len) => {
            let mut target = vec![0; len];
            let count = ours.peek(&mut target);
            assert_eq!(target[..count], model.rest()[..len.min(model.rest().len())]);
        }
        Step::SkipPrefix(len) => {
            let mut prefix = model.rest()[..len.min(model.rest().len())].to_vec();
            prefix.push(model.rest().get(len).map_or(0, |byte| byte ^ 1));
            assert!(!ours.starts_with(&prefix) && !ours.skip_prefix(&prefix));
            prefix.pop();
            assert!(ours.starts_with(&prefix) && ours.skip_prefix(&prefix));
            model.position += prefix.len();
        }
        Step::Skip(count) => assert_eq!(ours.skip(count).is_ok(), model.take(count).is_some()),
        Step::TakeSequence(count) => match (ours.take_sequence(count), model.take(count)) {
            (Ok(part), Some(expected)) => assert_eq!(part, expected),
            (part, expected) => assert!(part.is_err() && expected.is_none()),
        },
        Step::TakeUntil(byte) => {
            let at = model.rest().iter().position(|&other| other == byte);
            let offset = at.map(|at| (model.position + at) as u64);
            assert_eq!(ours.position_of(byte), offset);
            let expected = at.and_then(|at| model.take(at as u64 + 1));
            match (ours.take_until(byte), expected) {
                (Ok(part), Some(expected)) => assert_eq!(part, expected),
                (part, expected) => assert!(part.is_err() && expected.is_none()),
            }
        }
        Step::Find(at, len) => {
            let needle = &model.rest()[at.min(model.rest().len())..];
            let needle = &needle[..len.min(needle.len())];
            let found = memchr::memmem::find(model.rest(), needle);
            assert_eq!(ours.find(needle), found.map(|at| (model.position + at) as u64));
        }
        Step::Checkpoint => places.push((ours.checkpoint(), model.position)),
        Step::Rewind(index) => {
            if let Some(&(place, position)) = places.get(index) {
                ours.rewind_to(place);
                model.position = position;
            }
        }
        _ => values(step, ours, model),
    }
    assert_eq!(ours.position(), model.position as u64);
    assert_eq!(ours.remaining(), model.rest().len() as u64);
    assert!(model.rest().starts_with(ours.chunk()));
    assert_eq!(ours.chunk().is_empty(), model.rest().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn parsers_read_what_is_there_and_fail_where_they_stand(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x80), Just(0xff)], 0..400),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        first in any::<prop::sample::Index>(),
        steps in prop::collection::vec(step(), 1..STEPS),
    ) {
        let cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        let mut sequence = cut(&bytes, &cuts);
        // Offsets rarely start at 0.
        let first = first.index(bytes.len() + 1) / 4;
        drop(sequence.split_to(first as u64));
        let mut model = Model { bytes: &bytes[first..], position: 0 };
        let mut reader = sequence.as_reader();
        let mut places = Vec::new();
        for step in &steps {
            compare(step, &mut reader, &mut model, &mut places);
        }
    }

    #[test]
    fn varints_that_are_written_are_read(value in any::<u64>(), shift in 0..64_u32, at in 1..10_usize) {
        let value = value >> shift;
        let (mut bytes, mut rest) = (Vec::new(), value);
        while rest >= 0x80 {
            bytes.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        bytes.push(rest.to_le_bytes()[0]);
        let sequence = cut(&bytes, &[at.min(bytes.len())]);
        let mut reader = sequence.as_reader();
        prop_assert_eq!(kind(reader.read_uleb128()), Ok(value));
        prop_assert_eq!(reader.remaining(), 0);
        let short = sequence.slice(..sequence.len() - 1);
        prop_assert_eq!(kind(short.as_reader().read_uleb128()), Err(ReadErrorKind::UnexpectedEnd));
    }
}

/// RFC 9000, section A.1, and each length's largest value.
#[test]
fn rfc9000_a_1() {
    let cases: [(&[u8], u64); 8] = [
        (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c], 151_288_809_941_952_652),
        (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
        (&[0x7b, 0xbd], 15_293),
        (&[0x25], 37),
        (&[0x40, 0x25], 37),
        (&[0x3f], 63),
        (&[0xbf, 0xff, 0xff, 0xff], (1 << 30) - 1),
        (&[0xff; 8], (1 << 62) - 1),
    ];
    for (bytes, value) in cases {
        for at in 0..=bytes.len() {
            let sequence = cut(bytes, &[at]);
            assert_eq!(kind(sequence.as_reader().read_quic_varint()), Ok(value), "{bytes:x?}");
            let front = cut(&bytes[..at], &[at / 2]);
            let mut reader = front.as_reader();
            let expected =
                if at == bytes.len() { Ok(value) } else { Err(ReadErrorKind::UnexpectedEnd) };
            assert_eq!(kind(reader.read_quic_varint()), expected, "{bytes:x?} until {at}");
        }
    }
}

#[test]
fn leb128_has_64_bits_in_10_bytes() {
    let mut most = [0xff; 10];
    most[9] = 1;
    let cases: [(&[u8], Result<u64, ReadErrorKind>); 8] = [
        (&[0], Ok(0)),
        (&[0xe5, 0x8e, 0x26], Ok(624_485)),
        (&[0x80, 0x80, 0x00], Ok(0)),
        (&most, Ok(u64::MAX)),
        (
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
            Err(ReadErrorKind::VarintOverflow),
        ),
        (&[0x80; 10], Err(ReadErrorKind::VarintOverflow)),
        (&[0x80; 9], Err(ReadErrorKind::UnexpectedEnd)),
        (&[], Err(ReadErrorKind::UnexpectedEnd)),
    ];
    for (bytes, expected) in cases {
        for at in 0..=bytes.len() {
            let sequence = cut(bytes, &[at]);
            let mut reader = sequence.as_reader();
            assert_eq!(kind(reader.read_uleb128()), expected, "{bytes:x?}");
            let moved = if expected.is_ok() { bytes.len() as u64 } else { 0 };
            assert_eq!(reader.position(), moved);
        }
    }
}

#[test]
fn an_error_says_what_and_where_and_is_an_io_error() {
    let sequence = cut(b"abc", &[1]);
    let mut reader = sequence.as_reader();
    assert_eq!(reader.read_u16_be().ok(), Some(0x6162));
    let error = reader.read_u16_le().expect_err("one byte is left");
    assert_eq!(error.offset(), 2);
    assert_eq!(error.to_string(), "the sequence ends inside the value at offset 2");
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let error = cut(&[0xff; 10], &[3]).as_reader().read_uleb128().expect_err("too long");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidData);
    assert_eq!(error.to_string(), "the varint does not fit in 64 bits at offset 0");
}

#[test]
fn a_part_is_taken_without_a_copy() {
    let sequence = cut(b"one,two,three", &[2, 5]);
    let mut reader = sequence.as_reader();
    let one = reader.take_until(b',').expect("there is a comma");
    assert_eq!(one, b"one,");
    let addresses = |sequence: &Sequence| sequence.chunks().map(|c| c.as_ptr()).collect::<Vec<_>>();
    assert_eq!(addresses(&one), addresses(&sequence)[..2]);
    assert_eq!(reader.take_until(b','), Ok(cut(b"two,", &[])));
    let missing = reader.take_until(b',').map_err(|error| (error.kind(), error.offset()));
    assert_eq!((missing, reader.position()), (Err((ReadErrorKind::UnexpectedEnd, 8)), 8));
}

#[test]
fn behind_the_end_there_is_nothing_to_parse() {
    let sequence = cut(b"abc", &[1]);
    let mut reader = sequence.as_reader();
    for position in [3, 4, u64::MAX] {
        assert!(io::Seek::seek(&mut reader, io::SeekFrom::Start(position)).is_ok());
        let place = reader.checkpoint();
        assert!(reader.read_u8().is_err() && reader.skip(1).is_err());
        assert!(reader.read_uleb128().is_err() && reader.read_quic_varint().is_err());
        assert!(reader.take_sequence(1).is_err() && reader.take_until(b'a').is_err());
        assert_eq!((reader.peek(&mut [0; 4]), reader.peek_u8()), (0, None));
        assert_eq!((reader.find(b"a"), reader.find(b"bc")), (None, None));
        assert!(reader.skip(0).is_ok() && reader.take_sequence(0).is_ok());
        assert_eq!(reader.position(), position);
        reader.rewind_to(place);
        assert_eq!(reader.position(), position);
    }
}

#[test]
fn a_place_means_the_same_in_every_cut() {
    let (one, two) = (cut(b"0123456789", &[3, 6]), cut(b"0123456789", &[1, 2, 7]));
    for position in 0..=12 {
        let mut reader = one.as_reader();
        assert!(io::Seek::seek(&mut reader, io::SeekFrom::Start(position)).is_ok());
        let mut other = two.as_reader();
        other.rewind_to(reader.checkpoint());
        assert_eq!((other.position(), other.peek_u8()), (position, reader.peek_u8()));
    }
}
