//! What encodes DEFLATE data.

use super::Backend;
#[cfg(feature = "miniz_oxide")]
use super::miniz;
#[cfg(feature = "zlib-rs")]
use super::zlib_rs;
use crate::{flush::Flush, level::Level, window_bits::WindowBits};

/// A backend's state for compressing raw streams. Allocated once and used again.
pub(crate) enum Compressor {
    #[cfg(feature = "zlib-rs")]
    ZlibRs(zlib_rs::Compressor),
    #[cfg(feature = "miniz_oxide")]
    MinizOxide(miniz::Compressor),
}

/// What one call of a compressor did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compressed {
    pub(crate) consumed: usize,
    pub(crate) produced: usize,
    /// Whether the last block has ended and nothing is left to produce.
    pub(crate) is_end: bool,
}

impl Compressor {
    pub(crate) fn new(backend: Backend, level: Level, window: WindowBits) -> Self {
        match backend {
            #[cfg(feature = "zlib-rs")]
            Backend::Native | Backend::ZlibRs => {
                Self::ZlibRs(zlib_rs::Compressor::new(level, window))
            }
            #[cfg(all(feature = "miniz_oxide", not(feature = "zlib-rs")))]
            Backend::Native => Self::MinizOxide(miniz::Compressor::new(level, window)),
            #[cfg(feature = "miniz_oxide")]
            Backend::MinizOxide => Self::MinizOxide(miniz::Compressor::new(level, window)),
        }
    }

    /// Makes the state ready for the next raw stream.
    pub(crate) fn reset(&mut self) {
        match self {
            #[cfg(feature = "zlib-rs")]
            Self::ZlibRs(compressor) => compressor.reset(),
            #[cfg(feature = "miniz_oxide")]
            Self::MinizOxide(compressor) => compressor.reset(),
        }
    }

    /// Encodes until the input is used up and flushed, or the output is full.
    ///
    /// A flush is complete when the output is not full; to call again with the same flush and no
    /// input does no harm.
    pub(crate) fn deflate(&mut self, input: &[u8], output: &mut [u8], flush: Flush) -> Compressed {
        match self {
            #[cfg(feature = "zlib-rs")]
            Self::ZlibRs(compressor) => compressor.deflate(input, output, flush),
            #[cfg(feature = "miniz_oxide")]
            Self::MinizOxide(compressor) => compressor.deflate(input, output, flush),
        }
    }
}
