//! What decodes and encodes DEFLATE data.

mod compressor;
#[cfg(feature = "miniz_oxide")]
mod miniz;
mod native;
#[cfg(feature = "zlib-rs")]
mod zlib_rs;

pub(crate) use compressor::{Compressed, Compressor};

/// What decodes and encodes DEFLATE data.
///
/// Every valid stream decodes to the same bytes with each; what they encode differs. Which rule a corrupt stream breaks first,
/// and how many bytes behind the break it is noticed, may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// A decoder of our own, in safe Rust: the fastest, as it keeps a copy of 32 KiB of its output only where the output's segment
    /// changes. Encodes with `zlib-rs`, or else with `miniz_oxide`.
    Native,
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
        Self::Native,
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
    Native(native::Engine),
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
            Backend::Native => Self::Native(native::Engine::new()),
            #[cfg(feature = "zlib-rs")]
            Backend::ZlibRs => Self::ZlibRs(zlib_rs::Engine::new()),
            #[cfg(feature = "miniz_oxide")]
            Backend::MinizOxide => Self::MinizOxide(miniz::Engine::new()),
        }
    }

    /// Makes the state ready for the next raw stream.
    pub(crate) fn reset(&mut self) {
        match self {
            Self::Native(engine) => engine.reset(),
            #[cfg(feature = "zlib-rs")]
            Self::ZlibRs(engine) => engine.reset(),
            #[cfg(feature = "miniz_oxide")]
            Self::MinizOxide(engine) => engine.reset(),
        }
    }

    /// Decodes what fits into `room` behind the first `len` bytes, until the input, the room or the stream ends.
    ///
    /// Those bytes are what the calls before wrote there, behind what the engine was told to [keep](Self::keep).
    pub(crate) fn inflate(&mut self, input: &[u8], room: &mut [u8], len: usize) -> Progress {
        match self {
            Self::Native(engine) => engine.inflate(input, room, len),
            #[cfg(feature = "zlib-rs")]
            Self::ZlibRs(engine) => engine.inflate(input, &mut room[len..]),
            #[cfg(feature = "miniz_oxide")]
            Self::MinizOxide(engine) => engine.inflate(input, &mut room[len..]),
        }
    }

    /// Returns the length from which on a piece of input is worth a call, where a shorter one is worth a copy.
    ///
    /// Where a piece ends, a library copies up to 32 KiB of output to its window, and then looks there for what is repeated. The
    /// native decoder decodes some symbols one by one.
    pub(crate) const fn whole_bytes_min(&self) -> usize {
        match self {
            Self::Native(_) => 2 << 10,
            #[cfg(feature = "zlib-rs")]
            Self::ZlibRs(_) => 32 << 10,
            #[cfg(feature = "miniz_oxide")]
            Self::MinizOxide(_) => 32 << 10,
        }
    }

    /// Keeps what was decoded into a room that the next call does not see.
    pub(crate) fn keep(&mut self, decoded: &[u8]) {
        match self {
            Self::Native(engine) => engine.keep(decoded),
            #[cfg(feature = "zlib-rs")]
            Self::ZlibRs(_) => {}
            #[cfg(feature = "miniz_oxide")]
            Self::MinizOxide(_) => {}
        }
    }
}
