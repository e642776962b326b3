//! The codec, in both directions and against the encoder.

use bytes::{Bytes, BytesMut};
use http_chunked::{ChunkedCodec, ChunkedPart, Limits, Trailers};
use proptest::{collection::vec, prelude::*};
use tokio_util::codec::{Decoder, Encoder};

/// Decodes `wire` that comes in pieces of `step`; returns data, trailers and what is left.
fn decode(wire: &[u8], step: usize) -> std::io::Result<(Vec<u8>, Option<Trailers>, Vec<u8>)> {
    let (mut codec, mut buffer) = (ChunkedCodec::new(), BytesMut::new());
    let (mut data, mut end) = (Vec::new(), None);
    for piece in wire.chunks(step) {
        buffer.extend_from_slice(piece);
        while let Some(part) = codec.decode(&mut buffer)? {
            match part {
                ChunkedPart::Data(piece) => data.extend_from_slice(&piece),
                ChunkedPart::End(trailers) => assert_eq!(end.replace(trailers), None),
            }
        }
    }
    assert_eq!(codec.decode_eof(&mut buffer)?, None);
    Ok((data, end, buffer.to_vec()))
}

#[test]
fn a_body_is_decoded_in_every_cut_and_what_follows_is_left() {
    let wire = b"5;a=b\r\nhello\r\n1\r\n,\r\n0\r\nETag: a\r\n\r\nHTTP/1.1";
    for step in 1..=wire.len() {
        let (data, end, left) = decode(wire, step).expect("a good body");
        assert_eq!((&data[..], &left[..]), (&b"hello,"[..], &b"HTTP/1.1"[..]));
        assert_eq!(end.expect("an end").find("etag"), Some(&b"a"[..]));
    }
}

#[test]
fn data_is_split_off_without_a_copy() {
    let mut buffer = BytesMut::from(&b"5\r\nhello\r\n"[..]);
    let place = buffer[3..].as_ptr();
    let part = ChunkedCodec::new().decode(&mut buffer).expect("good so far");
    let Some(ChunkedPart::Data(data)) = part else { panic!("{part:?}") };
    assert_eq!((&data[..], data.as_ptr()), (&b"hello"[..], place));
}

#[test]
fn a_body_cut_short_and_a_wrong_one_are_errors() {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    for (wire, kind) in [("5\r\nhel", UnexpectedEof), ("", UnexpectedEof), ("x", InvalidData)] {
        assert_eq!(decode(wire.as_bytes(), 2).expect_err(wire).kind(), kind);
    }
    let mut codec = ChunkedCodec::with_limits(Limits::new().with_chunk_bytes_max(4));
    let error = codec.decode(&mut BytesMut::from(&b"5\r\n"[..])).expect_err("above the limit");
    assert_eq!(error.to_string(), "chunk size is too large at byte 0 of the chunked body");
}

#[test]
fn one_codec_takes_one_body_after_another() {
    let mut codec = ChunkedCodec::new();
    let mut buffer = BytesMut::new();
    for _ in 0..2 {
        let parts = [ChunkedPart::Data("a".into()), ChunkedPart::End(Trailers::new())];
        for part in &parts {
            codec.encode(part.clone(), &mut buffer).expect("in order");
        }
        let late = codec.encode(parts[0].clone(), &mut buffer).expect_err("behind the end");
        assert_eq!(late.kind(), std::io::ErrorKind::InvalidInput);
        for part in parts {
            assert_eq!(codec.decode(&mut buffer).expect("good"), Some(part));
        }
        assert_eq!(codec.decode(&mut buffer).expect("good"), None);
        codec.next_body();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 128 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_encoded_is_decoded(
        chunks in vec(vec(any::<u8>(), 0..300), 0..10),
        value in "[!-~]{0,10}",
        step in 1_usize..100,
    ) {
        let (mut codec, mut wire) = (ChunkedCodec::new(), BytesMut::new());
        for chunk in &chunks {
            let part = ChunkedPart::Data(Bytes::copy_from_slice(chunk));
            codec.encode(part, &mut wire).expect("before the end");
        }
        let mut trailers = Trailers::new();
        prop_assert_eq!(trailers.push("X-A", value.as_bytes()), Ok(()));
        codec.encode(ChunkedPart::End(trailers.clone()), &mut wire).expect("once");
        let (data, end, left) = decode(&wire, step).expect("a good body");
        prop_assert_eq!((data, end, left), (chunks.concat(), Some(trailers), Vec::new()));
    }
}
