//! Frames to messages, without I/O.

mod whole;

use bytes::Buf;
#[cfg(feature = "deflate")]
use seg_pool::Pool;
use seg_pool::SegmentMut;

#[cfg(feature = "deflate")]
use crate::deflate::{Deflate, Inflation};
use crate::{
    assemble::{Assembly, OpenMessage},
    close::CloseFrame,
    control::ControlPayload,
    error::{DecodeError, DecodeErrorKind},
    header::{HEADER_BYTES_MAX, Header, RSV1, RSV2_RSV3},
    limits::Limits,
    mask::{mask, unmask_whole_text},
    message::{Message, MessageKind},
    opcode::{Opcode, Role},
};

use whole::WholeFrame;

/// What a [`Decoder`] found.
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
/// use ws_assemble::{Assembly, Decoder, Event, Limits, Role};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut decoder = Decoder::new(Role::Client, Assembly::Segmented, Limits::default());
/// let mut received = Pool::new().try_take_segment()?;
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
    open: Option<OpenMessage>,
    /// Bytes consumed so far.
    offset: u64,
    #[cfg(feature = "deflate")]
    inflation: Option<Box<Inflation>>,
}

#[derive(Debug)]
enum State {
    /// The bytes of a header that is not whole.
    Header([u8; HEADER_BYTES_MAX], usize),
    /// Payload of a data frame.
    Data(Frame),
    /// Payload of a control frame.
    Control(Frame, ControlPayload),
    Closed,
    Failed(DecodeError),
}

/// A frame whose payload is coming.
#[derive(Clone, Copy, Debug)]
struct Frame {
    fin: bool,
    opcode: Opcode,
    mask: Option<[u8; 4]>,
    left: u64,
    /// Payload bytes seen, modulo 4.
    phase: usize,
}

impl Frame {
    /// Returns how much of the payload lies in `input`.
    fn here(&self, input: &SegmentMut) -> usize {
        usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len())
    }

    fn key(&self) -> Option<([u8; 4], usize)> {
        self.mask.map(|key| (key, self.phase))
    }

    fn advance(&mut self, count: usize) {
        self.left -= count as u64;
        self.phase = (self.phase + count) % 4;
    }
}

const NO_HEADER: State = State::Header([0; HEADER_BYTES_MAX], 0);

impl Decoder {
    /// Creates a decoder for what `role` receives.
    #[must_use]
    pub const fn new(role: Role, assembly: Assembly, limits: Limits) -> Self {
        Self {
            role,
            assembly,
            limits,
            state: NO_HEADER,
            open: None,
            offset: 0,
            #[cfg(feature = "deflate")]
            inflation: None,
        }
    }

