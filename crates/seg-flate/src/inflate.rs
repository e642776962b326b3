//! Decoding, from framing to output.

mod framing;

use core::fmt;

use seg_pool::{Pool, SegmentSize};
use seg_seq::{CutError, SegmentedBuf, Sequence};

use self::framing::{Member, Moved, State, Wrapping};
use crate::{
    allowance::Allowance,
    backend::{Backend, Engine, Outcome, Progress},
    checksum::{adler32, crc32},
    format::{Format, Trailing},
    gzip,
    inflate_error::{InflateError, InflateErrorKind},
    limits::Limits,
    output_room::OutputRoom,
    pieces::Pieces,
    status::Status,
};

/// Decodes one compressed stream, pushed piece by piece.
///
/// Copies nothing but what it decodes, straight into the output's segments. Allocates its state of
/// about 52 KiB when it is made and nothing afterwards; [`reset`](Self::reset) makes it ready for
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
    room: OutputRoom,
    state: State,
    /// Compressed bytes consumed.
    consumed: u64,
    /// Decoded bytes produced.
    produced: u64,
    member: Member,
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
            room: OutputRoom::new(),
            state: State::start(format),
            consumed: 0,
            produced: 0,
            member: Member::start(format),
        }
    }

    /// Sets the size of the segments that long streams are decoded into, instead of those of the
    /// output's pool; the first 16 KiB of a stream go into those in any case. For a new inflater.
    ///
    /// 64 KiB make long streams about a tenth faster. Between pushes one such segment is kept
    /// until the stream ends, or until it is [given back](Self::release).
    #[must_use]
    pub fn output_segments(mut self, size: SegmentSize) -> Self {
        self.room.set_size(size);
        self
    }

    /// Gives room that was kept for more output back to the pool. The stream can go on.
    pub fn release(&mut self) {
        self.room.release();
    }

    /// Makes the inflater ready for another stream, whatever became of the last one. Allocates
    /// nothing.
    pub fn reset(&mut self, format: Format) {
        self.engine.reset();
        self.room.release();
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
        let result = self.push_piece(input, output);
        self.room.flush(output, Some(&mut self.engine));
        result
    }

    /// Decodes `input`; the last of it may still be in the room.
    fn push_piece(
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
                State::Between => self.between(input),
                State::End => return Ok(Status::End),
                State::Failed(error) => return Err(*error),
            };
            match moved {
                Ok(true) => {}
                Ok(false) => return Ok(Status::NeedInput),
                Err((kind, offset)) => {
                    let error = InflateError::new(kind, offset);
                    // Want of memory passes; everything else is the stream's fault.
                    if !matches!(kind, InflateErrorKind::OutOfMemory(_)) {
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
    /// one segment of 64 KiB: each end of the input costs a backend as much as decoding more than the copy.
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
        let result = self.push_pieces(input, output);
        self.room.flush(output, Some(&mut self.engine));
        let status = result?;
        let rest = input.try_slice(self.consumed - start..).map_err(|error| match error {
            CutError::OutOfMemory(error) => {
                InflateError::new(InflateErrorKind::OutOfMemory(error), self.consumed)
            }
            other => unreachable!("no more is consumed than was pushed: {other}"),
        })?;
        Ok((status, rest))
    }

    fn push_pieces(
        &mut self,
        input: &Sequence,
        output: &mut SegmentedBuf,
    ) -> Result<Status, InflateError> {
        let mut status = self.push_piece(&mut &[][..], output)?;
        let mut pieces = Pieces::new(input);
        while status != Status::End {
            // Where little is made of much, the copy costs more than the ends do.
            let is_dense = self.produced >= 2 * self.consumed;
            let is_copied = is_dense && self.consumed > 0;
            let whole_bytes_min = if is_copied { self.engine.whole_bytes_min() } else { 0 };
            let Some(mut piece) = pieces.next(whole_bytes_min, output.pool()) else { break };
            status = self.push_piece(&mut piece, output)?;
        }
        Ok(status)
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
                self.room.release();
                let error = InflateError::new(InflateErrorKind::Truncated, self.consumed);
                self.state = State::Failed(error);
                Err(error)
            }
        }
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
        if !matches!(result, Ok(false)) {
            // Nothing that follows refers to this.
            let engine = result.is_err().then_some(&mut self.engine);
            self.room.flush(output, engine);
            self.room.release();
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
        let (room, len) = if left == 0 {
            self.room.flush(output, Some(&mut self.engine));
            (&mut probe[..], 0)
        } else {
            let spare = self.room.spare(output, &mut self.engine, self.produced);
            let (room, len) =
                spare.map_err(|error| (InflateErrorKind::OutOfMemory(error), self.consumed))?;
            let end = room.len().min(len.saturating_add(left));
            (&mut room[..end], len)
        };
        let free = room.len() - len;
        let (available, progress) = match left {
            0 => probe_next(&mut self.engine, &input[..available], room),
            _ => (available, self.engine.inflate(&input[..available], room, len)),
        };
        let Progress { consumed, produced, outcome } = progress;
        *input = &input[consumed..];
        if !is_counted {
            self.consumed += consumed as u64;
        }
        if left == 0 && produced > 0 {
            return Err((self.limits.exceeded(self.produced), self.consumed));
        }
        let decoded = &room[len..len + produced];
        self.member.checksum = match wrapping {
            Wrapping::Gzip => crc32(self.member.checksum, decoded),
            Wrapping::Zlib => adler32(self.member.checksum, decoded),
            Wrapping::Raw => 0,
        };
        if left > 0 {
            self.room.advance(produced);
        }
        self.produced += produced as u64;
        match outcome {
            Outcome::Corrupt => Err((InflateErrorKind::DataCorrupt, self.consumed)),
            Outcome::End => Ok(Some(true)),
            // A full output may hide more that the engine holds.
            Outcome::More if consumed == available && produced < free => {
                self.allowance.drained(self.consumed);
                Ok(input.is_empty().then_some(false))
            }
            Outcome::More if consumed == 0 && produced == 0 => Ok(Some(false)),
            Outcome::More => Ok(None),
        }
    }
}

/// Decodes at most the next byte of `input`, and none when the engine holds output already; returns how many it had.
///
/// An engine whose room is full goes on to where it needs more, through ends and headers of blocks. With more input, how
/// much there is would decide where the output that is too much is said to be.
fn probe_next(engine: &mut Engine, input: &[u8], room: &mut [u8]) -> (usize, Progress) {
    let held = engine.inflate(&[], room, 0);
    if held.produced > 0 || held.outcome != Outcome::More {
        return (0, held);
    }
    let next = &input[..input.len().min(1)];
    (next.len(), engine.inflate(next, room, 0))
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
