//! `zlib-rs` as an engine.

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{Outcome, Progress};

/// The window that every raw stream fits in, as a power of two.
const WINDOW_BITS: u8 = 15;

pub(crate) struct Engine(Inflate);

impl Engine {
    pub(super) fn new() -> Self {
        Self(Inflate::new(false, WINDOW_BITS))
    }

    pub(super) fn reset(&mut self) {
        self.0.reset(false);
    }

    pub(super) fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        let before = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, output, InflateFlush::NoFlush);
        Progress {
            consumed: moved(self.0.total_in() - before.0),
            produced: moved(self.0.total_out() - before.1),
            outcome: match status {
                Ok(Status::StreamEnd) => Outcome::End,
                Ok(Status::Ok | Status::BufError) => Outcome::More,
                Err(_) => Outcome::Corrupt,
            },
        }
    }
}

/// Converts a count of bytes that lay in one slice.
fn moved(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
