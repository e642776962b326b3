//! Encoding, from input to framing.

use core::fmt;

use seg_pool::Pool;
use seg_seq::{SegmentedBuf, Sequence};

use crate::{
    backend::{Backend, Compressed, Compressor},
    checksum::{adler32, checksum_start, crc32},
    contexts::{Context, Contexts},
    deflate_error::{DeflateError, DeflateErrorKind},
    encode::{Encode, Flush},
    format::Format,
    gzip,
    level::Level,
    window_bits::WindowBits,
    zlib,
};

/// An empty stored block that starts at a byte's border.
const EMPTY_BLOCK: [u8; 5] = [0, 0, 0, 0xff, 0xff];

/// Encodes one stream, pushed piece by piece.
///
/// Writes straight into the output's segments. Its state, about 370 KiB with the largest window, is allocated when the first byte
/// or flush comes and nothing afterwards; [`reset`](Self::reset) makes it ready for
/// another stream with the same state. When the deflater is dropped, the state is freed or left to [`Contexts`].
///
/// # Examples
///
/// ```
/// use seg_flate::{Deflater, Encode, Flush, Format, Level, Limits, inflate};
/// use seg_pool::Pool;
/// use seg_seq::SegmentedBuf;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new();
/// let mut output = SegmentedBuf::new(&pool);
/// let mut deflater = Deflater::new(Format::Gzip, Level::DEFAULT);
/// deflater.push(&mut &b"hello, "[..], Flush::None, &mut output)?;
/// deflater.push(&mut &b"world"[..], Flush::Finish, &mut output)?;
///
/// let decoded = inflate(&output.freeze(), Format::Gzip, &pool, Limits::default())?;
/// assert_eq!(decoded, b"hello, world");
/// # Ok(())
/// # }
/// ```
pub struct Deflater {
    compressor: Option<Compressor>,
    contexts: Contexts,
    backend: Backend,
    format: Format,
    level: Level,
    window: WindowBits,
    state: State,
    /// Bytes taken.
    consumed: u64,
    /// Compressed bytes produced, framing included.
    produced: u64,
    checksum: u32,
    /// The last bytes that the compressor gave out.
    tail: [u8; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Header,
    Data,
    Trailer,
    End,
}

impl Deflater {
    /// Creates a deflater with the default backend and the largest window.
    ///
    /// [`Format::Deflate`] is written as zlib, as RFC 9110 section 8.4.1.2 has it.
    #[must_use]
    pub fn new(format: Format, level: Level) -> Self {
        Self::with_window(Backend::default(), format, level, WindowBits::MAX)
    }

    /// Creates a deflater with a backend and a window of choice.
    ///
    /// No reference reaches farther back than the window. A window below the largest takes less
    /// memory with `zlib-rs`; with `miniz_oxide` it takes the same, and of repetitions only runs of
    /// one byte are compressed.
    #[must_use]
    pub fn with_window(backend: Backend, format: Format, level: Level, window: WindowBits) -> Self {
        Self {
            compressor: None,
            contexts: Contexts::default(),
            backend,
            format,
            level,
            window,
            state: State::start(format),
            consumed: 0,
            produced: 0,
            checksum: checksum_start(format),
            tail: [0; 4],
        }
    }

    /// Sets who keeps the state when this deflater is dropped, and who may have one for the same backend, level and window when the first
    /// byte comes. By default the state is allocated and freed.
    #[must_use]
    pub fn with_contexts(mut self, contexts: &Contexts) -> Self {
        self.contexts = contexts.clone();
        self
    }

    /// Makes the deflater ready for another stream, whatever became of the last one. Keeps the state and allocates
    /// nothing.
    pub fn reset(&mut self, format: Format) {
        if let Some(compressor) = &mut self.compressor {
            compressor.reset();
        }
        self.format = format;
        self.state = State::start(format);
        self.consumed = 0;
        self.produced = 0;
        self.checksum = checksum_start(format);
        self.tail = [0; 4];
    }

    /// Encodes `input` and flushes.
    fn data(
        &mut self,
        input: &mut &[u8],
        flush: Flush,
        output: &mut SegmentedBuf,
    ) -> Result<(), DeflateError> {
        if flush == Flush::None && input.is_empty() {
            return Ok(());
        }
        let before = (self.consumed, self.produced);
        loop {
            let spare = output.try_spare_initialized_mut();
            let spare = spare.map_err(|error| self.error(DeflateErrorKind::OutOfMemory(error)))?;
            let compressor = self.compressor.get_or_insert_with(|| {
                let made_for = (self.backend, self.level, self.window);
                let kept = self.contexts.take(|context| {
                    matches!(context, Context::Deflate(kept) if kept.made_for() == made_for)
                });
                match kept {
                    Some(Context::Deflate(compressor)) => compressor,
                    _ => Compressor::new(self.backend, self.level, self.window),
                }
            });
            let Compressed { consumed, produced, is_end } = compressor.deflate(input, spare, flush);
            let is_full = produced == spare.len();
            keep_tail(&mut self.tail, &spare[..produced]);
            let (taken, rest) = input.split_at(consumed);
            *input = rest;
            self.checksum = match self.format {
                Format::Gzip => crc32(self.checksum, taken),
                Format::Zlib | Format::Deflate => adler32(self.checksum, taken),
                Format::Raw => 0,
            };
            self.consumed += consumed as u64;
            self.produced += produced as u64;
            output.advance_initialized(produced);
            if is_end {
                self.state = State::Trailer;
                return Ok(());
            }
            // A full output may hide more that the compressor holds.
            if input.is_empty() && !is_full && flush != Flush::Finish {
                break;
            }
        }
        // Backends add no block when there is nothing new, or when a byte's border is reached as it
        // is; both are such borders, where a block can be added from outside.
        let is_unchanged = before == (self.consumed, self.produced);
        if flush != Flush::None && (is_unchanged || self.tail != EMPTY_BLOCK[1..]) {
            self.write(&EMPTY_BLOCK, output)?;
            self.tail = [0, 0, 0xff, 0xff];
        }
        Ok(())
    }

