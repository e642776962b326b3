//! From the stream to messages.

use core::{
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Connection, ConnectionError, State};
use crate::{
    close::{CloseCode, CloseFrame},
    decode::Event,
    message::Message,
    opcode::Opcode,
};

/// The least room behind kept payload that a read is worth.
const ROOM_BYTES_MIN: usize = 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    #[inline]
    pub(super) fn poll_message(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, ConnectionError>> {
        self.poll_message_with(context, None)
    }

    /// Waits with another waker for replies to be written, if there is one.
    pub(super) fn poll_message_with(
        &mut self,
        context: &mut Context<'_>,
        write: Option<&Waker>,
    ) -> Poll<Result<Option<Message>, ConnectionError>> {
        if self.input.is_some() || self.waiting.is_some() {
            if let Some(message) = self.decoded()? {
                return Poll::Ready(Ok(Some(message)));
            }
        }
        loop {
            let flushed = match write {
                Some(waker) => self.poll_replies(&mut Context::from_waker(waker))?,
                None => self.poll_replies(context)?,
            };
            if let Some(error) = self.decoder.error() {
                return Poll::Ready(Err(error.into()));
            }
            if self.state == State::Closed {
                return flushed.map(|()| Ok(None));
            }
            if ready!(self.poll_receive(context))? == 0 {
                self.decoder.finish()?;
            }
            if let Some(message) = self.decoded()? {
                return Poll::Ready(Ok(Some(message)));
            }
        }
    }

    /// Appends `first`, when there is one, and all messages of what was received behind it; returns
    /// how many.
    pub(super) fn take_batch(
        &mut self,
        first: Option<Message>,
        messages: &mut Vec<Message>,
    ) -> Result<usize, ConnectionError> {
        let before = messages.len();
        let mut next = first;
        while let Some(message) = next {
            messages.push(message);
            next = self.decoded()?;
        }
        Ok(messages.len() - before)
    }

    /// Returns the next message of what was received; `None` when that is used up, or when an error
    /// is in it, which the decoder keeps.
    #[inline]
    pub(super) fn decoded(&mut self) -> Result<Option<Message>, ConnectionError> {
        if let Some(message) = self.waiting.take() {
            return Ok(Some(message));
        }
        while let Some(input) = &mut self.input {
            // The short way first, which needs no event.
            let decoded = match self.decoder.decode_whole(input) {
                Ok(Some(message)) => {
                    if input.is_empty() {
                        self.input = None;
                    }
                    return Ok(Some(message));
                }
                Ok(None) => self.decoder.decode_any(input),
                Err(error) => Err(error),
            };
            match decoded {
                Ok(Some(Event::Message(message))) => {
                    if input.is_empty() {
                        self.input = None;
                    }
                    return Ok(Some(message));
                }
                Ok(Some(event)) => self.answer(event)?,
                Ok(None) => {
                    // Room behind what is kept takes the next bytes, however few: each read in a
                    // segment of its own would keep them all.
                    let is_room =
                        self.decoder.keeps_payload() && input.spare_len() >= ROOM_BYTES_MIN;
                    if !is_room {
                        self.input = None;
                    }
                    break;
                }
                Err(error) => {
                    self.input = None;
                    self.pong = None;
                    self.queue_close(&CloseFrame::new(error.close_code(), ""))?;
                }
            }
        }
        Ok(None)
    }

    fn answer(&mut self, event: Event) -> Result<(), ConnectionError> {
        match event {
            Event::Ping(payload) => self.pong = Some(payload),
            Event::Close(close) => {
                let code = close.map_or(CloseCode::NORMAL, |close| close.code());
                self.pong = None;
                self.queue_close(&CloseFrame::new(code, ""))?;
                self.state = State::Closed;
            }
            Event::Message(_) | Event::Pong(_) => {}
        }
        Ok(())
    }

    /// Writes what the peer is to hear, without holding up what is read.
    ///
    /// Of the pings that came while nothing could be written, the newest is answered.
    fn poll_replies(&mut self, context: &mut Context<'_>) -> Result<Poll<()>, ConnectionError> {
        if self.pong.is_some() && self.state == State::Open && !self.output.is_full() {
            if let Some(payload) = self.pong.take() {
                self.output.queue_control(Opcode::Pong, &payload)?;
            }
        }
        match self.poll_flush(context) {
            Poll::Ready(Ok(())) => Ok(Poll::Ready(())),
            Poll::Pending => Ok(Poll::Pending),
            // The error to report is the one that ended the connection.
            Poll::Ready(Err(_)) if self.decoder.error().is_some() => Ok(Poll::Ready(())),
            Poll::Ready(Err(error)) => Err(error),
        }
    }

    /// Leases a segment, reads once into it, and gives it back when nothing came.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, ConnectionError>> {
        let room = self.input.take();
        let keeps = room.is_some();
        let mut segment = match room {
            Some(room) => room,
            None => self.pool.try_take_segment()?,
        };
        // Zeroes each byte at most once in the life of a segment.
        let mut buffer = ReadBuf::new(segment.spare_initialized_mut());
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
        let count = buffer.filled().len();
        match polled {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
            Poll::Pending => {
                // It is no more than the room behind payload that is kept anyway.
                self.input = keeps.then_some(segment);
                return Poll::Pending;
            }
        }
        if count > 0 {
            segment.advance_initialized(count);
            self.input = Some(segment);
        }
        if self.state == State::CloseSent {
            let left = self.closing_bytes.checked_sub(count as u64);
            self.closing_bytes = left.ok_or(ConnectionError::CloseIgnored)?;
        }
        Poll::Ready(Ok(count))
    }
}
