//! The examples against each other: axum serves, reqwest asks.
#![cfg(feature = "tower")]

use std::io::{Read, Write};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use http_chunked::{BytesBody, SegmentBody};
use seg_pool::Pool;
use seg_seq::SegmentedBuf;

#[expect(dead_code, reason = "its main serves for ever")]
#[path = "../examples/axum.rs"]
mod axum_example;
#[path = "../examples/json.rs"]
mod json_example;
#[expect(dead_code, reason = "its main takes a URL")]
#[path = "../examples/reqwest.rs"]
mod reqwest_example;

#[tokio::test]
async fn axum_and_reqwest_exchange_bodies_of_segments() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async { axum::serve(listener, axum_example::app()).await });
    let pool = Pool::new();
    let body = reqwest_example::fetch(&url, &pool).await.expect("good");
    assert_eq!(body.len(), 150_000);
    assert!(body.text().expect("text").lines().all(|line| line == "a line of text"));

    // An upload of segments, compressed, which the server decodes.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&[b'x'; 200_000]).expect("into memory");
    let coded = encoder.finish().expect("into memory");
    let mut data = SegmentedBuf::new(&pool);
    data.extend_from_slice(&coded);
    let upload = reqwest::Body::wrap(BytesBody::new(SegmentBody::from(data.freeze())));
    let request = reqwest::Client::new().post(&url).header("content-encoding", "gzip").body(upload);
    let answer = request.send().await.expect("an answer").text().await.expect("text");
    assert_eq!(answer, "200000 bytes\n");
    for (coding, status) in [("compress", 415), ("deflate", 400)] {
        let request = reqwest::Client::new().post(&url).header("content-encoding", coding);
        let answer = request.body("not encoded").send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{coding}");
    }
    server.abort();
}

#[test]
fn json_is_parsed_across_chunks() {
    json_example::main().expect("good");
}

#[tokio::test]
async fn axum_compresses_what_is_asked_for_compressed() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async { axum::serve(listener, axum_example::app()).await });
    let request = reqwest::Client::new().get(&url).header("accept-encoding", "gzip");
    let response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(response.headers()["vary"], "accept-encoding");
    assert!(!response.headers().contains_key("content-length"));
    let coded = response.bytes().await.expect("a body");
    assert!(coded.len() < 10_000, "{} bytes", coded.len());
    let mut plain = Vec::new();
    MultiGzDecoder::new(&coded[..]).read_to_end(&mut plain).expect("gzip");
    assert!(plain == b"a line of text\n".repeat(10_000));
    server.abort();
}
