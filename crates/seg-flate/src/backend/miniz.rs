//! `miniz_oxide`.

use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress,
    create_comp_flags_from_zip_params,
};

use super::Compressed;
use crate::{encode::Flush, level::Level, window_bits::WindowBits};

/// What the library takes for window bits to mean a stream without wrapping.
const RAW: i32 = -15;

/// The library has no setting for how far to look back (its window parameter is not kept to at level 1),
/// so below 32 KiB only runs of one byte and the frequency of bytes are made use of.
pub(crate) struct Compressor(Box<CompressorOxide>);

impl Compressor {
    pub(super) fn new(level: Level, window: WindowBits) -> Self {
        let (level, strategy) = match level.as_u8() {
            level if level == 0 || window == WindowBits::MAX => {
                (level, CompressionStrategy::Default)
            }
            // Level 1 takes no notice of the strategy.
            level => (level.max(2), CompressionStrategy::RLE),
        };
        let flags = create_comp_flags_from_zip_params(level.into(), RAW, strategy.into());
        Self(Box::new(CompressorOxide::new(flags)))
    }

    pub(super) fn reset(&mut self) {
        self.0.reset();
    }

    pub(super) fn deflate(&mut self, input: &[u8], output: &mut [u8], flush: Flush) -> Compressed {
        let is_full_flush = flush == Flush::Full;
        let flush = match flush {
            Flush::None => TDEFLFlush::None,
            // Unlike `Sync` and `Full`, it adds no second empty block when it is called again.
            Flush::Sync | Flush::Full => TDEFLFlush::SyncOpt,
            Flush::Finish => TDEFLFlush::Finish,
        };
        let mut done = Compressed { consumed: 0, produced: 0, is_end: false };
        loop {
            let (input, output) = (&input[done.consumed..], &mut output[done.produced..]);
            let free = output.len();
            let (status, consumed, produced) = compress(&mut self.0, input, output, flush);
            done.consumed += consumed;
            done.produced += produced;
            done.is_end = status == TDEFLStatus::Done;
            // A call that has the rest of an earlier block to write does nothing else: neither does it
            // take input nor flush. Another one does.
            if done.is_end || produced == 0 || produced == free {
                if is_full_flush && produced < free {
                    // At a byte's border, with nothing held back, only the history is left to forget.
                    self.reset();
                }
                return done;
            }
        }
    }
}
