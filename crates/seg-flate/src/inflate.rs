//! Decoding, from framing to output.

mod framing;

use core::fmt;

use bytes::Buf;
use seg_pool::{Pool, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};

use self::framing::{Envelope, Member, State, StepResult};
use crate::{
    checksum::{adler32, crc32},
    contexts::{Context, Contexts},
    decode::{Decode, Status},
    engine::{Engine, Outcome, Progress},
    format::{Format, Trailing},
    gzip,
    inflate_error::{InflateError, InflateErrorKind},
    limits::Limits,
    output::Output,
    pieces::Pieces,
    ratio_limiter::RatioLimiter,
};

/// The length from which on a piece of input is worth a call of the engine, where a shorter one is worth a copy.
const WHOLE_BYTES_MIN: usize = 2 << 10;

/// Decodes one compressed stream, pushed piece by piece.
///
/// Copies nothing but what it decodes, straight into the output's segments. Its state of about 12 KiB is allocated when
/// the first byte comes, and a window that grows to 40 KiB when the stream goes on after a push or in another segment;
/// [`reset`](Self::reset) makes it ready for another stream with the same memory. When the inflater is dropped, the state is freed or left to [`Contexts`].
///
/// # Examples
///
/// See the [crate's root](crate).
pub struct Inflater {
    /// There from the first byte on.
    engine: Option<Engine>,
    contexts: Contexts,
    format: Format,
    limits: Limits,
    ratio_limiter: RatioLimiter,
    output: Output,
    /// Decoded bytes in the buffer from which on this push stops.
    output_bytes_max: u64,
    /// Whether it stopped for that.
    is_stopped: bool,
    state: State,
    /// Compressed bytes consumed.
    consumed: u64,
    /// Decoded bytes produced.
    produced: u64,
    member: Member,
}

