//! Data in, chunks out.

mod error;
mod size_header;

use seg_pool::{OutOfMemory, Pool, Segment};
use seg_seq::{LinkPolicy, SegmentedBuf, Sequence};

pub use self::error::{EncodeError, EncodeErrorKind};
pub(crate) use self::size_header::SizeHeader;
use self::size_header::{size_digits, write_size};
use crate::trailers::Trailers;

const CRLF: &[u8] = b"\r\n";

/// The most digits of the size of a gathered chunk: no segment holds more than 64 KiB.
const DIGITS_MAX: usize = 4;

/// The most bytes around the data of a gathered chunk: its size, and two line ends.
const FRAMING_BYTES_MAX: usize = DIGITS_MAX + 2 * CRLF.len();

/// With less spare capacity than this in a segment, no chunk is opened in it.
const SPARE_BYTES_MIN: usize = 64;

/// Encodes one chunked body (RFC 9112 §7.1), without I/O.
///
/// [`push`](Self::push) gathers small writes in chunks of up to a segment;
/// [`push_chunk`](Self::push_chunk) sends one chunk exactly as given, without a copy when it is
/// long. Sizes are written before the data once they are known, so that a gathered chunk, and several of
/// them in one segment, go out as one slice. Nothing makes a chunk of size zero but
/// [`finish`](Self::finish).
///
/// # Examples
///
/// ```
/// use http_chunked::{Encoder, Trailers};
/// use seg_pool::Pool;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut encoder = Encoder::new(&Pool::new());
/// encoder.push(&mut &b"hello, "[..])?;
/// encoder.push(&mut &b"world"[..])?;
///
/// let mut trailers = Trailers::new();
/// trailers.push("ETag", b"\"a\"")?;
/// encoder.finish(&trailers)?;
///
/// let wire = encoder.take();
/// assert_eq!(wire, b"c\r\nhello, world\r\n0\r\nETag: \"a\"\r\n\r\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Encoder {
    chunk_bytes_max: usize,
    /// What is encoded. The open chunk lies in its spare capacity: space for the size line, then the data.
    output: SegmentedBuf,
    /// Digits that the size of the open chunk has space for: as many as the last one had, so that the data
    /// of chunks of like sizes stays where it was copied to.
    digits: usize,
    /// Bytes of data in the open chunk; there is none without data.
    open_len: usize,
    /// Bytes of data taken since the start of the body.
    taken: u64,
    is_ended: bool,
}

