//! Decoding in pieces, for the tests of this crate.

use seg_flate::{Decode, Format, InflateError, InflateErrorKind, Inflater, Limits, Status};
use seg_pool::{Pool, SegmentSize};
use seg_seq::SegmentedBuf;

/// What became of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) decoded: Vec<u8>,
    /// Compressed bytes after the stream's end.
    pub(crate) rest: usize,
    pub(crate) failure: Option<(InflateErrorKind, u64)>,
}

impl Outcome {
    /// The outcome of a stream that decodes to `decoded`, and nothing behind it.
    pub(crate) fn whole(decoded: &[u8]) -> Self {
        Self { decoded: decoded.to_vec(), rest: 0, failure: None }
    }
}

/// Decodes `pieces` into the smallest segments, and asserts what holds for every stream.
pub(crate) fn decode(format: Format, limits: Limits, pieces: &[&[u8]]) -> Outcome {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    decode_into(&pool, &mut Inflater::new(format, limits), pieces)
}

/// Decodes `pieces` into segments of `pool`.
pub(crate) fn decode_into(pool: &Pool, inflater: &mut Inflater, pieces: &[&[u8]]) -> Outcome {
    let mut output = SegmentedBuf::new(pool);
    let mut rest = 0;
    let mut consumed = 0;
    let mut failure: Option<InflateError> = None;
    for piece in pieces {
        let mut input = *piece;
        let pushed = inflater.push(&mut input, &mut output);
        consumed += piece.len() - input.len();
        rest += input.len();
        assert_eq!(inflater.consumed(), (consumed - inflater.leftover().len()) as u64);
        assert_eq!(inflater.produced(), output.len());
        match (pushed, failure) {
            (Ok(status), None) => assert!(input.is_empty() || status == Status::End),
            (Ok(_), Some(error)) => panic!("{error} was forgotten"),
            (Err(error), Some(first)) => assert_eq!(error, first, "errors stay"),
            (Err(error), None) => failure = Some(error),
        }
    }
    if let Err(error) = inflater.finish() {
        assert!(failure.is_none_or(|first| first == error), "errors stay");
        failure = Some(error);
    }
    // Those that were cut off are the first of them.
    rest += inflater.leftover().len();
    Outcome {
        decoded: output.freeze().to_vec(),
        rest,
        failure: failure.map(|error| (error.kind(), error.offset())),
    }
}
