//! Frames to messages, without I/O.

use bytes::Buf;
use seg_pool::SegmentMut;

use crate::{
    assemble::{Assembly, OpenMessage},
    close::CloseFrame,
    control::ControlPayload,
    error::{DecodeError, DecodeErrorKind},
    header::{HEADER_BYTES_MAX, Header},
    limits::Limits,
    mask::mask,
    message::{Message, MessageKind},
    opcode::{Opcode, Role},
};

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
        Self { role, assembly, limits, state: NO_HEADER, open: None, offset: 0 }
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

    /// Consumes `input` up to the next event; `None` when it is used up.
    ///
    /// Call it until it returns `None`, then with the next received segment. After a close frame it
    /// consumes and ignores whatever comes.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`], and the same one from then on.
    pub fn decode(&mut self, input: &mut SegmentMut) -> Result<Option<Event>, DecodeError> {
        let result = self.advance(input);
        result.map_err(|(kind, offset)| {
            if let State::Failed(error) = self.state {
                return error;
            }
            let error = DecodeError::new(kind, offset);
            self.state = State::Failed(error);
            self.open = None;
            error
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
        // Reserved bits and opcodes are refused before, whatever the order.
        match (Opcode::from_bits(first & 0x0f), &self.open) {
            _ if first & 0x70 != 0 => Ok(()),
            (Some(Opcode::Continuation), None) => Err((DecodeErrorKind::ContinuationUnexpected, 0)),
            (Some(Opcode::Text | Opcode::Binary), Some(_)) => {
                Err((DecodeErrorKind::MessageUnfinished, 0))
            }
            _ => Ok(()),
        }
    }

    fn start_frame(&mut self, header: Header) -> Result<(), DecodeErrorKind> {
        let Header { fin, opcode, mask, payload_len } = header;
        let frame = Frame { fin, opcode, mask, left: payload_len, phase: 0 };
        if opcode.is_control() {
            self.state = State::Control(frame, ControlPayload::EMPTY);
            return Ok(());
        }
        let kind = if opcode == Opcode::Text { MessageKind::Text } else { MessageKind::Binary };
        let open = self.open.get_or_insert_with(|| OpenMessage::new(kind, self.assembly));
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
            open.take(input, count, frame.key(), &self.limits)
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