impl Inflater {
    /// Creates an inflater. Allocates nothing before the first byte.
    #[must_use]
    pub fn new(format: Format, limits: Limits) -> Self {
        Self {
            engine: None,
            contexts: Contexts::default(),
            format,
            ratio_limiter: RatioLimiter::new(&limits),
            limits,
            output: Output::new(),
            output_bytes_max: u64::MAX,
            is_stopped: false,
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
    pub fn with_output_segments(mut self, size: SegmentSize) -> Self {
        self.output.set_size(size);
        self
    }

    /// Sets who keeps the state when this inflater is dropped, and who may have one when the first byte comes. By default the state is
    /// allocated and freed.
    #[must_use]
    pub fn with_contexts(mut self, contexts: &Contexts) -> Self {
        self.contexts = contexts.clone();
        self
    }

    /// Returns the limits.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Makes the inflater ready for another stream, whatever became of the last one. Keeps the state and allocates
    /// nothing.
    pub fn reset(&mut self, format: Format) {
        if let Some(engine) = &mut self.engine {
            engine.reset();
        }
        self.output.release();
        self.ratio_limiter = RatioLimiter::new(&self.limits);
        self.format = format;
        self.state = State::start(format);
        self.consumed = 0;
        self.produced = 0;
        self.member = Member::start(format);
    }

    /// Moves what is decoded to the buffer.
    fn flush(&mut self, buffer: &mut SegmentedBuf) {
        self.output.flush(buffer, self.engine.as_mut());
    }

    /// Decodes `input`; the last of it may not be in the buffer yet.
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
                State::Between(_) => self.between(input),
                State::End(_) => return Ok(Status::End),
                State::Failed(error) => return Err(*error),
            };
            match moved {
                Ok(true) => {}
                Ok(false) => return Ok(Status::NeedInput),
                Err((kind, offset)) => {
                    let error = InflateError::new(kind, offset);
                    if !kind.is_passing() {
                        self.state = State::Failed(error);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Decodes a sequence and counts what is taken of it; the last of it may not be in the buffer yet.
    fn push_pieces(
        &mut self,
        input: &Sequence,
        taken: &mut usize,
        output: &mut SegmentedBuf,
    ) -> Result<Status, InflateError> {
        let mut status = self.push_piece(&mut &[][..], output)?;
        let mut pieces = Pieces::new(input);
        while status != Status::End {
            // Where little is made of much, the copy costs more than the ends do.
            let is_dense = self.produced >= 2 * self.consumed;
            let is_copied = is_dense && self.consumed > 0;
            let whole_bytes_min = if is_copied { WHOLE_BYTES_MIN } else { 0 };
            let Some(mut piece) = pieces.next(whole_bytes_min, output.pool()) else { break };
            let len = piece.len();
            let pushed = self.push_piece(&mut piece, output);
            *taken += len - piece.len();
            status = pushed?;
        }
        Ok(status)
    }

    /// Decodes until the input is used up or the data ends.
    fn data(&mut self, input: &mut &[u8], output: &mut SegmentedBuf) -> StepResult {
        let State::Data(envelope, held, held_len) = self.state else { return Ok(true) };
        let mut held_rest = &held[held.len() - held_len..];
        let end = self.decode(envelope, &mut held_rest, true, output);
        self.state = State::Data(envelope, held, held_rest.len());
        let is_end = match end? {
            end if end || self.is_stopped => end,
            _ => self.decode(envelope, input, false, output)?,
        };
        if is_end {
            self.state = match envelope {
                Envelope::Raw => State::End(false),
                _ => State::Trailer(envelope, [0; gzip::TRAILER_BYTES], 0),
            };
        }
        Ok(is_end)
    }

    /// Decodes from `input` until it is used up or the data ends; returns whether it did.
    ///
    /// `is_counted` says that the bytes are counted as consumed already.
    fn decode(
        &mut self,
        envelope: Envelope,
        input: &mut &[u8],
        is_counted: bool,
        output: &mut SegmentedBuf,
    ) -> Result<bool, (InflateErrorKind, u64)> {
        if is_counted && input.is_empty() {
            return Ok(false);
        }
        let result = loop {
            match self.decode_once(envelope, input, is_counted, output) {
                Ok(None) => {
                    let decoded = output.len() + self.output.len() as u64;
                    self.is_stopped = decoded >= self.output_bytes_max;
                    if self.is_stopped {
                        break Ok(false);
                    }
                }
                Ok(Some(is_end)) => break Ok(is_end),
                Err(refusal) => break Err(refusal),
            }
        };
        if !matches!(result, Ok(false)) {
            // Nothing that follows refers to this.
            let engine = self.engine.as_mut().filter(|_| result.is_err());
            self.output.flush(output, engine);
            self.output.release();
        }
        result
    }

    /// Calls the engine once; returns whether the data ended, or nothing when there may be more.
    fn decode_once(
        &mut self,
        envelope: Envelope,
        input: &mut &[u8],
        is_counted: bool,
        output: &mut SegmentedBuf,
    ) -> Result<Option<bool>, (InflateErrorKind, u64)> {
        let engine = self.engine.get_or_insert_with(|| {
            let is_fitting = |context: &Context| matches!(context, Context::Inflate(_));
            match self.contexts.take(is_fitting) {
                Some(Context::Inflate(engine)) => engine,
                _ => Engine::new(),
            }
        });
        self.ratio_limiter.begin(self.consumed);
        let allowed = self.ratio_limiter.output(&self.limits);
        let available = self.ratio_limiter.input(self.consumed, input.len());
        let left = usize::try_from(allowed - self.produced.min(allowed)).unwrap_or(usize::MAX);
        // With nothing left, one byte beside the output shows whether the stream goes on.
        let mut probe = [0];
        let (spare, len) = if left == 0 {
            self.output.flush(output, Some(engine));
            (&mut probe[..], 0)
        } else {
            let spare = self.output.spare(output, engine, self.produced);
            let (spare, len) =
                spare.map_err(|error| (InflateErrorKind::OutOfMemory(error), self.consumed))?;
            let end = spare.len().min(len.saturating_add(left));
            (&mut spare[..end], len)
        };
        let free = spare.len() - len;
        let (available, progress) = match left {
            0 => probe_next(engine, &input[..available], spare),
            _ => (available, engine.inflate(&input[..available], spare, len)),
        };
        let Progress { consumed, produced, outcome } = progress;
        *input = &input[consumed..];
        if !is_counted {
            self.consumed += consumed as u64;
        }
        if left == 0 && produced > 0 {
            return Err((self.limits.exceeded(self.produced), self.consumed));
        }
        let decoded = &spare[len..len + produced];
        self.member.checksum = match envelope {
            Envelope::Gzip => crc32(self.member.checksum, decoded),
            Envelope::Zlib => adler32(self.member.checksum, decoded),
            Envelope::Raw => 0,
        };
        if left > 0 {
            self.output.advance(produced);
        }
        self.produced += produced as u64;
        match outcome {
            Outcome::Corrupt => Err((InflateErrorKind::DataCorrupt, self.consumed)),
            Outcome::End => Ok(Some(true)),
            // A full output may hide more that the engine holds.
            Outcome::More if consumed == available && produced < free => {
                self.ratio_limiter.drained(self.consumed);
                Ok(input.is_empty().then_some(false))
            }
            Outcome::More if consumed == 0 && produced == 0 => Ok(Some(false)),
            Outcome::More => Ok(None),
        }
    }
}

/// Decodes at most the next byte of `input`, and none when the engine holds output already; returns how many it had.
///
/// An engine whose output is full goes on to where it needs more, through ends and headers of blocks. With more input, how
/// much there is would decide where the output that is too much is said to be.
fn probe_next(engine: &mut Engine, input: &[u8], probe: &mut [u8]) -> (usize, Progress) {
    let held = engine.inflate(&[], probe, 0);
    if held.produced > 0 || held.outcome != Outcome::More {
        return (0, held);
    }
    let next = &input[..input.len().min(1)];
    (next.len(), engine.inflate(next, probe, 0))
}

impl Decode for Inflater {
    fn push_bounded(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
        output_bytes_max: u64,
    ) -> Result<Status, InflateError> {
        (self.output_bytes_max, self.is_stopped) = (output_bytes_max, false);
        let result = self.push_piece(input, output);
        self.output_bytes_max = u64::MAX;
        self.flush(output);
        if core::mem::take(&mut self.is_stopped) { Ok(Status::NeedOutput) } else { result }
    }

    /// After the first one, short chunks of a stream that is much compressed are copied together into
    /// one segment of 64 KiB: at each end of the input some symbols are decoded one by one, which costs more than the copy.
    fn push_sequence(
        &mut self,
        input: &mut Sequence,
        output: &mut SegmentedBuf,
    ) -> Result<Status, InflateError> {
        let mut taken = 0;
        let result = self.push_pieces(input, &mut taken, output);
        self.flush(output);
        input.advance(taken);
        result
    }

    fn finish(&mut self) -> Result<(), InflateError> {
        match self.state {
            State::End(_) | State::Between(false) => Ok(()),
            State::Between(true) if self.limits.trailing == Trailing::Leave => {
                self.consumed -= 1;
                self.state = State::End(true);
                Ok(())
            }
            State::Failed(error) => Err(error),
            _ => {
                self.output.release();
                let error = InflateError::new(InflateErrorKind::Truncated, self.consumed);
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    fn consumed(&self) -> u64 {
        self.consumed
    }

    fn produced(&self) -> u64 {
        self.produced
    }

    fn leftover(&self) -> &[u8] {
        match self.state {
            State::End(true) => &gzip::MAGIC[..1],
            _ => &[],
        }
    }

    fn release(&mut self) {
        self.output.release();
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            engine.reset();
            let bytes = engine.allocated_bytes();
            self.contexts.leave(Context::Inflate(engine), bytes);
        }
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
    let (mut output, mut taken) = (SegmentedBuf::new(pool), 0);
    inflater.push_pieces(input, &mut taken, &mut output)?;
    inflater.flush(&mut output);
    inflater.finish()?;
    if input.len() > taken as u64 && limits.trailing == Trailing::Refuse {
        return Err(InflateError::new(InflateErrorKind::TrailingData, inflater.consumed));
    }
    Ok(output.freeze())
}
