//! Decoding, from framing to output.

use core::fmt;

use seg_pool::{Pool, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};

use crate::{
    allowance::Allowance,
    backend::{Backend, Engine, Outcome, Progress},
    checksum::{adler32, crc32},
    error::{InflateError, InflateErrorKind},
    format::{Format, Trailing},
    gzip,
    limits::Limits,
    pieces::Pieces,
    window::Window,
    zlib,
};

/// What an [`Inflater`] wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The input is used up; the stream goes on, or a gzip member ended and another may follow.
    NeedInput,
    /// The stream has ended. What is left of the input lies behind it.
    End,
}

/// Decodes one compressed stream, pushed piece by piece.
///
/// Copies nothing but what it decodes, straight into the output's segments. Allocates its state of
/// about 48 KiB when it is made and nothing afterwards; [`reset`](Self::reset) makes it ready for
/// another stream. How the input is cut changes no result.
///
/// # Examples
///
/// See the [crate's root](crate).
pub struct Inflater {
    engine: Engine,
    format: Format,
    limits: Limits,
    allowance: Allowance,
    window: Window,
    state: State,
    /// Compressed bytes consumed.
    consumed: u64,
    /// Decoded bytes produced.
    produced: u64,
    /// Where the current gzip header starts, and the output of its member.
    member: Member,
}

#[derive(Clone, Copy, Debug, Default)]
struct Member {
    header_start: u64,
    output_start: u64,
    checksum: u32,
}

#[derive(Clone, Debug)]
enum State {
    GzipHeader(gzip::Header),
    /// The bytes of a zlib header, or of what may be one.
    ZlibHeader([u8; 2], usize),
    /// DEFLATE data in this wrapping; the bytes come before the input. They are those that a raw
    /// stream shares with what could have been a zlib header.
    Data(Wrapping, [u8; 2], usize),
    Trailer(Wrapping, [u8; gzip::TRAILER_BYTES], usize),
    /// Behind a gzip member.
    Between,
    End,
    Failed(InflateError),
}

/// What is behind the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrapping {
    Gzip,
    Zlib,
    Raw,
}

impl Inflater {
    /// Creates an inflater with the default backend.
    #[must_use]
    pub fn new(format: Format, limits: Limits) -> Self {
        Self::with_backend(Backend::default(), format, limits)
    }

    /// Creates an inflater with a backend of choice.
    #[must_use]
    pub fn with_backend(backend: Backend, format: Format, limits: Limits) -> Self {
        Self {
            engine: Engine::new(backend),
            format,
            allowance: Allowance::new(&limits),
            limits,
            window: Window::new(),
            state: State::start(format),
            consumed: 0,
            produced: 0,
            member: Member::start(format),
        }
    }

    /// Sets the size of the segments that long streams are decoded into, instead of those of the
    /// output's pool; the first 16 KiB of a stream go into those in any case. For a new inflater.
    ///
    /// 64 KiB make long streams about a quarter faster. Between pushes one such segment is kept
    /// until the stream ends, or until it is [given back](Self::release).
    #[must_use]
    pub fn output_segments(mut self, size: SegmentSize) -> Self {
        self.window.set_size(size);
        self
    }

    /// Gives room that was kept for more output back to the pool. The stream can go on.
    pub fn release(&mut self) {
        self.window.release();
    }

    /// Makes the inflater ready for another stream, whatever became of the last one. Allocates
    /// nothing.
    pub fn reset(&mut self, format: Format) {
        self.engine.reset();
        self.window.release();
        self.allowance = Allowance::new(&self.limits);
        self.format = format;
        self.state = State::start(format);
        self.consumed = 0;
        self.produced = 0;
        self.member = Member::start(format);
    }

    /// Returns the compressed bytes consumed so far.
    #[must_use]
    pub const fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Returns the decoded bytes produced so far.
    #[must_use]
    pub const fn produced(&self) -> u64 {
        self.produced
    }

