//! Control frames that wait to be written.

use crate::{header::CONTROL_BYTES_MAX, opcode::Opcode};

/// The longest frame: the header of so short a payload, with a mask.
pub(super) const FRAME_BYTES_MAX: usize = 2 + size_of::<[u8; 4]>() + CONTROL_BYTES_MAX;

/// The close frame is not here.
const NOWHERE: u8 = u8::MAX;

const _: () = assert!(FRAME_BYTES_MAX < NOWHERE as usize);

/// Encoded control frames, oldest first: one of any length, or several short ones.
///
/// They take no memory of the pool, so that a peer is answered when the pool is empty. They lie in an
/// allocation, which is there as long as they are: most connections have none. When pongs cannot be
/// written, the newest one waits and older ones may be dropped for it (RFC 6455 section 5.5.3).
#[derive(Debug, Default)]
pub(super) struct Controls(Option<Box<Queue>>);

#[derive(Debug)]
struct Queue {
    frames: Frames,
    /// Bytes at the start that a write is trying to send.
    in_flight: u8,
    /// Where the close frame starts. It is the last one.
    close: u8,
    /// The newest pong, or the close frame, as long as the other frames leave no space for it.
    waiting: Option<Frames>,
}

/// Bytes of whole frames.
#[derive(Debug)]
struct Frames {
    bytes: [u8; FRAME_BYTES_MAX],
    len: u8,
}

impl Frames {
    const EMPTY: Self = Self { bytes: [0; FRAME_BYTES_MAX], len: 0 };

    fn filled(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn has_space_for(&self, frame: &[u8]) -> bool {
        self.filled().len() + frame.len() <= FRAME_BYTES_MAX
    }

    /// Appends a frame, for which there is space.
    fn append(&mut self, frame: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + frame.len()].copy_from_slice(frame);
        self.len += length(frame.len());
    }

    fn advance(&mut self, count: usize) {
        self.bytes.copy_within(count..usize::from(self.len), 0);
        self.len -= length(count);
    }
}

/// Returns a length of bytes in the array.
#[expect(clippy::cast_possible_truncation, reason = "at most that of the array")]
const fn length(bytes: usize) -> u8 {
    bytes as u8
}

impl Controls {
    /// Returns the number of bytes that are to be written.
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.len())
    }

    /// Returns whether a frame waits for space.
    pub(super) fn is_full(&self) -> bool {
        self.0.as_ref().is_some_and(|queue| queue.waiting.is_some())
    }

    /// Returns what may be written now: all, but for a close frame that is not the last thing to be
    /// written. It stays here until [`advance`](Self::advance).
    pub(super) fn begin(&mut self, close_too: bool) -> &[u8] {
        let Some(queue) = &mut self.0 else { return &[] };
        let len = queue.frames.len;
        queue.in_flight = if close_too { len } else { len.min(queue.close) };
        &queue.frames.filled()[..usize::from(queue.in_flight)]
    }

    /// Drops what was written of that, at most `count` bytes; returns how much it was.
    pub(super) fn advance(&mut self, count: usize) -> usize {
        let Some(queue) = &mut self.0 else { return 0 };
        let written = queue.advance(count);
        if queue.len() == 0 {
            self.0 = None;
        }
        written
    }

    /// Takes an encoded frame. Pongs and close frames are always taken; returns whether a ping is.
    pub(super) fn push(&mut self, opcode: Opcode, frame: &[u8]) -> bool {
        self.0.get_or_insert_with(|| Box::new(Queue::EMPTY)).push(opcode, frame)
    }

    /// Drops what waits: nothing can be written any more.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}

impl Queue {
    const EMPTY: Self = Self { frames: Frames::EMPTY, in_flight: 0, close: NOWHERE, waiting: None };

    fn len(&self) -> usize {
        let waiting = self.waiting.as_ref().map_or(0, |waiting| waiting.filled().len());
        self.frames.filled().len() + waiting
    }

    fn advance(&mut self, count: usize) -> usize {
        let written = count.min(usize::from(core::mem::take(&mut self.in_flight)));
        self.frames.advance(written);
        if self.close != NOWHERE {
            self.close = self.close.saturating_sub(length(written));
        }
        if let Some(waiting) = self.waiting.take() {
            self.push_or_wait(waiting.filled());
        }
        written
    }

    fn push(&mut self, opcode: Opcode, frame: &[u8]) -> bool {
        let fits = self.waiting.is_none() && self.frames.has_space_for(frame);
        if opcode == Opcode::Ping && !fits {
            return false;
        }
        self.push_or_wait(frame);
        true
    }

    fn push_or_wait(&mut self, frame: &[u8]) {
        if self.waiting.is_some() || !self.frames.has_space_for(frame) {
            self.waiting.insert(Frames::EMPTY).append(frame);
            return;
        }
        if Opcode::from_bits(frame[0] & 0x0f) == Some(Opcode::Close) {
            self.close = self.frames.len;
        }
        self.frames.append(frame);
    }
}
