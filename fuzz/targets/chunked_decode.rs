//! A chunked stream, whole and cut in three, against the grammar that the tests share.
#![no_main]

#[path = "../../crates/http-chunked/tests/suite/case.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod case;
#[path = "../../crates/http-chunked/tests/suite/cut.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod cut;
#[path = "../../crates/http-chunked/tests/suite/grammar.rs"]
mod grammar;
#[path = "../../crates/http-chunked/tests/suite/outcome.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod outcome;

use case::Verdict;
use libfuzzer_sys::fuzz_target;
use outcome::Outcome;
use seg_pool::Segment;

fuzz_target!(|input: &[u8]| {
    let [first, second, wire @ ..] = input else { return };
    // Below the default limits on size lines and framing, which the grammar knows nothing of.
    if wire.len() > 4_000 {
        return;
    }
    let mut cuts = [*first, *second].map(|part| wire.len() * usize::from(part) / 255);
    cuts.sort_unstable();
    let whole = Segment::from(bytes::Bytes::copy_from_slice(wire));
    let outcome = Outcome::of(&cut::pieces(&whole, &cuts), &cuts);
    if outcome.error.as_ref().is_some_and(|(kind, _)| kind == "too-many-trailers") {
        return;
    }
    let reading = grammar::read(wire);
    assert_eq!(outcome.verdict, reading.verdict);
    assert_eq!(outcome.body, reading.body);
    assert_eq!(outcome.trailers, reading.trailers);
    assert_eq!(outcome.leftover, reading.leftover);
    if outcome.verdict == Verdict::Reject {
        let offset = usize::try_from(outcome.error.expect("an error").1).expect("a short wire");
        assert_eq!(grammar::read(&wire[..offset]).verdict, Verdict::Incomplete);
        assert_eq!(grammar::read(&wire[..=offset]).verdict, Verdict::Reject);
    }
});
