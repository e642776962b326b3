//! What became of a stream, through each way of decoding it.

use core::fmt::Debug;
use std::sync::LazyLock;

use http_chunked::{
    Assembly, BodyAssembler, BodyErrorKind, Decoder, Framing, Progress, Step, Trailers,
};
use seg_pool::{Pool, Segment};

use crate::case::{Case, Verdict, unescape};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
    pub(crate) leftover: Vec<u8>,
    /// Kind and offset, of the truncation too.
    pub(crate) error: Option<(String, u64)>,
}

pub(crate) static POOL: LazyLock<Pool> = LazyLock::new(Pool::new);

impl Outcome {
    /// Decodes with the decoder alone.
    pub(crate) fn of_decoder(mut decoder: Decoder, pieces: &[Segment]) -> Self {
        let mut body = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let mut input = &piece[..];
            loop {
                match decoder.step(&mut input) {
                    Ok(Step::Data(data)) => body.extend_from_slice(data),
                    Ok(Step::Extensions) => {}
                    Ok(Step::NeedMore) => break assert!(input.is_empty(), "left without need"),
                    Ok(Step::End) => {
                        let trailers = named(decoder.trailers());
                        let leftover = left(input, &pieces[index + 1..]);
                        return Self::accepted(body, trailers, leftover);
                    }
                    Err(error) => {
                        let end = decoder.finish();
                        assert_eq!((decoder.step(&mut input), end), (Err(error), Err(error)));
                        return Self::refused(body, error.kind().name(), error.offset());
                    }
                }
            }
        }
        let error = decoder.finish().expect_err("a body that needs more");
        Self {
            verdict: Verdict::Incomplete,
            ..Self::refused(body, error.kind().name(), error.offset())
        }
    }

    /// Decodes with an assembler.
    pub(crate) fn of_assembly(assembly: Assembly, pieces: &[Segment]) -> Self {
        let mut assembler = BodyAssembler::new(&POOL, Framing::Chunked).with_assembly(assembly);
        for (index, piece) in pieces.iter().enumerate() {
            let mut input = piece.clone();
            match assembler.push(&mut input) {
                Ok(Progress::NeedMore) => assert!(input.is_empty(), "left without need"),
                Ok(Progress::End) => {
                    assert_eq!(assembler.finish(), Ok(()));
                    let body = assembler.take_body();
                    let leftover = left(&input, &pieces[index + 1..]);
                    return Self::accepted(body.bytes().to_vec(), named(body.trailers()), leftover);
                }
                Err(error) => {
                    assert_eq!(
                        (assembler.push(&mut input), assembler.finish()),
                        (Err(error), Err(error))
                    );
                    let BodyErrorKind::Chunked(kind) = error.kind() else { panic!("{error}") };
                    let body = assembler.take_body().sequence().to_vec();
                    return Self::refused(body, kind.name(), error.offset());
                }
            }
        }
        let error = assembler.finish().expect_err("a body that needs more");
        assert_eq!(error.kind(), BodyErrorKind::Truncated);
        let body = assembler.take_body().into_bytes().to_vec();
        Self { verdict: Verdict::Incomplete, ..Self::refused(body, "truncated", error.offset()) }
    }

    /// Decodes in every way and returns the outcome that they agree on.
    pub(crate) fn of(pieces: &[Segment], note: &dyn Debug) -> Self {
        let alone = Self::of_decoder(Decoder::new(), pieces);
        let telling = Self::of_decoder(Decoder::new().keep_extensions(), pieces);
        assert_eq!(telling, alone, "with extensions kept, {note:?}");
        for assembly in Assembly::ALL {
            assert_eq!(Self::of_assembly(assembly, pieces), alone, "{assembly:?}, {note:?}");
        }
        alone
    }

    /// What a case says, with its unspecified parts as they are in `actual`.
    pub(crate) fn of_case(case: &Case, actual: &Self) -> Self {
        let field = |(name, value): &(String, String)| (name.clone(), unescape(value));
        let pinned = case.error_kind.is_some();
        Self {
            verdict: case.verdict,
            body: if case.body_is_open() {
                actual.body.clone()
            } else {
                unescape(&case.body_escaped)
            },
            trailers: case.trailers.iter().map(field).collect(),
            leftover: unescape(&case.leftover_escaped),
            error: match &case.error_kind {
                Some(kind) => Some((kind.clone(), case.error_offset.expect("an offset"))),
                None => actual.error.clone().filter(|_| !pinned && case.verdict != Verdict::Accept),
            },
        }
    }

    fn accepted(body: Vec<u8>, trailers: Vec<(String, Vec<u8>)>, leftover: Vec<u8>) -> Self {
        Self { verdict: Verdict::Accept, body, trailers, leftover, error: None }
    }

    fn refused(body: Vec<u8>, kind: &str, offset: u64) -> Self {
        let error = Some((kind.to_owned(), offset));
        Self { verdict: Verdict::Reject, body, error, ..Self::default() }
    }
}

pub(crate) fn named(trailers: &Trailers) -> Vec<(String, Vec<u8>)> {
    trailers.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}

fn left(input: &[u8], pieces: &[Segment]) -> Vec<u8> {
    pieces.iter().fold(input.to_vec(), |left, piece| [&left, &**piece].concat())
}
