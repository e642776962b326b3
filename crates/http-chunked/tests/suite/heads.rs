//! Random heads: what comes of them depends on their octets and on nothing else, and is what another
//! parser finds.

use http_chunked::{
    HeadErrorKind, MessageErrorKind, MessageReader, MessageStep, RequestLine, StartLine, StatusLine,
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{cut::steps, outcome::POOL};

const CASES: u32 = if cfg!(miri) { 4 } else { 2048 };

/// Pieces that a head could be made of, good and bad.
const WORDS: &[&str] = &[
    "\r\n",
    "\r\n",
    "\r\n\r\n",
    "\r",
    "\n",
    " ",
    "\t",
    ":",
    ": ",
    "A",
    "a: b\r\n",
    "Host: c\r\n",
    "\0",
    "\u{7f}",
    "é",
    "(",
    "/",
    "GET ",
    "GET / HTTP/1.1\r\nHost: a\r\n",
    "CONNECT a:1 HTTP/1.1\r\n",
    "#",
    "HTTP/1.1",
    " HTTP/1.0\r\n",
    "http/1.1",
    "HTTP/1.2",
    " HTTP/1.2\r\n",
    "\r\n ",
    "HTTP/1.1 200 OK\r\n",
    "200",
    " 20",
    "204 \r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "x",
];

/// Whether a refusal is found octet by octet.
fn is_of_a_line(kind: MessageErrorKind) -> bool {
    use HeadErrorKind::{BareLf, FieldLine, StartLine, Version};
    matches!(kind, MessageErrorKind::Head(StartLine | Version | FieldLine | BareLf))
}

/// What came of a head: its octets, or the kind and offset of the refusal, or nothing yet.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Head(Vec<u8>),
    Refused(MessageErrorKind, u64),
    NeedMore,
}

fn read<L: StartLine>(wire: &[u8], step: usize) -> Found {
    let mut reader = MessageReader::<L>::new(&POOL);
    for mut piece in steps(wire, step) {
        match reader.push(&mut piece) {
            Ok(MessageStep::NeedMore) => assert!(piece.is_empty()),
            Ok(_) => return Found::Head(reader.head().expect("it was read").octets().to_vec()),
            Err(error) => return Found::Refused(error.kind(), error.offset()),
        }
    }
    Found::NeedMore
}

/// The length of the head that `httparse`, which takes more than we do, finds.
fn parses_request(wire: &[u8]) -> Option<usize> {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    whole(httparse::Request::new(&mut fields).parse(wire))
}

fn parses_response(wire: &[u8]) -> Option<usize> {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    whole(httparse::Response::new(&mut fields).parse(wire))
}

fn whole(parsed: httparse::Result<usize>) -> Option<usize> {
    match parsed {
        Ok(httparse::Status::Complete(len)) => Some(len),
        Ok(httparse::Status::Partial) | Err(_) => None,
    }
}

fn check<L: StartLine>(
    wire: &[u8],
    parses: impl Fn(&[u8]) -> Option<usize>,
) -> Result<(), TestCaseError> {
    let read = read::<L>;
    let whole = read(wire, wire.len());
    for step in [1, 2, 3, 7] {
        prop_assert_eq!(&read(wire, step), &whole, "pieces of {}", step);
    }
    match &whole {
        Found::Head(octets) => {
            prop_assert!(octets.ends_with(b"\r\n\r\n"));
            // An empty line before a request is skipped, and a folded line of a response unfolded.
            let wire = wire.strip_prefix(b"\r\n").unwrap_or(wire);
            let is_same = |(&ours, &theirs): (&u8, &u8)| ours == theirs || ours == b' ';
            prop_assert!(octets.iter().zip(wire).all(is_same));
            // The parser knows no later version.
            let known = String::from_utf8_lossy(octets).replacen("HTTP/1.2", "HTTP/1.1", 1);
            prop_assert_eq!(parses(known.as_bytes()), Some(known.len()));
        }
        // What is wrong with a line is found at its octet, everything else after the head.
        Found::Refused(kind, offset) if is_of_a_line(*kind) => {
            let front = usize::try_from(*offset).expect("it is in memory");
            prop_assert!(front <= wire.len());
            let before = read(&wire[..front], front.max(1));
            prop_assert!(!matches!(before, Found::Refused(..)), "refused before: {:?}", before);
        }
        Found::Refused(..) | Found::NeedMore => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_response_head_is_the_same_in_every_cut(words in vec(select(WORDS), 1..12)) {
        let wire = ["HTTP/1.1 200 OK\r\n", &words.concat()].concat();
        check::<StatusLine>(wire.as_bytes(), parses_response)?;
        check::<StatusLine>(words.concat().as_bytes(), parses_response)?;
    }

    #[test]
    fn a_request_head_is_the_same_in_every_cut(words in vec(select(WORDS), 1..12)) {
        let wire = ["GET / HTTP/1.1\r\nHost: a\r\n", &words.concat()].concat();
        check::<RequestLine>(wire.as_bytes(), parses_request)?;
        check::<RequestLine>(words.concat().as_bytes(), parses_request)?;
    }
}
