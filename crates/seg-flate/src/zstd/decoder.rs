//! Decoding.

use core::fmt;

use seg_pool::OutOfMemory;
use seg_seq::SegmentedBuf;
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use super::{
    MEMORY_ALLOCATION,
    frame_header::{Frame, FrameHeader, MAGIC_BYTES},
};
use crate::{
    contexts::{Context, Contexts},
    decode::{Decode, Status},
    format::Trailing,
    inflate_error::{InflateError, InflateErrorKind},
    limits::Limits,
    ratio_limiter::RatioLimiter,
};

/// The most that a block may have or make (RFC 8878 section 3.1.1.2.4).
const BLOCK_BYTES_MAX: usize = 128 << 10;
const BLOCK_HEADER_BYTES: usize = 3;
const CHECKSUM_BYTES: usize = 4;

/// The largest window that the library has.
const WINDOW_LOG_MAX: u32 = if usize::BITS >= 64 { 31 } else { 30 };

/// Decodes Zstandard frames (RFC 8878), pushed piece by piece: HTTP's `zstd`.
///
/// Any number of frames, one after the other, those to skip included; checksums and content sizes are
/// checked. Made of `zstd-safe`, the reference library, which is C. Unlike the rest of this crate it needs
/// **large allocations** outside of pools: a state of 94 KiB, a window as large as the frame
/// says it needs, and up to 512 KiB more; [`Limits::window_bytes_max`] bounds the window, and is looked at before any is taken.
/// Of a frame that is short and whole in the input the window is no larger than its content.
/// [`memory_bytes`](Self::memory_bytes) says what there is. All of it is taken when a frame begins and goes when the stream is finished
/// or fails, or the decoder is dropped: it is freed, or left to [`Contexts`].
///
/// What a block makes, at most 128 KiB, comes out when all of the block came; of a block that is refused there
/// is nothing. Dictionaries are not known.
///
/// The frames' structure is read here and the library gets block after block, because it loses
/// the blocks that it decoded in the same call before an error: how many those are would depend on how the input was cut.
///
/// # Examples
///
/// ```
/// use seg_flate::{Decode, Limits, Status, ZstdDecoder};
/// use seg_pool::Pool;
/// use seg_seq::SegmentedBuf;
///
/// # fn main() -> Result<(), seg_flate::InflateError> {
/// let mut output = SegmentedBuf::new(&Pool::new());
/// let mut decoder = ZstdDecoder::new(Limits::default());
/// // "hello" in one block that is not compressed.
/// let mut input = &b"\x28\xb5\x2f\xfd\x20\x05\x29\x00\x00hello"[..];
/// assert_eq!(decoder.push(&mut input, &mut output)?, Status::NeedInput);
/// decoder.finish()?;
/// assert_eq!(output.freeze(), b"hello");
/// # Ok(())
/// # }
/// ```
pub struct ZstdDecoder {
    limits: Limits,
    contexts: Contexts,
    /// There from the first frame's header on.
    context: Option<DCtx<'static>>,
    state: State,
    block: Block,
    /// How many frames have ended, those to skip included.
    frames: u64,
    block_bytes_max: usize,
    content_bytes: Option<u64>,
    has_checksum: bool,
    /// Decoded bytes before this frame.
    frame_start: u64,
    /// Whether the library may hold decoded bytes.
    is_pending: bool,
    consumed: u64,
    produced: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum State {
    /// A frame's header, or the end of the stream where a frame has ended before.
    FrameHeader(FrameHeader),
    /// A frame that the library does not know yet, because there was no memory for it.
    FrameStart(FrameHeader, u64),
    BlockHeader([u8; BLOCK_HEADER_BYTES], usize),
    /// So many bytes of the block are left.
    Block(usize),
    BlockEnd,
    Checksum([u8; CHECKSUM_BYTES], usize),
    /// So many bytes of a frame that says nothing.
    Skip(u32),
    /// The stream has ended; the first bytes of the header follow it.
    End(FrameHeader),
    Failed(InflateError),
}

/// The header of a block (RFC 8878 section 3.1.1.2).
#[derive(Clone, Copy, Debug)]
struct Block {
    is_last: bool,
    kind: BlockKind,
    size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BlockKind {
    Raw,
    Repeated,
    Compressed,
    Reserved,
}

/// Whether the state moved on (`true`) or waits for input, or what was wrong and where.
type StepResult = Result<bool, (InflateErrorKind, u64)>;

impl ZstdDecoder {
    /// Creates a decoder. Allocates nothing before the first frame's header is complete.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            contexts: Contexts::default(),
            context: None,
            state: State::FrameHeader(FrameHeader::new()),
            block: Block { is_last: false, kind: BlockKind::Raw, size: 0 },
            frames: 0,
            block_bytes_max: 0,
            content_bytes: None,
            has_checksum: false,
            frame_start: 0,
            is_pending: false,
            consumed: 0,
            produced: 0,
        }
    }