impl Encoder {
    /// Creates an encoder that takes segments from `pool` when it copies or frames. Takes none yet.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        Self {
            chunk_bytes_max: usize::MAX,
            output: SegmentedBuf::new(pool),
            digits: DIGITS_MAX,
            open_len: 0,
            taken: 0,
            is_ended: false,
        }
    }

    /// Sets the most data that gathered writes put in one chunk. At least 1; no more than a segment
    /// holds in any case. For a new encoder.
    #[must_use]
    pub fn with_chunk_bytes_max(mut self, bytes: usize) -> Self {
        self.chunk_bytes_max = bytes.max(1);
        self
    }

    /// Returns the most data that gathered writes put in one chunk.
    #[must_use]
    pub const fn chunk_bytes_max(&self) -> usize {
        self.chunk_bytes_max
    }

    /// Copies `data` after what was pushed before, into the chunk that is open, and advances it past what
    /// was taken: all of it unless there is an error. A full chunk is closed.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](EncodeErrorKind::OutOfMemory) or [`Ended`](EncodeErrorKind::Ended).
    pub fn push(&mut self, data: &mut &[u8]) -> Result<(), EncodeError> {
        while !data.is_empty() {
            let (open_len, open_max, before) = (self.open_len, self.chunk_bytes_max, self.digits);
            let spare = self.try_spare(if open_len == 0 { SPARE_BYTES_MIN } else { 1 })?;
            let open_max = (spare.len() - FRAMING_BYTES_MAX).min(open_max);
            let (front, rest) = data.split_at(data.len().min(open_max - open_len));
            let len = open_len + front.len();
            let digits = size_digits(len as u64).max(before);
            if digits > before {
                let start = before + CRLF.len();
                spare.copy_within(start..start + open_len, digits + CRLF.len());
            }
            spare[digits + CRLF.len() + open_len..][..front.len()].copy_from_slice(front);
            *data = rest;
            (self.digits, self.open_len) = (digits, len);
            self.taken += front.len() as u64;
            if len == open_max {
                self.flush();
            }
        }
        Ok(())
    }

    /// Takes `data` out, which is then empty, and sends it as a chunk of its own, whatever its size,
    /// after what was pushed before. Links it without a copy unless it is short. Empty data is no
    /// chunk.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](EncodeErrorKind::OutOfMemory) or [`Ended`](EncodeErrorKind::Ended);
    /// nothing of `data` is taken then.
    pub fn push_chunk(&mut self, data: &mut Sequence) -> Result<(), EncodeError> {
        let len = data.len();
        if len == 0 {
            return Ok(());
        }
        let pushed = if self.begin_chunk(len)? {
            core::mem::take(data).chunks().for_each(|chunk| self.put(chunk));
            Ok(())
        } else {
            self.output.try_append(data)
        };
        self.end_chunk(len, pushed)
    }

    /// Takes `data` out and sends it as a chunk of its own, as [`push_chunk`](Self::push_chunk) does:
    /// the fastest way for data in one segment.
    ///
    /// # Errors
    ///
    /// As [`push_chunk`](Self::push_chunk).
    pub fn push_segment(&mut self, data: &mut Segment) -> Result<(), EncodeError> {
        let len = data.len() as u64;
        if len == 0 {
            return Ok(());
        }
        let pushed = if self.begin_chunk(len)? {
            self.put(&core::mem::take(data));
            Ok(())
        } else {
            self.output.try_push(data)
        };
        self.end_chunk(len, pushed)
    }

    /// Writes the size line of a chunk of `len` bytes, which are not none; returns whether its data is to be
    /// copied after it, or else linked. The tail has spare capacity for what is copied then, and for the line
    /// end.
    fn begin_chunk(&mut self, len: u64) -> Result<bool, EncodeError> {
        self.flush();
        let header = SizeHeader::new(len);
        let framing = header.as_bytes().len() + CRLF.len();
        let short = usize::try_from(len).ok().filter(|len| {
            *len < LinkPolicy::RECEIVE.link_bytes_min
                && len + framing <= self.output.pool().segment_size().bytes()
        });
        self.try_reserve(framing + short.unwrap_or_default())?;
        self.put(header.as_bytes());
        Ok(short.is_some())
    }

    /// Writes the line end after the data of a chunk, or takes its size line back when the data could not be
    /// linked.
    fn end_chunk(&mut self, len: u64, pushed: Result<(), OutOfMemory>) -> Result<(), EncodeError> {
        if let Err(error) = pushed {
            let header = size_digits(len) + CRLF.len();
            self.output.truncate(self.output.len() - header as u64);
            return Err(self.out_of_memory(error));
        }
        self.put(CRLF);
        self.taken += len;
        Ok(())
    }

    /// Copies bytes to the tail, whose spare capacity [`try_reserve`](Self::try_reserve) made: so no memory is
    /// needed.
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Closes the open chunk, so that what was pushed can be [taken](Self::take).
    pub fn flush(&mut self) {
        let len = core::mem::take(&mut self.open_len);
        if len == 0 {
            return;
        }
        let Ok(spare) = self.output.try_spare_initialized_mut() else {
            unreachable!("the tail that the open chunk lies in is there")
        };
        let digits = size_digits(len as u64);
        let data = digits + CRLF.len();
        // A size of fewer digits: no gap may stay between this chunk and the one before.
        if digits < self.digits {
            let start = self.digits + CRLF.len();
            spare.copy_within(start..start + len, data);
            self.digits = digits;
        }
        write_size(len as u64, &mut spare[..digits]);
        spare[digits..data].copy_from_slice(CRLF);
        spare[data + len..][..CRLF.len()].copy_from_slice(CRLF);
        self.output.advance_initialized(data + len + CRLF.len());
    }

    /// Closes the open chunk and ends the body with the last chunk and these trailers.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](EncodeErrorKind::OutOfMemory), and the body can be finished again, or
    /// [`Ended`](EncodeErrorKind::Ended).
    pub fn finish(&mut self, trailers: &Trailers) -> Result<(), EncodeError> {
        const LAST_CHUNK: &[u8] = b"0\r\n";
        if self.is_ended {
            return Err(self.error(EncodeErrorKind::Ended));
        }
        self.flush();
        let before = self.output.len();
        for part in [LAST_CHUNK].into_iter().chain(trailers.wire_parts()).chain([CRLF]) {
            if let Err(error) = self.output.try_extend_from_slice(part) {
                self.output.truncate(before);
                return Err(self.out_of_memory(error));
            }
        }
        self.is_ended = true;
        Ok(())
    }

    /// Takes out all chunks that are closed. An open one stays, to be gathered further.
    pub fn take(&mut self) -> Sequence {
        let taken = self.output.split();
        if self.is_ended {
            self.output.clear();
        }
        taken
    }

    /// Gives spare memory back to the pool, unless a chunk is open in it. For a sender that has
    /// nothing to send for now.
    pub fn release(&mut self) {
        if self.open_len == 0 && self.output.is_empty() {
            self.output.clear();
        }
    }

    /// Returns the bytes that [`take`](Self::take) would give.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.output.len()
    }

    /// Returns whether [`take`](Self::take) would give nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes of data in the open chunk, which [`take`](Self::take) does not give yet.
    #[must_use]
    pub const fn open_len(&self) -> usize {
        self.open_len
    }

    /// Returns whether the body has its last chunk.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Starts another body, forgetting what was not taken. Keeps the chunk size.
    pub fn reset(&mut self) {
        *self = Self::new(self.output.pool()).with_chunk_bytes_max(self.chunk_bytes_max);
    }

    /// Returns the spare capacity, which is at least `bytes` then.
    #[inline]
    fn try_spare(&mut self, bytes: usize) -> Result<&mut [u8], EncodeError> {
        self.try_reserve(bytes)?;
        let offset = self.taken;
        let spare = self.output.try_spare_initialized_mut();
        spare.map_err(|error| EncodeError::new(EncodeErrorKind::OutOfMemory(error), offset))
    }

    /// Makes spare capacity of at least `bytes`, at most those of the smallest segment.
    #[inline]
    fn try_reserve(&mut self, bytes: usize) -> Result<(), EncodeError> {
        if self.is_ended || self.output.spare_len() < bytes {
            return self.try_segment();
        }
        Ok(())
    }

    /// Fills another segment from here on.
    #[inline(never)]
    fn try_segment(&mut self) -> Result<(), EncodeError> {
        if self.is_ended {
            return Err(self.error(EncodeErrorKind::Ended));
        }
        let pool = self.output.pool();
        pool.try_take_size(pool.segment_size())
            .and_then(|fresh| self.output.try_push_mut(fresh).map_err(|(_, error)| error))
            .map_err(|error| self.out_of_memory(error))
    }

    const fn out_of_memory(&self, error: OutOfMemory) -> EncodeError {
        self.error(EncodeErrorKind::OutOfMemory(error))
    }

    const fn error(&self, kind: EncodeErrorKind) -> EncodeError {
        EncodeError::new(kind, self.taken)
    }
}
