//! Response heads: what they say, and what is refused.

use http_chunked::{
    BodyErrorKind, HeadErrorKind, MessageErrorKind, MessageLimits, MessageStep, RequestMethod,
    ResponseReader,
};
use seg_pool::{Pool, Segment};

use crate::{cut::steps, outcome::POOL};

/// Reads up to the final head, in pieces of `step`.
fn read(
    reader: &mut ResponseReader,
    wire: &[u8],
    step: usize,
) -> Result<MessageStep, (MessageErrorKind, u64)> {
    for mut received in steps(wire, step) {
        loop {
            match reader.push(&mut received).map_err(|error| (error.kind(), error.offset()))? {
                MessageStep::NeedMore => break,
                MessageStep::Interim => {}
                done => return Ok(done),
            }
        }
    }
    Ok(MessageStep::NeedMore)
}

/// The refusal of `wire`, the same whole and octet by octet. A `‸` stands before the refused octet.
fn check_refusal(kind: impl Into<MessageErrorKind>, marked: &str) {
    let offset = marked.find('‸').expect("a mark");
    let (wire, kind) = (marked.replace('‸', ""), kind.into());
    for step in [1, 2, 7, wire.len()] {
        let mut reader = ResponseReader::new(&POOL);
        let refusal = read(&mut reader, wire.as_bytes(), step).expect_err(marked);
        assert_eq!(refusal, (kind, offset as u64), "{marked:?} in pieces of {step}");
        let error = reader.finish().expect_err("it stays");
        assert_eq!((error.kind(), error.offset()), refusal);
    }
}

#[test]
fn malformed_heads_are_refused_at_the_same_octet_in_every_cut() {
    use HeadErrorKind::{BareLf, FieldLine, StartLine, Version};
    for (kind, wire) in [
        (Version, "‸\r\nHTTP/1.1 200 OK\r\n\r\n"),
        (Version, "‸ HTTP/1.1 200 OK\r\n\r\n"),
        (Version, "‸GET / HTTP/1.1\r\n\r\n"),
        (Version, "HTTP/‸2.0 200 OK\r\n\r\n"),
        (StartLine, "HTTP/1.1 ‸ 200 OK\r\n\r\n"),
        (StartLine, "HTTP/1.1 2‸x0 OK\r\n\r\n"),
        (StartLine, "HTTP/1.1 200‸0 OK\r\n\r\n"),
        (StartLine, "HTTP/1.1 200 O‸\0K\r\n\r\n"),
        (StartLine, "HTTP/1.1 200\r‸X\n\r\n"),
        (BareLf, "HTTP/1.1 200 OK‸\n\r\n"),
        (BareLf, "HTTP/1.1 200 OK\r\nA: b‸\n\r\n"),
        (BareLf, "HTTP/1.1 200 OK\r\nA: b\r\n‸\n"),
        (FieldLine, "HTTP/1.1 200 OK\r\n‸ A: b\r\n\r\n"),
        (FieldLine, "HTTP/1.1 200 OK\r\nA‸ : b\r\n\r\n"),
        (FieldLine, "HTTP/1.1 200 OK\r\nA‸\r\n\r\n"),
        (FieldLine, "HTTP/1.1 200 OK\r\n‸: b\r\n\r\n"),
        (FieldLine, "HTTP/1.1 200 OK\r\nA: b‸\0\r\n\r\n"),
        (FieldLine, "HTTP/1.1 200 OK\r\nA: b\r‸c\r\n\r\n"),
        (FieldLine, "HTTP/1.1 200 OK\r\nA: b\r\n\r‸x"),
    ] {
        check_refusal(kind, wire);
    }
}

#[test]
fn framing_that_disagrees_is_refused_at_the_value() {
    use HeadErrorKind::*;
    for (kind, fields) in [
        (LengthAndTransferCoding, "Content-Length: ‸5\r\nTransfer-Encoding: chunked"),
        (LengthAndTransferCoding, "Transfer-Encoding: chunked\r\nContent-Length: ‸5"),
        (LengthsDiffer, "Content-Length: 5\r\nContent-Length: ‸6"),
        (LengthsDiffer, "Content-Length: ‸5, 6"),
        (LengthInvalid, "Content-Length: ‸+5"),
        (LengthInvalid, "Content-Length: ‸-5"),
        (LengthInvalid, "Content-Length: ‸0x5"),
        (LengthInvalid, "Content-Length: ‸5 5"),
        (LengthInvalid, "Content-Length: ‸5,"),
        (LengthInvalid, "Content-Length: ‸5;5"),
        (LengthInvalid, "Content-Length:‸"),
        (LengthInvalid, "Content-Length: ‸9223372036854775808"),
        (LengthInvalid, "Content-Length: ‸18446744073709551621"),
        (ChunkedNotLast, "Transfer-Encoding: ‸chunked, gzip"),
        (ChunkedNotLast, "Transfer-Encoding: ‸chunked, chunked"),
        (ChunkedNotLast, "Transfer-Encoding: chunked\r\nTransfer-Encoding: ‸identity"),
        (TransferCodingUnsupported, "Transfer-Encoding: ‸gzip, chunked"),
        (TransferCodingUnsupported, "Transfer-Encoding: ‸identity"),
        (TransferCodingUnsupported, "Transfer-Encoding: ‸xchunked"),
        (TransferCodingUnsupported, "Transfer-Encoding: ‸chunked;a=b"),
        (ChunkedNotLast, "Transfer-Encoding:‸"),
        (ContentCodingUnsupported, "Content-Encoding: ‸compress"),
        (ContentCodingUnsupported, "Content-Encoding: gzip, gzip\r\nContent-Encoding: ‸gzip"),
    ] {
        check_refusal(kind, &format!("HTTP/1.1 200 OK\r\nServer: x\r\n{fields}\r\n\r\n"));
    }
    check_refusal(BodyErrorKind::TooLong, "HTTP/1.1 200 OK\r\nContent-Length: ‸268435457\r\n\r\n");
    check_refusal(TransferCodingInHttp10, "HTTP/1.0 200 OK\r\nTransfer-Encoding: ‸chunked\r\n\r\n");
}