    /// Sets who keeps the library's state when this decoder no longer needs it. By default it is freed.
    #[must_use]
    pub fn with_contexts(mut self, contexts: &Contexts) -> Self {
        self.contexts = contexts.clone();
        self
    }

    /// Returns the bytes that the library has allocated for this decoder now.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.context.as_ref().map_or(0, DCtx::sizeof)
    }

    /// Returns the limits.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Makes the decoder ready for another stream, whatever became of the last one.
    pub fn reset(&mut self) {
        self.leave();
        self.state = State::FrameHeader(FrameHeader::new());
        (self.frames, self.consumed, self.produced) = (0, 0, 0);
    }

    /// Gives the library's state away.
    fn leave(&mut self) {
        self.is_pending = false;
        if let Some(mut context) = self.context.take()
            && context.reset(ResetDirective::SessionOnly).is_ok()
        {
            let bytes = context.sizeof();
            self.contexts.leave(Context::ZstdDecoder(context), bytes);
        }
    }

    fn fail(&mut self, error: InflateError) {
        self.leave();
        self.state = State::Failed(error);
    }

    fn step(&mut self, input: &mut &[u8], output: &mut SegmentedBuf) -> StepResult {
        if self.is_pending {
            self.drain(output)?;
        }
        match self.state {
            State::FrameHeader(header) => self.frame_header(header, input),
            State::FrameStart(header, window_bytes) => {
                self.frame_start(header, window_bytes, input)
            }
            State::BlockHeader(bytes, len) => self.block_header(bytes, len, input),
            State::Block(left) => self.block(left, input, output),
            State::BlockEnd => self.block_end(),
            State::Checksum(bytes, len) => self.checksum(bytes, len, input),
            State::Skip(left) => {
                let len = input.len().min(left as usize);
                *input = &input[len..];
                self.consumed += len as u64;
                let left = left - u32::try_from(len).unwrap_or(left);
                self.state = State::Skip(left);
                if left == 0 {
                    self.frame_end();
                }
                Ok(left == 0)
            }
            State::End(_) | State::Failed(_) => Ok(false),
        }
    }

    fn next_byte(&mut self, input: &mut &[u8]) -> Option<u8> {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        self.consumed += 1;
        Some(byte)
    }

    /// Fills `bytes` from `len` on; returns whether all of them are there.
    fn fill(&mut self, bytes: &mut [u8], len: &mut usize, input: &mut &[u8]) -> bool {
        while *len < bytes.len() {
            let Some(byte) = self.next_byte(input) else { return false };
            bytes[*len] = byte;
            *len += 1;
        }
        true
    }

    fn frame_header(&mut self, mut header: FrameHeader, input: &mut &[u8]) -> StepResult {
        let (pushed_before, pushed_now) = (header, *input);
        while let Some(byte) = self.next_byte(input) {
            let start = self.consumed - 1 - header.len() as u64;
            let frame = match header.push(byte) {
                Ok(frame) => frame,
                Err((_, at)) if self.frames > 0 && at < MAGIC_BYTES => {
                    if self.limits.trailing == Trailing::Refuse {
                        return Err((InflateErrorKind::TrailingData, start));
                    }
                    *input = pushed_now;
                    self.consumed = start;
                    self.leave();
                    self.state = State::End(pushed_before);
                    return Ok(true);
                }
                Err((kind, at)) => return Err((kind, start + at as u64)),
            };
            match frame {
                None => {}
                Some(Frame::Skippable { bytes }) => {
                    self.state = State::Skip(bytes);
                    return Ok(true);
                }
                Some(Frame::Data { window_bytes, content_bytes, has_checksum }) => {
                    let window = usize::try_from(window_bytes).ok();
                    let window = window.filter(|&bytes| bytes <= self.limits.window_bytes_max);
                    // The place of the descriptor, or of the content size in its stead.
                    let window = window.ok_or((InflateErrorKind::WindowTooLarge, start + 5))?;
                    self.block_bytes_max = window.min(BLOCK_BYTES_MAX);
                    self.content_bytes = content_bytes;
                    self.has_checksum = has_checksum;
                    self.frame_start = self.produced;
                    self.state = State::FrameStart(header, window_bytes);
                    return Ok(true);
                }
            }
        }
        self.state = State::FrameHeader(header);
        Ok(false)
    }

    /// Has the library begin a frame, for which it allocates the window.
    fn frame_start(&mut self, header: FrameHeader, window_bytes: u64, input: &[u8]) -> StepResult {
        if self.context.is_none() {
            let kept = self.contexts.take(|context| matches!(context, Context::ZstdDecoder(_)));
            self.context = match kept {
                Some(Context::ZstdDecoder(context)) => Some(context),
                _ => DCtx::try_create().and_then(|mut context| {
                    let set = context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX));
                    set.is_ok().then_some(context)
                }),
            };
        }
        let offset = self.consumed - header.len() as u64 + 5;
        // No more than a limit that is a `usize`.
        let requested = usize::try_from(window_bytes).unwrap_or(usize::MAX);
        let out_of_memory = InflateErrorKind::OutOfMemory(OutOfMemory::system(requested));
        let Some(context) = &mut self.context else { return Err((out_of_memory, offset)) };
        let window_min = self.block_bytes_max as u64;
        let bound = match self.content_bytes {
            None => content_bound(input, self.block_bytes_max, window_bytes / 2),
            Some(_) => None,
        };
        let smaller = bound.map(|bound| header.with_window(bound.max(window_min)));
        let bytes = smaller.as_ref().map_or(header.bytes(), |(bytes, len)| &bytes[..*len]);
        if let Err(code) = run(context, bytes, &mut []) {
            // The library goes on from the start of the frame.
            let is_reset = context.reset(ResetDirective::SessionOnly).is_ok();
            let kind = if code == MEMORY_ALLOCATION && is_reset {
                out_of_memory
            } else {
                InflateErrorKind::WindowTooLarge
            };
            return Err((kind, offset));
        }
        self.state = State::BlockHeader([0; BLOCK_HEADER_BYTES], 0);
        Ok(true)
    }

    fn block_header(
        &mut self,
        mut bytes: [u8; BLOCK_HEADER_BYTES],
        mut len: usize,
        input: &mut &[u8],
    ) -> StepResult {
        if !self.fill(&mut bytes, &mut len, input) {
            self.state = State::BlockHeader(bytes, len);
            return Ok(false);
        }
        let start = self.consumed - BLOCK_HEADER_BYTES as u64;
        let block = Block::read(bytes);
        if block.kind == BlockKind::Reserved || block.size > self.block_bytes_max {
            return Err((InflateErrorKind::DataCorrupt, start));
        }
        if block.kind != BlockKind::Compressed && block.size as u64 > self.content_left() {
            return Err((InflateErrorKind::LengthMismatch, start));
        }
        // To the library no block is the last one, so that it looks at no length while it holds output.
        bytes[0] &= !1;
        self.feed(&bytes).map_err(|kind| (kind, start))?;
        self.block = block;
        let left = if block.kind == BlockKind::Repeated { 1 } else { block.size };
        self.state = State::Block(left);
        Ok(true)
    }

    /// Decodes some of a block, of which so many bytes are left.
    fn block(&mut self, left: usize, input: &mut &[u8], output: &mut SegmentedBuf) -> StepResult {
        if left == 0 {
            self.state = State::BlockEnd;
            return Ok(true);
        }
        if input.is_empty() {
            return Ok(false);
        }
        let mut len = left.min(input.len());
        if self.block.kind == BlockKind::Raw {
            // Fewer bytes than came may be allowed: so that the cut does not decide which are refused,
            // the limit is looked at before they are taken.
            let allowed = self.output_left(self.consumed + 1);
            if allowed == 0 {
                return Err((self.limits.exceeded(self.produced), self.consumed));
            }
            len = len.min(allowed);
        }
        let (bytes, start) = (&input[..len], self.consumed);
        let result = if self.block.kind != BlockKind::Raw && len < left {
            let fed = self.feed(bytes).map_err(|kind| (kind, start));
            self.consumed += len as u64;
            fed
        } else {
            self.decode(bytes, output)
        };
        // They are taken unless there was no memory for the first of the output.
        if self.consumed > start {
            *input = &input[len..];
            self.state = State::Block(left - len);
        }
        result.map(|()| true)
    }

    fn block_end(&mut self) -> StepResult {
        if !self.block.is_last {
            self.state = State::BlockHeader([0; BLOCK_HEADER_BYTES], 0);
            return Ok(true);
        }
        if self.content_bytes.is_some() && self.content_left() > 0 {
            return Err((InflateErrorKind::LengthMismatch, self.consumed));
        }
        if self.has_checksum {
            self.state = State::Checksum([0; CHECKSUM_BYTES], 0);
        } else {
            self.feed_end(&[])?;
        }
        Ok(true)
    }

    fn checksum(
        &mut self,
        mut bytes: [u8; CHECKSUM_BYTES],
        mut len: usize,
        input: &mut &[u8],
    ) -> StepResult {
        if !self.fill(&mut bytes, &mut len, input) {
            self.state = State::Checksum(bytes, len);
            return Ok(false);
        }
        self.feed_end(&bytes)?;
        Ok(true)
    }

    /// Ends the frame with an empty last block and the checksum, if there is one.
    fn feed_end(&mut self, checksum: &[u8]) -> Result<(), (InflateErrorKind, u64)> {
        let start = self.consumed - checksum.len() as u64;
        self.feed(&[1, 0, 0]).map_err(|kind| (kind, start))?;
        if !checksum.is_empty() {
            self.feed(checksum).map_err(|_| (InflateErrorKind::ChecksumMismatch, start))?;
        }
        self.frame_end();
        Ok(())
    }

    const fn frame_end(&mut self) {
        self.frames += 1;
        self.state = State::FrameHeader(FrameHeader::new());
    }

    /// What the frame may still make, by the size in its header.
    fn content_left(&self) -> u64 {
        let made = self.produced - self.frame_start;
        self.content_bytes.map_or(u64::MAX, |bytes| bytes.saturating_sub(made))
    }

    /// How much more output there may be when so many bytes are consumed.
    fn output_left(&self, consumed: u64) -> usize {
        let allowed = RatioLimiter::output_at(&self.limits, consumed);
        usize::try_from(allowed.saturating_sub(self.produced)).unwrap_or(usize::MAX)
    }

    /// Gives the library bytes that make no output.
    fn feed(&mut self, bytes: &[u8]) -> Result<(), InflateErrorKind> {
        let Some(context) = &mut self.context else { return Err(InflateErrorKind::DataCorrupt) };
        run(context, bytes, &mut []).map(|_| ()).map_err(|_| InflateErrorKind::DataCorrupt)
    }

    /// Gives the library the bytes that complete a block, or some of a raw one, and takes what they make. The
    /// bytes are consumed unless there is no memory for the first of the output.
    fn decode(
        &mut self,
        bytes: &[u8],
        output: &mut SegmentedBuf,
    ) -> Result<(), (InflateErrorKind, u64)> {
        let offset = self.consumed + bytes.len() as u64;
        let left = self.output_left(offset);
        let mut probe = [0];
        let spare = spare(left, &mut probe, output).map_err(|kind| (kind, self.consumed))?;
        let Some(context) = &mut self.context else {
            return Err((InflateErrorKind::DataCorrupt, offset));
        };
        let result = run(context, bytes, spare);
        let spare_len = spare.len();
        self.consumed = offset;
        // A block that makes more than the frame has left does not fit, and the library refuses it.
        let made = result.map_err(|_| {
            let is_long = self.content_left() < self.block_bytes_max as u64;
            let kind = if is_long {
                InflateErrorKind::LengthMismatch
            } else {
                InflateErrorKind::DataCorrupt
            };
            (kind, offset)
        })?;
        self.take(made, spare_len, left, output)?;
        if self.is_pending { self.drain(output) } else { Ok(()) }
    }

    /// Takes the output that the library holds.
    fn drain(&mut self, output: &mut SegmentedBuf) -> Result<(), (InflateErrorKind, u64)> {
        while self.is_pending {
            let left = self.output_left(self.consumed);
            let mut probe = [0];
            let spare = spare(left, &mut probe, output).map_err(|kind| (kind, self.consumed))?;
            let Some(context) = &mut self.context else { return Ok(()) };
            let made = run(context, &[], spare);
            let spare_len = spare.len();
            let made = made.map_err(|_| (InflateErrorKind::DataCorrupt, self.consumed))?;
            self.take(made, spare_len, left, output)?;
        }
        Ok(())
    }

    /// Counts output of the library. When it filled the spare bytes, there may be more.
    fn take(
        &mut self,
        made: usize,
        spare_len: usize,
        left: usize,
        output: &mut SegmentedBuf,
    ) -> Result<(), (InflateErrorKind, u64)> {
        if left == 0 && made > 0 {
            return Err((self.limits.exceeded(self.produced), self.consumed));
        }
        output.advance_initialized(made);
        self.produced += made as u64;
        self.is_pending = made == spare_len;
        Ok(())
    }
}

