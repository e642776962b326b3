//! Frames to messages, without I/O.

mod frame;
#[cfg(feature = "random")]
mod session_side;
mod single_frame;
mod step;

#[cfg(feature = "deflate")]
use seg_pool::Pool;
use seg_pool::SegmentMut;
use seg_seq::Assembly;

#[cfg(feature = "deflate")]
use crate::deflate::{DeflateParams, MessageDecompressor};
use crate::{
    close_frame::CloseFrame,
    control::ControlPayload,
    decode_error::{DecodeError, DecodeErrorKind},
    limits::Limits,
    mask::{mask, unmask_whole_text},
    message::{Message, MessageKind},
    open_message::OpenMessage,
    role::Role,
};

use frame::State;

#[cfg(feature = "random")]
pub(crate) use session_side::Coming;
pub(crate) use single_frame::SingleFrame;
pub(crate) use step::Step;

/// What a [`Decoder`] found. No other will come: RFC 6455 has no other frames, and a caller has to handle each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole message.
    Message(Message),
    /// A ping: answer it with a pong of the same payload (RFC 6455 section 5.5.2).
    Ping(ControlPayload),
    /// A pong, asked for or not.
    Pong(ControlPayload),
    /// The peer closes; nothing that follows is read. `None` when it gave no code.
    Close(Option<CloseFrame>),
}

/// Decodes the frames of one direction of one connection.
///
/// Takes received segments, unmasks and validates them in place and links their parts into
/// messages: no copy, and no allocation for messages of up to four chunks. Reads no socket; all
/// progress, a header cut in the middle included, is in the decoder, so how the stream is cut
/// changes nothing.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use ws_assemble::{Decoder, Event, Role};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut decoder = Decoder::new(Role::Client);
/// let mut received = Pool::new().try_take(16_384)?;
/// received.extend_from_slice(b"\x01\x03hel\x80\x02lo\x89\x00");
///
/// let mut events = Vec::new();
/// while let Some(event) = decoder.decode(&mut received)? {
///     events.push(event);
/// }
/// let [Event::Message(message), Event::Ping(_)] = &events[..] else { panic!("two events") };
/// assert_eq!(message.as_str(), Some("hello"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    assembly: Assembly,
    limits: Limits,
    state: State,
    /// The message whose end is not here yet, if there is one.
    open: OpenMessage,
    /// Whether messages are taken in parts, so that what was gathered before an error or a close frame
    /// is kept until [it is dropped](Self::drop_unfinished).
    #[cfg(feature = "random")]
    in_parts: bool,
    /// Bytes consumed so far.
    offset: u64,
    /// Whole messages so far.
    messages: u64,
    #[cfg(feature = "deflate")]
    decompressor: Option<Box<MessageDecompressor>>,
}

