//! Peers that fall silent, and peers that do not.
#![cfg(feature = "random")]

#[path = "harness/written.rs"]
mod written;

use core::time::Duration;
use std::time::Instant;

use seg_pool::Pool;
use ws_assemble::{Assembly, CloseCode, CloseFrame, ConnectionError, Heartbeat, Session};

const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn session(assembly: Assembly, now: Instant) -> Session {
    let mut session = Session::client(&Pool::new()).with_assembly(assembly);
    assert_eq!((session.assembly(), session.heartbeat()), (assembly, None));
    session.set_heartbeat(Heartbeat::new(INTERVAL, TIMEOUT), now);
    assert_eq!(session.heartbeat(), Some(Heartbeat::new(INTERVAL, TIMEOUT)));
    session
}

/// Returns what the session writes, unmasked.
fn written(session: &mut Session) -> Vec<u8> {
    let mut bytes = written::written(session);
    if let [_, len, key @ ..] = &mut bytes[..]
        && *len & 0x80 != 0
    {
        *len &= 0x7f;
        let (key, payload) = key.split_at_mut(4);
        payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    }
    bytes
}

#[test]
fn a_silent_peer_is_pinged_once_and_then_dead_for_good() {
    for assembly in Assembly::ALL {
        let start = Instant::now();
        let mut session = session(assembly, start);
        let due = start + INTERVAL;
        assert_eq!(session.beat(start + SECOND).expect("alive"), Some(due));
        assert!(!session.wants().write, "it is not asked yet");
        assert_eq!(session.beat(due).expect("asked"), Some(due + TIMEOUT));
        assert_eq!(written(&mut session)[0], 0x89, "a ping");
        assert_eq!(session.beat(due + SECOND).expect("waited for"), Some(due + TIMEOUT));
        assert!(!session.wants().write, "one ping");
        for _ in 0..2 {
            let error = session.beat(due + TIMEOUT).expect_err("dead");
            assert!(matches!(error, ConnectionError::PeerSilent), "{error}");
            assert!(matches!(session.next(), Err(ConnectionError::PeerSilent)));
        }
        assert!(!session.wants().read);
        assert_eq!(session.latency(), None);
    }
}

#[test]
fn a_peer_that_sends_is_not_pinged() {
    for assembly in Assembly::ALL {
        let mut now = Instant::now();
        let mut session = session(assembly, now);
        // Messages, a byte of one at a time, and pings of its own.
        for bytes in [&b"\x81\x02hi"[..], b"\x81", b"\x02", b"h", b"o", b"\x89\x00"].repeat(5) {
            now += INTERVAL - SECOND;
            assert_eq!(session.feed(bytes), bytes.len());
            let _ = session.next().expect("valid");
            assert_eq!(session.beat(now).expect("alive"), Some(now + INTERVAL));
            let written = written(&mut session);
            assert!(!written.starts_with(b"\x89"), "{written:?}");
        }
    }
}

#[test]
fn the_pong_of_the_newest_ping_tells_the_latency() {
    let start = Instant::now();
    let mut session = session(Assembly::Segmented, start);
    assert!(!session.keeps_pongs());
    session.keep_pongs();
    assert!(session.keeps_pongs());
    let mut now = start + INTERVAL;
    for latency in [SECOND, 3 * SECOND] {
        assert_eq!(session.beat(now).expect("asked"), Some(now + TIMEOUT));
        let mut answer = written(&mut session);
        answer.drain(2..6);
        answer[0] = 0x8a;
        // One that nobody asked for tells nothing, but that the peer lives.
        assert_eq!(session.feed(b"\x8a\x01x"), 3);
        assert!(session.next().expect("valid").is_none());
        assert_eq!(session.take_pong().as_deref(), Some(&b"x"[..]));
        assert_eq!(session.feed(&answer), answer.len());
        assert!(session.next().expect("valid").is_none());
        now += latency;
        assert_eq!(session.beat(now).expect("alive"), Some(now + INTERVAL));
        assert_eq!(session.latency(), Some(latency));
        assert_eq!(session.take_pong(), None, "the session's own");
        now += INTERVAL;
    }
}

#[test]
fn a_peer_that_lives_without_pongs_is_asked_again() {
    let mut now = Instant::now() + INTERVAL;
    let mut session = session(Assembly::Segmented, now - INTERVAL);
    for number in 1..5 {
        assert_eq!(session.beat(now).expect("asked"), Some(now + TIMEOUT));
        assert_eq!(written(&mut session)[6..], [0, 0, 0, 0, 0, 0, 0, number]);
        assert_eq!(session.feed(b"\x82\x00"), 2);
        assert!(session.next().expect("valid").is_some());
        now += SECOND;
        assert_eq!(session.beat(now).expect("alive"), Some(now + INTERVAL));
        now += INTERVAL;
    }
    assert_eq!(session.latency(), None);
}

