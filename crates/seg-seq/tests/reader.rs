//! The reader beside `std::io::Cursor`: the same operations, results and positions.

use std::io::{self, BufRead, Cursor, ErrorKind, IoSliceMut, Read, Seek, SeekFrom};

use proptest::prelude::*;
use seg_pool::{Pool, Segment, SegmentSize};
use seg_seq::{Reader, SegmentedBuf, Sequence};

const CASES: u32 = if cfg!(miri) { 4 } else { 512 };
const STEPS: usize = if cfg!(miri) { 20 } else { 80 };

#[derive(Clone, Debug)]
enum Step {
    Read(usize),
    ReadExact(usize),
    ReadToEnd,
    ReadToString,
    ReadVectored(usize, usize, usize),
    ReadUntil(u8),
    ReadLine,
    SkipUntil(u8),
    Consume(usize),
    Seek(SeekFrom),
    SeekRelative(i64),
    Rewind,
}

fn offset() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => -40..40_i64,
        2 => -3_000..3_000_i64,
        1 => prop_oneof![Just(i64::MIN), Just(i64::MIN + 1), Just(i64::MAX), Just(0)],
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let start = prop_oneof![
        6 => 0..2_000_u64,
        1 => prop_oneof![
            Just(u64::MAX), Just(u64::MAX - 1), Just(u64::MAX / 2), Just(1 << 32), Just(1 << 63),
        ],
    ];
    let seek = prop_oneof![
        start.prop_map(SeekFrom::Start),
        offset().prop_map(SeekFrom::End),
        offset().prop_map(SeekFrom::Current),
    ];
    let len = prop_oneof![3 => 0..20_usize, 1 => 0..1_500_usize];
    prop_oneof![
        4 => len.clone().prop_map(Step::Read),
        2 => len.clone().prop_map(Step::ReadExact),
        1 => Just(Step::ReadToEnd),
        1 => Just(Step::ReadToString),
        2 => (len.clone(), 0..5_usize, len.clone()).prop_map(|(a, b, c)| Step::ReadVectored(a, b, c)),
        2 => (0..6_u8).prop_map(Step::ReadUntil),
        1 => Just(Step::ReadLine),
        1 => (0..6_u8).prop_map(Step::SkipUntil),
        3 => (0..300_usize).prop_map(Step::Consume),
        6 => seek.prop_map(Step::Seek),
        2 => offset().prop_map(Step::SeekRelative),
        1 => Just(Step::Rewind),
    ]
}

/// Compares a value, or the kind of an error.
fn assert_same<T: PartialEq + core::fmt::Debug>(ours: io::Result<T>, theirs: io::Result<T>) {
    assert_eq!(ours.map_err(|error| error.kind()), theirs.map_err(|error| error.kind()));
}

fn compare(step: &Step, ours: &mut Reader<'_>, theirs: &mut Cursor<Vec<u8>>) {
    match *step {
        Step::Read(len) => {
            let mut targets = [vec![0; len], vec![0; len]];
            assert_same(ours.read(&mut targets[0]), theirs.read(&mut targets[1]));
            assert_eq!(targets[0], targets[1]);
        }
        Step::ReadExact(len) => read_exact(len, ours, theirs),
        Step::ReadToEnd => {
            let mut targets = [vec![1], vec![1]];
            assert_same(ours.read_to_end(&mut targets[0]), theirs.read_to_end(&mut targets[1]));
            assert_eq!(targets[0], targets[1]);
        }
        Step::ReadToString => read_to_string(ours, theirs),
        Step::ReadVectored(a, b, c) => {
            let mut targets = [vec![0; a + b + c], vec![0; a + b + c]];
            let counts = targets.each_mut().map(|target| {
                let (first, rest) = target.split_at_mut(a);
                let (second, third) = rest.split_at_mut(b);
                [first, second, third].map(IoSliceMut::new)
            });
            let [mut mine, mut other] = counts;
            assert_same(ours.read_vectored(&mut mine), theirs.read_vectored(&mut other));
            assert_eq!(targets[0], targets[1]);
        }
        Step::ReadUntil(byte) => {
            let mut targets = [Vec::new(), Vec::new()];
            let [mine, other] = &mut targets;
            assert_same(ours.read_until(byte, mine), theirs.read_until(byte, other));
            assert_eq!(targets[0], targets[1]);
        }
        Step::ReadLine => {
            let mut lines = [String::new(), String::new()];
            assert_same(ours.read_line(&mut lines[0]), theirs.read_line(&mut lines[1]));
            assert_eq!(lines[0], lines[1]);
        }
        Step::SkipUntil(byte) => assert_same(ours.skip_until(byte), theirs.skip_until(byte)),
        Step::Consume(count) => {
            let chunk = ours.fill_buf().expect("from memory");
            let rest = theirs.fill_buf().expect("from memory");
            assert!(rest.starts_with(chunk));
            assert_eq!(chunk.is_empty(), rest.is_empty(), "empty at the end only");
            let count = count.min(chunk.len());
            ours.consume(count);
            theirs.consume(count);
        }
        Step::Seek(to) => assert_same(ours.seek(to), theirs.seek(to)),
        Step::SeekRelative(offset) => {
            assert_same(ours.seek_relative(offset), theirs.seek_relative(offset));
        }
        Step::Rewind => assert_same(ours.rewind(), theirs.rewind()),
    }
    assert_eq!(ours.position(), theirs.position());
    assert_eq!(ours.stream_position().ok(), Some(theirs.position()));
    let len = theirs.get_ref().len() as u64;
    assert_eq!(ours.remaining(), len.saturating_sub(theirs.position()));
    assert_eq!(ours.chunk().is_empty(), ours.remaining() == 0);
}

