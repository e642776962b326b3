//! The case files, whole and in pieces, in both assemblies.

use core::slice::from_ref;
use std::{env, fs, path::Path};

use seg_pool::Segment;

use crate::{
    case::{Case, Verdict, cases},
    cut::{octets, pieces, places},
    outcome::Outcome,
};

fn check(case: &Case) {
    let wire = Segment::from(bytes::Bytes::from(case.wire()));
    let whole = Outcome::of(from_ref(&wire), &case.name);
    assert_eq!(whole, Outcome::of_case(case, &whole), "{}", case.name);
    if let (Verdict::Reject, Some((_, offset))) = (case.verdict, &whole.error) {
        assert!(*offset < wire.len() as u64, "{}: the refused octet was received", case.name);
    }
    let cuts = places(wire.len()).map(|at| pieces(&wire, &[at])).chain([octets(&wire)]);
    for cut in cuts {
        let lengths: Vec<_> = cut.iter().map(|piece| piece.len()).take(2).collect();
        assert_eq!(Outcome::of(&cut, &(&case.name, &lengths)), whole, "{} {lengths:?}", case.name);
    }
}

/// Names a file of rows like those of `data`, to be read in the place of the corpus: by a path from the root of the
/// workspace.
const CASES_VARIABLE: &str = "HTTP_CHUNKED_CASES";

#[test]
fn the_corpus_holds_in_every_cut() {
    let corpus = match env::var_os(CASES_VARIABLE) {
        Some(path) => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
            cases(&fs::read_to_string(root.join(path)).expect(CASES_VARIABLE))
        }
        None => cases(include_str!("../data/chunked.jsonl")),
    };
    let rows = if env::var_os(CASES_VARIABLE).is_some() { corpus.len().max(1) } else { 136 };
    assert_eq!(corpus.len(), rows);
    corpus.iter().for_each(check);
}

#[test]
fn kinds_and_offsets_of_our_own_cases_hold_in_every_cut() {
    let cases = cases(include_str!("../data/cases.jsonl"));
    assert_eq!(cases.len(), 273);
    cases.iter().for_each(check);
}

#[test]
fn every_accepted_case_is_incomplete_when_it_is_cut_short() {
    let files = [include_str!("../data/chunked.jsonl"), include_str!("../data/cases.jsonl")];
    for case in files.iter().flat_map(|file| cases(file)) {
        if case.verdict != Verdict::Accept {
            continue;
        }
        let wire = Segment::from(bytes::Bytes::from(case.wire()));
        let end = wire.len() - crate::case::unescape(&case.leftover_escaped).len();
        let whole = Outcome::of(from_ref(&wire), &case.name);
        for at in places(end).chain([0]) {
            let short = Outcome::of(&[wire.slice(..at)], &(&case.name, at));
            assert_eq!(short.verdict, Verdict::Incomplete, "{} at {at}", case.name);
            assert_eq!(short.error, Some(("truncated".to_owned(), at as u64)), "{}", case.name);
            assert!(whole.body.starts_with(&short.body), "{} at {at}", case.name);
        }
    }
}