    /// Decodes `input` into `output` and advances `input` behind what was consumed: all of it,
    /// unless the stream ends before or fails.
    ///
    /// # Errors
    ///
    /// An [`InflateError`]; what was decoded before it is in `output`.
    pub fn push(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
    ) -> Result<Status, InflateError> {
        loop {
            let moved = match &mut self.state {
                State::GzipHeader(_) => self.gzip_header(input),
                State::ZlibHeader(..) => self.zlib_header(input),
                State::Data(..) => self.data(input, output),
                State::Trailer(..) => self.trailer(input),
                State::Between => match input.first() {
                    None => Ok(false),
                    Some(&byte) if gzip::Header::starts_with(byte) => {
                        self.engine.reset();
                        self.member = Member {
                            header_start: self.consumed,
                            output_start: self.produced,
                            checksum: 0,
                        };
                        self.state = State::GzipHeader(gzip::Header::new());
                        Ok(true)
                    }
                    Some(_) if self.limits.trailing == Trailing::Leave => {
                        self.state = State::End;
                        Ok(true)
                    }
                    Some(_) => Err((InflateErrorKind::TrailingData, self.consumed)),
                },
                State::End => return Ok(Status::End),
                State::Failed(error) => return Err(*error),
            };
            match moved {
                Ok(true) => {}
                Ok(false) => return Ok(Status::NeedInput),
                Err((kind, offset)) => {
                    let error = InflateError::new(kind, offset);
                    // Want of memory passes; everything else is the stream's fault.
                    if !matches!(kind, InflateErrorKind::PoolExhausted(_)) {
                        self.state = State::Failed(error);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Decodes all chunks of a sequence. Returns the status, and what lies behind the stream's end.
    ///
    /// Behind the first one, short chunks of a stream that is much compressed are copied together into
    /// one segment of 64 KiB: each end of the input costs a backend as much as decoding several KiB.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_sequence(
        &mut self,
        input: &Sequence,
        output: &mut SegmentedBuf,
    ) -> Result<(Status, Sequence), InflateError> {
        let start = self.consumed;
        let mut status = self.push(&mut &[][..], output)?;
        let mut pieces = Pieces::new(input);
        while status != Status::End {
            // Where little is made of much, the copy costs more than the ends do.
            let is_dense = self.produced >= 2 * self.consumed;
            let is_copied = is_dense && self.consumed > 0;
            let Some(mut piece) = pieces.next(is_copied, output.pool()) else { break };
            status = self.push(&mut piece, output)?;
        }
        Ok((status, input.slice(self.consumed - start..)))
    }

    /// Tells the inflater that no input follows.
    ///
    /// # Errors
    ///
    /// [`Truncated`](InflateErrorKind::Truncated) when the stream has not ended, otherwise the error
    /// that there was before.
    pub fn finish(&mut self) -> Result<(), InflateError> {
        match self.state {
            State::End | State::Between => Ok(()),
            State::Failed(error) => Err(error),
            _ => {
                self.window.release();
                let error = InflateError::new(InflateErrorKind::Truncated, self.consumed);
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    fn next_byte(&mut self, input: &mut &[u8]) -> Option<u8> {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        self.consumed += 1;
        Some(byte)
    }

    fn gzip_header(&mut self, input: &mut &[u8]) -> Moved {
        while let Some(byte) = self.next_byte(input) {
            let offset = self.consumed - 1;
            let State::GzipHeader(header) = &mut self.state else { return Ok(true) };
            header.push(byte).map_err(|kind| (kind, offset))?;
            if header.is_complete() {
                self.state = State::Data(Wrapping::Gzip, [0; 2], 0);
                return Ok(true);
            }
            if self.consumed - self.member.header_start >= self.limits.header_bytes_max {
                return Err((InflateErrorKind::HeaderTooLong, offset));
            }
        }
        Ok(false)
    }

    fn zlib_header(&mut self, input: &mut &[u8]) -> Moved {
        let State::ZlibHeader(mut bytes, mut count) = self.state else { return Ok(true) };
        while count < bytes.len() {
            let Some(byte) = self.next_byte(input) else {
                self.state = State::ZlibHeader(bytes, count);
                // One byte can be a whole raw stream no more than half a header can.
                return Ok(false);
            };
            bytes[count] = byte;
            count += 1;
        }
        self.state = match (zlib::check_header(bytes[0], bytes[1]), self.format) {
            (Ok(()), _) => State::Data(Wrapping::Zlib, [0; 2], 0),
            // A header that asks for a dictionary obeys the rules by which it is known.
            (Err(kind), Format::Deflate) if kind != InflateErrorKind::DictionaryNeeded => {
                State::Data(Wrapping::Raw, bytes, 2)
            }
            (Err(kind), _) => {
                let offset = u64::from(kind != InflateErrorKind::MethodUnsupported);
                return Err((kind, offset));
            }
        };
        Ok(true)
    }

    /// Decodes until the input is used up or the data ends.
    fn data(&mut self, input: &mut &[u8], output: &mut SegmentedBuf) -> Moved {
        let State::Data(wrapping, held, held_len) = self.state else { return Ok(true) };
        let mut held_rest = &held[held.len() - held_len..];
        let end = self.decode(wrapping, &mut held_rest, true, output);
        self.state = State::Data(wrapping, held, held_rest.len());
        let is_end = match end? {
            true => true,
            false => self.decode(wrapping, input, false, output)?,
        };
        if is_end {
            self.state = match wrapping {
                Wrapping::Raw => State::End,
                _ => State::Trailer(wrapping, [0; gzip::TRAILER_BYTES], 0),
            };
        }
        Ok(is_end)
    }

    /// Decodes from `input` until it is used up or the data ends; returns whether it did.
    ///
    /// `is_counted` says that the bytes are counted as consumed already.
    fn decode(
        &mut self,
        wrapping: Wrapping,
        input: &mut &[u8],
        is_counted: bool,
        output: &mut SegmentedBuf,
    ) -> Result<bool, (InflateErrorKind, u64)> {
        if is_counted && input.is_empty() {
            return Ok(false);
        }
        let result = loop {
            match self.decode_once(wrapping, input, is_counted, output) {
                Ok(None) => {}
                Ok(Some(is_end)) => break Ok(is_end),
                Err(refusal) => break Err(refusal),
            }
        };
        self.window.flush(output);
        if !matches!(result, Ok(false)) {
            self.window.release();
        }
        result
    }

    /// Calls the engine once; returns whether the data ended, or nothing when there may be more.
    fn decode_once(
        &mut self,
        wrapping: Wrapping,
        input: &mut &[u8],
        is_counted: bool,
        output: &mut SegmentedBuf,
    ) -> Result<Option<bool>, (InflateErrorKind, u64)> {
        self.allowance.begin(self.consumed);
        let allowed = self.allowance.output(&self.limits);
        let available = self.allowance.input(self.consumed, input.len());
        let left = usize::try_from(allowed - self.produced.min(allowed)).unwrap_or(usize::MAX);
        // With nothing left, one byte beside the output shows whether the stream goes on.
        let mut probe = [0];
        let spare = if left == 0 {
            &mut probe[..]
        } else {
            let spare = self.window.spare(output, self.produced);
            let spare =
                spare.map_err(|error| (InflateErrorKind::PoolExhausted(error), self.consumed))?;
            let len = spare.len().min(left);
            &mut spare[..len]
        };
        let room = spare.len();
        let Progress { consumed, produced, outcome } =
            self.engine.inflate(&input[..available], spare);
        *input = &input[consumed..];
        if !is_counted {
            self.consumed += consumed as u64;
        }
        if left == 0 && produced > 0 {
            return Err((self.limits.exceeded(self.produced), self.consumed));
        }
        let decoded = &spare[..produced];
        self.member.checksum = match wrapping {
            Wrapping::Gzip => crc32(self.member.checksum, decoded),
            Wrapping::Zlib => adler32(self.member.checksum, decoded),
            Wrapping::Raw => 0,
        };
        if left > 0 {
            self.window.advance(output, produced);
        }
        self.produced += produced as u64;
        match outcome {
            Outcome::Corrupt => Err((InflateErrorKind::DataCorrupt, self.consumed)),
            Outcome::End => Ok(Some(true)),
            // A full output may hide more that the engine holds.
            Outcome::More if consumed == available && produced < room => {
                self.allowance.drained(self.consumed);
                Ok(input.is_empty().then_some(false))
            }
            Outcome::More if consumed == 0 && produced == 0 => Ok(Some(false)),
            Outcome::More => Ok(None),
        }
    }

    fn trailer(&mut self, input: &mut &[u8]) -> Moved {
        let State::Trailer(wrapping, mut bytes, mut count) = self.state else { return Ok(true) };
        let len = match wrapping {
            Wrapping::Gzip => gzip::TRAILER_BYTES,
            _ => zlib::TRAILER_BYTES,
        };
        while count < len {
            let Some(byte) = self.next_byte(input) else {
                self.state = State::Trailer(wrapping, bytes, count);
                return Ok(false);
            };
            bytes[count] = byte;
            count += 1;
        }
        let start = self.consumed - len as u64;
        let [a, b, c, d, e, f, g, h] = bytes;
        if wrapping == Wrapping::Zlib {
            if u32::from_be_bytes([a, b, c, d]) != self.member.checksum {
                return Err((InflateErrorKind::ChecksumMismatch, start));
            }
            self.state = State::End;
            return Ok(true);
        }
        if u32::from_le_bytes([a, b, c, d]) != self.member.checksum {
            return Err((InflateErrorKind::ChecksumMismatch, start));
        }
        // ISIZE is the length modulo 2^32.
        let produced = self.produced - self.member.output_start;
        if u64::from(u32::from_le_bytes([e, f, g, h])) != produced & 0xffff_ffff {
            return Err((InflateErrorKind::LengthMismatch, start + 4));
        }
        self.state = State::Between;
        Ok(true)
    }
}

/// Whether the state moved on (`true`) or waits for input, or what was wrong and where.
type Moved = Result<bool, (InflateErrorKind, u64)>;

impl State {
    const fn start(format: Format) -> Self {
        match format {
            Format::Gzip => Self::GzipHeader(gzip::Header::new()),
            Format::Zlib | Format::Deflate => Self::ZlibHeader([0; 2], 0),
            Format::Raw => Self::Data(Wrapping::Raw, [0; 2], 0),
        }
    }
}

impl Member {
    fn start(format: Format) -> Self {
        // An Adler-32 starts at 1, a CRC-32 at 0.
        let checksum = u32::from(matches!(format, Format::Zlib | Format::Deflate));
        Self { checksum, ..Self::default() }
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("format", &self.format)
            .field("consumed", &self.consumed)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}

/// Decodes a whole compressed sequence into segments of `pool`.
///
/// # Errors
///
/// An [`InflateError`], also when the stream ends early, or before the input does.
///
/// # Examples
///
/// ```
/// use seg_flate::{Format, Limits, inflate};
/// use seg_pool::{Pool, Segment};
///
/// # fn main() -> Result<(), seg_flate::InflateError> {
/// let compressed = Segment::from_static(b"\x01\x05\x00\xfa\xffhello").into();
/// let decoded = inflate(&compressed, Format::Raw, &Pool::new(), Limits::default())?;
/// assert_eq!(decoded, b"hello");
/// # Ok(())
/// # }
/// ```
pub fn inflate(
    input: &Sequence,
    format: Format,
    pool: &Pool,
    limits: Limits,
) -> Result<Sequence, InflateError> {
    let mut inflater = Inflater::new(format, limits);
    let mut output = SegmentedBuf::new(pool);
    let (_, rest) = inflater.push_sequence(input, &mut output)?;
    inflater.finish()?;
    if !rest.is_empty() && limits.trailing == Trailing::Refuse {
        return Err(InflateError::new(InflateErrorKind::TrailingData, inflater.consumed));
    }
    Ok(output.freeze())
}
