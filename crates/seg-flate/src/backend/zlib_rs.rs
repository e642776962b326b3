//! `zlib-rs`.

use zlib_rs::{Deflate, DeflateFlush, Status};

use super::Compressed;
use crate::{encode::Flush, level::Level, window_bits::WindowBits};

pub(crate) struct Compressor(Deflate);

impl Compressor {
    pub(super) fn new(level: Level, window: WindowBits) -> Self {
        Self(Deflate::new(i32::from(level.as_u8()), false, window.as_u8()))
    }

    pub(super) fn reset(&mut self) {
        self.0.reset();
    }

    pub(super) fn deflate(&mut self, input: &[u8], output: &mut [u8], flush: Flush) -> Compressed {
        let flush = match flush {
            Flush::None => DeflateFlush::NoFlush,
            Flush::Sync => DeflateFlush::SyncFlush,
            Flush::Full => DeflateFlush::FullFlush,
            Flush::Finish => DeflateFlush::Finish,
        };
        let before = (self.0.total_in(), self.0.total_out());
        let status = self.0.compress(input, output, flush);
        Compressed {
            consumed: moved(self.0.total_in() - before.0),
            produced: moved(self.0.total_out() - before.1),
            is_end: status == Ok(Status::StreamEnd),
        }
    }
}

/// Converts a count of bytes that lay in one slice.
fn moved(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
