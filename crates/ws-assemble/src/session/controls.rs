//! Control frames that wait to be written.

use crate::{
    header::{CONTROL_BYTES_MAX, HEADER_BYTES_MAX},
    opcode::Opcode,
};

/// Bytes of encoded control frames that lie in the session: one of any length, or several short ones.
pub(super) const CONTROLS_BYTES: usize = CONTROL_BYTES_MAX + HEADER_BYTES_MAX;

/// The close frame is not here.
const NOWHERE: u8 = u8::MAX;

const _: () = assert!(CONTROLS_BYTES < NOWHERE as usize);

/// Encoded control frames, oldest first.
///
/// They take no memory of the pool, so that a peer is answered when the pool is empty. When pongs
/// cannot be written, the newest one waits and older ones may be dropped for it (RFC 6455 section
/// 5.5.3).
#[derive(Debug)]
pub(super) struct Controls {
    bytes: [u8; CONTROLS_BYTES],
    len: u8,
    /// Bytes at the start that a write is trying to send.
    in_flight: u8,
    /// Where the close frame starts. It is the last one.
    close: u8,
    /// The newest pong, or the close frame, as long as the array has no space for it.
    waiting: Option<Box<Waiting>>,
}

/// An encoded frame.
#[derive(Debug)]
struct Waiting {
    bytes: [u8; CONTROLS_BYTES],
    len: u8,
}

impl Waiting {
    fn new(frame: &[u8]) -> Self {
        let mut bytes = [0; CONTROLS_BYTES];
        bytes[..frame.len()].copy_from_slice(frame);
        // At most the length of the array.
        #[expect(clippy::cast_possible_truncation)]
        let len = frame.len() as u8;
        Self { bytes, len }
    }

    fn frame(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Controls {
    pub(super) const EMPTY: Self =
        Self { bytes: [0; CONTROLS_BYTES], len: 0, in_flight: 0, close: NOWHERE, waiting: None };

    /// Returns the number of bytes that are to be written.
    pub(super) fn len(&self) -> usize {
        usize::from(self.len) + self.waiting.as_ref().map_or(0, |waiting| usize::from(waiting.len))
    }

    /// Returns whether a frame waits for space.
    pub(super) const fn is_full(&self) -> bool {
        self.waiting.is_some()
    }

    /// Returns what may be written now: all, but for a close frame that is not the last thing to be
    /// written. It stays here until [`advance`](Self::advance).
    pub(super) fn begin(&mut self, close_too: bool) -> &[u8] {
        self.in_flight = if close_too { self.len } else { self.len.min(self.close) };
        &self.bytes[..usize::from(self.in_flight)]
    }

    /// Drops what was written of that, at most `count` bytes; returns how much it was.
    pub(super) fn advance(&mut self, count: usize) -> usize {
        let written = count.min(usize::from(core::mem::take(&mut self.in_flight)));
        self.bytes.copy_within(written..usize::from(self.len), 0);
        // At most the length of the array.
        #[expect(clippy::cast_possible_truncation)]
        let shift = written as u8;
        self.len -= shift;
        if self.close != NOWHERE {
            self.close = self.close.saturating_sub(shift);
        }
        if let Some(waiting) = self.waiting.take() {
            self.push_or_wait(waiting.frame());
        }
        written
    }

    /// Takes an encoded frame. Pongs and close frames are always taken; returns whether a ping is.
    pub(super) fn push(&mut self, opcode: Opcode, frame: &[u8]) -> bool {
        let fits = self.waiting.is_none() && self.has_space_for(frame);
        if opcode == Opcode::Ping && !fits {
            return false;
        }
        self.push_or_wait(frame);
        true
    }

    fn has_space_for(&self, frame: &[u8]) -> bool {
        usize::from(self.len) + frame.len() <= CONTROLS_BYTES
    }

    fn push_or_wait(&mut self, frame: &[u8]) {
        if self.waiting.is_some() || !self.has_space_for(frame) {
            self.waiting = Some(Box::new(Waiting::new(frame)));
            return;
        }
        let start = usize::from(self.len);
        if Opcode::from_bits(frame[0] & 0x0f) == Some(Opcode::Close) {
            self.close = self.len;
        }
        self.bytes[start..start + frame.len()].copy_from_slice(frame);
        // At most the length of the array.
        #[expect(clippy::cast_possible_truncation)]
        let len = (start + frame.len()) as u8;
        self.len = len;
    }

    /// Drops what waits: nothing can be written any more.
    pub(super) fn clear(&mut self) {
        *self = Self::EMPTY;
    }
}
