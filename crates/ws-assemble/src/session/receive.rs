//! From received bytes to messages.

use seg_pool::{OutOfMemory, SegmentMut};

use super::{FED_BYTES_MAX, Failure, Session, State};
use crate::{
    close_frame::{CloseFrame, PeerClose},
    connection_error::ConnectionError,
    decode_error::{DecodeError, DecodeErrorKind},
    decoder::{Event, SingleFrame, Step},
    events,
    header::CONTROL_BYTES_MAX,
    message::Message,
    opcode::Opcode,
    part::Part,
};

/// The least spare capacity after kept payload that a read is worth.
const SPARE_BYTES_MIN: usize = 1024;

/// Long segments that a message may keep where reads are long at all.
const LONG_READS_HELD: u64 = 16;

impl Session {
    /// Returns the next message; `None` when nothing more is to be had of what was received, as
    /// [`wants`](Self::wants) says, or when the connection [is closed](Self::is_closed).
    ///
    /// # Errors
    ///
    /// What ended the connection, and the same from then on; but for
    /// [`ConnectionError::OutOfMemory`], after which the same call goes on.
    #[expect(clippy::should_implement_trait, reason = "a session is no iterator")]
    pub fn next(&mut self) -> Result<Option<Message>, ConnectionError> {
        let message = self.decoded()?;
        if message.is_none() {
            self.settle();
            self.ended()?;
        }
        Ok(message)
    }

