//! One message for many connections.
#![cfg(feature = "random")]

#[cfg(feature = "deflate")]
#[path = "harness/agreed.rs"]
mod agreed;
#[path = "harness/written.rs"]
mod written;

use seg_pool::Pool;
use written::written;
use ws_assemble::{Assembly, Broadcast, ConnectionError, Message, Session};

/// Receives what was written.
fn received(peer: &mut Session, wire: &[u8]) -> Message {
    let mut rest = wire;
    loop {
        rest = &rest[peer.feed(rest)..];
        if let Some(message) = peer.next().expect("valid") {
            assert!(rest.is_empty() && peer.next().expect("valid").is_none(), "one message");
            return message;
        }
        assert!(!rest.is_empty(), "a whole message");
    }
}

fn messages() -> [Message; 5] {
    let long = "all work and no play ".repeat(5_000);
    [
        Message::text(""),
        Message::text("h\u{e9}llo"),
        Message::binary(vec![7; 4_092]),
        Message::text(long.clone()),
        Message::binary(long.into_bytes()),
    ]
}

#[test]
fn a_broadcast_is_what_sending_would_be_from_either_end() {
    let pool = Pool::new();
    for (assembly, message) in Assembly::ALL.into_iter().flat_map(|a| messages().map(|m| (a, m))) {
        let broadcast = Broadcast::new(message.clone(), &pool).expect("no limit");
        assert_eq!(broadcast.message(), &message);
        let (mut server, mut other) = (Session::server(&pool), Session::server(&pool));
        let mut client = Session::client(&pool).with_assembly(assembly);
        server.send_broadcast(&broadcast).expect("open");
        other.send(&message).expect("open");
        let wire = written(&mut server);
        assert_eq!(wire, written(&mut other));
        assert_eq!(received(&mut client, &wire), message);

        client.send_broadcast(&broadcast).expect("open");
        let wire = written(&mut client);
        let mut server = server.with_assembly(assembly);
        assert_eq!(received(&mut server, &wire), message, "masked for this one");
    }
}

#[test]
fn long_payload_is_linked_for_every_connection() {
    const PEERS: usize = 100;
    let pool = Pool::new();
    let broadcast = Broadcast::new(Message::binary(vec![7; 1 << 20]), &pool).expect("no limit");
    let alone = pool.stats().in_use_bytes();
    let mut sessions: Vec<_> = (0..PEERS).map(|_| Session::server(&pool)).collect();
    for session in &mut sessions {
        session.send_broadcast(&broadcast).expect("open");
    }
    // The list of what is linked, and nothing of the payload.
    let each = (pool.stats().in_use_bytes() - alone) / PEERS;
    assert!(each <= 16 << 10, "{each} bytes each");
    drop(broadcast);
    assert_eq!(written(&mut sessions[0]).len(), (1 << 20) + 10);
}

