//! What decodes DEFLATE data.

#[cfg(feature = "miniz_oxide")]
mod miniz;
#[cfg(feature = "zlib-rs")]
mod zlib_rs;

/// The library that decodes DEFLATE data; all decode the same.
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
    pub(crate) produced: usize,
    /// Whether the last block has ended, with nothing left to produce.
    pub(crate) is_end: bool,
}

/// DEFLATE data that breaks the rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Corrupt {
    pub(crate) consumed: usize,
    pub(crate) produced: usize,
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
    pub(crate) fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, Corrupt> {
        match self {
            #[cfg(feature = "zlib-rs")]
            Self::ZlibRs(engine) => engine.inflate(input, output),
            #[cfg(feature = "miniz_oxide")]
            Self::MinizOxide(engine) => engine.inflate(input, output),
        }
    }
}
