//! Whole responses.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use http_chunked::{
    Assembly, BodyErrorKind, MessageError, MessageErrorKind, MessageStep, RequestMethod, Response,
    ResponseReader,
};
use seg_pool::Segment;

use crate::{
    cut::pieces,
    outcome::{POOL, named},
};

/// Reads one response and returns it with what was left over; the connection closes behind `wire`.
fn receive(
    reader: &mut ResponseReader,
    pieces: &[Segment],
) -> Result<(Response, Vec<u8>), MessageError> {
    for (index, piece) in pieces.iter().enumerate() {
        let mut received = piece.clone();
        loop {
            match reader.push(&mut received)? {
                MessageStep::NeedMore => break assert!(received.is_empty()),
                MessageStep::Interim | MessageStep::Head => {}
                MessageStep::End => {
                    let rest = pieces[index + 1..].iter().flat_map(|piece| piece.to_vec());
                    let left = received.iter().copied().chain(rest).collect();
                    return Ok((reader.take_message().expect("it ended"), left));
                }
            }
        }
    }
    reader.finish()?;
    Ok((reader.take_message().expect("it ended"), Vec::new()))
}

/// Reads `wire` in both assemblies and in every cut, and checks body, leftover and reuse.
fn check(request: RequestMethod, wire: &[u8], body: &[u8], left: &[u8], keeps_alive: bool) {
    let wire = Segment::from(bytes::Bytes::copy_from_slice(wire));
    for assembly in Assembly::ALL {
        let mut reader = ResponseReader::new(&POOL).with_assembly(assembly);
        for at in 0..wire.len() {
            reader.expect_answer_to(request);
            let cut = pieces(&wire, &[at, at.midpoint(wire.len())]);
            let (response, leftover) = receive(&mut reader, &cut).expect("a good response");
            assert_eq!(response.body().sequence(), body, "{assembly:?}, cut at {at}");
            assert_eq!((&*leftover, response.keeps_alive()), (left, keeps_alive), "cut at {at}");
        }
    }
}

fn plain(wire: &str, body: &str, left: &str, keeps_alive: bool) {
    check(RequestMethod::Other, wire.as_bytes(), body.as_bytes(), left.as_bytes(), keeps_alive);
}

#[test]
fn a_chunked_body_ends_with_its_last_chunk() {
    let wire =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3;x\r\nabc\r\n0\r\nA: b\r\n\r\nHTTP";
    plain(wire, "abc", "HTTP", true);
}

#[test]
fn a_body_with_a_length_ends_there() {
    plain("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP", "abc", "HTTP", true);
    plain("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP", "", "HTTP", true);
    plain(
        "HTTP/1.1 200 OK\r\nContent-Length: 003, 3\r\nContent-Length: 3\r\n\r\nabcd",
        "abc",
        "d",
        true,
    );
}

#[test]
fn a_body_without_either_goes_until_the_connection_closes() {
    plain("HTTP/1.1 200 OK\r\nServer: x\r\n\r\nabc\r\n\r\n", "abc\r\n\r\n", "", false);
    plain("HTTP/1.0 200 OK\r\n\r\n", "", "", false);
}

#[test]
fn some_responses_have_no_body_whatever_they_say() {
    let fields = "Content-Length: 5\r\n\r\nHTTP/1.1";
    plain(&format!("HTTP/1.1 204 No Content\r\n{fields}"), "", "HTTP/1.1", true);
    plain(&format!("HTTP/1.1 304 Not Modified\r\n{fields}"), "", "HTTP/1.1", true);
    let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{fields}");
    check(RequestMethod::Head, head.as_bytes(), b"", b"HTTP/1.1", true);
}

#[test]
fn a_switched_connection_is_handed_over_with_what_was_read_ahead() {
    let upgrade = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x01\x02";
    plain(upgrade, "", "\x01\x02", false);
    let connect = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\n\r\n\x16\x03";
    check(RequestMethod::Connect, connect, b"", b"\x16\x03", false);
    let refused = b"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nnoHTTP";
    check(RequestMethod::Connect, refused, b"no", b"HTTP", true);
}