/// Returns where output may go; with nothing left, one byte beside it shows whether there is more.
fn spare<'a>(
    left: usize,
    probe: &'a mut [u8; 1],
    output: &'a mut SegmentedBuf,
) -> Result<&'a mut [u8], InflateErrorKind> {
    if left == 0 {
        return Ok(probe);
    }
    let spare = output.try_spare_initialized_mut().map_err(InflateErrorKind::OutOfMemory)?;
    let len = spare.len().min(left);
    Ok(&mut spare[..len])
}

/// Calls the library, which takes all of the input; returns how many bytes it made, or its error code.
fn run(context: &mut DCtx<'_>, input: &[u8], output: &mut [u8]) -> Result<usize, usize> {
    let mut input = InBuffer::around(input);
    let mut output = OutBuffer::around(output);
    context.decompress_stream(&mut output, &mut input)?;
    Ok(output.pos())
}

/// Returns the most that a frame whose blocks start the input can make, if all of them are there and it is no more than `most`.
fn content_bound(mut input: &[u8], block_bytes_max: usize, most: u64) -> Option<u64> {
    let mut bound = 0;
    while bound <= most {
        let (&bytes, rest) = input.split_first_chunk()?;
        let block = Block::read(bytes);
        let (content, made) = match block.kind {
            BlockKind::Raw => (block.size, block.size),
            BlockKind::Repeated => (1, block.size),
            BlockKind::Compressed => (block.size, block_bytes_max),
            BlockKind::Reserved => return None,
        };
        bound += made as u64;
        input = rest.get(content..)?;
        if block.is_last {
            return (bound <= most).then_some(bound);
        }
    }
    None
}

