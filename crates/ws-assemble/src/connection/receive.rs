//! From the stream to messages.

use core::{
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use seg_pool::{OutOfMemory, SegmentMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Connection, ConnectionError, State};
use crate::{
    close_frame::{CloseFrame, PeerClose},
    control::ControlPayload,
    decode_error::DecodeError,
    decoder::{Event, SingleFrame, Step},
    message::Message,
    opcode::Opcode,
};

/// The least room behind kept payload that a read is worth.
const ROOM_BYTES_MIN: usize = 1024;

/// Long segments that a message may keep where reads are long at all.
const LONG_READS_HELD: u64 = 16;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    #[inline]
    pub(super) fn poll_message(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, ConnectionError>> {
        // Most messages are here when they are asked for.
        if self.waiting.is_none()
            && let Some(frame) = self.unmask_whole()?
        {
            return Poll::Ready(Ok(Some(self.take_whole(frame))));
        }
        self.poll_message_with(context, None)
    }

    /// Waits with another waker for replies to be written, if there is one.
    pub(super) fn poll_message_with(
        &mut self,
        context: &mut Context<'_>,
        write: Option<&Waker>,
    ) -> Poll<Result<Option<Message>, ConnectionError>> {
        if (self.input.is_some() || self.waiting.is_some())
            && let Some(message) = self.decoded()?
        {
            return Poll::Ready(Ok(Some(message)));
        }
        if self.decoder.is_lent() {
            return Poll::Ready(Err(ConnectionError::ReadForgotten));
        }
        loop {
            if !ready!(self.poll_open(context, write))? {
                return Poll::Ready(Ok(None));
            }
            if ready!(self.poll_receive(context))? == 0 {
                self.decoder.finish()?;
            }
            if let Some(message) = self.decoded()? {
                return Poll::Ready(Ok(Some(message)));
            }
        }
    }

    /// Writes what the peer is to hear, and returns whether there is more to read.
    pub(super) fn poll_open(
        &mut self,
        context: &mut Context<'_>,
        write: Option<&Waker>,
    ) -> Poll<Result<bool, ConnectionError>> {
        let flushed = match write {
            Some(waker) => self.poll_replies(&mut Context::from_waker(waker))?,
            None => self.poll_replies(context)?,
        };
        if let Some(error) = self.decoder.error() {
            return Poll::Ready(Err(error.into()));
        }
        if self.state == State::Closed {
            return flushed.map(|()| Ok(false));
        }
        Poll::Ready(Ok(true))
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
            while let Some(frame) = self.unmask_whole()? {
                messages.push(self.take_whole(frame));
            }
            next = self.decoded()?;
        }
        Ok(messages.len() - before)
    }

    /// Returns the next message of what was received; `None` when that is used up, or when an error
    /// is in it, which the decoder keeps.
    #[inline]
    pub(super) fn decoded(&mut self) -> Result<Option<Message>, ConnectionError> {
        if let Some(message) = self.waiting.take() {
            return Ok(Some(*message));
        }
        loop {
            if let Some(message) = self.whole()? {
                return Ok(Some(message));
            }
            if let Some(message) = self.rest()? {
                return Ok(Some(message));
            }
            match self.stepped()? {
                Some(Step::Event(Event::Message(message))) => return Ok(Some(message)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// Returns the next message when it can go the short way of most, which needs no event.
    #[inline]
    pub(super) fn whole(&mut self) -> Result<Option<Message>, ConnectionError> {
        Ok(self.unmask_whole()?.map(|frame| self.take_whole(frame)))
    }

    /// Finds the next message when it can go that way; it is to be [taken](Self::take_whole) then.
    /// In two steps, so that it is made where it is wanted: moved right after, it is waited for.
    #[inline(always)]
    fn unmask_whole(&mut self) -> Result<Option<SingleFrame>, ConnectionError> {
        let Some(input) = &mut self.input else { return Ok(None) };
        let Some(frame) = self.decoder.find_whole(input) else { return Ok(None) };
        match self.decoder.unmask_whole(frame, input) {
            Ok(()) => Ok(Some(frame)),
            Err(error) => self.note_error(error).map(|()| None),
        }
    }

    #[inline(always)]
    fn take_whole(&mut self, frame: SingleFrame) -> Message {
        let Some(input) = &mut self.input else { unreachable!("the frame was found there") };
        let message = frame.take(input);
        if input.is_empty() {
            self.input = None;
        }
        message
    }

    /// Returns the next message when the rest of it came at once, which needs no event either.
    fn rest(&mut self) -> Result<Option<Message>, ConnectionError> {
        let Some(input) = &mut self.input else { return Ok(None) };
        match self.decoder.decode_rest(input) {
            Ok(rest) => {
                if rest.is_some() && input.is_empty() {
                    self.input = None;
                }
                Ok(rest)
            }
            Err(error) => self.note_error(error).map(|()| None),
        }
    }

    /// Returns what the decoder did next with what was received; `None` when that is used up, or when
    /// an error is in it. What the peer is to be answered is noted.
    pub(super) fn stepped(&mut self) -> Result<Option<Step>, ConnectionError> {
        while let Some(input) = &mut self.input {
            let step = self.decoder.step(input);
            let (is_used_up, spare_len) = (input.is_empty(), input.spare_len());
            match self.refuse(step)? {
                None => return Ok(None),
                Some(Step::NeedMore) => {
                    // Room behind what is kept takes the next bytes, however few: each read in a
                    // segment of its own would keep them all.
                    if !self.decoder.keeps_payload() || spare_len < ROOM_BYTES_MIN {
                        self.input = None;
                    }
                    return Ok(None);
                }
                Some(Step::Event(Event::Message(message))) => {
                    if is_used_up {
                        self.input = None;
                    }
                    return Ok(Some(Step::Event(Event::Message(message))));
                }
                Some(Step::Event(event)) => self.answer(event)?,
                Some(step) => return Ok(Some(step)),
            }
        }
        Ok(None)
    }

    /// Notes that the peer is to hear of an error; `None` then.
    #[inline]
    pub(super) fn refuse<T>(
        &mut self,
        decoded: Result<T, DecodeError>,
    ) -> Result<Option<T>, ConnectionError> {
        match decoded {
            Ok(decoded) => Ok(Some(decoded)),
            Err(error) => {
                self.note_error(error)?;
                Ok(None)
            }
        }
    }

    #[cold]
    fn note_error(&mut self, error: DecodeError) -> Result<(), ConnectionError> {
        self.input = None;
        self.pong = None;
        self.queue_close(&CloseFrame::new(error.close_code(), ""))
    }

    fn answer(&mut self, event: Event) -> Result<(), ConnectionError> {
        match event {
            Event::Ping(payload) => {
                // As long as there is room each is answered: the Autobahn suite asks for it.
                let has_room = self.pong.is_none() && !self.output.is_full();
                let is_answered = has_room
                    && self.state == State::Open
                    && self.output.queue_control(Opcode::Pong, &payload).is_ok();
                if !is_answered {
                    self.pong = Some(Box::new(payload));
                }
            }
            Event::Close(close) => {
                self.pong = None;
                let came = close.map_or(PeerClose::WithoutCode, PeerClose::Frame);
                self.peer_close = Some(Box::new(came));
                // The answer has the code that came, if one did (RFC 6455 section 5.5.1).
                match close {
                    Some(close) => self.queue_close(&CloseFrame::new(close.code(), ""))?,
                    None => self.queue_close_body(&ControlPayload::EMPTY)?,
                }
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
        loop {
            let waits = self.pong.is_some() && self.state == State::Open;
            if waits
                && !self.output.is_full()
                && let Some(payload) = self.pong.take()
            {
                self.output.queue_control(Opcode::Pong, &payload)?;
            }
            return match self.poll_flush(context) {
                // It had to wait for room, and nobody would tell of what there is now.
                Poll::Ready(Ok(())) if waits && self.pong.is_some() => continue,
                Poll::Ready(Ok(())) => Ok(Poll::Ready(())),
                Poll::Pending => Ok(Poll::Pending),
                // What ended the connection is to be reported: an error, or the peer's close frame,
                // behind which it may be gone.
                Poll::Ready(Err(_))
                    if self.decoder.error().is_some() || self.state == State::Closed =>
                {
                    Ok(Poll::Ready(()))
                }
                Poll::Ready(Err(error)) => Err(error),
            };
        }
    }

    /// Leases a segment, reads once into it, and gives it back when nothing came.
    pub(super) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<usize, ConnectionError>> {
        let room = self.input.take();
        let keeps = room.is_some();
        let mut segment = match room {
            Some(room) => room,
            None => self.take_room()?,
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
            let (is_full, ends_long_frame) =
                (segment.spare_len() == 0, self.ends_long_frame(count));
            self.read_length.note(count, is_full, ends_long_frame, self.pool.segment_size());
            self.input = Some(segment);
        }
        self.count_closing(count)?;
        Poll::Ready(Ok(count))
    }

    /// Returns whether so many bytes bring the end of a frame that no usual segment holds: the next
    /// one may be as long, and come in one read.
    fn ends_long_frame(&self, count: usize) -> bool {
        let left = self.decoder.left();
        let is_long = self.decoder.frame_len() >= self.pool.segment_size().bytes() as u64;
        is_long && (1..=count as u64).contains(&left)
    }

    /// Takes a segment to read into. Where a long one cannot be had, or a few of them would be more
    /// than a message may keep, a usual one will do.
    fn take_room(&self) -> Result<SegmentMut, OutOfMemory> {
        let usual = self.pool.segment_size();
        let size = self.read_length.size(self.decoder.left(), usual);
        let held = LONG_READS_HELD * size.bytes() as u64;
        if size > usual
            && held <= self.decoder.limits().held_bytes_max
            && let Ok(segment) = self.pool.try_take_size(size)
        {
            return Ok(segment);
        }
        self.pool.try_take_size(usual)
    }

    /// Reads once into a buffer of the user.
    pub(super) fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, ConnectionError>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let count = buffer.filled().len();
        self.count_closing(count)?;
        Poll::Ready(Ok(count))
    }

    /// Counts what comes after a close frame was sent.
    fn count_closing(&mut self, count: usize) -> Result<(), ConnectionError> {
        if self.state == State::CloseSent {
            let left = self.closing_bytes.checked_sub(count as u64);
            self.closing_bytes = left.ok_or(ConnectionError::CloseIgnored)?;
        }
        Ok(())
    }
}
