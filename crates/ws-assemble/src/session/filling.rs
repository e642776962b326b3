//! A buffer of the user that is being filled.

use super::Session;
use crate::{
    connection_error::ConnectionError,
    decoder::{Coming, Event, Step},
    message::{Message, MessageKind},
};

/// What is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Frame,
    Message,
}

/// What was read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    Unit { kind: MessageKind, len: usize, is_last: bool },
    TooSmall { needed: u64 },
    Closed,
}

/// A buffer whose first bytes are those of the message before what the decoder has gathered of it.
#[derive(Debug)]
pub(crate) struct Filling<'a> {
    buffer: &'a mut [u8],
    filled: usize,
    unit: Unit,
}

impl<'a> Filling<'a> {
    pub(crate) const fn new(buffer: &'a mut [u8], unit: Unit) -> Self {
        Self { buffer, filled: 0, unit }
    }

    /// Puts back what lies here, so that it is read again.
    pub(crate) fn put_back(&mut self, session: &mut Session) {
        if self.filled > 0 {
            session.decoder.put_back(&self.buffer[..self.filled], session.output.pool());
            self.filled = 0;
        }
    }

    /// Takes what was received and not decoded yet.
    pub(crate) fn take_received(
        &mut self,
        session: &mut Session,
    ) -> Result<Option<Found>, ConnectionError> {
        if let Some(message) = session.take_unread() {
            return Ok(Some(self.deliver(session, message, true)));
        }
        if self.filled == 0 && session.decoder.is_lent() {
            return Err(ConnectionError::ReadForgotten);
        }
        // The short way first, as for messages of our own.
        if let Some(message) = session.whole() {
            return Ok(Some(self.deliver(session, message, true)));
        }
        loop {
            // A frame that was begun before this buffer was there may be too long for it as well.
            if let Some(needed) = self.too_small(session) {
                return Ok(Some(Found::TooSmall { needed }));
            }
            let Some(step) = session.stepped()? else { return Ok(None) };
            if let Some(found) = self.found(session, step) {
                return Ok(Some(found));
            }
        }
    }

    fn found(&mut self, session: &mut Session, step: Step) -> Option<Found> {
        match step {
            Step::Event(Event::Message(message)) => Some(self.deliver(session, message, true)),
            Step::FragmentEnd if self.unit == Unit::Frame => {
                let fragment = session.decoder.take_fragment()?;
                Some(self.deliver(session, fragment, false))
            }
            _ => None,
        }
    }

    /// Returns how long the buffer must be for what is coming, when it is too short.
    fn too_small(&mut self, session: &mut Session) -> Option<u64> {
        let coming = session.decoder.coming().filter(|coming| !coming.is_compressed)?;
        let needed = self.needed(&coming);
        if needed <= self.buffer.len() as u64 {
            return None;
        }
        self.put_back(session);
        // What is needed for a message is known with its last frame.
        (coming.is_last || self.unit == Unit::Frame).then_some(needed)
    }

    fn needed(&self, coming: &Coming) -> u64 {
        (self.filled as u64).saturating_add(coming.gathered).saturating_add(coming.left)
    }

    /// Returns where the next bytes of the payload may be received, after what is gathered, which
    /// goes there as well and whose segments go back; `None` where that is less than a segment.
    pub(crate) fn space(&mut self, session: &mut Session) -> Option<&mut [u8]> {
        let coming = session.decoder.coming().filter(|coming| coming.is_plain)?;
        if session.has_fed() || self.needed(&coming) > self.buffer.len() as u64 {
            return None;
        }
        if let Some(message) = session.decoder.lend_gathered() {
            self.append(&message);
            session.input = None;
        }
        // No longer than the buffer.
        let len = usize::try_from(coming.left).unwrap_or(usize::MAX);
        // What follows a shorter rest comes in the same read.
        (len >= session.output.pool().segment_size().bytes())
            .then(|| &mut self.buffer[self.filled..self.filled + len])
    }

    /// Takes so many bytes that were received [there](Self::space).
    pub(crate) fn received(
        &mut self,
        session: &mut Session,
        count: usize,
    ) -> Result<Option<Found>, ConnectionError> {
        let count = session.note_received(count);
        let step = session.decoder.lend(&mut self.buffer[self.filled..self.filled + count]);
        self.filled += count;
        match step {
            Ok(step) => Ok(self.found(session, step)),
            Err(error) => session.note_error(error).map(|()| None),
        }
    }

    /// Hands over what lies here and what was gathered after it, if there is capacity for both.
    fn deliver(&mut self, session: &mut Session, rest: Message, is_last: bool) -> Found {
        let kind = rest.kind();
        let needed = self.filled as u64 + rest.len();
        if needed <= self.buffer.len() as u64 {
            self.append(&rest);
            let len = core::mem::take(&mut self.filled);
            return Found::Unit { kind, len, is_last };
        }
        session.put_unread(rest);
        Found::TooSmall { needed }
    }

    /// Copies gathered bytes after those that lie here; there is capacity for them.
    fn append(&mut self, message: &Message) {
        let len = usize::try_from(message.len()).unwrap_or(usize::MAX);
        message.copy_to_slice(&mut self.buffer[self.filled..][..len]);
        self.filled += len;
    }
}
