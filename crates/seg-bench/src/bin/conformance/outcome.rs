//! What became of a row.

use http_chunked::{Assembly, BodyAssembler, BodyError, BodyErrorKind, Framing, Progress};
use seg_pool::{Pool, Segment};
use serde::{Deserialize, Serialize};

use crate::escape::escape;

/// Name and value.
pub(crate) type Trailer = (Vec<u8>, Vec<u8>);

/// What a decoder says of a stream.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// The body is complete.
    Accept,
    /// The body is wrong.
    Reject,
    /// The body wants more at the end of the input.
    Incomplete,
}

/// What a stream decoded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    /// What was delivered, before an error too.
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<Trailer>,
    /// What follows an accepted body.
    pub(crate) leftover: Vec<u8>,
    pub(crate) error: Option<(String, u64)>,
}

#[derive(Serialize)]
pub(crate) struct JsonOutcome {
    name: String,
    verdict: Verdict,
    body_escaped: String,
    pub(crate) trailers: Vec<(String, String)>,
    leftover_escaped: String,
    error_kind: Option<String>,
    error_offset: Option<u64>,
}

impl Outcome {
    /// Decodes a stream that comes in `pieces`.
    pub(crate) fn of(
        pool: &Pool,
        assembly: Assembly,
        pieces: [Segment; 2],
    ) -> anyhow::Result<Self> {
        let mut assembler = BodyAssembler::new(pool, Framing::Chunked).assembly(assembly);
        let mut leftover = Vec::new();
        let mut result = Ok(Progress::NeedMore);
        for mut piece in pieces {
            if result.is_ok() {
                result = assembler.push(&mut piece);
            }
            leftover.extend_from_slice(&piece);
        }
        let result = result.and_then(|_| assembler.finish());
        let body = assembler.take_body();
        let trailers = body.trailers().iter().map(|(n, v)| (n.as_bytes().to_vec(), v.to_vec()));
        let (verdict, error) = match result {
            Ok(()) => (Verdict::Accept, None),
            Err(error) => refusal(error)?,
        };
        Ok(Self {
            verdict,
            trailers: trailers.collect(),
            body: body.sequence().to_vec(),
            leftover: if verdict == Verdict::Accept { leftover } else { Vec::new() },
            error,
        })
    }

    pub(crate) fn to_json(&self, name: &str) -> JsonOutcome {
        let (error_kind, error_offset) = self.error.clone().unzip();
        let trailers = self.trailers.iter().map(|(name, value)| (escape(name), escape(value)));
        JsonOutcome {
            name: name.to_owned(),
            verdict: self.verdict,
            body_escaped: escape(&self.body),
            trailers: trailers.collect(),
            leftover_escaped: escape(&self.leftover),
            error_kind,
            error_offset,
        }
    }
}

/// The verdict in an error; an error of this program when it says nothing about the stream.
fn refusal(error: BodyError) -> anyhow::Result<(Verdict, Option<(String, u64)>)> {
    let (verdict, name) = match error.kind() {
        BodyErrorKind::Truncated => (Verdict::Incomplete, "truncated"),
        BodyErrorKind::Chunked(kind) => (Verdict::Reject, kind.name()),
        _ => return Err(error.into()),
    };
    Ok((verdict, Some((name.to_owned(), error.offset()))))
}
