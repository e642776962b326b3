//! Request heads: what they say, and what is refused.

use http_chunked::{
    BodyErrorKind, HeadErrorKind, MessageErrorKind, MessageLimits, MessageStep, RequestReader,
};
use seg_pool::{Pool, Segment};

use crate::{cut::steps, outcome::POOL};

/// Reads up to the head, in pieces of `step`.
fn read(
    reader: &mut RequestReader,
    wire: &[u8],
    step: usize,
) -> Result<MessageStep, (MessageErrorKind, u64)> {
    for mut received in steps(wire, step) {
        match reader.push(&mut received).map_err(|error| (error.kind(), error.offset()))? {
            MessageStep::NeedMore => {}
            done => return Ok(done),
        }
    }
    Ok(MessageStep::NeedMore)
}

/// The refusal of `wire`, the same whole and octet by octet. A `‸` stands before the refused octet.
fn check_refusal(kind: impl Into<MessageErrorKind>, status: u16, marked: &str) {
    let offset = marked.find('‸').expect("a mark");
    let (wire, kind) = (marked.replace('‸', ""), kind.into());
    for step in [1, 2, 7, wire.len()] {
        let mut reader = RequestReader::new(&POOL);
        let refusal = read(&mut reader, wire.as_bytes(), step).expect_err(marked);
        assert_eq!(refusal, (kind, offset as u64), "{marked:?} in pieces of {step}");
        let error = reader.finish().expect_err("it stays");
        assert_eq!((error.kind(), error.offset()), refusal);
        assert!(reader.take_message().is_none());
    }
    assert_eq!(kind.status(), status, "{kind:?}");
}

