//! Where in the frames of a stream a decoder is.

use crate::{
    control::ControlPayload,
    decode_error::DecodeError,
    header::{HEADER_BYTES_MAX, Header},
    message::MessageKind,
    opcode::Opcode,
};

/// What comes next.
#[derive(Debug)]
pub(super) enum State {
    /// The bytes of a header that is not whole.
    Header([u8; HEADER_BYTES_MAX], u8),
    /// Payload of a data frame.
    Data(Frame),
    /// Payload of a control frame, and what came of it.
    Control(Frame, ControlPayload),
    Closed,
    /// In a box, so that connections which do not fail are small.
    Failed(Box<DecodeError>),
}

impl State {
    pub(super) const NO_HEADER: Self = Self::Header([0; HEADER_BYTES_MAX], 0);
}

/// A frame whose payload is coming.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    pub(super) left: u64,
    mask: Option<[u8; 4]>,
    /// Payload bytes seen.
    pub(super) seen: u64,
}

impl Frame {
    pub(super) const fn new(header: &Header) -> Self {
        let Header { fin, opcode, mask, payload_len, .. } = *header;
        Self { fin, opcode, left: payload_len, mask, seen: 0 }
    }

    /// Makes the only frame of a message.
    pub(super) const fn single(kind: MessageKind, payload_len: u64, mask: Option<[u8; 4]>) -> Self {
        Self { fin: true, opcode: kind.opcode(), left: payload_len, mask, seen: 0 }
    }

    /// Returns how much of the payload lies in `input`.
    pub(super) fn here(&self, input: &[u8]) -> usize {
        usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len())
    }

    pub(super) fn key(&self) -> Option<([u8; 4], usize)> {
        let phase = (self.seen % 4) as usize;
        self.mask.map(|key| (key, phase))
    }

    pub(super) const fn advance(&mut self, count: usize) {
        self.left -= count as u64;
        self.seen += count as u64;
    }
}
