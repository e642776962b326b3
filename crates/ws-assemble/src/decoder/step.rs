//! From one frame to the next.

use bytes::Buf as _;
use seg_pool::SegmentMut;

use super::{
    Decoder, Event,
    frame::{Frame, State},
    single_frame::SingleFrame,
};
use crate::{
    close_frame::CloseFrame,
    control::ControlPayload,
    decode_error::{DecodeError, DecodeErrorKind},
    header::{Header, RSV1, RSV2_RSV3},
    mask::mask,
    message::{Message, MessageKind},
    opcode::Opcode,
};

/// What a decoder did with its input.
#[derive(Debug)]
pub(crate) enum Step {
    /// Found something for the user.
    Event(Event),
    /// Read a header.
    FrameStart,
    /// Came to the end of a fragment that is not the last of its message.
    FragmentEnd,
    /// Used the input up.
    NeedMore,
}

impl Decoder {
    /// Goes on to the next event, header or end of a fragment.
    pub(crate) fn step(&mut self, input: &mut SegmentMut) -> Result<Step, DecodeError> {
        let step = match &self.state {
            State::Header(..) => self.read_header(input),
            State::Data(_) => self.read_data(input),
            State::Control(..) => self.read_control(input).map(|(step, count)| {
                input.advance(count);
                step
            }),
            State::Closed => {
                self.consume(input, input.len());
                Ok(Step::NeedMore)
            }
            State::Failed(error) => return Err(**error),
        };
        step.map_err(|(kind, offset)| self.fail(kind, offset))
    }

    fn consume(&mut self, input: &mut SegmentMut, count: usize) {
        input.advance(count);
        self.offset += count as u64;
    }

    /// Reads a header, whole or what is left of one.
    fn read_header(&mut self, input: &mut SegmentMut) -> Result<Step, (DecodeErrorKind, u64)> {
        if let Some(frame) = SingleFrame::find(input, self.role)
            && self.may_take(frame, input)
        {
            self.start_single(frame, input);
            return Ok(Step::FrameStart);
        }
        if matches!(self.state, State::Header(_, 0)) {
            // All of it is mostly there.
            let at = |(kind, index): (_, usize)| (kind, self.offset + index as u64);
            self.check(input).map_err(at)?;
            if let Some((header, len)) = Header::parse(input, self.role).map_err(at)? {
                let start = self.offset;
                self.consume(input, len);
                self.start_frame(&header).map_err(|kind| (kind, start + 1))?;
                return Ok(Step::FrameStart);
            }
        }
        let (step, count) = self.read_cut_header(input)?;
        input.advance(count);
        Ok(step)
    }