#[test]
fn malformed_heads_are_refused_at_the_same_octet_in_every_cut() {
    use HeadErrorKind::{BareLf, FieldLine, StartLine, Target, Version};
    for (kind, status, wire) in [
        (StartLine, 400, "\r\n‸\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (StartLine, 400, "\r‸GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (StartLine, 400, "‸\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (StartLine, 400, "‸ GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (StartLine, 400, "‸\u{16}\u{3}\u{1}\u{2}"),
        (StartLine, 400, "GET ‸ / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (StartLine, 400, "G‸(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (StartLine, 400, "GET /‸\tHTTP/1.1\r\nHost: a\r\n\r\n"),
        (StartLine, 400, "GET /a‸\0b HTTP/1.1\r\nHost: a\r\n\r\n"),
        (StartLine, 400, "GET / HTTP/1.1‸ \r\nHost: a\r\n\r\n"),
        (StartLine, 400, "GET / HTTP/1.1‸1\r\nHost: a\r\n\r\n"),
        (StartLine, 400, "GET / HTTP/1.1\r‸ \nHost: a\r\n\r\n"),
        (Version, 505, "GET / ‸ HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Version, 505, "GET / HTTP/‸2.0\r\nHost: a\r\n\r\n"),
        (Version, 505, "GET / ‸http/1.1\r\nHost: a\r\n\r\n"),
        (Version, 505, "PRI * HTTP/‸2.0\r\n\r\nSM\r\n\r\n"),
        (BareLf, 400, "GET / HTTP/1.1‸\nHost: a\r\n\r\n"),
        (BareLf, 400, "GET / HTTP/1.1\r\nHost: a‸\n\r\n"),
        (BareLf, 400, "GET / HTTP/1.1\r\nHost: a\r\n‸\n"),
        (FieldLine, 400, "GET / HTTP/1.1\r\n‸ Host: a\r\n\r\n"),
        (FieldLine, 400, "GET / HTTP/1.1\r\nHost‸ : a\r\n\r\n"),
        (FieldLine, 400, "GET / HTTP/1.1\r\nHost‸\t: a\r\n\r\n"),
        (FieldLine, 400, "GET / HTTP/1.1\r\nHost‸\r\n\r\n"),
        (FieldLine, 400, "GET / HTTP/1.1\r\n‸: a\r\n\r\n"),
        (FieldLine, 400, "GET / HTTP/1.1\r\nHost: a‸\0\r\n\r\n"),
        (FieldLine, 400, "GET / HTTP/1.1\r\nHost: a\r‸b\r\n\r\n"),
        (FieldLine, 400, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n‸ c\r\n\r\n"),
        (FieldLine, 400, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n‸\tc\r\n\r\n"),
        (FieldLine, 400, "GET / HTTP/1.1\r\nHost: a\r\n\r‸x"),
        (Target, 400, "GET ‸a HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Target, 400, "GET ‸* HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Target, 400, "GET /a‸#b HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Target, 400, "GET /‸\u{fc} HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Target, 400, "CONNECT ‸/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Target, 400, "CONNECT ‸a HTTP/1.1\r\nHost: a\r\n\r\n"),
    ] {
        check_refusal(kind, status, wire);
    }
}

#[test]
fn a_request_has_one_host() {
    use HeadErrorKind::{HostInvalid, HostMissing};
    check_refusal(HostMissing, 400, "GET / HTTP/1.1\r\nA: b\r\n\r\n‸");
    check_refusal(HostMissing, 400, "GET http://a/ HTTP/1.1\r\n\r\n‸");
    check_refusal(HostInvalid, 400, "GET / HTTP/1.1\r\nHost: a\r\nhost: ‸a\r\n\r\n");
    check_refusal(HostInvalid, 400, "GET / HTTP/1.0\r\nHost: a\r\nHost: ‸b\r\n\r\n");
    check_refusal(HostInvalid, 400, "GET / HTTP/1.1\r\nHost: ‸a, b\r\n\r\n");
    check_refusal(HostInvalid, 400, "GET / HTTP/1.1\r\nHost: ‸a/b\r\n\r\n");
    check_refusal(HostInvalid, 400, "GET / HTTP/1.1\r\nHost: ‸u@a\r\n\r\n");
    for wire in [
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
        "\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        for step in [1, 1000] {
            let mut reader = RequestReader::new(&POOL);
            assert_eq!(read(&mut reader, wire.as_bytes(), step), Ok(MessageStep::Head), "{wire:?}");
        }
    }
}

#[test]
fn framing_that_could_be_understood_differently_is_refused_at_the_value() {
    use HeadErrorKind::*;
    for (kind, status, fields) in [
        (LengthAndTransferCoding, 400, "Content-Length: ‸5\r\nTransfer-Encoding: chunked"),
        (LengthAndTransferCoding, 400, "Transfer-Encoding: chunked\r\nContent-Length: ‸5"),
        (LengthAndTransferCoding, 400, "Transfer-Encoding: x\r\nContent-Length: ‸0"),
        (LengthsDiffer, 400, "Content-Length: 5\r\nContent-Length: ‸6"),
        (LengthsDiffer, 400, "Content-Length: ‸5, 6"),
        (LengthInvalid, 400, "Content-Length: ‸+5"),
        (LengthInvalid, 400, "Content-Length: ‸5 5"),
        (LengthInvalid, 400, "Content-Length: ‸0x5"),
        (LengthInvalid, 400, "Content-Length:‸"),
        (LengthInvalid, 400, "Content-Length: ‸9223372036854775808"),
        (ChunkedNotLast, 400, "Transfer-Encoding: ‸chunked, gzip"),
        (ChunkedNotLast, 400, "Transfer-Encoding: ‸chunked, chunked"),
        (ChunkedNotLast, 400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: ‸identity"),
        (TransferCodingUnsupported, 501, "Transfer-Encoding: ‸gzip, chunked"),
        (TransferCodingUnsupported, 501, "Transfer-Encoding: ‸xchunked"),
        (TransferCodingUnsupported, 501, "Transfer-Encoding: ‸\"chunked\""),
        (ChunkedNotLast, 400, "Transfer-Encoding:‸"),
        (ContentCodingUnsupported, 415, "Content-Length: 1\r\nContent-Encoding: ‸compress"),
    ] {
        let wire = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
        check_refusal(kind, status, &wire);
    }
    let long = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ‸268435457\r\n\r\n";
    check_refusal(BodyErrorKind::TooLong, 413, long);
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: ‸chunked\r\n\r\n";
    check_refusal(TransferCodingInHttp10, 400, old);
    let connect = "CONNECT a:1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n‸";
    check_refusal(ConnectWithBody, 400, connect);
}

#[test]
fn a_head_tells_what_was_sent() {
    let wire = b"\r\nM-SEARCH /a?b=|c|&d=%ff HTTP/1.0\r\nA:\t b \t\r\na: \r\nX-Y: \xff:z\r\n\r\n";
    for step in [1, 10, wire.len()] {
        let mut reader = RequestReader::new(&POOL);
        assert_eq!(read(&mut reader, wire, step), Ok(MessageStep::Head));
        let head = reader.head().expect("it was read");
        assert_eq!((head.method(), head.target()), ("M-SEARCH", "/a?b=|c|&d=%ff"));
        assert_eq!(head.version_minor(), 0);
        let fields: Vec<_> = head.fields().collect();
        let expected: [(&str, &[u8]); 3] = [("A", b"b"), ("a", b""), ("X-Y", b"\xff:z")];
        assert_eq!(fields, expected);
        assert_eq!((head.find("x-y"), head.find_all("A").count()), (Some(&b"\xff:z"[..]), 2));
        assert_eq!(head.octets(), &wire[2..]);
    }
}

#[test]
fn a_head_tells_what_the_client_waits_for() {
    for (fields, continues, upgrades) in [
        ("Expect: 100-Continue", true, false),
        ("Connection: Upgrade\r\nUpgrade: websocket", false, true),
        ("Connection: keep-alive, upgrade\r\nUpgrade: a", false, true),
        ("Upgrade: websocket", false, false),
        ("Connection: upgrade", false, false),
        ("Expect: 100", false, false),
    ] {
        for minor in [0, 1] {
            let wire = format!("GET / HTTP/1.{minor}\r\nHost: a\r\n{fields}\r\n\r\n");
            let mut reader = RequestReader::new(&POOL);
            assert_eq!(read(&mut reader, wire.as_bytes(), 1000), Ok(MessageStep::Head));
            let head = reader.head().expect("it was read");
            let expected = (continues && minor == 1, upgrades && minor == 1);
            assert_eq!((head.expects_continue(), head.wants_upgrade()), expected, "{wire:?}");
        }
    }
}

#[test]
fn a_head_above_the_limit_is_refused_in_every_cut() {
    let wire = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "b".repeat(100));
    let refused = |kind: HeadErrorKind, offset| Err((kind.into(), offset));
    for (limit, expected) in [
        (wire.len(), Ok(MessageStep::Head)),
        (wire.len() - 1, refused(HeadErrorKind::TooLong, wire.len() as u64 - 1)),
        (50, refused(HeadErrorKind::TooLong, 50)),
        (6, refused(HeadErrorKind::TooLong, 6)),
        (5, refused(HeadErrorKind::TargetTooLong, 5)),
        (3, refused(HeadErrorKind::MethodTooLong, 3)),
        (0, refused(HeadErrorKind::MethodTooLong, 1)),
    ] {
        for step in [1, 3, 50, 51, wire.len()] {
            let limits = MessageLimits::new().with_head_bytes_max(limit);
            let mut reader = RequestReader::new(&POOL).with_limits(limits);
            assert_eq!(read(&mut reader, wire.as_bytes(), step), expected, "{limit}, {step}");
        }
    }
    assert_eq!(MessageErrorKind::from(HeadErrorKind::TooLong).status(), 431);
}

#[test]
fn more_fields_than_allowed_are_refused() {
    let head = |fields: usize| {
        let fields: String = (1..fields).map(|n| format!("F{n}: v\r\n")).collect();
        format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
    };
    let mut reader = RequestReader::new(&POOL);
    let most = head(RequestReader::FIELDS_MAX);
    assert_eq!(read(&mut reader, most.as_bytes(), 1000), Ok(MessageStep::Head));
    let mut reader = RequestReader::new(&POOL);
    let refusal = read(&mut reader, head(RequestReader::FIELDS_MAX + 1).as_bytes(), 1000);
    assert_eq!(refusal.map_err(|(kind, _)| kind.status()), Err(431));
}

#[test]
fn a_head_cut_short_is_an_error_and_none_at_all_is_not() {
    let wire = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for at in 0..wire.len() {
        let mut reader = RequestReader::new(&POOL);
        assert_eq!(read(&mut reader, &wire[..at], 5), Ok(MessageStep::NeedMore));
        let expected = match at {
            0 | 2 => Ok(()),
            _ => Err((HeadErrorKind::Truncated.into(), at as u64)),
        };
        let finished = reader.finish().map_err(|error| (error.kind(), error.offset()));
        assert_eq!(finished, expected, "{at}");
    }
}

#[test]
fn a_reader_that_waits_for_a_request_holds_no_segment() {
    let pool = Pool::new();
    let mut reader = RequestReader::new(&pool);
    assert_eq!(reader.push(&mut Segment::new()), Ok(MessageStep::NeedMore));
    let wire = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok";
    assert_eq!(read(&mut reader, wire, 3), Ok(MessageStep::Head));
    reader.reset();
    assert_eq!(pool.stats().in_use_bytes(), 0);
}
