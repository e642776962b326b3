//! Whether the peer lives.

use core::time::Duration;
use std::time::Instant;

/// When a peer that sends nothing is asked whether it lives, and when it is taken for dead.
///
/// Set with [`Session::set_heartbeat`](super::Session::set_heartbeat). Any byte that comes shows that
/// the peer lives: a peer that sends is not pinged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    interval: Duration,
    timeout: Duration,
}

impl Heartbeat {
    /// Pings a peer of which nothing was received for `interval`, and takes it for dead when nothing
    /// is received for `timeout` after the ping, or after this end's close frame.
    #[must_use]
    pub const fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout }
    }

    /// Returns how long nothing is received before a ping.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Returns how long nothing is received after a ping before the peer is taken for dead.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// What is known of the peer.
#[derive(Debug)]
pub(super) struct Pulse {
    pub(super) heartbeat: Heartbeat,
    heard_at: Instant,
    /// The number of the newest ping, which is its payload.
    number: u64,
    pinged_at: Instant,
    /// Whether nothing was received since that ping.
    is_waiting: bool,
    /// Whether its pong came since the last beat, and whether it is still to come.
    is_answered: bool,
    is_pong_due: bool,
    pub(super) latency: Option<Duration>,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing until then; `None` when that is beyond all clocks.
    Wait(Option<Instant>),
    /// A ping of this payload, and nothing until then.
    Ping([u8; 8], Option<Instant>),
    /// The peer is dead.
    Dead,
}

impl Pulse {
    pub(super) const fn new(heartbeat: Heartbeat, now: Instant) -> Self {
        Self {
            heartbeat,
            heard_at: now,
            number: 0,
            pinged_at: now,
            is_waiting: false,
            is_answered: false,
            is_pong_due: false,
            latency: None,
        }
    }

    /// Takes a pong; returns whether it answers the newest ping.
    pub(super) fn answer(&mut self, payload: &[u8]) -> bool {
        let is_answer = self.is_pong_due && payload == self.number.to_be_bytes();
        if is_answer {
            (self.is_answered, self.is_pong_due) = (true, false);
        }
        is_answer
    }

    /// Goes on to `now`; `has_heard` says whether anything was received since the last beat.
    pub(super) fn beat(&mut self, has_heard: bool, now: Instant) -> Beat {
        if core::mem::take(&mut self.is_answered) {
            self.latency = Some(now.saturating_duration_since(self.pinged_at));
        }
        if has_heard {
            self.heard_at = now;
            self.is_waiting = false;
        }
        if self.is_waiting {
            return self.wait(now);
        }
        let ping_at = self.heard_at.checked_add(self.heartbeat.interval);
        if ping_at.is_none_or(|at| at > now) {
            return Beat::Wait(ping_at);
        }
        self.number = self.number.wrapping_add(1);
        self.pinged_at = now;
        (self.is_waiting, self.is_pong_due) = (true, true);
        Beat::Ping(self.number.to_be_bytes(), now.checked_add(self.heartbeat.timeout))
    }

    /// Goes on to `now` after this end's close frame: that is the question, and no ping may follow it.
    pub(super) fn wait_for_close(&mut self, has_heard: bool, now: Instant) -> Beat {
        if has_heard || !self.is_waiting {
            (self.is_waiting, self.pinged_at) = (true, now);
        }
        self.wait(now)
    }

    fn wait(&self, now: Instant) -> Beat {
        let dead_at = self.pinged_at.checked_add(self.heartbeat.timeout);
        match dead_at {
            Some(at) if at <= now => Beat::Dead,
            _ => Beat::Wait(dead_at),
        }
    }
}