#[test]
fn the_connection_field_says_whether_it_stays_open() {
    for (version, field, keeps_alive) in [
        (1, "keep-alive", true),
        (1, "x, CLOSE", false),
        (1, "x\r\nConnection: close", false),
        (1, "closed", true),
        (0, "Keep-Alive", true),
        (0, "x", false),
        (0, "keep-alive, close", false),
    ] {
        let head = format!("HTTP/1.{version} 200 OK\r\nConnection: {field}\r\n");
        plain(&format!("{head}Content-Length: 1\r\n\r\nx"), "x", "", keeps_alive);
    }
}

fn gzipped(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("a vector takes everything")
}

#[test]
fn compressed_content_is_decoded_unless_it_is_kept_encoded() {
    let coded = gzipped(b"hello hello hello hello");
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("{:x}\r\n", coded.len());
    let wire = [head, chunk.as_bytes(), &coded, b"\r\n0\r\n\r\nHTTP"].concat();
    check(RequestMethod::Other, &wire, b"hello hello hello hello", b"HTTP", true);

    let mut reader = ResponseReader::new(&POOL).keep_encoded();
    let wire = [Segment::from(bytes::Bytes::from(wire))];
    let (response, _) = receive(&mut reader, &wire).expect("a good response");
    assert_eq!(response.body().bytes(), coded);
}

#[test]
fn an_empty_response_may_name_any_coding() {
    let head = "HTTP/1.1 304 Not Modified\r\nContent-Encoding: br\r\n\r\n";
    plain(head, "", "", true);
    for coding in ["gzip", "compress", "gzip, gzip, gzip"] {
        let fields = format!("Content-Encoding: {coding}\r\nContent-Length: 0");
        plain(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n"), "", "", true);
    }
}

#[test]
fn responses_follow_each_other_on_one_connection() {
    let first = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let second = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n";
    for assembly in Assembly::ALL {
        let mut reader = ResponseReader::new(&POOL).with_assembly(assembly);
        let mut rest = [first, second, first].concat().into_bytes();
        let mut bodies = Vec::new();
        while !rest.is_empty() {
            reader.expect_answer_to(RequestMethod::Other);
            let wire = [Segment::from(bytes::Bytes::from(rest))];
            let (response, left) = receive(&mut reader, &wire).expect("a good response");
            let trailers = named(response.body().trailers());
            bodies.push((response.into_body().into_bytes().to_vec(), trailers));
            rest = left;
        }
        let hi = (b"hi".to_vec(), Vec::new());
        let trailers = vec![("A".to_owned(), b"b".to_vec())];
        assert_eq!(bodies, [hi.clone(), (b"x".to_vec(), trailers), hi]);
    }
}

#[test]
fn a_body_cut_short_is_an_error_and_stays_readable() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
    for wire in [chunked, length] {
        let head = wire.find("\r\n\r\n").expect("an empty line") + 4;
        for at in head..wire.len() {
            for assembly in Assembly::ALL {
                let mut reader = ResponseReader::new(&POOL).with_assembly(assembly);
                let cut = [Segment::from(bytes::Bytes::copy_from_slice(&wire.as_bytes()[..at]))];
                let error = receive(&mut reader, &cut).expect_err("cut short");
                let kind = MessageErrorKind::Body(BodyErrorKind::Truncated);
                assert_eq!((error.kind(), error.offset()), (kind, at as u64));
                let response = reader.take_message().expect("its head was read");
                assert!(b"abc".starts_with(response.body().bytes()));
                assert!(!response.keeps_alive());
            }
        }
    }
}

#[test]
fn a_refused_body_counts_its_offset_from_the_start_of_the_response() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let wire = [Segment::from(bytes::Bytes::from(format!("{head}3\r\nabc\n0\r\n\r\n")))];
    let mut reader = ResponseReader::new(&POOL);
    let error = receive(&mut reader, &wire).expect_err("a bare line feed");
    assert_eq!(error.offset(), head.len() as u64 + 6);
    let text =
        format!("chunk data is not followed by CRLF at byte {} of the message", head.len() + 6);
    assert_eq!(error.to_string(), text);
}
