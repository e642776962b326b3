//! What a connection says of what it has moved.
#![cfg(feature = "random")]

#[cfg(feature = "deflate")]
#[path = "harness/agreed.rs"]
mod agreed;
#[path = "harness/written.rs"]
mod written;

use seg_pool::{Pool, SegmentSize};
use written::written;
use ws_assemble::{Assembly, Broadcast, ControlPayload, Message, Session};

fn messages() -> [Message; 4] {
    [
        Message::text(""),
        Message::text("h\u{e9}llo"),
        Message::binary(vec![7; 300]),
        Message::binary(vec![7; 20_000]),
    ]
}

#[test]
fn what_one_end_has_sent_the_other_has_received() {
    for assembly in Assembly::ALL {
        let mut ends = [Session::server(&Pool::new()), Session::client(&Pool::new())]
            .map(|session| session.with_assembly(assembly));
        for _ in 0..2 {
            let [near, far] = &mut ends;
            for message in messages() {
                near.send(&message).expect("open");
                let broadcast = Broadcast::new(message, &Pool::new()).expect("no limit");
                near.send_broadcast(&broadcast).expect("open");
            }
            near.ping(&ControlPayload::new(b"ping").expect("short")).expect("open");
            assert_eq!(near.counters().sent.bytes, 0, "nothing is written");
            let wire = written(near);
            let sent = near.counters().sent;
            assert_eq!((sent.messages, sent.payload_bytes), (8, 2 * 20_306));
            assert_eq!(sent.bytes, wire.len() as u64);

            for bytes in wire.chunks(999) {
                assert_eq!(far.feed(bytes), bytes.len());
                while far.next().expect("valid").is_some() {}
            }
            assert_eq!(far.counters().received, sent);
            assert_eq!(far.counters().sent.bytes, 0, "the pong is not written");
            let _ = written(far);
            assert_eq!(near.counters().held_bytes + far.counters().held_bytes, 0);
            // The other direction, between new sessions.
            ends = [Session::client(&Pool::new()), Session::server(&Pool::new())];
        }
    }
}

#[test]
fn what_is_held_is_what_the_pool_misses() {
    let pool = Pool::builder().segment_size(SegmentSize::K4).build();
    let mut session = Session::client(&pool);
    let held = |session: &Session| {
        let held = session.counters().held_bytes;
        assert_eq!(held, pool.stats().in_use_bytes() as u64);
        held
    };
    assert_eq!(held(&session), 0);
    // A message whose rest does not come, in one segment and in two.
    for (bytes, segments) in [(&b"\x82\x7e\x20\x00abc"[..], 1), (&[7; 5_000], 2)] {
        assert_eq!(session.feed(bytes), bytes.len());
        assert!(session.next().expect("valid").is_none());
        let bytes = held(&session);
        assert!((segments << 12..(segments + 1) << 12).contains(&bytes), "{bytes}");
    }
    session.send(&Message::text("x".repeat(100))).expect("open");
    assert!(held(&session) >= 3 << 12);
    let counters = session.counters();
    assert_eq!((counters.received.messages, counters.received.payload_bytes), (0, 5_003));
    assert_eq!((counters.sent.messages, counters.sent.payload_bytes), (1, 100));
    let _ = written(&mut session);
    session.abandon();
    assert_eq!(held(&session), 0);
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn every_shell_counts_what_its_stream_took() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use ws_assemble::Connection;

    // Few bytes at a time, so that a rest is kept of short messages and of long ones.
    let (near, mut far) = duplex(100);
    let mut connection = Connection::server(near, &Pool::new());
    let mut lens = Vec::new();
    for message in messages() {
        let read = async {
            let mut header = [0; 2];
            far.read_exact(&mut header).await.expect("open");
            let len = match header[1] {
                126 => usize::from(far.read_u16().await.expect("open")) + 2,
                len => usize::from(len),
            };
            let mut payload = vec![0; len - if header[1] == 126 { 2 } else { 0 }];
            far.read_exact(&mut payload).await.expect("open");
            len + header.len()
        };
        let (sent, len) = tokio::join!(connection.send(&message), read);
        sent.expect("open");
        lens.push(len);
    }
    let sent = connection.counters().sent;
    assert_eq!((sent.messages, sent.payload_bytes), (4, 20_306));
    assert_eq!(sent.bytes, lens.iter().sum::<usize>() as u64);

    let (mut read, write) = connection.split();
    far.write_all(b"\x81\x82\0\0\0\0hi").await.expect("open");
    assert!(read.next().await.expect("valid").is_some());
    assert_eq!(read.counters(), write.counters());
    assert_eq!(read.counters().sent, sent);
    assert_eq!((read.counters().received.messages, read.counters().received.bytes), (1, 8));
}

#[cfg(feature = "deflate")]
#[test]
fn the_ratio_of_compression_is_seen_on_both_ends() {
    let agreed = &agreed::agreed(&ws_assemble::DeflateConfig::default());
    for assembly in Assembly::ALL {
        let mut near = Session::server(&Pool::new()).with_deflate(agreed);
        let mut far = Session::client(&Pool::new()).with_assembly(assembly).with_deflate(agreed);
        near.send(&Message::text("again and ".repeat(1_000))).expect("open");
        let wire = written(&mut near);
        assert_eq!(far.feed(&wire), wire.len());
        assert!(far.next().expect("valid").is_some());
        let sent = near.counters().sent;
        assert_eq!((sent.messages, sent.payload_bytes, sent.bytes), (1, 10_000, wire.len() as u64));
        assert!(10 * sent.bytes < sent.payload_bytes);
        assert_eq!(far.counters().received, sent);
    }
}