#[test]
fn what_cannot_be_sent_changes_nothing() {
    let pool = Pool::new();
    let broadcast = Broadcast::new(Message::binary(vec![7; 100_000]), &pool).expect("no limit");
    let mut session = Session::server(&pool);
    session.send_broadcast(&broadcast).expect("open");
    let before = session.unsent_bytes();
    let full = session.send_broadcast(&broadcast);
    assert!(matches!(full, Err(ConnectionError::OutputFull)));
    assert_eq!(session.unsent_bytes(), before);
    session.abandon();
    assert!(matches!(session.send_broadcast(&broadcast), Err(ConnectionError::Closed)));
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn a_connection_and_its_half_send_broadcasts() {
    use ws_assemble::Connection;

    let pool = Pool::new();
    let (near, far) = tokio::io::duplex(1 << 20);
    let (mut server, mut client) =
        (Connection::server(near, &pool), Connection::client(far, &pool));
    let message = Message::text("to everybody ".repeat(1_000));
    let broadcast = Broadcast::new(message.clone(), &pool).expect("no limit");
    server.send_broadcast(&broadcast).await.expect("open");
    let (_read, mut write) = server.split();
    write.send_broadcast(&broadcast).await.expect("open");
    for _ in 0..2 {
        assert_eq!(client.next().await.expect("valid"), Some(message.clone()));
    }
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn what_the_stream_does_not_take_at_once_follows() {
    use ws_assemble::Connection;

    for capacity in [7, 1_000, 1 << 20] {
        let pool = Pool::new();
        // More pieces show nothing new.
        let messages = messages().into_iter().filter(|message| message.len() <= 1_000 * capacity);
        let mut count = 0;
        let (near, far) = tokio::io::duplex(usize::try_from(capacity).expect("small"));
        let (mut server, mut client) =
            (Connection::server(near, &pool), Connection::client(far, &pool));
        for message in messages {
            let broadcast = Broadcast::new(message.clone(), &pool).expect("no limit");
            let (sent, received) = tokio::join!(server.send_broadcast(&broadcast), client.next());
            sent.expect("open");
            let received = received.expect("valid").expect("open");
            assert_eq!(received, message);
            // In as many chunks as it came in.
            let (sent, again) = tokio::join!(server.send(&received), client.next());
            sent.expect("open");
            assert_eq!(again.expect("valid"), Some(message));
            assert_eq!(server.unsent_bytes(), 0);
            count += 2;
        }
        let counters = server.counters();
        assert_eq!(counters.sent.messages, count);
        assert_eq!(counters.sent.bytes, client.counters().received.bytes);
        assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn a_blocking_connection_sends_broadcasts() {
    let pool = Pool::new();
    for message in messages() {
        let broadcast = Broadcast::new(message.clone(), &pool).expect("no limit");
        let stream = std::io::Cursor::new(Vec::new());
        let mut connection = ws_assemble::blocking::Connection::server(stream, &pool);
        connection.send_broadcast(&broadcast).expect("open");
        let mut session = Session::server(&pool);
        session.send(&message).expect("open");
        assert_eq!(connection.into_inner().into_inner(), written(&mut session));
    }
}

#[cfg(feature = "deflate")]
mod compressed {
    use ws_assemble::{DeflateConfig, WindowBits};

    use super::{agreed::agreed, *};

    #[test]
    fn connections_without_takeover_share_a_frame_for_each_window() {
        let pool = Pool::new();
        let small = WindowBits::new(9).expect("a window");
        let plain = DeflateConfig::default();
        let single = plain.clone().without_server_takeover().without_client_takeover();
        let narrow = single.clone().with_server_window(small);
        for message in messages().into_iter().filter(|message| message.len() >= 64) {
            let broadcast = Broadcast::new(message.clone(), &pool).expect("no limit");
            let mut frames = Vec::new();
            let before = broadcast.held_bytes();
            for config in [&single, &single, &narrow, &narrow, &plain] {
                let agreed = agreed(config);
                let mut server = Session::server(&pool).with_deflate(&agreed);
                let mut client = Session::client(&pool).with_deflate(&agreed);
                let mut wires = Vec::new();
                // Before, between and after messages of its own.
                for _ in 0..2 {
                    server.send_broadcast(&broadcast).expect("open");
                    wires.push(written(&mut server));
                    server.send(&Message::text("all work ".repeat(100))).expect("open");
                    wires.push(written(&mut server));
                }
                let got: Vec<_> = wires.iter().map(|wire| received(&mut client, wire)).collect();
                assert_eq!([&got[0], &got[2]], [&message; 2]);
                assert!((wires[0].len() as u64) < message.len() && wires[0][0] & 0x40 != 0);
                frames.push(wires.swap_remove(0));
            }
            assert!(broadcast.held_bytes() > before, "compressed frames are kept");
            assert_eq!(frames[0], frames[1]);
            assert_eq!(frames[2], frames[3]);
        }
    }
}
