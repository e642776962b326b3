//! Bodies of `http_body`: collected, decompressed, and of `Bytes`.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody};
use http_chunked::{
    Body, BodyErrorKind, BodyLimits, BytesBody, ContentCoding, Contexts, Decompress,
    DecompressError, Encode, Flush, Level, SegmentBody, Trailers,
};
use hyper::body::Frame;
use seg_pool::Pool;
use seg_seq::SegmentedBuf;

use crate::outcome::POOL;

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("into memory")
}

/// A body in frames of `step` bytes, and then a trailer.
fn frames(
    data: &[u8],
    step: usize,
) -> impl hyper::body::Body<Data = Bytes, Error = core::convert::Infallible> + Unpin + use<> {
    let mut fields = http::HeaderMap::new();
    fields.insert("x-sum", "12".parse().expect("a value"));
    let data: Vec<_> = data.chunks(step).map(Bytes::copy_from_slice).map(Frame::data).collect();
    StreamBody::new(stream::iter(data.into_iter().chain([Frame::trailers(fields)]).map(Ok)))
}

#[test]
fn a_coded_body_is_decoded_whatever_its_frames_are_and_keeps_its_trailers() {
    let plain: Vec<u8> = (0..100_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
    let coded = gzip(&plain);
    for step in [1, 777, 1 << 20] {
        run(async {
            let (coding, limits) = (ContentCoding::Gzip, BodyLimits::new());
            let body = Body::collect(frames(&coded, step), coding, limits, &POOL).await;
            let body = body.expect("good");
            assert!(body.sequence() == &plain[..], "{step}");
            assert_eq!(body.trailers().find("x-sum"), Some(&b"12"[..]));

            let body =
                Decompress::new(frames(&coded, step), coding, limits, &Contexts::default(), &POOL);
            let body = body.collect().await.expect("good");
            assert_eq!(body.trailers().map(|map| map["x-sum"].as_bytes()), Some(&b"12"[..]));
            assert!(body.to_bytes() == plain, "{step}");
        });
    }
}

#[test]
fn a_body_that_is_not_coded_passes_without_a_copy() {
    run(async {
        let data = Bytes::from(vec![7; 5_000]);
        let address = data.as_ptr();
        let body = Full::new(data.clone());
        let mut body = Decompress::new(
            body,
            ContentCoding::Identity,
            BodyLimits::new(),
            &Contexts::default(),
            &POOL,
        );
        assert_eq!(hyper::body::Body::size_hint(&body).exact(), Some(5_000));
        let frame = body.frame().await.expect("a frame").expect("good");
        assert_eq!(frame.into_data().expect("data").as_ptr(), address);
        assert!(body.frame().await.is_none());
        assert!(hyper::body::Body::is_end_stream(&body));
    });
}

/// Data in a coding, or nothing when it cannot be encoded with the features that are compiled in.
fn encoded(coding: ContentCoding, data: &[u8]) -> Option<Bytes> {
    let mut output = SegmentedBuf::new(&POOL);
    let mut encoder = coding.encoder(Level::FAST, &Contexts::default())?;
    encoder.push(&mut &data[..], Flush::Finish, &mut output).expect("the pool has no cap");
    Some(output.freeze().into_bytes())
}

#[test]
fn a_bomb_in_any_coding_stops_at_the_limit_and_is_never_in_memory() {
    const LEN: usize = if cfg!(miri) { 100_000 } else { 32 << 20 };
    let data = vec![0; LEN];
    for &coding in ContentCoding::ALL {
        let Some(coded) = encoded(coding, &data) else { continue };
        // All of it at once, and then byte by byte: the bomb goes off at one of them.
        for step in [coded.len(), 1].into_iter().take(if cfg!(miri) { 1 } else { 2 }) {
            run(async {
                let pool = Pool::new();
                let limits = BodyLimits::new().with_body_bytes_max(LEN as u64 / 2);
                let contexts = Contexts::default();
                let body = frames(&coded, step);
                let mut body = Decompress::new(body, coding, limits, &contexts, &pool);
                let mut len = 0;
                let error = loop {
                    match body.frame().await.expect("no end before the error") {
                        Ok(frame) => len += frame.into_data().expect("data").len(),
                        Err(error) => break error,
                    }
                };
                let DecompressError::Refused(error) = error else { panic!("{error}") };
                // All that the limit allows came before the error, and the error comes once.
                assert_eq!((error.kind(), len), (BodyErrorKind::TooLong, LEN / 2), "{coding:?}");
                assert!(body.frame().await.is_none());
                let peak = pool.stats().held_bytes_peak();
                assert!(peak <= 1 << 20, "{coding:?}: {peak} bytes");
            });
        }
    }
}

#[test]
fn a_body_that_comes_at_once_is_decoded_in_few_calls() {
    const LEN: usize = if cfg!(miri) { 50_000 } else { 1 << 20 };
    let data: Vec<u8> =
        (0_u32..).flat_map(|n| (n.wrapping_mul(n) / 7).to_le_bytes()).take(LEN).collect();
    for &coding in ContentCoding::ALL {
        let Some(coded) = encoded(coding, &data) else { continue };
        run(async {
            let (limits, contexts) = (BodyLimits::new(), Contexts::default());
            let mut body = Decompress::new(Full::new(coded), coding, limits, &contexts, &POOL);
            let (mut len, mut frames) = (0, 0);
            while let Some(frame) = body.frame().await {
                len += frame.expect("good").into_data().expect("data").len();
                frames += 1;
            }
            assert_eq!(len, LEN);
            // A frame for each segment of 16 KiB, and one more for each call.
            assert!(frames <= LEN / (16 << 10) + LEN / (64 << 10) + 2, "{coding:?}: {frames}");
        });
    }
}

#[test]
fn a_body_that_is_wrong_is_an_error_after_what_came_before_it() {
    let plain = b"hello hello hello";
    let mut coded = gzip(plain);
    coded.truncate(coded.len() - 1);
    run(async {
        let body = Full::new(Bytes::from(coded));
        let mut body = Decompress::new(
            body,
            ContentCoding::Gzip,
            BodyLimits::new(),
            &Contexts::default(),
            &POOL,
        );
        let frame = body.frame().await.expect("a frame").expect("good");
        assert_eq!(frame.into_data().expect("data"), &plain[..]);
        let error = body.frame().await.expect("an error").expect_err("cut short");
        assert!(matches!(error, DecompressError::Refused(_)), "{error}");
        assert!(core::error::Error::source(&error).is_some());
        assert!(body.frame().await.is_none());
    });
}

#[test]
fn a_body_of_segments_is_one_of_bytes_with_the_same_frames() {
    run(async {
        let mut buffer = SegmentedBuf::new(&POOL);
        buffer.extend_from_slice(&[7; 40_000]);
        let data = buffer.freeze();
        let mut trailers = Trailers::new();
        trailers.push("x-sum", b"12").expect("good");
        let mut body = BytesBody::new(SegmentBody::new(data.clone(), trailers));
        assert_eq!(hyper::body::Body::size_hint(&body).lower(), 40_000);
        for chunk in data.chunks() {
            let frame = body.frame().await.expect("a frame").expect("good");
            assert_eq!(frame.into_data().expect("data").as_ptr(), chunk.as_ptr());
        }
        let frame = body.frame().await.expect("a frame").expect("good");
        assert_eq!(frame.into_trailers().expect("trailers")["x-sum"], "12");
        assert!(body.frame().await.is_none());
    });
}
