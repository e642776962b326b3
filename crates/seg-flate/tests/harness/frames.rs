//! Zstandard frames for the tests of this crate, and what becomes of them.

use seg_flate::{Decode, InflateErrorKind, Limits, Status, ZstdDecoder};
use seg_pool::{Pool, SegmentSize};
use seg_seq::SegmentedBuf;

/// What became of a stream: output, octets left, and the refusal.
pub(crate) type Outcome = (Vec<u8>, usize, Option<(InflateErrorKind, u64)>);

/// Decodes a stream in these pieces into the smallest segments, and asserts what holds for all.
pub(crate) fn outcome(limits: Limits, pieces: &[&[u8]]) -> Outcome {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let (mut decoder, mut output) = (ZstdDecoder::new(limits), SegmentedBuf::new(&pool));
    let (mut rest, mut consumed, mut refusal) = (0, 0, None);
    for piece in pieces {
        let mut input = *piece;
        let pushed = decoder.push(&mut input, &mut output);
        rest += input.len();
        consumed += piece.len() - input.len();
        match (pushed, refusal) {
            (Ok(status), None) => assert!(input.is_empty() || status == Status::End),
            (Ok(_), Some(error)) => panic!("{error} was forgotten"),
            (Err(error), first) => assert_eq!(*refusal.insert(error), first.unwrap_or(error)),
        }
        assert_eq!(decoder.produced(), output.len());
        assert_eq!(decoder.consumed(), (consumed - decoder.leftover().len()) as u64);
    }
    if let Err(error) = decoder.finish() {
        assert!(refusal.is_none_or(|first| first == error));
        refusal = Some(error);
        assert_eq!(decoder.finish(), Err(error));
    }
    // Those that were cut off are the first of them.
    rest += decoder.leftover().len();
    assert_eq!(decoder.memory_bytes(), 0, "what is over keeps nothing");
    let refusal = refusal.map(|error| (error.kind(), error.offset()));
    (output.freeze().to_vec(), rest, refusal)
}

/// Asserts that pieces of every one of these lengths have the outcome that the whole has.
pub(crate) fn outcome_in_pieces(limits: Limits, wire: &[u8], lengths: &[usize]) -> Outcome {
    let whole = outcome(limits, &[wire]);
    for &len in lengths {
        let (decoded, _, refusal) = outcome(limits, &wire.chunks(len).collect::<Vec<_>>());
        assert_eq!(refusal, whole.2, "pieces of {len}");
        assert!(decoded == whole.0, "pieces of {len}");
    }
    whole
}

/// The header of a frame whose window has 2^`log` bytes.
pub(crate) fn header(log: u8) -> Vec<u8> {
    vec![0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3]
}

/// The last block of a frame: 0 is raw, 1 repeated, 2 compressed.
pub(crate) fn last_block(kind: u32, size: usize, content: &[u8]) -> Vec<u8> {
    let header = u32::try_from(size).expect("21 bits") << 3 | kind << 1 | 1;
    [&header.to_le_bytes()[..3], content].concat()
}

/// A compressed block: the letter `a` so many times, then one sequence that takes `taken` of those, at
/// most 15, and repeats the last one 65,539 times and `more`. It has one code each of everything.
pub(crate) fn repeating(literals: u32, taken: u8, more: u16) -> Vec<u8> {
    let [low, middle, high, _] = (literals << 4 | 0b1101).to_le_bytes();
    let [more_low, more_high] = more.to_le_bytes();
    let block = [low, middle, high, b'a', 1, 0x54, taken, 0, 52, more_low, more_high, 1];
    last_block(2, block.len(), &block)
}
