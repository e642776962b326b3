//! Random heads: what comes of them depends on their octets and on nothing else, and is what another
//! parser finds.

use http_chunked::{RequestReader, RequestStep, ResponseReader, ResponseStep};
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
    "HTTP/1.1 200 OK\r\n",
    "200",
    " 20",
    "204 \r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "x",
];

/// Kinds of refusals that are found octet by octet.
const LINES: [&str; 5] = ["RequestLine", "StatusLine", "Version", "FieldLine", "BareLf"];

/// What came of a head: its octets, or the kind and offset of the refusal, or nothing yet.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Head(Vec<u8>),
    Refused(String, u64),
    NeedMore,
}

fn request(wire: &[u8], step: usize) -> Found {
    let mut reader = RequestReader::new(&POOL);
    for mut piece in steps(wire, step) {
        match reader.push(&mut piece) {
            Ok(RequestStep::NeedMore) => assert!(piece.is_empty()),
            Ok(_) => return Found::Head(reader.head().expect("it was read").octets().to_vec()),
            Err(error) => return Found::Refused(format!("{:?}", error.kind()), error.offset()),
        }
    }
    Found::NeedMore
}

fn response(wire: &[u8], step: usize) -> Found {
    let mut reader = ResponseReader::new(&POOL);
    for mut piece in steps(wire, step) {
        match reader.push(&mut piece) {
            Ok(ResponseStep::NeedMore) => assert!(piece.is_empty()),
            Ok(_) => return Found::Head(reader.head().expect("it was read").octets().to_vec()),
            Err(error) => return Found::Refused(format!("{:?}", error.kind()), error.offset()),
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

fn check(
    wire: &[u8],
    read: impl Fn(&[u8], usize) -> Found,
    parses: impl Fn(&[u8]) -> Option<usize>,
) -> Result<(), TestCaseError> {
    let whole = read(wire, wire.len());
    for step in [1, 2, 3, 7] {
        prop_assert_eq!(&read(wire, step), &whole, "pieces of {}", step);
    }
    match &whole {
        Found::Head(octets) => {
            prop_assert!(octets.ends_with(b"\r\n\r\n"));
            // An empty line in front of a request is skipped.
            let wire = wire.strip_prefix(b"\r\n").unwrap_or(wire);
            prop_assert!(wire.starts_with(octets));
            prop_assert_eq!(parses(wire), Some(octets.len()));
        }
        // What is wrong with a line is found at its octet, everything else behind the head.
        Found::Refused(kind, offset) if LINES.contains(&kind.as_str()) => {
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
        check(wire.as_bytes(), response, parses_response)?;
        check(words.concat().as_bytes(), response, parses_response)?;
    }

    #[test]
    fn a_request_head_is_the_same_in_every_cut(words in vec(select(WORDS), 1..12)) {
        let wire = ["GET / HTTP/1.1\r\nHost: a\r\n", &words.concat()].concat();
        check(wire.as_bytes(), request, parses_request)?;
        check(words.concat().as_bytes(), request, parses_request)?;
    }
}