    /// Reads a header byte by byte; also returns how many bytes that took.
    pub(super) fn read_cut_header(
        &mut self,
        input: &[u8],
    ) -> Result<(Step, usize), (DecodeErrorKind, u64)> {
        let State::Header(mut bytes, held) = self.state else { return Ok((Step::NeedMore, 0)) };
        let mut held = usize::from(held);
        let start = self.offset - held as u64;
        let at = |(kind, index): (DecodeErrorKind, usize)| (kind, start + index as u64);
        for (index, &byte) in input.iter().enumerate() {
            bytes[held] = byte;
            held += 1;
            self.offset += 1;
            self.check(&bytes[..held]).map_err(at)?;
            if let Some((header, _)) = Header::parse(&bytes[..held], self.role).map_err(at)? {
                self.start_frame(&header).map_err(|kind| (kind, start + 1))?;
                return Ok((Step::FrameStart, index + 1));
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 14")]
        let held = held as u8;
        self.state = State::Header(bytes, held);
        Ok((Step::NeedMore, input.len()))
    }

    /// Starts on the only frame of a message, whose end is not here as a rule.
    fn start_single(&mut self, frame: SingleFrame, input: &mut SegmentMut) {
        self.consume(input, frame.header_len);
        let payload_len = frame.payload_len as u64;
        self.open.begin_single(frame.kind, payload_len);
        let mask = self.role.receives_masked().then_some(frame.key);
        self.state = State::Data(Frame::single(frame.kind, payload_len, mask));
    }

    /// Checks the order of frames, which their first byte tells.
    fn check(&self, header: &[u8]) -> Result<(), (DecodeErrorKind, usize)> {
        let Some(&first) = header.first() else { return Ok(()) };
        if first & RSV1 != 0 && !self.inflates() {
            return Err((DecodeErrorKind::ReservedBits, 0));
        }
        // Reserved bits and opcodes are refused before, whatever the order.
        match (Opcode::from_bits(first & 0x0f), self.open.is_open()) {
            _ if first & RSV2_RSV3 != 0 => Ok(()),
            (Some(Opcode::Continuation), _) if first & RSV1 != 0 => Ok(()),
            (Some(Opcode::Continuation), false) => {
                Err((DecodeErrorKind::ContinuationUnexpected, 0))
            }
            (Some(Opcode::Text | Opcode::Binary), true) => {
                Err((DecodeErrorKind::MessageUnfinished, 0))
            }
            _ => Ok(()),
        }
    }

    fn start_frame(&mut self, header: &Header) -> Result<(), DecodeErrorKind> {
        let frame = Frame::new(header);
        if header.opcode.is_control() {
            self.state = State::Control(frame, ControlPayload::EMPTY);
            return Ok(());
        }
        let is_text = header.opcode == Opcode::Text;
        let kind = if is_text { MessageKind::Text } else { MessageKind::Binary };
        if !self.open.is_open() {
            self.open.begin(kind, self.assembly, header.is_compressed);
        }
        self.open.announce(header, &self.limits)?;
        self.state = State::Data(frame);
        Ok(())
    }

    fn read_data(&mut self, input: &mut SegmentMut) -> Result<Step, (DecodeErrorKind, u64)> {
        self.take_data(input)?;
        self.end_data()
    }

    /// Takes the payload of a data frame, as far as it is here.
    fn take_data(&mut self, input: &mut SegmentMut) -> Result<(), (DecodeErrorKind, u64)> {
        let State::Data(frame) = &mut self.state else { return Ok(()) };
        let count = frame.here(input);
        if count == 0 {
            return Ok(());
        }
        #[cfg(feature = "deflate")]
        let decompressor = self.decompressor.as_deref_mut();
        #[cfg(not(feature = "deflate"))]
        let decompressor = None;
        let (before, start) = (input.len(), self.offset - frame.seen);
        let taken = self.open.take(input, count, frame.key(), &self.limits, decompressor).map_err(
            // Which byte of compressed payload is at fault is not known, only in which frame.
            |(kind, index)| (kind, index.map_or(start, |index| self.offset + index as u64)),
        );
        let count = before - input.len();
        frame.advance(count);
        self.offset += count as u64;
        taken
    }

    /// Ends a frame whose payload is all here, and the message with its last one.
    pub(super) fn end_data(&mut self) -> Result<Step, (DecodeErrorKind, u64)> {
        let State::Data(frame) = &self.state else { return Ok(Step::NeedMore) };
        if frame.left > 0 {
            return Ok(Step::NeedMore);
        }
        if !frame.fin {
            self.state = State::NO_HEADER;
            return Ok(Step::FragmentEnd);
        }
        let message = self.end_message()?;
        Ok(message.map_or(Step::NeedMore, |message| Step::Event(Event::Message(message))))
    }

    /// Takes the rest of a message's last frame, all of which is here. Without an event on the way:
    /// the message would be moved once more for it.
    pub(super) fn take_rest(
        &mut self,
        input: &mut SegmentMut,
    ) -> Result<Option<Message>, (DecodeErrorKind, u64)> {
        self.take_data(input)?;
        self.end_message()
    }

    /// Ends a message after its last frame.
    fn end_message(&mut self) -> Result<Option<Message>, (DecodeErrorKind, u64)> {
        if !self.open.is_open() {
            return Ok(None);
        }
        #[cfg(feature = "deflate")]
        if let Some(decompressor) = &mut self.decompressor {
            self.open
                .inflate_end(decompressor, &self.limits)
                .map_err(|kind| (kind, self.offset))?;
        }
        let message = self.open.finish().map_err(|kind| (kind, self.offset))?;
        self.state = State::NO_HEADER;
        self.open.clear();
        self.messages += 1;
        Ok(Some(message))
    }

    /// Reads the payload of a control frame, as far as it is here; also returns how much that is.
    pub(super) fn read_control(
        &mut self,
        input: &[u8],
    ) -> Result<(Step, usize), (DecodeErrorKind, u64)> {
        let State::Control(frame, payload) = &mut self.state else {
            return Ok((Step::NeedMore, 0));
        };
        let count = frame.here(input);
        let start = payload.len();
        payload.extend_from_slice(&input[..count]);
        if let Some((key, phase)) = frame.key() {
            mask(&mut payload.filled_mut()[start..], key, phase);
        }
        frame.advance(count);
        self.offset += count as u64;
        if frame.left > 0 {
            return Ok((Step::NeedMore, count));
        }
        let (opcode, payload) = (frame.opcode, core::mem::take(payload));
        self.state = State::NO_HEADER;
        let event = match opcode {
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            _ => {
                let body = self.offset - payload.len() as u64;
                let close = CloseFrame::parse(payload)
                    .map_err(|(kind, index)| (kind, body + index as u64))?;
                self.state = State::Closed;
                self.end_unfinished();
                Event::Close(close)
            }
        };
        Ok((Step::Event(event), count))
    }
}
