//! A buffer of the user that is being filled.

use core::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::super::{Connection, ConnectionError};
use crate::{
    decoder::{Coming, Event, Step},
    message::{Message, MessageKind},
};

/// What is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Frame,
    Message,
}

/// What was read.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Found {
    Unit { kind: MessageKind, len: usize, is_last: bool },
    TooSmall { needed: u64 },
    Closed,
}

/// A buffer whose first bytes are those of the message before what the decoder has gathered of it.
#[derive(Debug)]
pub(in super::super) struct Filling<'a> {
    buffer: &'a mut [u8],
    filled: usize,
    unit: Unit,
}

impl<'a> Filling<'a> {
    pub(super) const fn new(buffer: &'a mut [u8], unit: Unit) -> Self {
        Self { buffer, filled: 0, unit }
    }

    /// Puts back what lies here, so that it is read again.
    pub(in super::super) fn put_back<S>(&mut self, connection: &mut Connection<S>) {
        if self.filled > 0 {
            connection.decoder.put_back(&self.buffer[..self.filled], &connection.pool);
            self.filled = 0;
        }
    }

    /// Waits with another waker for replies to be written, if there is one.
    pub(in super::super) fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        connection: &mut Connection<S>,
        context: &mut Context<'_>,
        write: Option<&Waker>,
    ) -> Poll<Result<Found, ConnectionError>> {
        if self.filled == 0 && connection.decoder.is_lent() {
            return Poll::Ready(Err(ConnectionError::ReadForgotten));
        }
        loop {
            if let Some(found) = self.take_received(connection)? {
                return Poll::Ready(Ok(found));
            }
            if !ready!(connection.poll_open(context, write))? {
                return Poll::Ready(Ok(Found::Closed));
            }
            let direct_len = self.direct_len(connection);
            if direct_len < connection.pool.segment_size().bytes() {
                // What follows comes in the same read.
                if ready!(connection.poll_receive(context))? == 0 {
                    connection.decoder.finish()?;
                }
                continue;
            }
            let room = &mut self.buffer[self.filled..][..direct_len];
            let count = ready!(connection.poll_fill(context, room))?;
            if count == 0 {
                connection.decoder.finish()?;
            }
            let step = connection.decoder.lend(&mut room[..count]);
            self.filled += count;
            if let Some(step) = connection.refuse(step)?
                && let Some(found) = self.found(connection, step)
            {
                return Poll::Ready(Ok(found));
            }
        }
    }

    /// Takes what was received and not decoded yet.
    fn take_received<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        connection: &mut Connection<S>,
    ) -> Result<Option<Found>, ConnectionError> {
        if let Some(message) = connection.waiting.take() {
            return Ok(Some(self.deliver(connection, *message, true)));
        }
        // The short way first, as for messages of our own.
        if let Some(message) = connection.whole()? {
            return Ok(Some(self.deliver(connection, message, true)));
        }
        loop {
            // A frame that was begun before this buffer was there may be too long for it as well.
            if let Some(needed) = self.too_small(connection) {
                return Ok(Some(Found::TooSmall { needed }));
            }
            let Some(step) = connection.stepped()? else { return Ok(None) };
            if let Some(found) = self.found(connection, step) {
                return Ok(Some(found));
            }
        }
    }

    fn found<S>(&mut self, connection: &mut Connection<S>, step: Step) -> Option<Found> {
        match step {
            Step::Event(Event::Message(message)) => Some(self.deliver(connection, message, true)),
            Step::FragmentEnd if self.unit == Unit::Frame => {
                let fragment = connection.decoder.take_fragment()?;
                Some(self.deliver(connection, fragment, false))
            }
            _ => None,
        }
    }

    /// Returns how long the buffer must be for what is coming, when it is too short.
    fn too_small<S>(&mut self, connection: &mut Connection<S>) -> Option<u64> {
        let coming = connection.decoder.coming().filter(|coming| !coming.is_compressed)?;
        let needed = self.needed(&coming);
        if needed <= self.buffer.len() as u64 {
            return None;
        }
        self.put_back(connection);
        // What is needed for a message is known with its last frame.
        (coming.is_last || self.unit == Unit::Frame).then_some(needed)
    }

    fn needed(&self, coming: &Coming) -> u64 {
        (self.filled as u64).saturating_add(coming.gathered).saturating_add(coming.left)
    }

    /// Returns how much may be read straight into the buffer, behind what is gathered, which goes
    /// there as well and whose segments go back.
    fn direct_len<S>(&mut self, connection: &mut Connection<S>) -> usize {
        let coming = connection.decoder.coming().filter(|coming| coming.is_plain);
        let Some(coming) = coming else { return 0 };
        if self.needed(&coming) > self.buffer.len() as u64 {
            return 0;
        }
        if let Some(message) = connection.decoder.lend_gathered() {
            self.append(&message);
            connection.input = None;
        }
        // No longer than the buffer.
        usize::try_from(coming.left).unwrap_or(usize::MAX)
    }

    /// Hands over what lies here and what was gathered behind it, if there is room for both.
    fn deliver<S>(
        &mut self,
        connection: &mut Connection<S>,
        rest: Message,
        is_last: bool,
    ) -> Found {
        let kind = rest.kind();
        let needed = self.filled as u64 + rest.len();
        if needed <= self.buffer.len() as u64 {
            self.append(&rest);
            let len = core::mem::take(&mut self.filled);
            return Found::Unit { kind, len, is_last };
        }
        connection.waiting = Some(Box::new(rest));
        Found::TooSmall { needed }
    }

    /// Copies gathered bytes behind those that lie here; there is room for them.
    fn append(&mut self, message: &Message) {
        let len = usize::try_from(message.len()).unwrap_or(usize::MAX);
        message.copy_to_slice(&mut self.buffer[self.filled..][..len]);
        self.filled += len;
    }
}
