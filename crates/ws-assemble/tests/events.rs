//! What an operator sees.
#![cfg(all(feature = "tracing", feature = "tokio"))]

use core::{
    fmt::{Debug, Write as _},
    pin::Pin,
    task::{Context, Poll},
};
use std::{
    io,
    sync::{Arc, Mutex},
};

use seg_pool::{Pool, SegmentSize};
use tokio::io::{AsyncRead, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex, join, sink};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};
use ws_assemble::{
    ClientHandshake, CloseCode, CloseFrame, Connection, ConnectionError, Limits, Refusal, accept,
    accept_with, connect,
};

/// Collects the events of this crate, one line each: the level, what happened, and the fields.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    /// Runs a future, and returns the events meanwhile.
    fn of(future: impl Future<Output = ()>) -> Vec<String> {
        let events = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        tracing::subscriber::with_default(events.clone(), || runtime.block_on(future));
        core::mem::take(&mut events.0.lock().expect("no panic"))
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let name = field.name();
        let written = match name {
            "message" => write!(self.0, " {value:?}"),
            _ => write!(self.0, " {name}={value:?}"),
        };
        written.expect("a string takes everything");
    }
}

impl Subscriber for Events {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "ws_assemble"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("no panic").push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn server(pool: &Pool) -> (Connection<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(64 << 10);
    (Connection::server(near, pool), far)
}

/// Receives until the end, twice: an end that is reported again is no other event.
async fn read_to_end(connection: &mut Connection<DuplexStream>) {
    for _ in 0..2 {
        while let Ok(Some(_)) = connection.next().await {}
    }
}

#[test]
fn a_connection_that_opens_and_carries_messages_says_nothing() {
    let events = Events::of(async {
        let (near, far) = duplex(4 << 10);
        let pool = Pool::new();
        let handshake = ClientHandshake::new("h", "/", *b"the sample nonce").expect("valid");
        let (server, client) = tokio::join!(accept(far, &pool), connect(near, handshake, &pool));
        let (mut server, (mut client, _)) = (server.expect("opened"), client.expect("opened"));
        client.send_text("hello").await.expect("open");
        assert!(server.next().await.expect("valid").is_some());
    });
    assert_eq!(events, [""; 0]);
}

#[test]
fn a_refused_request_is_seen_on_both_sides() {
    let events = Events::of(async {
        let (near, far) = duplex(4 << 10);
        let pool = Pool::new();
        let handshake = ClientHandshake::new("h", "/", *b"the sample nonce").expect("valid");
        let client = async {
            assert!(connect(near, handshake, &pool).await.is_err());
        };
        let server = accept_with(far, &pool, |_| Err(Refusal::new(403)?));
        let ((), server) = tokio::join!(client, server);
        assert!(server.is_err());
    });
    let expected = [
        "INFO request refused status=403 kind=Refused(403) offset=0",
        "INFO handshake failed kind=Refused(403) offset=9",
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_request_that_is_no_http_is_refused_once() {
    let events = Events::of(async {
        let (near, mut far) = duplex(4 << 10);
        far.write_all(b"SSH-2.0-x\r\n").await.expect("open");
        far.shutdown().await.expect("open");
        assert!(accept(near, &Pool::new()).await.is_err());
    });
    assert_eq!(events, ["INFO request refused status=400 kind=HeadInvalid offset=0"]);
}

/// What a client sends, and what is seen of it.
const ENDS: [(&[u8], &[&str]); 7] = [
    (
        b"\x88\x85\0\0\0\0\x03\xe9bye",
        &[
            "DEBUG close frame received role=Server code=1001 reason=\"bye\"",
            "DEBUG close frame sent role=Server code=1001",
        ],
    ),
    (
        b"\x88\x80\0\0\0\0",
        &[
            "DEBUG close frame received role=Server code=1005 reason=\"\"",
            "DEBUG close frame sent role=Server code=1005",
        ],
    ),
    (
        b"\x82\xfe\x04\x01\0\0\0\0",
        &[
            "WARN limit met role=Server kind=MessageTooLong offset=1",
            "DEBUG close frame sent role=Server code=1009",
        ],
    ),
    (
        b"\x81\x02hi",
        &[
            "INFO rule broken role=Server kind=MaskMissing offset=1",
            "DEBUG close frame sent role=Server code=1002",
        ],
    ),
    (
        b"\x81\x81\0\0\0\0\xff",
        &[
            "INFO rule broken role=Server kind=Utf8Invalid offset=6",
            "DEBUG close frame sent role=Server code=1007",
        ],
    ),
    (b"\x81\x81\0\0\0\0x", &["INFO connection lost role=Server offset=7"]),
    (b"", &["INFO connection lost role=Server offset=0"]),
];

#[test]
fn every_end_of_a_connection_is_seen_once() {
    for (received, expected) in ENDS {
        let events = Events::of(async {
            let (connection, mut far) = server(&Pool::new());
            let limits = Limits::default().with_message_bytes_max(1_024);
            let mut connection = connection.with_limits(limits);
            far.write_all(received).await.expect("open");
            far.shutdown().await.expect("open");
            read_to_end(&mut connection).await;
            let _ = connection.finish(1 << 10).await;
        });
        assert_eq!(events, expected, "{received:?}");
    }
}

#[test]
fn a_close_frame_of_this_end_is_seen_with_its_code() {
    let events = Events::of(async {
        let (mut connection, mut far) = server(&Pool::new());
        far.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await.expect("open");
        for _ in 0..2 {
            let close = CloseFrame::new(CloseCode::TRY_AGAIN_LATER, "full");
            connection.close(&close).await.expect("closed in order");
        }
    });
    let expected = [
        "DEBUG close frame sent role=Server code=1013",
        "DEBUG close frame received role=Server code=1000 reason=\"\"",
    ];
    assert_eq!(events, expected);
}

#[test]
fn waiting_for_memory_is_seen_once_for_each_wait() {
    let events = Events::of(async {
        let pool = Pool::builder().segment_size(SegmentSize::K1).bytes_max(64 << 10).build();
        let (connection, mut far) = server(&pool);
        let mut connection = connection.with_memory_wait(true);
        // Longer than a header: what comes with it needs a segment.
        let frame = [b"\x82\xfd\0\0\0\0".as_slice(), &[7; 125]].concat();
        far.write_all(&frame).await.expect("open");
        let mut taken = Vec::new();
        while let Ok(segment) = pool.try_take_size(SegmentSize::K1) {
            taken.push(segment);
        }
        let give = async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            drop(taken);
        };
        let (message, ()) = tokio::join!(connection.next(), give);
        assert_eq!(message.expect("valid").map(|message| message.len()), Some(125));
    });
    assert_eq!(events.len(), 1, "{events:?}");
    let is_whole = events[0].starts_with("WARN waiting for memory requested_bytes=1024 ")
        && events[0].ends_with(" bytes_max=65536 cause=Pool");
    assert!(is_whole, "{events:?}");
}

/// A stream that the peer has reset.
struct Reset;

impl AsyncRead for Reset {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }
}

#[test]
fn a_stream_that_fails_is_seen_once() {
    let events = Events::of(async {
        let mut connection = Connection::server(join(Reset, sink()), &Pool::new());
        for _ in 0..2 {
            let error = connection.next().await.expect_err("it failed");
            assert!(matches!(error, ConnectionError::Io(_)));
        }
    });
    assert_eq!(events, ["INFO stream failed role=Server kind=ConnectionReset"]);
}