impl Block {
    fn read([low, middle, high]: [u8; BLOCK_HEADER_BYTES]) -> Self {
        let bits = u32::from_le_bytes([low, middle, high, 0]);
        Self {
            is_last: bits & 1 == 1,
            kind: match bits >> 1 & 3 {
                0 => BlockKind::Raw,
                1 => BlockKind::Repeated,
                2 => BlockKind::Compressed,
                _ => BlockKind::Reserved,
            },
            size: (bits >> 3) as usize,
        }
    }
}

impl Decode for ZstdDecoder {
    /// The status is [`NeedInput`](Status::NeedInput) after a frame as well, because another one may follow.
    fn push_bounded(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
        output_bytes_max: u64,
    ) -> Result<Status, InflateError> {
        loop {
            let moved = match self.state {
                State::End(_) => return Ok(Status::End),
                State::Failed(error) => return Err(error),
                _ => self.step(input, output),
            };
            match moved {
                Ok(true) if output.len() >= output_bytes_max => return Ok(Status::NeedOutput),
                Ok(true) => {}
                Ok(false) => return Ok(Status::NeedInput),
                Err((kind, offset)) => {
                    let error = InflateError::new(kind, offset);
                    if !kind.is_passing() {
                        self.fail(error);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// A stream of no frames is truncated, and so is one whose output is not all taken because there was no memory.
    fn finish(&mut self) -> Result<(), InflateError> {
        let leftover = match self.state {
            State::End(_) => return Ok(()),
            State::Failed(error) => return Err(error),
            State::FrameHeader(header) if self.frames > 0 && !self.is_pending => Some(header),
            _ => None,
        };
        let is_left = self.limits.trailing == Trailing::Leave;
        if let Some(header) = leftover
            && (header.len() == 0 || (is_left && header.len() < MAGIC_BYTES))
        {
            self.consumed -= header.len() as u64;
            self.leave();
            self.state = State::End(header);
            return Ok(());
        }
        let error = InflateError::new(InflateErrorKind::Truncated, self.consumed);
        self.fail(error);
        Err(error)
    }

    fn consumed(&self) -> u64 {
        self.consumed
    }

    fn produced(&self) -> u64 {
        self.produced
    }

    fn leftover(&self) -> &[u8] {
        match &self.state {
            State::End(header) => header.bytes(),
            _ => &[],
        }
    }
}

impl Drop for ZstdDecoder {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for ZstdDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZstdDecoder")
            .field("consumed", &self.consumed)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}