impl Decoder {
    /// Creates a decoder for what `role` receives, with default limits and segmented assembly.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            role,
            assembly: Assembly::default(),
            limits: Limits::default(),
            state: State::NO_HEADER,
            open: OpenMessage::NONE,
            #[cfg(feature = "random")]
            in_parts: false,
            offset: 0,
            messages: 0,
            #[cfg(feature = "deflate")]
            decompressor: None,
        }
    }

    /// Sets the limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.set_limits(limits);
        self
    }

    /// Sets how messages are put together, before anything is decoded.
    #[must_use]
    pub const fn with_assembly(mut self, assembly: Assembly) -> Self {
        self.assembly = assembly;
        self
    }

    /// Returns how messages are put together.
    #[must_use]
    pub const fn assembly(&self) -> Assembly {
        self.assembly
    }

    /// Decompresses what comes compressed, as it was agreed on. The decompressed bytes lie in
    /// segments of `pool`; [`Limits::message_bytes_max`] holds for them, checked on the way.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(mut self, agreed: &DeflateParams, pool: &Pool) -> Self {
        self.decompressor = Some(Box::new(MessageDecompressor::new(agreed, self.role, pool)));
        self
    }

    /// Returns whether messages may come compressed.
    const fn inflates(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.decompressor.is_some();
        #[cfg(not(feature = "deflate"))]
        return false;
    }

    /// Changes the limits, from the next frame on. A message that has begun is held to the new ones.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Returns the limits.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Returns the end of the connection that this decodes for.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Returns the number of bytes consumed so far.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the number of whole messages so far.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// Returns the bytes of payload so far, unmasked and decompressed, those of a
    /// message whose end is not here included.
    #[must_use]
    pub const fn payload_bytes(&self) -> u64 {
        self.open.payload_bytes
    }

    /// Returns whether the peer's close frame was read.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Returns whether no part of a frame or message waits for the rest: between messages, and
    /// after a close frame.
    #[must_use]
    pub const fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Header(_, 0) | State::Closed) && !self.open.is_open()
    }

    /// Returns the error that was found; the same one comes back from then on.
    #[must_use]
    pub const fn error(&self) -> Option<DecodeError> {
        match &self.state {
            State::Failed(error) => Some(**error),
            _ => None,
        }
    }

    /// Returns whether part of a message's payload is kept, in the segment that came last.
    ///
    /// Whoever reads next into the spare capacity after it, with a segment that is used up but has spare
    /// capacity, keeps one segment for many short reads instead of one for each.
    #[must_use]
    pub fn keeps_payload(&self) -> bool {
        self.open.holds_segments()
    }

    /// Consumes `input` up to the next event; `None` when it is used up.
    ///
    /// Call it until it returns `None`, then with the next received segment. After a close frame it
    /// consumes and ignores whatever comes.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`], and the same one from then on. Only
    /// [`OutOfMemory`](DecodeErrorKind::OutOfMemory), of compressed messages, is not final: nothing is
    /// lost, and the same call goes on when there is memory.
    #[inline]
    pub fn decode(&mut self, input: &mut SegmentMut) -> Result<Option<Event>, DecodeError> {
        if let Some(message) = self.decode_whole(input)? {
            return Ok(Some(Event::Message(message)));
        }
        match self.decode_rest(input)? {
            Some(message) => Ok(Some(Event::Message(message))),
            None => self.decode_any(input),
        }
    }

    /// Consumes `input` up to the next event that is no message, and appends the messages before it
    /// to `messages`, until there are `messages_max`. `None` when `input` is used up, or when that
    /// many messages are there.
    ///
    /// For short messages this takes less time for each than [`decode`](Self::decode).
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode). The messages before the error are in `messages`.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Pool;
    /// use ws_assemble::{Decoder, Event, Role};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut decoder = Decoder::new(Role::Client);
    /// let mut received = Pool::new().try_take(16_384)?;
    /// received.extend_from_slice(b"\x81\x02hi\x81\x02ho\x89\x00\x81\x02he");
    ///
    /// let mut messages = Vec::with_capacity(100);
    /// let event = decoder.decode_batch(&mut received, &mut messages, 100)?;
    /// assert!(matches!(event, Some(Event::Ping(_))));
    /// assert_eq!(messages.len(), 2);
    /// assert_eq!(decoder.decode_batch(&mut received, &mut messages, 100)?, None);
    /// assert_eq!(messages.len(), 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn decode_batch(
        &mut self,
        input: &mut SegmentMut,
        messages: &mut Vec<Message>,
        messages_max: usize,
    ) -> Result<Option<Event>, DecodeError> {
        while messages.len() < messages_max {
            self.decode_run(input, messages, messages_max)?;
            if messages.len() == messages_max {
                break;
            }
            if let Some(message) = self.decode_rest(input)? {
                messages.push(message);
                continue;
            }
            match self.decode_any(input)? {
                Some(Event::Message(message)) => messages.push(message),
                other => return Ok(other),
            }
        }
        Ok(None)
    }

    /// Takes messages as long as they can go the short way.
    fn decode_run(
        &mut self,
        input: &mut SegmentMut,
        messages: &mut Vec<Message>,
        messages_max: usize,
    ) -> Result<(), DecodeError> {
        if !self.may_go_short(input) {
            return Ok(());
        }
        let len_max = self.limits.message_bytes_max();
        while messages.len() < messages_max {
            let frame = SingleFrame::find(input, self.role).filter(|frame| frame.is_whole(input));
            let Some(frame) = frame.filter(|frame| frame.payload_len as u64 <= len_max) else {
                break;
            };
            self.unmask_whole(frame, input)?;
            messages.push(frame.take(input));
        }
        Ok(())
    }

    /// Takes the short way of most messages; `None` when the next one cannot.
    #[inline]
    pub(crate) fn decode_whole(
        &mut self,
        input: &mut SegmentMut,
    ) -> Result<Option<Message>, DecodeError> {
        let Some(frame) = self.find_whole(input) else { return Ok(None) };
        self.unmask_whole(frame, input)?;
        Ok(Some(frame.take(input)))
    }

    /// Takes the rest of a message whose last frame was cut; `None` when it is not all here, or when
    /// nothing was cut.
    #[inline]
    pub(crate) fn decode_rest(
        &mut self,
        input: &mut SegmentMut,
    ) -> Result<Option<Message>, DecodeError> {
        match &self.state {
            State::Data(frame) if frame.fin && frame.left <= input.len() as u64 => {
                self.take_rest(input).map_err(|(kind, offset)| self.fail(kind, offset))
            }
            _ => Ok(None),
        }
    }

    /// Finds what may go the short way of most messages: one frame, all of it here, nothing begun
    /// before it.
    #[inline]
    pub(crate) fn find_whole(&self, input: &SegmentMut) -> Option<SingleFrame> {
        let frame = SingleFrame::find(input, self.role)?;
        (frame.is_whole(input) && self.may_take(frame, input)).then_some(frame)
    }

    #[inline]
    fn may_take(&self, frame: SingleFrame, input: &SegmentMut) -> bool {
        frame.payload_len as u64 <= self.limits.message_bytes_max() && self.may_go_short(input)
    }

    /// Returns whether nothing is open, and no limit in the way of a message of one frame.
    #[inline]
    fn may_go_short(&self, input: &SegmentMut) -> bool {
        matches!(self.state, State::Header(_, 0))
            && !self.open.is_open()
            && self.limits.fragments_max() > 0
            && input.held_bytes() as u64 <= self.limits.held_bytes_max()
            && self.assembly == Assembly::Segmented
    }

    /// Unmasks and validates what was [found](Self::find_whole) at the start of `input`, to be
    /// [taken](SingleFrame::take) from there.
    #[inline]
    pub(crate) fn unmask_whole(
        &mut self,
        frame: SingleFrame,
        input: &mut SegmentMut,
    ) -> Result<(), DecodeError> {
        self.offset += frame.range().end as u64;
        let payload = &mut input[frame.range()];
        if frame.kind == MessageKind::Binary {
            // Frames without a mask have this key; with it, masking would change nothing.
            if frame.key != [0; 4] {
                mask(payload, frame.key, 0);
            }
        } else if let Err(index) = unmask_whole_text(payload, frame.key) {
            return Err(self.refuse_text(frame, index, input));
        }
        self.messages += 1;
        self.open.payload_bytes += frame.payload_len as u64;
        Ok(())
    }

    /// Makes the error of a text whose byte at `index` is not UTF-8.
    #[cold]
    fn refuse_text(
        &mut self,
        frame: SingleFrame,
        index: usize,
        input: &mut SegmentMut,
    ) -> DecodeError {
        let range = frame.range();
        self.open.begin_single(frame.kind, frame.payload_len as u64);
        self.open.append(input, range.start..range.start + index);
        let offset = self.offset - (frame.payload_len - index) as u64;
        self.fail(DecodeErrorKind::Utf8Invalid, offset)
    }

    /// Makes an error. It is final unless memory was missing, or parts can be handed out to hold less.
    #[cold]
    fn fail(&mut self, kind: DecodeErrorKind, offset: u64) -> DecodeError {
        let error = DecodeError::new(kind, offset);
        let is_final = match kind {
            DecodeErrorKind::OutOfMemory(_) => false,
            DecodeErrorKind::HeldTooMuch => !self.has_part(),
            _ => true,
        };
        if is_final {
            self.state = State::Failed(Box::new(error));
            self.end_unfinished();
        }
        error
    }

    /// Ends a message whose rest never comes.
    pub(crate) fn end_unfinished(&mut self) {
        #[cfg(feature = "random")]
        if self.in_parts {
            return;
        }
        self.drop_unfinished();
    }

    /// Returns whether a part of a message can be handed out.
    #[cfg(not(feature = "random"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    const fn has_part(&self) -> bool {
        false
    }

    /// Gives back what an unfinished message holds, whose rest never comes.
    pub(crate) fn drop_unfinished(&mut self) {
        self.open.clear();
        #[cfg(feature = "deflate")]
        {
            self.decompressor = None;
        }
    }

    pub(crate) fn decode_any(
        &mut self,
        input: &mut SegmentMut,
    ) -> Result<Option<Event>, DecodeError> {
        loop {
            match self.step(input)? {
                Step::Event(event) => return Ok(Some(event)),
                Step::NeedMore => return Ok(None),
                Step::FrameStart | Step::FragmentEnd => {}
            }
        }
    }

    /// Tells the decoder that no input follows.
    ///
    /// # Errors
    ///
    /// [`Truncated`](DecodeErrorKind::Truncated) unless a close frame was read, or the error that
    /// there was before.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        match &self.state {
            State::Closed => Ok(()),
            State::Failed(error) => Err(**error),
            _ => Err(self.fail(DecodeErrorKind::Truncated, self.offset)),
        }
    }
}
