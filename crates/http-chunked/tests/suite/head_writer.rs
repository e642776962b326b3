//! Heads that are written: what is refused, and that the rest is read as it was meant.

use http_chunked::{
    Framing, HeadWriteErrorKind, HeadWriter, MessageLimits, MessageStep, RequestReader,
    ResponseReader,
};
use seg_pool::{Budget, Pool, Segment};
use seg_seq::Sequence;

use crate::outcome::POOL;

fn response(wire: &Sequence) -> ResponseReader {
    let limits = MessageLimits::new().with_head_bytes_max(64 << 10);
    let mut reader = ResponseReader::new(&POOL).with_limits(limits);
    let mut received = Segment::from(bytes::Bytes::from(wire.to_vec()));
    assert_eq!(reader.push(&mut received), Ok(MessageStep::Head));
    assert!(received.is_empty());
    reader
}

#[test]
fn what_would_be_read_as_something_else_is_refused_at_its_octet() {
    use HeadWriteErrorKind::{Framing, Method, Name, Reason, Status, Target, Value};
    let refusal = |result: Result<HeadWriter, _>| {
        let error: http_chunked::HeadWriteError = result.expect_err("it is wrong");
        (error.kind(), error.offset())
    };
    for (method, target, expected) in [
        ("", "/", (Method, 0)),
        ("GET ", "/", (Method, 3)),
        ("GET / HTTP/1.1\r\nA:", "/", (Method, 3)),
        ("GET", "", (Target, 0)),
        ("GET", "/a b", (Target, 2)),
        ("GET", "/ HTTP/1.1\r\nA: b", (Target, 1)),
        ("GET", "/\u{e4}", (Target, 1)),
        ("GET", "/a#b", (Target, 2)),
    ] {
        assert_eq!(refusal(HeadWriter::request(&POOL, method, target)), expected, "{method:?}");
    }
    for (status, reason, expected) in [
        (99, &b""[..], (Status, 0)),
        (1000, b"", (Status, 0)),
        (200, b"OK\r\nA: b", (Reason, 2)),
        (200, b"\0", (Reason, 0)),
    ] {
        assert_eq!(refusal(HeadWriter::response(&POOL, status, reason)), expected, "{status}");
    }
    let mut writer = HeadWriter::response(&POOL, 200, b"OK").expect("good");
    for (name, value, expected) in [
        ("", &b"b"[..], (Name, 0)),
        ("A:", b"b", (Name, 1)),
        ("A B", b"b", (Name, 1)),
        ("A\r\nB", b"b", (Name, 1)),
        ("A", b"b\r\nC: d", (Value, 1)),
        ("A", b"b\nC: d", (Value, 1)),
        ("A", b"b\r", (Value, 1)),
        ("A", b"b\0", (Value, 1)),
        ("Content-Length", b"5", (Framing, 0)),
        ("transfer-encoding", b"chunked", (Framing, 0)),
    ] {
        let error = writer.field(name, value).expect_err("it is wrong");
        assert_eq!((error.kind(), error.offset()), expected, "{name:?}");
    }
    // Nothing of what was refused is there.
    let head = writer.finish(None).expect("good");
    assert_eq!(head, b"HTTP/1.1 200 OK\r\n\r\n");
}

#[test]
fn the_framing_is_read_as_it_was_given() {
    for (status, framing, expected) in [
        (200, Some(Framing::Chunked), Framing::Chunked),
        (200, Some(Framing::Length(7)), Framing::Length(7)),
        (200, Some(Framing::UntilClose), Framing::UntilClose),
        (204, Some(Framing::Chunked), Framing::Length(0)),
        (304, None, Framing::Length(0)),
    ] {
        let mut writer = HeadWriter::response(&POOL, status, b"").expect("good");
        writer.field("A", b"b").expect("good").field("C", b"").expect("good");
        let head = writer.finish(framing).expect("good");
        let reader = response(&head);
        assert_eq!(reader.framing(), Some(expected), "{status}");
        let has_body = expected != Framing::Length(0);
        assert_eq!((reader.has_body(), reader.is_upgrade()), (has_body, false));
        let head = reader.head().expect("it was read");
        assert_eq!(
            (head.status(), head.find("A"), head.find("C")),
            (status, Some(&b"b"[..]), Some(&b""[..]))
        );
        assert_eq!(head.keeps_alive(), framing != Some(Framing::UntilClose));
        if status == 204 {
            assert_eq!(head.find("transfer-encoding"), None);
        }
    }
}

#[test]
fn a_head_is_passed_on_without_what_is_for_one_connection() {
    let mut received = Segment::from_static(
        b"POST /a?b HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\
          TE: trailers\r\nProxy-Connection: x\r\nUpgrade: y\r\nTrailer: z\r\nTransfer-Encoding: chunked\r\n\
          Content-Encoding: gzip\r\nCookie: c\r\n\r\n",
    );
    let mut reader = RequestReader::new(&POOL).keep_encoded();
    assert_eq!(reader.push(&mut received), Ok(MessageStep::Head));
    let head = reader.head().expect("it was read");
    let mut writer = HeadWriter::request(&POOL, head.method(), head.target()).expect("good");
    let wire = writer.forward(head).expect("good").finish(reader.framing()).expect("good");
    let expected = b"POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nCookie: c\r\n\
                     Transfer-Encoding: chunked\r\n\r\n";
    assert_eq!(wire, expected, "{}", wire.to_vec().escape_ascii());
}

#[test]
fn a_head_goes_on_when_there_is_memory_again() {
    // Four segments, and the block of a list.
    let budget = Budget::new(&Pool::new(), (64 << 10) + 256);
    let pool = budget.pool();
    let mut others: Vec<_> = (0..3).map(|_| pool.take(16 << 10)).collect();
    let mut writer = HeadWriter::response(pool, 200, b"OK").expect("one is left");
    let value = vec![b'v'; 8_380];
    writer.field("A", &value[..8_000]).expect("it fits");
    let error = writer.field("B", &value).expect_err("none is left");
    assert!(matches!(error.kind(), HeadWriteErrorKind::OutOfMemory(_)), "{error}");
    others.pop();
    writer.field("B", &value).expect("there is one");
    let reader = response(&writer.finish(Some(Framing::Length(1))).expect("good"));
    let head = reader.head().expect("it was read");
    assert_eq!(head.fields().count(), 3);
    assert_eq!((head.find("A"), head.find("B")), (Some(&value[..8_000]), Some(&value[..])));
}

#[test]
fn a_head_whose_fields_did_not_fit_is_passed_on_once() {
    let value = "v".repeat(8_380);
    let wire = format!("HTTP/1.1 200 OK\r\nA: {value}\r\nB: {value}\r\nContent-Length: 1\r\n\r\n");
    let reader = response(&Segment::from(bytes::Bytes::from(wire.clone())).into());
    let head = reader.head().expect("it was read");
    // Four segments, and the block of a list.
    let budget = Budget::new(&Pool::new(), (64 << 10) + 256);
    let pool = budget.pool();
    let others: Vec<_> = (0..3).map(|_| pool.take(16 << 10)).collect();
    let mut writer = HeadWriter::response(pool, 200, b"OK").expect("one is left");
    let error = writer.forward(head).expect_err("none is left");
    assert!(matches!(error.kind(), HeadWriteErrorKind::OutOfMemory(_)), "{error}");
    drop(others);
    let passed_on = writer.forward(head).expect("there is memory").finish(Some(Framing::Length(1)));
    assert_eq!(passed_on.expect("good"), wire.as_bytes());
}
