//! Heads as the types of `http`, both ways.

use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_chunked::{
    ContentCodings, Framing, HeadWriteErrorKind, HeadWriter, MessageStep, RequestReader,
    ResponseReader, Trailers,
};
use seg_pool::Segment;

use crate::outcome::POOL;

#[test]
fn a_request_becomes_one_of_http_and_comes_back() {
    let wire =
        b"POST /a?b HTTP/1.1\r\nHost: c\r\nA: 1\r\na: 2\r\nX: \xff\r\nContent-Length: 2\r\n\r\nhi";
    let mut reader = RequestReader::new(&POOL);
    let mut received = Segment::from_static(wire);
    while reader.push(&mut received).expect("good") != MessageStep::End {}
    let request = Request::try_from(reader.take_message().expect("it ended")).expect("good");
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", "/a?b"));
    assert_eq!((request.version(), request.body().bytes()), (Version::HTTP_11, &b"hi"[..]));
    assert_eq!(request.headers().get_all("a").iter().count(), 2);
    assert_eq!(request.headers()["x"].as_bytes(), b"\xff");

    let (parts, body) = request.into_parts();
    let mut writer = HeadWriter::from_request(&POOL, &parts).expect("good");
    let head = writer.finish(Some(Framing::Length(body.len()))).expect("good");
    let mut again = RequestReader::new(&POOL);
    let mut received =
        Segment::from(bytes::Bytes::from([&head.to_vec()[..], body.bytes()].concat()));
    assert_eq!(again.push(&mut received), Ok(MessageStep::Head));
    assert_eq!(again.push(&mut received), Ok(MessageStep::End));
    let map = HeaderMap::from(again.head().expect("it was read"));
    assert_eq!(map, parts.headers);
}

#[test]
fn a_uri_becomes_a_target_and_a_host() {
    for (method, uri, host, expected) in [
        ("GET", "http://u:p@a:81/b?c", None, "GET /b?c HTTP/1.1\r\nHost: a:81\r\n\r\n"),
        ("GET", "http://a", Some("b"), "GET / HTTP/1.1\r\nhost: b\r\n\r\n"),
        ("OPTIONS", "*", Some("b"), "OPTIONS * HTTP/1.1\r\nhost: b\r\n\r\n"),
        ("CONNECT", "a:443", None, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
    ] {
        let mut builder = Request::builder().method(method).uri(uri);
        if let Some(host) = host {
            builder = builder.header("host", host);
        }
        let (parts, ()) = builder.body(()).expect("good").into_parts();
        let head = HeadWriter::from_request(&POOL, &parts).expect("good").finish(None);
        assert_eq!(head.expect("good"), expected.as_bytes(), "{uri}");
    }
}

#[test]
fn a_response_becomes_one_of_http_and_comes_back_without_its_framing() {
    let wire = b"HTTP/1.0 404 Nope\r\nA: 1\r\nTransfer-Coding: x\r\n\r\n";
    let mut reader = ResponseReader::new(&POOL);
    assert_eq!(reader.push(&mut Segment::from_static(wire)), Ok(MessageStep::Head));
    let response = Response::try_from(reader.head().expect("it was read")).expect("good");
    assert_eq!((response.status(), response.version()), (StatusCode::NOT_FOUND, Version::HTTP_10));
    let (mut parts, ()) = response.into_parts();
    parts.headers.insert("content-length", "99".parse().expect("a value"));
    parts.headers.insert("transfer-encoding", "chunked".parse().expect("a value"));
    let head = HeadWriter::from_response(&POOL, &parts).expect("good").finish(None).expect("good");
    assert_eq!(head, b"HTTP/1.1 404 Not Found\r\na: 1\r\ntransfer-coding: x\r\n\r\n");
    // A value that `http` takes and a field must not have does not exist; a name neither.
    let error = HeadWriter::response(&POOL, 200, b"\n").expect_err("two lines");
    assert_eq!(error.kind(), HeadWriteErrorKind::Reason);
}

#[test]
fn trailers_and_codings_come_from_header_maps() {
    let mut map = HeaderMap::new();
    map.append("etag", "\"a\"".parse().expect("a value"));
    let trailers = Trailers::try_from(&map).expect("good");
    assert_eq!(HeaderMap::from(&trailers), map);
    map.append("host", "a".parse().expect("a value"));
    assert!(Trailers::try_from(&map).is_err());

    for (values, expected) in [
        (&[][..], Some(0)),
        (&["gzip"][..], Some(1)),
        (&["deflate", "gzip"][..], Some(2)),
        (&["gzip", "compress"][..], None),
    ] {
        let mut map = HeaderMap::new();
        for value in values {
            map.append("content-encoding", value.parse().expect("a value"));
        }
        let codings = ContentCodings::from_headers(&map);
        assert_eq!(codings.map(|codings| codings.as_slice().len()), expected, "{values:?}");
    }
}
