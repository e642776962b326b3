//! What a connection has moved, and what it holds.

use super::Session;

/// What a connection has moved since it was opened, and what it holds now.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use ws_assemble::{Message, Session};
///
/// # fn main() -> Result<(), ws_assemble::ConnectionError> {
/// let mut session = Session::client(&Pool::new());
/// assert_eq!(session.feed(b"\x81\x05hello\x8a\x00"), 9);
/// let _ = session.next()?;
/// let counters = session.counters();
/// assert_eq!((counters.received.messages, counters.received.bytes), (1, 7));
/// assert_eq!(counters.received.payload_bytes, 5);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// What was decoded.
    pub received: Traffic,
    /// What was sent.
    pub sent: Traffic,
    /// The memory that the connection keeps from reuse now, in bytes: segments with their whole size
    /// and buffers, of what is received, waits to be taken, or waits to be written. What the
    /// states of compression keep is counted by the `Contexts` of their configuration.
    pub held_bytes: u64,
}

/// Messages and bytes in one direction.
///
/// `bytes` against `payload_bytes` is the ratio of compression, headers and control frames included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Whole messages: those that were decoded, or accepted to be sent.
    pub messages: u64,
    /// Their payload, decompressed, and that of a message that is not whole.
    pub payload_bytes: u64,
    /// Bytes of the stream: those that were decoded, or that the stream took. Where it failed, the
    /// message that was being written counts as taken.
    pub bytes: u64,
}

impl Traffic {
    pub(super) const NONE: Self = Self { messages: 0, payload_bytes: 0, bytes: 0 };

    /// Counts a message that was accepted, or a part of one.
    #[inline]
    pub(super) fn accept(&mut self, payload_len: u64, is_last: bool) {
        self.messages += u64::from(is_last);
        self.payload_bytes += payload_len;
    }
}

impl Session {
    /// Returns what was moved so far, and what is held now. Looks at each chunk that is held.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let received = Traffic {
            messages: self.decoder.messages(),
            payload_bytes: self.decoder.payload_bytes(),
            bytes: self.decoder.offset(),
        };
        Counters { received, sent: self.output.sent, held_bytes: self.held_bytes() }
    }

    fn held_bytes(&self) -> u64 {
        let unread = self.unread.iter().flat_map(|unread| &unread.messages);
        let unread: u64 = unread.map(|message| message.sequence().held_bytes()).sum();
        let fed = self.rare.as_ref().map_or(0, |rare| rare.fed.capacity() as u64);
        let input = self.input.as_ref();
        let (open, shares_input) = self.decoder.held_bytes(input);
        let input = input.filter(|_| !shares_input).map_or(0, |input| input.held_bytes() as u64);
        unread + fed + input + open + self.output.held_bytes()
    }
}