#[test]
fn there_is_no_heartbeat_without_one_nor_once_the_connection_is_closed() {
    let now = Instant::now();
    assert_eq!(Session::server(&Pool::new()).beat(now).expect("open"), None);
    let mut session = session(Assembly::Segmented, now);
    session.close(&CloseFrame::new(CloseCode::NORMAL, ""));
    assert_eq!(session.feed(b"\x88\x02\x03\xe8"), 4);
    assert!(session.next().expect("closed in order").is_none());
    assert_eq!(session.beat(now + 2 * INTERVAL).expect("closed"), None);
}

#[test]
fn a_peer_that_is_silent_after_our_close_frame_is_dead_and_gets_no_ping() {
    let start = Instant::now();
    let mut session = session(Assembly::Segmented, start);
    session.close(&CloseFrame::new(CloseCode::NORMAL, ""));
    assert!(written(&mut session).starts_with(b"\x88\x02"), "a close frame");
    assert_eq!(session.beat(start).expect("asked"), Some(start + TIMEOUT));
    // What comes meanwhile shows that the peer lives.
    let now = start + TIMEOUT - SECOND;
    assert_eq!(session.feed(b"\x81\x02hi"), 4);
    let _ = session.next().expect("valid");
    assert_eq!(session.beat(now).expect("alive"), Some(now + TIMEOUT));
    let dead = session.beat(now + TIMEOUT);
    assert!(matches!(dead, Err(ConnectionError::PeerSilent)), "{dead:?}");
    assert!(!session.wants().write, "no ping");
}

#[cfg(feature = "tokio")]
mod with_tokio {
    use tokio::{io::duplex, time};
    use ws_assemble::Connection;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn next_alive_ends_when_the_peer_falls_silent() {
        for (assembly, splits) in
            Assembly::ALL.map(|assembly| [(assembly, false), (assembly, true)]).concat()
        {
            let (near, mut far) = duplex(1024);
            let start = time::Instant::now();
            let mut connection = Connection::server(near, &Pool::new()).with_assembly(assembly);
            let heartbeat = Heartbeat::new(INTERVAL, TIMEOUT);
            connection.session_mut().set_heartbeat(heartbeat, start.into_std());
            let error = if splits {
                let (mut read, _write) = connection.split();
                read.next_alive().await.expect_err("dead")
            } else {
                connection.next_alive().await.expect_err("dead")
            };
            assert!(matches!(error, ConnectionError::PeerSilent), "{error}");
            assert_eq!(start.elapsed().as_secs(), (INTERVAL + TIMEOUT).as_secs());
            let mut ping = [0; 10];
            tokio::io::AsyncReadExt::read_exact(&mut far, &mut ping).await.expect("a ping");
            assert_eq!(ping[..2], [0x89, 8]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_half_that_reads_ends_when_the_peer_is_silent_after_the_other_half_closed() {
        let (near, _far) = duplex(1024);
        let start = time::Instant::now();
        let mut connection = Connection::server(near, &Pool::new());
        let heartbeat = Heartbeat::new(INTERVAL, TIMEOUT);
        connection.session_mut().set_heartbeat(heartbeat, start.into_std());
        let (mut read, mut write) = connection.split();
        let close = CloseFrame::new(CloseCode::NORMAL, "");
        let (read, closed) = tokio::join!(read.next_alive(), write.close(&close));
        closed.expect("written");
        assert!(matches!(read, Err(ConnectionError::PeerSilent)), "{read:?}");
        assert!(start.elapsed() <= INTERVAL + TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_answers_lives_and_its_latency_is_known() {
        let (near, far) = duplex(1024);
        let pool = Pool::new();
        let (mut server, mut client) =
            (Connection::server(near, &pool), Connection::client(far, &pool));
        let start = time::Instant::now();
        server.session_mut().set_heartbeat(Heartbeat::new(INTERVAL, TIMEOUT), start.into_std());
        let peer = tokio::spawn(async move {
            // Reads, and so answers pings, but sends only after a while.
            let _ = time::timeout(10 * INTERVAL, client.next()).await;
            client.send_text("late").await.map(|()| client)
        });
        let message = server.next_alive().await.expect("alive").expect("open");
        assert_eq!(message.as_str(), Some("late"));
        assert_eq!(start.elapsed().as_secs(), 10 * INTERVAL.as_secs());
        assert!(server.session().latency().is_some_and(|latency| latency < SECOND));
        drop(peer.await.expect("no panic").expect("sent"));
    }
}