/// Both fail at the end, and both go there; but a cursor that is beyond it comes back.
fn read_exact(len: usize, ours: &mut Reader<'_>, theirs: &mut Cursor<Vec<u8>>) {
    let before = theirs.position();
    let mut targets = [vec![0; len], vec![0; len]];
    let [mine, other] = &mut targets;
    let result = ours.read_exact(mine);
    let failed = result.is_err();
    assert_same(result, theirs.read_exact(other));
    if failed {
        theirs.set_position(theirs.position().max(before));
    } else {
        assert_eq!(targets[0], targets[1]);
    }
}

/// What is not UTF-8 has been read, as from a file; but a cursor stays before it.
fn read_to_string(ours: &mut Reader<'_>, theirs: &mut Cursor<Vec<u8>>) {
    let mut texts = ["text".to_owned(), "text".to_owned()];
    let result = ours.read_to_string(&mut texts[0]);
    let failed = result.is_err();
    assert_same(result, theirs.read_to_string(&mut texts[1]));
    assert_eq!(texts[0], texts[1]);
    if failed {
        theirs.set_position(theirs.get_ref().len() as u64);
    }
}

/// A sequence in chunks of these lengths, with few different bytes so that searches find some, and
/// its bytes.
fn sequence(lens: &[usize], first: u64) -> (Sequence, Vec<u8>) {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let mut buf = SegmentedBuf::new(&pool);
    let (mut bytes, mut state) = (Vec::new(), 1_u32);
    for &len in lens {
        let start = bytes.len();
        bytes.extend(
            core::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                match state >> 27 {
                    0 => b'\n',
                    1 => 0xff,
                    other => other.to_le_bytes()[0] % 6,
                }
            })
            .take(len),
        );
        match len % 3 {
            0 => buf.extend_from_slice(&bytes[start..]),
            1 => buf.push(Segment::from(bytes::Bytes::copy_from_slice(&bytes[start..]))),
            _ => buf.append(Sequence::from(Segment::from(bytes::Bytes::copy_from_slice(
                &bytes[start..],
            )))),
        }
    }
    // The first chunk is rarely a whole one, and offsets rarely start at 0.
    let first = first.min(buf.len());
    drop(buf.split_to(first));
    bytes.drain(..usize::try_from(first).expect("in memory"));
    (buf.freeze(), bytes)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_reader_does_what_a_cursor_does(
        lens in prop::collection::vec(prop_oneof![3 => 0..30_usize, 1 => 0..600_usize], 0..12),
        first in 0..40_u64,
        steps in prop::collection::vec(step(), 1..STEPS),
    ) {
        let (sequence, bytes) = sequence(&lens, first);
        prop_assert_eq!(&sequence, &bytes);
        let mut ours = sequence.as_reader();
        let mut theirs = Cursor::new(bytes);
        for step in &steps {
            compare(step, &mut ours, &mut theirs);
        }
        let mut owned = sequence.clone().into_reader();
        theirs.set_position(0);
        for step in &steps {
            compare(step, &mut owned, &mut theirs);
        }
        prop_assert_eq!(owned.sequence(), &sequence);
    }
}

fn hello() -> Sequence {
    ["hel", "lo ", "wor", "ld"]
        .map(|part| Segment::from_static(part.as_bytes()))
        .into_iter()
        .collect()
}

#[test]
fn a_seek_before_the_start_fails_and_moves_nothing() {
    let sequence = hello();
    let mut reader = sequence.as_reader();
    assert_eq!(reader.seek(SeekFrom::Start(4)).ok(), Some(4));
    let before = [
        SeekFrom::Current(-5),
        SeekFrom::End(-12),
        SeekFrom::Current(i64::MIN),
        SeekFrom::End(i64::MIN),
    ];
    for target in before {
        let error = reader.seek(target).expect_err("before the start");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{target:?}");
        assert_eq!((reader.position(), reader.chunk()), (4, &b"o "[..]));
    }
    assert_eq!(reader.seek(SeekFrom::Current(-4)).ok(), Some(0));
    assert_eq!(reader.seek(SeekFrom::End(-11)).ok(), Some(0));
}

