//! Random input: against the grammar written a second time, and there and back.

use core::slice::from_ref;

use http_chunked::{Assembly, Decoder};
use proptest::{collection::vec, prelude::*, sample::select};
use seg_pool::Segment;

use crate::{case::Verdict, cut::pieces, grammar, outcome::Outcome};

const CASES: u32 = if cfg!(miri) { 4 } else { 512 };
const CHUNK_BYTES_MAX: usize = if cfg!(miri) { 16 } else { 3000 };

/// Pieces that a body could be made of, good and bad.
const WORDS: &[&str] = &[
    "\r\n",
    "\r\n",
    "\r\n\r\n",
    "0\r\n",
    "0\r\n\r\n",
    "1\r\nx\r\n",
    "3",
    "0",
    "A",
    "f",
    ";",
    "=",
    "\"",
    "\\",
    " ",
    "\t",
    "\r",
    "\n",
    ";a",
    ";a=b",
    ";a=\"b\"",
    "\\\"",
    " ; ",
    " = ",
    "x",
    "a",
    ":",
    ": ",
    "A: b\r\n",
    "Host: c",
    "C:\r\n",
    "\0",
    "\x7f",
    "\u{80}",
    "é",
    ",",
    "g",
    "00000000",
    "ffffffff",
    "7fffffff",
    "2\r\n\r\n\r\n",
];

fn segment(wire: &[u8]) -> Segment {
    Segment::from(bytes::Bytes::copy_from_slice(wire))
}

/// Turns fractions into cuts of a stream of `len` octets.
fn cuts(len: usize, fractions: &[u16]) -> Vec<usize> {
    let mut cuts: Vec<_> =
        fractions.iter().map(|part| len * usize::from(*part) / usize::from(u16::MAX)).collect();
    cuts.sort_unstable();
    cuts
}

/// Compares with the grammar; a refusal must name the first octet that no good body can have.
fn agrees(wire: &[u8], fractions: &[u16]) -> Result<(), TestCaseError> {
    let whole = segment(wire);
    let outcome = Outcome::of(&pieces(&whole, &cuts(wire.len(), fractions)), &wire.escape_ascii());
    let reading = grammar::read(wire);
    prop_assert_eq!(outcome.verdict, reading.verdict, "{}", wire.escape_ascii());
    prop_assert_eq!(&outcome.body, &reading.body);
    prop_assert_eq!(&outcome.trailers, &reading.trailers);
    prop_assert_eq!(&outcome.leftover, &reading.leftover);
    if outcome.verdict == Verdict::Reject {
        let offset = usize::try_from(outcome.error.expect("an error").1).expect("short");
        prop_assert_eq!(grammar::read(&wire[..offset]).verdict, Verdict::Incomplete);
        prop_assert_eq!(grammar::read(&wire[..=offset]).verdict, Verdict::Reject);
    }
    Ok(())
}

fn blanks() -> impl Strategy<Value = String> {
    "[ \t]{0,3}"
}

fn extension() -> impl Strategy<Value = String> {
    let token = "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}";
    let quoted = "\"([ !#-\\[\\]-~\t]|\\\\[ -~\t]){0,10}\"";
    let value = prop_oneof![token, quoted];
    let value = (blanks(), blanks(), value).prop_map(|(a, b, value)| format!("{a}={b}{value}"));
    let value = proptest::option::of(value).prop_map(Option::unwrap_or_default);
    (blanks(), blanks(), token, value)
        .prop_map(|(a, b, name, value)| format!("{a};{b}{name}{value}"))
}

/// A size line for `size`, with zeros in front and extensions behind.
fn size_line() -> impl Strategy<Value = (usize, bool, Vec<String>)> {
    (0_usize..4, any::<bool>(), vec(extension(), 0..3))
}

fn write_line(wire: &mut Vec<u8>, size: usize, line: &(usize, bool, Vec<String>)) {
    let (zeros, upper, extensions) = line;
    let digits = if *upper { format!("{size:X}") } else { format!("{size:x}") };
    let line = format!("{}{digits}{}\r\n", "0".repeat(*zeros), extensions.concat());
    wire.extend_from_slice(line.as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_words_are_read_as_the_grammar_reads_them(
        words in vec(select(WORDS), 0..24),
        fractions in vec(any::<u16>(), 0..4),
    ) {
        agrees(words.concat().as_bytes(), &fractions)?;
    }

    #[test]
    fn a_good_body_with_one_octet_changed_is_read_as_the_grammar_reads_it(
        lines in vec((size_line(), vec(any::<u8>(), 1..8)), 0..4),
        last in size_line(),
        at in any::<prop::sample::Index>(),
        octet in prop_oneof![any::<u8>(), select(b"\r\n\t \";=\\:0a".as_slice())],
        insert in any::<bool>(),
        fractions in vec(any::<u16>(), 0..4),
    ) {
        let mut wire = Vec::new();
        for (line, data) in &lines {
            write_line(&mut wire, data.len(), line);
            wire.extend_from_slice(data);
            wire.extend_from_slice(b"\r\n");
        }
        write_line(&mut wire, 0, &last);
        wire.extend_from_slice(b"Etag: \"a\"\r\nB:\r\n\r\n");
        agrees(&wire, &fractions)?;
        let at = at.index(wire.len());
        if insert {
            wire.insert(at, octet);
        } else {
            wire[at] = octet;
        }
        agrees(&wire, &fractions)?;
    }

    #[test]
    fn chunks_come_back_as_one_body_through_random_cuts(
        chunks in vec((size_line(), vec(any::<u8>(), 1..CHUNK_BYTES_MAX)), 0..12),
        last in size_line(),
        trailers in vec(("X-[A-Za-z0-9]{1,6}", "([!-~]([!-~ \t]{0,10}[!-~])?)?"), 0..4),
        leftover in vec(any::<u8>(), 0..20),
        fractions in vec(any::<u16>(), 0..20),
    ) {
        let (mut wire, mut body) = (Vec::new(), Vec::new());
        for (line, data) in &chunks {
            write_line(&mut wire, data.len(), line);
            wire.extend_from_slice(data);
            wire.extend_from_slice(b"\r\n");
            body.extend_from_slice(data);
        }
        write_line(&mut wire, 0, &last);
        for (name, value) in &trailers {
            wire.extend_from_slice(format!("{name}: \t{value} \r\n").as_bytes());
        }
        wire.extend_from_slice(b"\r\n");
        wire.extend_from_slice(&leftover);
        let expected = Outcome {
            verdict: Verdict::Accept,
            body,
            trailers: trailers.into_iter().map(|(n, v)| (n, v.into_bytes())).collect(),
            leftover,
            error: None,
        };
        let whole = segment(&wire);
        prop_assert_eq!(&Outcome::of(&pieces(&whole, &cuts(wire.len(), &fractions)), &"cut"), &expected);
        for assembly in Assembly::ALL {
            prop_assert_eq!(&Outcome::of_assembly(assembly, from_ref(&whole)), &expected);
        }
    }

    #[test]
    fn any_octets_at_all_never_panic(
        wire in vec(any::<u8>(), 0..200),
        fractions in vec(any::<u16>(), 0..4),
    ) {
        let whole = segment(&wire);
        let outcome = Outcome::of_decoder(Decoder::new(), &pieces(&whole, &cuts(wire.len(), &fractions)));
        prop_assert_eq!(outcome.verdict, grammar::read(&wire).verdict);
    }
}
