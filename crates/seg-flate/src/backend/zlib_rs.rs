//! `zlib-rs` as an engine.

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{Corrupt, Progress};

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

    pub(super) fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, Corrupt> {
        let before = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, output, InflateFlush::NoFlush);
        let consumed = moved(self.0.total_in() - before.0);
        let produced = moved(self.0.total_out() - before.1);
        match status {
            Ok(status) => Ok(Progress { consumed, produced, is_end: status == Status::StreamEnd }),
            Err(_) => Err(Corrupt { consumed, produced }),
        }
    }
}

/// Converts a count of bytes that lay in one slice.
fn moved(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
