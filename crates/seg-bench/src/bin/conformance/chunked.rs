//! A row through the chunked decoder, in every way it may come.

use core::fmt::Debug;
use std::sync::LazyLock;

use http_chunked::Assembly;
use seg_pool::{Pool, Segment};

use crate::{escape::escape, outcome::Outcome, row::Row};

static POOL: LazyLock<Pool> = LazyLock::new(Pool::new);

/// Decodes a row. Returns its outcome when it comes whole, linked; and in words what disagrees.
pub(crate) fn run(row: &Row) -> anyhow::Result<(Outcome, Vec<String>)> {
    let wire = Segment::from(bytes::Bytes::copy_from_slice(&row.octets));
    let decode = |assembly, at| Outcome::of(&POOL, assembly, [wire.slice(..at), wire.slice(at..)]);
    let whole = decode(Assembly::Segmented, wire.len())?;
    let mut disagreements = expectations(row, &whole);
    for assembly in Assembly::ALL {
        // The first cut that changes something tells enough.
        for at in (0..=wire.len()).rev() {
            let outcome = decode(assembly, at)?;
            if outcome != whole {
                let found = differences(&whole, &outcome).join(", ");
                disagreements.push(format!("{assembly:?}, cut before octet {at}: {found}"));
                break;
            }
        }
    }
    Ok((whole, disagreements))
}

/// What the row expects and does not get.
fn expectations(row: &Row, actual: &Outcome) -> Vec<String> {
    let error = actual.error.as_ref();
    let expected = Outcome {
        verdict: row.expected.unwrap_or(actual.verdict),
        body: row.body.clone().unwrap_or_else(|| actual.body.clone()),
        trailers: row.trailers.clone().unwrap_or_else(|| actual.trailers.clone()),
        leftover: row.leftover.clone().unwrap_or_else(|| actual.leftover.clone()),
        error: error.map(|(kind, offset)| {
            (
                row.error_kind.clone().unwrap_or_else(|| kind.clone()),
                row.error_offset.unwrap_or(*offset),
            )
        }),
    };
    differences(&expected, actual)
}

fn differences(expected: &Outcome, actual: &Outcome) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, expected: &dyn Debug, actual: &dyn Debug, equal: bool| {
        if !equal {
            found.push(format!("{what} is {actual:?}, expected {expected:?}"));
        }
    };
    let (e, a) = (expected, actual);
    compare("verdict", &e.verdict, &a.verdict, e.verdict == a.verdict);
    compare("body", &shown(&e.body), &shown(&a.body), e.body == a.body);
    let (fields, others) = (e.to_json("").trailers, a.to_json("").trailers);
    compare("trailers", &fields, &others, e.trailers == a.trailers);
    compare("leftover", &shown(&e.leftover), &shown(&a.leftover), e.leftover == a.leftover);
    compare("error", &e.error, &a.error, e.error == a.error);
    found
}

/// Octets for a line of output: the first of many.
fn shown(octets: &[u8]) -> String {
    const SHOWN: usize = 40;
    match octets.get(..SHOWN) {
        Some(front) if octets.len() > SHOWN => {
            format!("{}… ({} bytes)", escape(front), octets.len())
        }
        _ => escape(octets),
    }
}