#[test]
fn a_seek_beyond_the_end_reads_nothing() {
    let sequence = hello();
    let mut reader = sequence.as_reader();
    for position in [11, 12, 1 << 32, u64::MAX - 1, u64::MAX] {
        assert_eq!(reader.seek(SeekFrom::Start(position)).ok(), Some(position));
        assert_eq!(reader.position(), position);
        assert_eq!((reader.remaining(), reader.chunk()), (0, &b""[..]));
        assert_eq!(reader.read(&mut [0; 4]).ok(), Some(0));
        assert_eq!(reader.read_to_end(&mut Vec::new()).ok(), Some(0));
        assert_eq!(reader.position(), position, "nothing moved");
    }
    let error = reader.seek(SeekFrom::Current(1)).expect_err("it overflows");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(reader.seek(SeekFrom::Start(6)).ok(), Some(6));
    assert_eq!(io::read_to_string(reader).ok().as_deref(), Some("world"));
}

#[test]
fn a_seek_far_beyond_the_end_of_a_rest_reads_nothing() {
    let mut sequence = hello();
    drop(sequence.split_to(4));
    let mut reader = sequence.as_reader();
    for position in [7, 8, u64::MAX - 4, u64::MAX - 3, u64::MAX - 2, u64::MAX] {
        assert_eq!(reader.seek(SeekFrom::Start(position)).ok(), Some(position));
        assert_eq!(reader.read(&mut [0; 4]).ok(), Some(0), "{position}");
    }
    assert_eq!(reader.seek(SeekFrom::Start(2)).ok(), Some(2));
    assert_eq!(io::read_to_string(reader).ok().as_deref(), Some("world"));
}

#[test]
fn a_read_across_chunks_fills_its_target() {
    let sequence = hello();
    let mut reader = sequence.as_reader();
    let mut target = [0; 11];
    assert_eq!(reader.read(&mut target).ok(), Some(11));
    assert_eq!(&target, b"hello world");
    assert_eq!(reader.read(&mut target).ok(), Some(0));
    assert_eq!(reader.read(&mut []).ok(), Some(0));
}

#[test]
fn an_exact_read_that_is_too_long_ends_at_the_end() {
    let sequence = hello();
    let mut reader = sequence.as_reader();
    let error = reader.read_exact(&mut [0; 12]).expect_err("one byte too many");
    assert_eq!((error.kind(), reader.position()), (ErrorKind::UnexpectedEof, 11));
    assert!(reader.read_exact(&mut []).is_ok());
    assert!(reader.seek(SeekFrom::Start(50)).is_ok());
    assert!(reader.read_exact(&mut [0; 1]).is_err());
    assert_eq!(reader.position(), 50, "it is beyond the end already");
}

#[test]
#[should_panic(expected = "consume past the end")]
fn no_more_is_consumed_than_was_shown() {
    let sequence = hello();
    let mut reader = sequence.as_reader();
    reader.consume(4);
}

#[test]
fn an_owned_reader_keeps_its_bytes_and_clones_apart() {
    let mut reader = hello().into_reader();
    assert!(reader.seek(SeekFrom::Start(6)).is_ok());
    let mut clone = reader.clone();
    let mut text = String::new();
    assert_eq!(reader.read_to_string(&mut text).ok(), Some(5));
    assert_eq!((reader.position(), clone.position()), (11, 6));
    assert_eq!(clone.read_to_string(&mut text).ok(), Some(5));
    assert_eq!(text, "worldworld");
    let worker = std::thread::spawn(move || clone.sequence().len());
    assert_eq!(worker.join().ok(), Some(11));
    assert!(format!("{reader:?}").contains("position: 11"));
}

#[test]
fn lines_reach_across_chunks() {
    let text = ["one\nt", "wo", "\n", "\nfou", "r"];
    let sequence: Sequence =
        text.map(|part| Segment::from_static(part.as_bytes())).into_iter().collect();
    let lines: Result<Vec<_>, _> = sequence.as_reader().lines().collect();
    assert_eq!(lines.ok(), Some(["one", "two", "", "four"].map(str::to_owned).to_vec()));
}

#[test]
fn an_empty_sequence_reads_like_an_empty_file() {
    let sequence = Sequence::new();
    let mut reader = sequence.as_reader();
    assert_eq!(reader.read(&mut [0; 4]).ok(), Some(0));
    assert_eq!(reader.fill_buf().ok(), Some(&b""[..]));
    reader.consume(0);
    assert_eq!(reader.seek(SeekFrom::End(0)).ok(), Some(0));
    assert!(reader.seek(SeekFrom::End(-1)).is_err());
    assert_eq!(reader.seek(SeekFrom::End(3)).ok(), Some(3));
}
