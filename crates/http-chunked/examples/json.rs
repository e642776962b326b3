//! Parses JSON where it was received: `cargo run --example json`

use http_chunked::{Incoming, ResponseReader};
use seg_pool::Pool;
use serde_json::Value;

const WIRE: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
    8\r\n{\"id\": 4\r\n1e\r\n711, \"names\": [\"a\", \"b\", \"c\"]}\r\n0\r\n\r\n";

pub(crate) fn main() -> Result<(), Box<dyn core::error::Error>> {
    let pool = Pool::builder().bytes_max(1 << 20).build();
    // As it comes, from any socket that is `Read`: the message is never in memory as a whole.
    let mut incoming = Incoming::new(WIRE, ResponseReader::new(&pool), &pool);
    incoming.read_head()?;
    let status = incoming.reader().head().map(|head| head.status());
    assert_eq!(status, Some(200), "an error's body is no answer");
    let streamed: Value = serde_json::from_reader(incoming)?;
    assert_eq!(streamed["names"][2], "c");
    // From a body that was kept, across its segments and without flattening it.
    let mut reader = ResponseReader::new(&pool);
    let mut received = seg_pool::Segment::from_static(WIRE);
    while reader.push(&mut received)? != http_chunked::MessageStep::End {}
    let body = reader.take_message().ok_or("no message")?.into_body();
    let kept: Value = serde_json::from_reader(body.sequence().as_reader())?;
    assert_eq!(kept, streamed);
    println!("{kept}");
    Ok(())
}