    /// Writes framing, all or nothing.
    fn write(&mut self, bytes: &[u8], output: &mut SegmentedBuf) -> Result<(), DeflateError> {
        output
            .try_extend_from_slice(bytes)
            .map_err(|error| self.error(DeflateErrorKind::OutOfMemory(error)))?;
        self.produced += bytes.len() as u64;
        Ok(())
    }

    const fn error(&self, kind: DeflateErrorKind) -> DeflateError {
        DeflateError::new(kind, self.consumed)
    }
}

impl State {
    const fn start(format: Format) -> Self {
        match format {
            Format::Raw => Self::Data,
            _ => Self::Header,
        }
    }
}

/// Keeps the last four of all bytes in `tail`, of which `bytes` are the newest.
fn keep_tail(tail: &mut [u8; 4], bytes: &[u8]) {
    let new = bytes.len().min(tail.len());
    tail.rotate_left(new);
    let kept = tail.len() - new;
    tail[kept..].copy_from_slice(&bytes[bytes.len() - new..]);
}

impl Encode for Deflater {
    fn push(
        &mut self,
        input: &mut &[u8],
        flush: Flush,
        output: &mut SegmentedBuf,
    ) -> Result<(), DeflateError> {
        if self.state == State::Header {
            match self.format {
                Format::Gzip => self.write(&gzip::header(self.level), output)?,
                _ => self.write(&zlib::header(self.level, self.window), output)?,
            }
            self.state = State::Data;
        }
        if self.state == State::Data {
            self.data(input, flush, output)?;
        }
        if self.state == State::Trailer {
            // ISIZE is the length modulo 2^32.
            #[expect(clippy::cast_possible_truncation, reason = "modulo 2^32")]
            let len = self.consumed as u32;
            match self.format {
                Format::Gzip => {
                    let [a, b, c, d] = self.checksum.to_le_bytes();
                    let [e, f, g, h] = len.to_le_bytes();
                    self.write(&[a, b, c, d, e, f, g, h], output)?;
                }
                Format::Zlib | Format::Deflate => {
                    self.write(&self.checksum.to_be_bytes(), output)?;
                }
                Format::Raw => {}
            }
            self.state = State::End;
        }
        if input.is_empty() { Ok(()) } else { Err(self.error(DeflateErrorKind::Finished)) }
    }

    fn consumed(&self) -> u64 {
        self.consumed
    }

    fn produced(&self) -> u64 {
        self.produced
    }
}

impl Drop for Deflater {
    fn drop(&mut self) {
        if let Some(mut compressor) = self.compressor.take() {
            compressor.reset();
            let bytes = compressor.bytes();
            self.contexts.leave(Context::Deflate(compressor), bytes);
        }
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("format", &self.format)
            .field("level", &self.level)
            .field("window", &self.window)
            .field("consumed", &self.consumed)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}

/// Encodes a whole sequence into segments of `pool`.
///
/// # Errors
///
/// [`OutOfMemory`](DeflateErrorKind::OutOfMemory) when the pool has no segment left.
///
/// # Examples
///
/// ```
/// use seg_flate::{Format, Level, Limits, deflate, inflate};
/// use seg_pool::{Pool, Segment};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new();
/// let body = Segment::from_static(b"again and again and again").into();
/// let encoded = deflate(&body, Format::Zlib, Level::BEST, &pool)?;
/// assert!(encoded.len() < body.len());
/// assert_eq!(inflate(&encoded, Format::Zlib, &pool, Limits::default())?, body);
/// # Ok(())
/// # }
/// ```
pub fn deflate(
    input: &Sequence,
    format: Format,
    level: Level,
    pool: &Pool,
) -> Result<Sequence, DeflateError> {
    let (mut output, mut deflater) = (SegmentedBuf::new(pool), Deflater::new(format, level));
    for chunk in input.chunks() {
        deflater.push(&mut &chunk[..], Flush::None, &mut output)?;
    }
    deflater.push(&mut &[][..], Flush::Finish, &mut output)?;
    Ok(output.freeze())
}
