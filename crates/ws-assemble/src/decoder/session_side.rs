//! What a session asks of its decoder: payload that goes elsewhere than into messages, and bytes that
//! lie in no segment.

use seg_pool::{Pool, SegmentMut};
use seg_seq::Assembly;

use super::{Decoder, frame::State, step::Step};
use crate::{
    decode_error::{DecodeError, DecodeErrorKind},
    header::{CONTROL_BYTES_MAX, Header},
    message::Message,
};

/// A data frame that is partly here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coming {
    /// Bytes of the message that are gathered.
    pub(crate) gathered: u64,
    /// Bytes of the frame that are still to come.
    pub(crate) left: u64,
    /// Whether it is the last of its message.
    pub(crate) is_last: bool,
    /// Whether its bytes may go to the user as they are, unmasked.
    pub(crate) is_plain: bool,
    /// Whether it is not known how long it gets.
    pub(crate) is_compressed: bool,
}

impl Decoder {
    /// Returns the data frame that is partly here.
    pub(crate) fn coming(&self) -> Option<Coming> {
        let State::Data(frame) = &self.state else { return None };
        Some(Coming {
            gathered: self.open.gathered(),
            left: frame.left,
            is_last: frame.fin,
            is_plain: self.open.is_plain(),
            is_compressed: self.open.is_compressed(),
        })
    }

    /// Returns how many bytes of the frame that is partly here are still to come.
    pub(crate) const fn left(&self) -> u64 {
        match &self.state {
            State::Data(frame) => frame.left,
            _ => 0,
        }
    }

    /// Returns how long the payload of the frame is that is partly here.
    pub(crate) const fn frame_len(&self) -> u64 {
        match &self.state {
            State::Data(frame) => frame.seen + frame.left,
            _ => 0,
        }
    }

    /// Returns whether bytes of the open message lie in a buffer of the user.
    pub(crate) const fn is_lent(&self) -> bool {
        self.open.is_open() && self.open.is_lent()
    }

    /// Takes out what is gathered of the open message; `None` when it is compressed.
    pub(crate) fn take_fragment(&mut self) -> Option<Message> {
        let is_plain = self.open.is_open() && !self.open.is_compressed();
        is_plain.then(|| self.open.take_gathered(false))
    }

    /// Returns the memory that the open message keeps from reuse, in bytes, and whether the segment of
    /// `input` is a part of it.
    pub(crate) fn held_bytes(&self, input: Option<&SegmentMut>) -> (u64, bool) {
        self.open.held_bytes(input)
    }

    /// Keeps what is gathered before an error or a close frame, from now on, to be handed out before
    /// that.
    pub(crate) const fn keep_parts(&mut self) {
        self.in_parts = true;
    }

    /// Returns whether a part of a message can be handed out.
    pub(super) fn has_part(&self) -> bool {
        self.in_parts && self.has_gathered()
    }

    fn has_gathered(&self) -> bool {
        self.open.is_open() && self.open.gathered() > 0
    }

    /// Takes out what is gathered of the open message, whose rest is handed out later.
    pub(crate) fn take_part(&mut self) -> Option<Message> {
        self.has_gathered().then(|| self.open.take_gathered(false))
    }

    /// Takes out what is gathered of the open message, to be put back or read to its end.
    pub(crate) fn lend_gathered(&mut self) -> Option<Message> {
        self.has_gathered().then(|| self.open.take_gathered(true))
    }

    /// Puts bytes back that were lent.
    pub(crate) fn put_back(&mut self, bytes: &[u8], pool: &Pool) {
        if self.open.is_open() {
            self.open.put_back(bytes, pool);
        }
    }

    /// Takes payload of the frame that is [`coming`](Self::coming), no more than is left of it,
    /// which stays where it is. Unmasks and validates it there.
    pub(crate) fn lend(&mut self, bytes: &mut [u8]) -> Result<Step, DecodeError> {
        let State::Data(frame) = &mut self.state else { return Ok(Step::NeedMore) };
        if let Err(index) = self.open.lend(bytes, frame.key()) {
            let offset = self.offset + index as u64;
            return Err(self.fail(DecodeErrorKind::Utf8Invalid, offset));
        }
        frame.advance(bytes.len());
        self.offset += bytes.len() as u64;
        self.end_data().map_err(|(kind, offset)| self.fail(kind, offset))
    }

    /// Sets how messages are put together, before anything is decoded.
    pub(crate) const fn set_assembly(&mut self, assembly: Assembly) {
        self.assembly = assembly;
    }

    /// Returns whether all of a frame is here, and the next step ends it without more input.
    pub(crate) const fn is_at_frame_end(&self) -> bool {
        matches!(&self.state, State::Data(frame) | State::Control(frame, _) if frame.left == 0)
    }

    /// Returns how many bytes can be decoded without a segment: those of the header or the control
    /// frame that comes next. At most 125; 0 in the payload of a data frame.
    pub(crate) fn small_len(&self) -> usize {
        match &self.state {
            State::Header(bytes, held) => Header::missing(&bytes[..usize::from(*held)]),
            State::Control(frame, _) => usize::try_from(frame.left).unwrap_or(CONTROL_BYTES_MAX),
            State::Data(frame) if frame.left > 0 => 0,
            State::Data(_) | State::Closed | State::Failed(_) => CONTROL_BYTES_MAX,
        }
    }

    /// Decodes at most [`small_len`](Self::small_len) bytes that lie in no segment.
    pub(crate) fn step_small(&mut self, input: &[u8]) -> Result<Step, DecodeError> {
        let step = match &self.state {
            State::Header(..) => self.read_cut_header(input).map(|(step, _)| step),
            State::Control(..) => self.read_control(input).map(|(step, _)| step),
            State::Data(_) => self.end_data(),
            State::Closed => {
                self.offset += input.len() as u64;
                Ok(Step::NeedMore)
            }
            State::Failed(error) => return Err(**error),
        };
        step.map_err(|(kind, offset)| self.fail(kind, offset))
    }

    /// Takes a segment for what is decompressed next.
    #[cfg(feature = "deflate")]
    pub(crate) fn give(&mut self, segment: SegmentMut) {
        if let Some(decompressor) = &mut self.decompressor {
            decompressor.give(segment);
        }
    }
}
