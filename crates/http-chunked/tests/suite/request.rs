//! Whole requests, one after another on a connection.

use core::slice::from_ref;

use http_chunked::{
    Assembly, BodyErrorKind, MessageError, MessageErrorKind, MessageStep, Request, RequestReader,
};
use proptest::{collection::vec, prelude::*};
use seg_pool::Segment;

use crate::{
    cut::pieces,
    outcome::{POOL, named},
};

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

/// Reads all requests of a connection that closes behind `pieces`. A request that is handed over is
/// the last; what comes behind it is given back.
fn receive(
    reader: &mut RequestReader,
    pieces: &[Segment],
) -> Result<(Vec<Request>, Vec<u8>), MessageError> {
    let mut requests: Vec<Request> = Vec::new();
    let mut left = Vec::new();
    for piece in pieces {
        let mut received = piece.clone();
        while !received.is_empty() {
            if requests.last().is_some_and(|last| !last.keeps_alive()) {
                left.extend_from_slice(&received);
                break;
            }
            match reader.push(&mut received)? {
                MessageStep::NeedMore => assert!(received.is_empty()),
                MessageStep::Interim => panic!("a request"),
                MessageStep::Head => {
                    // Without a body the end comes at once, whether or not there is more input.
                    if reader.push(&mut Segment::new())? == MessageStep::End {
                        requests.push(reader.take_message().expect("it ended"));
                        reader.reset();
                    }
                }
                MessageStep::End => {
                    requests.push(reader.take_message().expect("it ended"));
                    reader.reset();
                }
            }
        }
    }
    reader.finish()?;
    Ok((requests, left))
}

/// Reads `wire` in both assemblies and in every cut, and compares each request.
fn check(wire: &[u8], expected: &[(&str, &[u8], bool)], left: &[u8]) {
    let wire = Segment::from(bytes::Bytes::copy_from_slice(wire));
    for assembly in Assembly::ALL {
        let mut reader = RequestReader::new(&POOL).with_assembly(assembly);
        for at in 0..wire.len() {
            let cut = pieces(&wire, &[at, at.midpoint(wire.len())]);
            let (requests, leftover) = receive(&mut reader, &cut).expect("good requests");
            let found: Vec<_> = requests
                .iter()
                .map(|request| {
                    (request.head().target(), request.body().bytes(), request.keeps_alive())
                })
                .collect();
            assert_eq!(found, expected, "{assembly:?}, cut at {at}");
            assert_eq!(leftover, left, "cut at {at}");
        }
    }
}

#[test]
fn requests_follow_each_other_on_a_connection() {
    let wire = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\
        POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
        \r\nPOST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n\
        POST /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n\
        GET /5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\
        GET /6 HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n";
    let expected: [(&str, &[u8], bool); 6] = [
        ("/1", b"", true),
        ("/2", b"abc", true),
        ("/3", b"de", true),
        ("/4", b"", true),
        ("/5", b"", true),
        ("/6", b"", false),
    ];
    check(wire, &expected, b"");
}

#[test]
fn a_tunnel_is_handed_over_with_what_was_read_ahead() {
    let wire = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n\x16\x03\x01";
    check(wire, &[("a:443", b"", false)], b"\x16\x03\x01");
    let empty = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 0\r\n\r\nx";
    check(empty, &[("a:443", b"", false)], b"x");
}

#[test]
fn trailers_and_content_are_decoded() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"compressed").expect("into memory");
    let data = encoder.finish().expect("into memory");
    let head =
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
    let size = format!("{:x}\r\n", data.len());
    let wire = [head.as_bytes(), size.as_bytes(), &data, b"\r\n0\r\nETag: x\r\n\r\n"].concat();
    let wire = Segment::from(bytes::Bytes::from(wire));
    for keeps in [false, true] {
        let mut reader = RequestReader::new(&POOL);
        if keeps {
            reader = reader.keep_encoded();
        }
        let (requests, _) = receive(&mut reader, from_ref(&wire)).expect("a good request");
        let body = requests[0].body();
        assert_eq!(body.bytes(), if keeps { &data[..] } else { b"compressed" });
        assert_eq!(named(body.trailers()), [("ETag".to_owned(), b"x".to_vec())]);
    }
}

#[test]
fn a_body_cut_short_is_an_error_with_its_offset() {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    let wire = Segment::from(bytes::Bytes::from([&head[..], b"abc"].concat()));
    let mut reader = RequestReader::new(&POOL);
    let error = receive(&mut reader, &[wire]).expect_err("cut short");
    let kind = MessageErrorKind::Body(BodyErrorKind::Truncated);
    assert_eq!((error.kind(), error.offset()), (kind, head.len() as u64 + 3));
    let request = reader.take_message().expect("what there is of it");
    assert_eq!((request.body().bytes(), request.keeps_alive()), (&b"abc"[..], false));
}

#[test]
fn data_can_be_taken_while_it_comes() {
    let mut reader = RequestReader::new(&POOL);
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabc";
    let mut received = Segment::from_static(head);
    assert_eq!(reader.push(&mut received), Ok(MessageStep::Head));
    assert_eq!(reader.push(&mut received), Ok(MessageStep::NeedMore));
    assert_eq!(reader.take_data(), b"abc");
    let mut received = Segment::from_static(b"def\r\n0\r\nA: b\r\n\r\n");
    assert_eq!(reader.push(&mut received), Ok(MessageStep::End));
    assert_eq!(reader.take_data(), b"def");
    assert_eq!(reader.body_len(), 6);
    assert_eq!((reader.trailers().len(), reader.keeps_alive()), (1, true));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_at_all_never_panic_and_cuts_change_nothing(
        words in vec(prop::sample::select(&[
            "GET ", "POST ", "/ ", "HTTP/1.1", "HTTP/1.0", "\r\n", "\r\n", "\r\n\r\n", "Host: a", "Host:",
            "Content-Length: 3", "Transfer-Encoding: chunked", "abc", "3\r\nabc\r\n", "0\r\n\r\n", " ", "\n", ":", "\0",
        ][..]), 0..20),
        at in any::<prop::sample::Index>(),
    ) {
        let wire = Segment::from(bytes::Bytes::from(["GET / HTTP/1.1\r\nHost: a\r\n", &words.concat()].concat()));
        let show = |result: Result<(Vec<Request>, Vec<u8>), MessageError>| {
            result.map(|(requests, left)| {
                let bodies: Vec<_> = requests.iter().map(|request| request.body().bytes().to_vec()).collect();
                (bodies, left)
            })
        };
        let whole = show(receive(&mut RequestReader::new(&POOL), from_ref(&wire)));
        let cut = pieces(&wire, &[at.index(wire.len())]);
        let parts = show(receive(&mut RequestReader::new(&POOL), &cut));
        prop_assert_eq!(whole, parts);
    }
}