    /// Decompresses what comes compressed, as it was agreed on. The decompressed bytes lie in
    /// segments of `pool`; [`Limits::message_bytes_max`] holds for them, checked on the way.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(mut self, agreed: &Deflate, pool: &Pool) -> Self {
        self.inflation = Some(Box::new(Inflation::new(agreed, self.role, pool)));
        self
    }

    /// Returns whether messages may come compressed.
    const fn inflates(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.inflation.is_some();
        #[cfg(not(feature = "deflate"))]
        return false;
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

    /// Returns whether the peer's close frame was read.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Returns whether no part of a frame or message waits for the rest: between messages, and
    /// after a close frame.
    #[must_use]
    pub const fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Header(_, 0) | State::Closed) && self.open.is_none()
    }

    /// Returns the error that was found; the same one comes back from then on.
    #[must_use]
    pub const fn error(&self) -> Option<DecodeError> {
        match self.state {
            State::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Returns whether part of a message's payload is kept, in the segment that came last.
    ///
    /// Whoever reads next into the room behind it, with a segment that is used up but has spare
    /// capacity, keeps one segment for many short reads instead of one for each.
    #[must_use]
    pub fn keeps_payload(&self) -> bool {
        self.open.as_ref().is_some_and(OpenMessage::holds_segments)
    }

    /// Consumes `input` up to the next event; `None` when it is used up.
    ///
    /// Call it until it returns `None`, then with the next received segment. After a close frame it
    /// consumes and ignores whatever comes.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`], and the same one from then on.
    #[inline]
    pub fn decode(&mut self, input: &mut SegmentMut) -> Result<Option<Event>, DecodeError> {
        match self.decode_whole(input)? {
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
    /// use ws_assemble::{Assembly, Decoder, Event, Limits, Role};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut decoder = Decoder::new(Role::Client, Assembly::Segmented, Limits::default());
    /// let mut received = Pool::new().try_take_segment()?;
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
            if let Some(frame) = self.find_whole(input) {
                self.unmask_whole(frame, input)?;
                let payload = input.split_to(frame.payload_len).freeze();
                messages.push(Message::of_segment(frame.kind, payload));
                continue;
            }
            match self.decode_any(input)? {
                Some(Event::Message(message)) => messages.push(message),
                other => return Ok(other),
            }
        }
        Ok(None)
    }

    /// Takes the short way of most messages; `None` when the next one cannot.
    #[inline]
    pub(crate) fn decode_whole(
        &mut self,
        input: &mut SegmentMut,
    ) -> Result<Option<Message>, DecodeError> {
        let Some(frame) = self.find_whole(input) else { return Ok(None) };
        self.unmask_whole(frame, input)?;
        let payload = input.split_to(frame.payload_len).freeze();
        Ok(Some(Message::of_segment(frame.kind, payload)))
    }

    /// Finds what may go the short way of most messages: one frame, all of it here, nothing begun
    /// before it.
    #[inline]
    fn find_whole(&self, input: &SegmentMut) -> Option<WholeFrame> {
        let frame = WholeFrame::find(input, self.role)?;
        let may_start = matches!(self.state, State::Header(_, 0)) && self.open.is_none();
        let is_within = frame.payload_len as u64 <= self.limits.message_bytes_max
            && self.limits.fragments_max > 0
            && input.held_bytes() as u64 <= self.limits.held_bytes_max;
        (may_start && is_within && self.assembly == Assembly::Segmented).then_some(frame)
    }

    #[inline]
    fn unmask_whole(
        &mut self,
        frame: WholeFrame,
        input: &mut SegmentMut,
    ) -> Result<(), DecodeError> {
        input.advance(frame.header_len);
        self.offset += (frame.header_len + frame.payload_len) as u64;
        let payload = &mut input[..frame.payload_len];
        // Frames without a mask have this key; with it, masking would change nothing.
        if frame.kind == MessageKind::Binary && frame.key == [0; 4] {
            return Ok(());
        }
        if frame.kind == MessageKind::Binary {
            mask(payload, frame.key, 0);
        } else if let Err(index) = unmask_whole_text(payload, frame.key) {
            let offset = self.offset - (frame.payload_len - index) as u64;
            return Err(self.fail(DecodeErrorKind::Utf8Invalid, offset));
        }
        Ok(())
    }

    #[cold]
    fn fail(&mut self, kind: DecodeErrorKind, offset: u64) -> DecodeError {
        let error = DecodeError::new(kind, offset);
        self.state = State::Failed(error);
        self.open = None;
        error
    }

    pub(crate) fn decode_any(
        &mut self,
        input: &mut SegmentMut,
    ) -> Result<Option<Event>, DecodeError> {
        let result = self.advance(input);
        result.map_err(|(kind, offset)| {
            if let State::Failed(error) = self.state {
                return error;
            }
            self.fail(kind, offset)
        })
    }

    /// Tells the decoder that no input follows.
    ///
    /// # Errors
    ///
    /// [`Truncated`](DecodeErrorKind::Truncated) unless a close frame was read, or the error that
    /// there was before.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        match self.state {
            State::Closed => Ok(()),
            State::Failed(error) => Err(error),
            _ => {
                let error = DecodeError::new(DecodeErrorKind::Truncated, self.offset);
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    fn advance(&mut self, input: &mut SegmentMut) -> Result<Option<Event>, (DecodeErrorKind, u64)> {
        loop {
            let event = match &mut self.state {
                State::Header(..) => {
                    if !self.read_header(input)? {
                        return Ok(None);
                    }
                    None
                }
                State::Data(_) => self.read_data(input)?,
                State::Control(..) => self.read_control(input)?,
                State::Closed => {
                    self.consume(input, input.len());
                    return Ok(None);
                }
                State::Failed(error) => return Err((error.kind(), error.offset())),
            };
            if event.is_some() {
                return Ok(event);
            }
            let waits = match &self.state {
                State::Data(frame) | State::Control(frame, _) => frame.left > 0,
                _ => true,
            };
            if waits && input.is_empty() {
                return Ok(None);
            }
        }
    }

    fn consume(&mut self, input: &mut SegmentMut, count: usize) {
        input.advance(count);
        self.offset += count as u64;
    }

    /// Reads a header, whole or what is left of one; returns whether it is complete.
    fn read_header(&mut self, input: &mut SegmentMut) -> Result<bool, (DecodeErrorKind, u64)> {
        let State::Header(mut bytes, mut held) = self.state else { return Ok(true) };
        let start = self.offset - held as u64;
        let at = |(kind, index): (DecodeErrorKind, usize)| (kind, start + index as u64);
        let parsed = if held == 0 {
            // All of it is mostly there.
            self.check(input).map_err(at)?;
            Header::parse(input, self.role).map_err(at)?
        } else {
            None
        };
        if let Some((header, len)) = parsed {
            self.consume(input, len);
            self.start_frame(header).map_err(|kind| (kind, start + 1))?;
            return Ok(true);
        }
        while let Some(&byte) = input.first() {
            bytes[held] = byte;
            held += 1;
            self.consume(input, 1);
            self.check(&bytes[..held]).map_err(at)?;
            if let Some((header, _)) = Header::parse(&bytes[..held], self.role).map_err(at)? {
                self.start_frame(header).map_err(|kind| (kind, start + 1))?;
                return Ok(true);
            }
        }
        self.state = State::Header(bytes, held);
        Ok(false)
    }

    /// Checks the order of frames, which their first byte tells.
    fn check(&self, header: &[u8]) -> Result<(), (DecodeErrorKind, usize)> {
        let Some(&first) = header.first() else { return Ok(()) };
        if first & RSV1 != 0 && !self.inflates() {
            return Err((DecodeErrorKind::ReservedBits, 0));
        }
        // Reserved bits and opcodes are refused before, whatever the order.
        match (Opcode::from_bits(first & 0x0f), &self.open) {
            _ if first & RSV2_RSV3 != 0 => Ok(()),
            (Some(Opcode::Continuation), _) if first & RSV1 != 0 => Ok(()),
            (Some(Opcode::Continuation), None) => Err((DecodeErrorKind::ContinuationUnexpected, 0)),
            (Some(Opcode::Text | Opcode::Binary), Some(_)) => {
                Err((DecodeErrorKind::MessageUnfinished, 0))
            }
            _ => Ok(()),
        }
    }

    fn start_frame(&mut self, header: Header) -> Result<(), DecodeErrorKind> {
        let Header { fin, opcode, mask, payload_len, is_compressed } = header;
        let frame = Frame { fin, opcode, mask, left: payload_len, phase: 0 };
        if opcode.is_control() {
            self.state = State::Control(frame, ControlPayload::EMPTY);
            return Ok(());
        }
        let kind = if opcode == Opcode::Text { MessageKind::Text } else { MessageKind::Binary };
        let open =
            self.open.get_or_insert_with(|| OpenMessage::new(kind, self.assembly, is_compressed));
        open.announce(&header, &self.limits)?;
        self.state = State::Data(frame);
        Ok(())
    }

    fn read_data(
        &mut self,
        input: &mut SegmentMut,
    ) -> Result<Option<Event>, (DecodeErrorKind, u64)> {
        let (State::Data(frame), Some(open)) = (&mut self.state, &mut self.open) else {
            return Ok(None);
        };
        let count = frame.here(input);
        if count > 0 {
            #[cfg(feature = "deflate")]
            let inflation = self.inflation.as_deref_mut();
            #[cfg(not(feature = "deflate"))]
            let inflation = None;
            open.take(input, count, frame.key(), &self.limits, inflation)
                .map_err(|(kind, index)| (kind, self.offset + index as u64))?;
            frame.advance(count);
            self.offset += count as u64;
        }
        if frame.left > 0 {
            return Ok(None);
        }
        let is_last = frame.fin;
        self.state = NO_HEADER;
        if !is_last {
            return Ok(None);
        }
        let Some(open) = self.open.take() else { return Ok(None) };
        #[cfg(feature = "deflate")]
        let open = match &mut self.inflation {
            Some(inflation) => open.inflate_end(inflation, &self.limits),
            None => Ok(open),
        }
        .map_err(|kind| (kind, self.offset))?;
        let message = open.finish().map_err(|kind| (kind, self.offset))?;
        Ok(Some(Event::Message(message)))
    }

    fn read_control(
        &mut self,
        input: &mut SegmentMut,
    ) -> Result<Option<Event>, (DecodeErrorKind, u64)> {
        let State::Control(frame, payload) = &mut self.state else { return Ok(None) };
        let count = frame.here(input);
        let start = payload.len();
        payload.extend_from_slice(&input[..count]);
        if let Some((key, phase)) = frame.key() {
            mask(&mut payload.filled_mut()[start..], key, phase);
        }
        frame.advance(count);
        let (left, opcode, payload) = (frame.left, frame.opcode, *payload);
        self.consume(input, count);
        if left > 0 {
            return Ok(None);
        }
        self.state = NO_HEADER;
        Ok(Some(match opcode {
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            _ => {
                let body = self.offset - payload.len() as u64;
                let close = CloseFrame::parse(payload)
                    .map_err(|(kind, index)| (kind, body + index as u64))?;
                self.state = State::Closed;
                // What the peer left unfinished never comes: its segments go back.
                self.open = None;
                Event::Close(close)
            }
        }))
    }
}
