//! What happened, counted.

use core::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// Something that a run has to reach, or it proves nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// A connection was opened over a TCP socket.
    OverSocket,
    /// A connection was opened over a wire in memory.
    InMemory,
    /// A WebSocket connection was opened without compression.
    WsPlain,
    /// A WebSocket connection was opened that compresses.
    WsCompressed,
    /// An HTTP request went out as it is.
    HttpPlain,
    /// An HTTP request went out compressed.
    HttpCompressed,
    /// A WebSocket message came back as it was sent.
    MessageBack,
    /// An HTTP body came back as it was sent.
    BodyBack,
    /// A future that was waiting was dropped and begun again.
    Cancelled,
    /// A side neither read nor wrote for a while.
    Stalled,
    /// A client closed its connection in order.
    Closed,
    /// A client dropped its connection, perhaps within a frame or a chunk.
    Dropped,
    /// A client ended only its half of the stream.
    HalfClosed,
    /// A client broke a rule or a limit, and was refused for it.
    RuleBroken,
    /// A handshake or a request was refused by the application.
    Refused,
    /// A connection could not be opened at all.
    NoServer,
    /// The pool was taken to its last segment.
    PoolFull,
    /// A server tried again later, because the pool had no memory.
    TriedAgain,
    /// A server waited in the pool's queue, because it had no memory.
    WaitedForMemory,
    /// A server ended a connection, because the pool had no memory.
    Starved,
    /// A thread unwound with its connections open.
    ThreadDied,
    /// A server's threads ended with connections open.
    ServerDied,
    /// What was received was checked, and dropped, on another thread.
    ElsewhereDropped,
    /// All connections waited, and the process did nothing.
    Quiet,
}

impl Happening {
    /// All of them, with what they are called.
    pub const ALL: [(Self, &'static str); 24] = [
        (Self::OverSocket, "connections over sockets"),
        (Self::InMemory, "connections in memory"),
        (Self::WsPlain, "WebSocket connections, plain"),
        (Self::WsCompressed, "WebSocket connections, compressed"),
        (Self::HttpPlain, "HTTP requests, plain"),
        (Self::HttpCompressed, "HTTP requests, compressed"),
        (Self::MessageBack, "messages that came back"),
        (Self::BodyBack, "bodies that came back"),
        (Self::Cancelled, "futures cancelled"),
        (Self::Stalled, "stalls"),
        (Self::Closed, "connections closed in order"),
        (Self::Dropped, "connections dropped by a client"),
        (Self::HalfClosed, "halves closed"),
        (Self::RuleBroken, "broken rules refused"),
        (Self::Refused, "requests refused"),
        (Self::NoServer, "connections that no server took"),
        (Self::PoolFull, "times the pool was full"),
        (Self::TriedAgain, "calls made again for memory"),
        (Self::WaitedForMemory, "waits for memory"),
        (Self::Starved, "connections ended for memory"),
        (Self::ThreadDied, "threads that unwound"),
        (Self::ServerDied, "servers that died"),
        (Self::ElsewhereDropped, "messages checked on another thread"),
        (Self::Quiet, "quiet times without work"),
    ];
}

/// How often each thing happened. Shared by all threads.
#[derive(Debug, Default)]
pub struct Tally([AtomicU64; Happening::ALL.len()]);

impl Tally {
    /// Counts one.
    pub(super) fn count(&self, happening: Happening) {
        self.add(happening, 1);
    }

    pub(super) fn add(&self, happening: Happening, count: u64) {
        self.0[happening as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// Returns how often something happened.
    #[must_use]
    pub fn of(&self, happening: Happening) -> u64 {
        self.0[happening as usize].load(Ordering::Relaxed)
    }

    /// Returns what came back whole: messages and bodies.
    #[must_use]
    pub fn echoes(&self) -> u64 {
        self.of(Happening::MessageBack) + self.of(Happening::BodyBack)
    }

    /// Returns the names of what never happened.
    #[must_use]
    pub fn unreached(&self) -> Vec<&'static str> {
        let never = Happening::ALL.iter().filter(|(happening, _)| self.of(*happening) == 0);
        never.map(|(_, name)| *name).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Happening::ALL
            .iter()
            .try_for_each(|(happening, name)| writeln!(f, "{:>10} {name}", self.of(*happening)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_reached_has_a_name() {
        let tally = Tally::default();
        for (at, (happening, _)) in Happening::ALL.iter().enumerate() {
            assert_eq!(*happening as usize, at);
            assert_eq!(tally.unreached().len(), Happening::ALL.len() - at);
            tally.count(*happening);
        }
        assert!(tally.unreached().is_empty());
        assert_eq!(tally.echoes(), 2);
        assert!(tally.to_string().starts_with("         1 connections over sockets\n"), "{tally}");
    }
}
