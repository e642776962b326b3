//! Whole messages from a case file, in every cut and both assemblies.

use core::slice::from_ref;

use http_chunked::{
    Assembly, MessageErrorKind, MessageLimits, MessageReader, MessageStep, RequestMethod,
    RequestReader, ResponseReader, StartLine,
};
use seg_pool::Segment;
use serde::Deserialize;

use crate::{
    case::unescape,
    cut::{octets, pieces},
    outcome::POOL,
};

#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    kind: Kind,
    #[serde(default)]
    method: String,
    head_bytes_max: Option<usize>,
    bytes_escaped: String,
    fields: Option<Vec<(String, String)>>,
    #[serde(default)]
    body_escaped: String,
    #[serde(default)]
    leftover_escaped: String,
    #[serde(default)]
    keeps_alive: bool,
    error_kind: Option<String>,
    error_offset: Option<u64>,
    status: Option<u16>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Request,
    Response,
}

/// What became of a message.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    leftover: Vec<u8>,
    keeps_alive: bool,
    error: Option<(MessageErrorKind, u64)>,
}

/// Reads a message from a connection that closes after `pieces`.
fn read<L: StartLine>(mut reader: MessageReader<L>, pieces: &[Segment]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut is_ended = false;
    let mut result = Ok(());
    for piece in pieces {
        let mut received = piece.clone();
        while !is_ended && result.is_ok() {
            match reader.push(&mut received) {
                Ok(MessageStep::NeedMore) => {
                    assert!(received.is_empty());
                    break;
                }
                Ok(MessageStep::End) => is_ended = true,
                Ok(MessageStep::Head | MessageStep::Interim) => {}
                Err(error) => result = Err(error),
            }
        }
        if is_ended {
            outcome.leftover.extend_from_slice(&received);
        }
    }
    if result.is_ok() {
        result = reader.finish();
    }
    if let Err(error) = result {
        assert_eq!(reader.finish(), Err(error), "it stays");
        outcome.error = Some((error.kind(), error.offset()));
    }
    if let Some(message) = reader.take_message() {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let fields = message.head().fields();
        outcome.fields = fields.map(|(name, value)| (name.to_owned(), text(value))).collect();
        outcome.body = message.body().sequence().to_vec();
        outcome.keeps_alive = message.keeps_alive();
    }
    outcome
}

impl Row {
    fn read(&self, assembly: Assembly, pieces: &[Segment]) -> Outcome {
        let limits =
            MessageLimits::new().with_head_bytes_max(self.head_bytes_max.unwrap_or(16 << 10));
        match self.kind {
            Kind::Request => {
                read(RequestReader::new(&POOL).with_assembly(assembly).with_limits(limits), pieces)
            }
            Kind::Response => {
                let mut reader =
                    ResponseReader::new(&POOL).with_assembly(assembly).with_limits(limits);
                reader.expect_answer_to(RequestMethod::from_name(&self.method));
                read(reader, pieces)
            }
        }
    }

    fn check(&self) {
        let wire = Segment::from(bytes::Bytes::from(unescape(&self.bytes_escaped)));
        let whole = self.read(Assembly::Segmented, from_ref(&wire));
        let kind = whole.error.map(|(kind, _)| match kind {
            MessageErrorKind::Head(kind) => format!("{kind:?}"),
            MessageErrorKind::Body(kind) => format!("{kind:?}"),
        });
        assert_eq!(kind, self.error_kind, "{}", self.name);
        assert_eq!(whole.error.map(|(_, offset)| offset), self.error_offset, "{}", self.name);
        if let (Some((kind, _)), Some(status)) = (whole.error, self.status) {
            assert_eq!(kind.status(), status, "{}", self.name);
        }
        if let Some(fields) = &self.fields {
            assert_eq!(&whole.fields, fields, "{}", self.name);
        }
        assert_eq!(whole.body, unescape(&self.body_escaped), "{}", self.name);
        assert_eq!(whole.leftover, unescape(&self.leftover_escaped), "{}", self.name);
        assert_eq!(whole.keeps_alive, self.keeps_alive, "{}", self.name);
        for assembly in Assembly::ALL {
            let cuts = (1..wire.len()).map(|at| pieces(&wire, &[at])).chain([octets(&wire)]);
            for cut in cuts {
                let outcome = self.read(assembly, &cut);
                assert_eq!(outcome, whole, "{}, {assembly:?}, {}", self.name, cut[0].len());
            }
        }
    }
}

#[test]
fn messages_are_the_same_in_every_cut_and_both_assemblies() {
    let rows = include_str!("../data/messages.jsonl").lines();
    let rows: Vec<Row> = rows.map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(rows.len(), 25);
    rows.iter().for_each(Row::check);
}