#[test]
fn a_head_tells_what_was_sent() {
    let wire =
        b"HTTP/1.1 404 Not  Found!\r\nA:\t b \t\r\na: \r\nX-Y: \xff:z\r\nContent-Length: 0\r\n\r\n";
    for step in [1, 10, wire.len()] {
        let mut reader = ResponseReader::new(&POOL);
        assert_eq!(read(&mut reader, wire, step), Ok(MessageStep::Head));
        let head = reader.head().expect("it was read");
        assert_eq!(
            (head.status(), head.reason(), head.version_minor()),
            (404, &b"Not  Found!"[..], 1)
        );
        let fields: Vec<_> = head.fields().collect();
        let expected: [(&str, &[u8]); 4] =
            [("A", b"b"), ("a", b""), ("X-Y", b"\xff:z"), ("Content-Length", b"0")];
        assert_eq!(fields, expected);
        assert_eq!(head.find("x-y"), Some(&b"\xff:z"[..]));
        assert_eq!(head.find_all("A").count(), 2);
        assert_eq!(head.octets(), wire);
    }
}

#[test]
fn a_reason_may_be_empty_or_missing_or_more_than_ascii() {
    for (wire, reason) in [
        ("HTTP/1.1 200 \r\n\r\n", ""),
        ("HTTP/1.1 200\r\n\r\n", ""),
        ("HTTP/1.1 200 \u{e4}h\t\r\n\r\n", "\u{e4}h\t"),
    ] {
        for step in [1, wire.len()] {
            let mut reader = ResponseReader::new(&POOL);
            assert_eq!(read(&mut reader, wire.as_bytes(), step), Ok(MessageStep::Head));
            assert_eq!(reader.head().map(|head| head.reason()), Some(reason.as_bytes()));
        }
    }
}

#[test]
fn a_head_above_the_limit_is_refused_in_every_cut() {
    let wire = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "b".repeat(100));
    for (limit, expected) in [
        (wire.len(), Ok(MessageStep::Head)),
        (wire.len() - 1, Err((HeadErrorKind::TooLong.into(), wire.len() as u64 - 1))),
        (50, Err((HeadErrorKind::TooLong.into(), 50))),
        (0, Err((HeadErrorKind::TooLong.into(), 1))),
    ] {
        for step in [1, 3, 50, 51, wire.len()] {
            let limits = MessageLimits::new().with_head_bytes_max(limit);
            let mut reader = ResponseReader::new(&POOL).with_limits(limits);
            assert_eq!(read(&mut reader, wire.as_bytes(), step), expected, "{limit}, {step}");
        }
    }
}

#[test]
fn more_fields_than_allowed_are_refused() {
    let head = |fields: usize| {
        let fields: String = (0..fields).map(|n| format!("F{n}: v\r\n")).collect();
        format!("HTTP/1.1 204 OK\r\n{fields}\r\n")
    };
    let mut reader = ResponseReader::new(&POOL);
    let most = head(ResponseReader::FIELDS_MAX);
    assert_eq!(read(&mut reader, most.as_bytes(), 1000), Ok(MessageStep::Head));
    let mut reader = ResponseReader::new(&POOL);
    let refusal = read(&mut reader, head(ResponseReader::FIELDS_MAX + 1).as_bytes(), 1000);
    assert_eq!(refusal.map_err(|(kind, _)| kind), Err(HeadErrorKind::TooManyFields.into()));
}

#[test]
fn interim_responses_are_told_and_limited() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    let wire = [interim, interim, "HTTP/1.1 204 No Content\r\n\r\nleft"].concat();
    let mut received = Segment::from(bytes::Bytes::from(wire.clone()));
    let mut reader = ResponseReader::new(&POOL);
    for step in [MessageStep::Interim, MessageStep::Interim, MessageStep::Head, MessageStep::End] {
        assert_eq!(reader.push(&mut received), Ok(step));
    }
    assert_eq!(&*received, b"left");
    assert_eq!(reader.take_message().map(|response| response.head().status()), Some(204));

    let mut reader =
        ResponseReader::new(&POOL).with_limits(MessageLimits::new().with_interim_max(1));
    let refusal = read(&mut reader, wire.as_bytes(), 10);
    assert_eq!(refusal, Err((HeadErrorKind::TooManyInterim.into(), interim.len() as u64)));
    assert!(reader.take_message().is_none());
}

#[test]
fn a_head_cut_short_is_an_error_with_its_offset() {
    let wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    for at in 0..wire.len() {
        let mut reader = ResponseReader::new(&POOL);
        assert_eq!(read(&mut reader, &wire[..at], 5), Ok(MessageStep::NeedMore));
        let error = reader.finish().expect_err("cut short");
        assert_eq!((error.kind(), error.offset()), (HeadErrorKind::Truncated.into(), at as u64));
        assert!(reader.take_message().is_none());
    }
}

#[test]
fn a_reader_that_waits_for_a_response_holds_no_segment() {
    let pool = Pool::new();
    let mut reader = ResponseReader::new(&pool);
    assert_eq!(reader.push(&mut Segment::new()), Ok(MessageStep::NeedMore));
    assert_eq!(
        read(&mut reader, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 3),
        Ok(MessageStep::Head)
    );
    reader.expect_answer_to(RequestMethod::Other);
    assert_eq!(pool.stats().in_use_bytes(), 0);
}
