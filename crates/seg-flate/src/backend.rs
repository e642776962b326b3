//! What encodes DEFLATE data.

#[cfg(feature = "miniz_oxide")]
mod miniz;
#[cfg(feature = "zlib-rs")]
mod zlib_rs;

use crate::{encode::Flush, level::Level, window_bits::WindowBits};

/// What encodes DEFLATE data. Each that a feature compiled in is there. More variants may come.
///
/// What they encode differs; an [`Inflater`](crate::Inflater) decodes all of it, with a decoder of this crate's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// `zlib-rs`: fast, pure Rust.
    #[cfg(feature = "zlib-rs")]
    ZlibRs,
    /// `miniz_oxide`: safe Rust alone, about half as fast.
    #[cfg(feature = "miniz_oxide")]
    MinizOxide,
}

impl Backend {
    /// Every backend that is compiled in, the default one first.
    pub const ALL: &'static [Self] = &[
        #[cfg(feature = "zlib-rs")]
        Self::ZlibRs,
        #[cfg(feature = "miniz_oxide")]
        Self::MinizOxide,
    ];
}

impl Default for Backend {
    fn default() -> Self {
        Self::ALL[0]
    }
}

/// A backend's state for compressing raw streams. Allocated once and used again.
pub(crate) struct Compressor {
    made_for: (Backend, Level, WindowBits),
    engine: Engine,
}

enum Engine {
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
        let engine = match backend {
            #[cfg(feature = "zlib-rs")]
            Backend::ZlibRs => Engine::ZlibRs(zlib_rs::Compressor::new(level, window)),
            #[cfg(feature = "miniz_oxide")]
            Backend::MinizOxide => Engine::MinizOxide(miniz::Compressor::new(level, window)),
        };
        Self { made_for: (backend, level, window), engine }
    }

    /// Returns what the state was made for.
    pub(crate) const fn made_for(&self) -> (Backend, Level, WindowBits) {
        self.made_for
    }

    /// Returns about how many bytes the state has allocated.
    pub(crate) const fn bytes(&self) -> usize {
        match &self.engine {
            #[cfg(feature = "zlib-rs")]
            Engine::ZlibRs(_) => (1 << (self.made_for.2.as_u8() + 3)) + (120 << 10),
            #[cfg(feature = "miniz_oxide")]
            Engine::MinizOxide(_) => 330 << 10,
        }
    }

    /// Makes the state ready for the next raw stream.
    pub(crate) fn reset(&mut self) {
        match &mut self.engine {
            #[cfg(feature = "zlib-rs")]
            Engine::ZlibRs(compressor) => compressor.reset(),
            #[cfg(feature = "miniz_oxide")]
            Engine::MinizOxide(compressor) => compressor.reset(),
        }
    }

    /// Encodes until the input is used up and flushed, or the output is full.
    ///
    /// A flush is complete when the output is not full; to call again with the same flush and no
    /// input does no harm.
    pub(crate) fn deflate(&mut self, input: &[u8], output: &mut [u8], flush: Flush) -> Compressed {
        match &mut self.engine {
            #[cfg(feature = "zlib-rs")]
            Engine::ZlibRs(compressor) => compressor.deflate(input, output, flush),
            #[cfg(feature = "miniz_oxide")]
            Engine::MinizOxide(compressor) => compressor.deflate(input, output, flush),
        }
    }
}
