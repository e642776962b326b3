//! What decodes and encodes DEFLATE data.

mod compressor;
#[cfg(feature = "miniz_oxide")]
mod miniz;
#[cfg(feature = "zlib-rs")]
mod zlib_rs;

pub(crate) use compressor::{Compressed, Compressor};

/// The library that decodes and encodes DEFLATE data.
///
/// Every valid stream decodes to the same bytes with each; what they encode differs. Which rule a corrupt stream breaks first,
/// and how many bytes behind the break it is noticed, may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// `zlib-rs`: fast, pure Rust.
    #[cfg(feature = "zlib-rs")]
    ZlibRs,
    /// `miniz_oxide`: safe Rust alone.
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

/// A backend's state. Allocated once, below 64 KiB; used again for stream after stream.
pub(crate) enum Engine {
    #[cfg(feature = "zlib-rs")]
    ZlibRs(zlib_rs::Engine),
    #[cfg(feature = "miniz_oxide")]
    MinizOxide(miniz::Engine),
}

/// What one call of an engine did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) consumed: usize,
    /// Bytes at the front of the output that are decoded, also when the data turned out corrupt.
    pub(crate) produced: usize,
    pub(crate) outcome: Outcome,
}

/// Why an engine came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It needs more input, or more room when it filled the output.
    More,
    /// The last block has ended, and nothing is left to produce.
    End,
    /// The data breaks the rules of RFC 1951.
    Corrupt,
}

impl Engine {
    pub(crate) fn new(backend: Backend) -> Self {
        match backend {
            #[cfg(feature = "zlib-rs")]
            Backend::ZlibRs => Self::ZlibRs(zlib_rs::Engine::new()),
            #[cfg(feature = "miniz_oxide")]
            Backend::MinizOxide => Self::MinizOxide(miniz::Engine::new()),
        }
    }

    /// Makes the state ready for the next raw stream.
    pub(crate) fn reset(&mut self) {
        match self {
            #[cfg(feature = "zlib-rs")]
            Self::ZlibRs(engine) => engine.reset(),
            #[cfg(feature = "miniz_oxide")]
            Self::MinizOxide(engine) => engine.reset(),
        }
    }

    /// Decodes what fits into `output`, until the input, the output or the stream ends.
    pub(crate) fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        match self {
            #[cfg(feature = "zlib-rs")]
            Self::ZlibRs(engine) => engine.inflate(input, output),
            #[cfg(feature = "miniz_oxide")]
            Self::MinizOxide(engine) => engine.inflate(input, output),
        }
    }
}