    /// Returns the next part of a message: all of it that is here. So a message of any length passes
    /// through memory of the length of a read, or of what that decompresses to; it counts against
    /// [`message_bytes_max`](crate::Limits::message_bytes_max) nevertheless.
    ///
    /// A part is `None` when [`next`](Self::next) would be, which returns the rest of a message of which
    /// parts were taken. All bytes before an error or a close frame are handed out first, those of a
    /// message that never ends included.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Pool;
    /// use ws_assemble::Session;
    ///
    /// # fn main() -> Result<(), ws_assemble::ConnectionError> {
    /// let mut session = Session::client(&Pool::new());
    /// for (bytes, is_last) in [(&b"\x82\x05hel"[..], false), (b"lo", true)] {
    ///     assert_eq!(session.feed(bytes), bytes.len());
    ///     let part = session.next_part()?.expect("some bytes");
    ///     assert_eq!(part.is_last(), is_last);
    ///     assert!(bytes.ends_with(&part.sequence().to_vec()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn next_part(&mut self) -> Result<Option<Part>, ConnectionError> {
        let part = self.decoded_part()?;
        if part.is_none() {
            self.settle();
            self.ended()?;
        }
        Ok(part)
    }

    /// Returns the next part of what was received, as [`decoded`](Self::decoded) returns messages.
    pub(crate) fn decoded_part(&mut self) -> Result<Option<Part>, ConnectionError> {
        self.decoder.keep_parts();
        if let Some(message) = self.take_unread() {
            return Ok(Some(Part::new(message, true)));
        }
        if self.decoder.is_lent() {
            return Err(ConnectionError::ReadForgotten);
        }
        if let Some(message) = self.whole() {
            return Ok(Some(Part::new(message, true)));
        }
        loop {
            let stepped = self.stepped();
            match stepped {
                Ok(Some(Step::Event(Event::Message(message)))) => {
                    return Ok(Some(Part::new(message, true)));
                }
                Ok(Some(_)) => {}
                stepped => {
                    // Once that is handed out, there may be memory for the rest.
                    let Some(part) = self.decoder.take_part() else {
                        return stepped.map(|_| None);
                    };
                    if self.input.as_ref().is_some_and(|input| input.is_empty()) {
                        self.input = None;
                    }
                    return Ok(Some(Part::new(part, false)));
                }
            }
        }
    }

    /// Appends received bytes, copying them; returns how many. Takes no more while 64 KiB are not
    /// used up: [`next`](Self::next) uses them.
    ///
    /// Where bytes are received by a system call, [`space`](Self::space) and
    /// [`received`](Self::received) do without the copy.
    #[must_use = "the rest is to be fed again"]
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        let kept = self.rare.as_ref().map_or(0, |rare| rare.fed.len() - rare.fed_used);
        let count = bytes.len().min(FED_BYTES_MAX.saturating_sub(kept));
        let allowed = self.note_received(count);
        self.append_fed(&bytes[..allowed]);
        count
    }

    fn append_fed(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let rare = self.rare.get_or_insert_default();
            rare.fed.drain(..core::mem::take(&mut rare.fed_used));
            rare.fed.extend_from_slice(bytes);
        }
    }

    /// Returns a segment whose spare capacity takes what is received next. Give it back to
    /// [`received`](Self::received), whether something was or not.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the pool has none. Headers and control frames can be
    /// [fed](Self::feed) then: at most [`small_len`](Self::small_len) bytes at a time.
    #[inline]
    pub fn space(&mut self) -> Result<SegmentMut, OutOfMemory> {
        self.keeps_space = self.input.is_some();
        if let Some(input) = self.input.take() {
            return Ok(input);
        }
        let taken = self.take_segment();
        self.is_starved = taken.is_err();
        taken
    }

    /// Takes back what [`space`](Self::space) gave, after so many bytes were received at the start
    /// of its spare capacity.
    pub fn received(&mut self, mut segment: SegmentMut, count: usize) {
        let allowed = self.note_received(count);
        if self.has_fed() && count > 0 {
            // What was fed before comes first.
            self.append_fed(&segment.spare_initialized_mut()[..allowed]);
            self.input = self.keeps_space.then_some(segment);
            return;
        }
        if allowed > 0 {
            segment.advance_initialized(allowed);
            let (is_full, ends_long_frame) =
                (segment.spare_len() == 0, self.ends_long_frame(allowed));
            self.read_length.note(
                allowed,
                is_full,
                ends_long_frame,
                self.output.pool().segment_size(),
            );
        } else if !self.keeps_space {
            return;
        }
        // Without a byte it is no more than the spare capacity after payload that is kept anyway.
        self.input = Some(segment);
    }

    /// Returns how many of the next received bytes need no segment, as they are of a header or a
    /// control frame: 0 in the payload of a message.
    #[must_use]
    pub fn small_len(&self) -> usize {
        self.decoder.small_len()
    }

    /// Takes at most [`small_len`](Self::small_len) received bytes.
    pub(crate) fn received_small(&mut self, bytes: &[u8]) {
        let allowed = self.note_received(bytes.len());
        self.decode_small(&bytes[..allowed]);
    }

    fn decode_small(&mut self, bytes: &[u8]) {
        match self.decoder.step_small(bytes) {
            Ok(Step::Event(event)) => self.answer(event),
            Ok(Step::NeedMore | Step::FrameStart | Step::FragmentEnd) => {}
            // The decoder keeps it.
            Err(_) => self.input = None,
        }
    }

    /// Notes that the peer has ended the stream. What was received is still handed out.
    pub fn end_input(&mut self) {
        self.has_ended = true;
        if !self.has_input() {
            self.finish_input();
        }
    }

    fn finish_input(&mut self) {
        if self.note_overrun() {
            return;
        }
        if let Err(error) = self.decoder.finish() {
            if error.kind() == DecodeErrorKind::Truncated && self.state != State::Closed {
                events::decoding_failed(self.role(), &error);
            }
            // There is nobody to be answered: the connection is lost (RFC 6455 section 7.1.5).
            self.state = State::Closed;
            self.input = None;
        }
    }

    /// Ends the connection when nothing else can be handed out and the decoder has found a reason:
    /// answers the peer's close frame, or sends one that says which rule the peer broke.
    pub(crate) fn settle(&mut self) {
        self.note_overrun();
        if self.has_ended {
            self.finish_input();
        }
        if self.decoder.is_closed() || self.ended().is_err() {
            // Where parts were asked for, all are taken.
            self.input = None;
            self.decoder.drop_unfinished();
        }
        if let Some(error) = self.decoder.error() {
            if self.state == State::Open {
                events::decoding_failed(self.role(), &error);
            }
            self.queue_close(CloseFrame::new(error.close_code(), "").payload());
        } else if self.decoder.is_closed() && self.state != State::Closed {
            // The answer has the code that came, if one did (RFC 6455 section 5.5.1). The reason is
            // not sent back: it says why the peer closes.
            let code = match self.peer_close() {
                Some(PeerClose::Frame(close)) => Some(close.code()),
                _ => None,
            };
            match code {
                Some(code) => self.queue_close(CloseFrame::new(code, "").payload()),
                None => self.queue_close(&[]),
            }
            self.state = State::Closed;
        }
    }

    /// Returns what ended the connection.
    pub(crate) fn ended(&self) -> Result<(), ConnectionError> {
        if let Some(error) = self.decoder.error() {
            return Err(error.into());
        }
        self.failure.map_or(Ok(()), |failure| Err(failure.error()))
    }

    /// Returns whether the next ping waits until a pong is written, and what follows with it.
    pub(crate) fn is_paused(&self) -> bool {
        self.output.holds_pong_back() && !self.is_blocked
    }

    /// Returns whether something was received that is not decoded.
    pub(crate) fn has_input(&self) -> bool {
        self.has_fed() || self.input.as_ref().is_some_and(|input| !input.is_empty())
    }

    /// Returns the next message of what was received; `None` when that is used up, or when an error
    /// is in it, which the decoder keeps.
    #[inline]
    pub(crate) fn decoded(&mut self) -> Result<Option<Message>, ConnectionError> {
        if self.unread.is_some() {
            return Ok(self.take_unread());
        }
        self.decoded_anew()
    }

    #[inline]
    pub(super) fn decoded_anew(&mut self) -> Result<Option<Message>, ConnectionError> {
        if self.decoder.is_lent() {
            return Err(ConnectionError::ReadForgotten);
        }
        loop {
            if let Some(message) = self.whole() {
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

    /// Appends `first`, when there is one, and all messages of what was received after it; returns
    /// how many.
    pub(crate) fn take_batch(
        &mut self,
        first: Option<Message>,
        messages: &mut Vec<Message>,
    ) -> usize {
        let before = messages.len();
        let mut next = first;
        while let Some(message) = next {
            messages.push(message);
            while self.unread.is_none()
                && let Some(frame) = self.unmask_whole()
            {
                messages.push(self.take_whole(frame));
            }
            // What goes wrong now comes again when it is asked for.
            next = self.decoded().unwrap_or_default();
        }
        messages.len() - before
    }

    /// Returns the next message when it can go the short way of most, which needs no event.
    #[inline]
    pub(super) fn whole(&mut self) -> Option<Message> {
        self.unmask_whole().map(|frame| self.take_whole(frame))
    }

    /// Finds the next message when it can go that way; it is to be [taken](Self::take_whole) then.
    ///
    /// In two steps, so that the caller builds the message where it is returned: a move of 40 bytes right
    /// after they were written in parts waits for the store buffer.
    #[inline(always)]
    pub(crate) fn unmask_whole(&mut self) -> Option<SingleFrame> {
        let input = self.input.as_mut()?;
        let frame = self.decoder.find_whole(input)?;
        match self.decoder.unmask_whole(frame, input) {
            Ok(()) => Some(frame),
            Err(_) => {
                self.input = None;
                None
            }
        }
    }

    #[inline(always)]
    pub(crate) fn take_whole(&mut self, frame: SingleFrame) -> Message {
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
        while !self.is_paused() {
            let Some(input) = &mut self.input else {
                if self.decoder.is_at_frame_end() {
                    match self.decoder.step_small(&[]) {
                        Ok(Step::Event(event)) if !matches!(event, Event::Message(_)) => {
                            self.answer(event);
                        }
                        Ok(step) => return Ok(Some(step)),
                        Err(error) => return self.note_error(error).map(|()| None),
                    }
                } else if !self.refill()? {
                    return Ok(None);
                }
                continue;
            };
            let step = self.decoder.step(input);
            let (is_used_up, spare_len) = (input.is_empty(), input.spare_len());
            match step {
                Err(error) => return self.note_error(error).map(|()| None),
                Ok(Step::NeedMore) => {
                    // Spare capacity after what is kept takes the next bytes, however few: each read
                    // in a segment of its own would keep them all.
                    if !self.decoder.keeps_payload() || spare_len < SPARE_BYTES_MIN {
                        self.input = None;
                    }
                    if !self.has_fed() {
                        return Ok(None);
                    }
                    self.refill()?;
                }
                Ok(Step::Event(Event::Message(message))) => {
                    if is_used_up {
                        self.input = None;
                    }
                    return Ok(Some(Step::Event(Event::Message(message))));
                }
                Ok(Step::Event(event)) => self.answer(event),
                Ok(step) => return Ok(Some(step)),
            }
        }
        Ok(None)
    }

    /// Takes the next bytes of what was fed; returns whether there were any.
    fn refill(&mut self) -> Result<bool, ConnectionError> {
        if !self.has_fed() {
            return Ok(false);
        }
        match self.space() {
            Ok(mut segment) => {
                let count = self.take_fed(segment.spare_initialized_mut());
                segment.advance_initialized(count);
                self.input = Some(segment);
            }
            Err(error) => {
                let mut small = [0; CONTROL_BYTES_MAX];
                let len = self.small_len();
                if len == 0 {
                    return Err(error.into());
                }
                let count = self.take_fed(&mut small[..len]);
                self.decode_small(&small[..count]);
            }
        }
        Ok(true)
    }

    /// Drops what came after an error, unless the same call can go on.
    #[cold]
    pub(super) fn note_error(&mut self, error: DecodeError) -> Result<(), ConnectionError> {
        if let DecodeErrorKind::OutOfMemory(error) = error.kind() {
            self.is_starved = true;
            return Err(error.into());
        }
        if self.decoder.error().is_none() {
            return Err(error.into());
        }
        self.input = None;
        self.drop_fed();
        Ok(())
    }

    fn answer(&mut self, event: Event) {
        match event {
            Event::Ping(payload) => {
                if self.state == State::Open && self.write_failure.is_none() {
                    self.output.queue_control(Opcode::Pong, &payload);
                }
            }
            Event::Pong(payload) => {
                let pulse = self.rare.as_mut().and_then(|rare| rare.pulse.as_mut());
                let is_beat = pulse.is_some_and(|pulse| pulse.answer(&payload));
                if self.keeps_pongs && !is_beat {
                    self.rare.get_or_insert_default().pong = Some(payload);
                }
            }
            Event::Close(close) => {
                let came = close.map_or(PeerClose::WithoutCode, PeerClose::Frame);
                events::close_received(self.role(), &came);
                self.rare.get_or_insert_default().peer_close = Some(came);
            }
            Event::Message(message) => self.put_unread(message),
        }
    }

    /// Returns whether so many bytes bring the end of a frame that no usual segment holds: the next
    /// one may be as long, and come in one read.
    fn ends_long_frame(&self, count: usize) -> bool {
        let left = self.decoder.left();
        let is_long = self.decoder.frame_len() >= self.output.pool().segment_size().bytes() as u64;
        is_long && (1..=count as u64).contains(&left)
    }

    /// Takes a segment to read into. Where a long one cannot be had, or a few of them would be more
    /// than a message may keep, a usual one will do.
    fn take_segment(&self) -> Result<SegmentMut, OutOfMemory> {
        let usual = self.output.pool().segment_size();
        let size = self.read_length.size(self.decoder.left(), usual);
        let held = LONG_READS_HELD * size.bytes() as u64;
        if size > usual
            && held <= self.decoder.limits().held_bytes_max()
            && let Ok(segment) = self.output.pool().try_take_size(size)
        {
            return Ok(segment);
        }
        self.output.pool().try_take_size(usual)
    }

    /// Notes that so many bytes came; returns how many of them are to be decoded.
    pub(super) fn note_received(&mut self, count: usize) -> usize {
        self.has_heard |= count > 0;
        self.allowed(count)
    }

    /// Ends the connection when more came after a close frame was sent than may, and the peer's was not
    /// among what may; returns whether that is so.
    fn note_overrun(&mut self) -> bool {
        let is_new = self.has_overrun() && !self.has_input() && !self.decoder.is_closed();
        if is_new && self.ended().is_ok() {
            self.failure = Some(Failure::CloseIgnored);
            self.drop_input();
        }
        matches!(self.failure, Some(Failure::CloseIgnored))
    }

    pub(super) fn has_overrun(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.has_overrun)
    }
}
