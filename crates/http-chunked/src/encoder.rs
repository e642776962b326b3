//! Data in, chunks out.

mod error;
mod size_header;

use seg_pool::{Pool, Segment, SegmentMut};
use seg_seq::{LinkPolicy, SegmentedBuf, Sequence};

pub use self::error::{EncodeError, EncodeErrorKind};
pub(crate) use self::size_header::SizeHeader;
use crate::trailers::Trailers;

const CRLF: &[u8] = b"\r\n";

/// Bytes left free before the data of an open chunk: a size of 16 bits and its CRLF. No segment
/// holds more.
const HEADROOM: usize = 4 + CRLF.len();

/// A room with less spare than this is put out before another chunk is opened.
const ROOM_BYTES_MIN: usize = 64;

/// Encodes one chunked body (RFC 9112 §7.1), without I/O.
///
/// [`push`](Self::push) gathers small writes in chunks of up to a segment;
/// [`push_chunk`](Self::push_chunk) sends one chunk exactly as given, without a copy when it is
/// long. Sizes are written into room left before the data, so that a gathered chunk, and several of
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
    pool: Pool,
    chunk_bytes_max: usize,
    /// What is encoded and lies before `room`.
    output: Sequence,
    /// Whole chunks, then the open one: its headroom and its data.
    /// While it is there, the list of `output` has a slot for it.
    room: Option<SegmentMut>,
    /// Where in `room` the headroom of the open chunk starts.
    open: Option<usize>,
    /// Bytes of data taken since the start of the body.
    taken: u64,
    is_ended: bool,
}

impl Encoder {
    /// Creates an encoder that takes segments from `pool` when it copies or frames. Takes none yet.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        Self {
            pool: pool.clone(),
            chunk_bytes_max: usize::MAX,
            output: Sequence::new(),
            room: None,
            open: None,
            taken: 0,
            is_ended: false,
        }
    }

    /// Sets the most data that gathered writes put in one chunk. At least 1; no more than a segment
    /// holds in any case. For a new encoder.
    #[must_use]
    pub fn chunk_bytes_max(mut self, bytes: usize) -> Self {
        self.chunk_bytes_max = bytes.max(1);
        self
    }

    /// Copies `data` behind what was pushed before, into the chunk that is open, and advances it
    /// behind what was taken: all of it unless there is an error. A full chunk is closed.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](EncodeErrorKind::OutOfMemory) or [`Ended`](EncodeErrorKind::Ended).
    pub fn push(&mut self, data: &mut &[u8]) -> Result<(), EncodeError> {
        while !data.is_empty() {
            let start = self.open_chunk()?;
            let Some(room) = &mut self.room else { break };
            let len = room.len() - start - HEADROOM;
            let left = (room.spare_len() - CRLF.len()).min(self.chunk_bytes_max - len);
            let (front, rest) = data.split_at(left.min(data.len()));
            room.extend_from_slice(front);
            *data = rest;
            self.taken += front.len() as u64;
            if front.len() == left {
                self.flush();
            }
        }
        Ok(())
    }

    /// Takes `data` out, which is then empty, and sends it as a chunk of its own, whatever its size,
    /// behind what was pushed before. Links it without a copy unless it is short. Empty data is no
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
        let is_copied = self.begin_chunk(len, data.chunk_count())?;
        let data = core::mem::take(data);
        if !is_copied {
            self.output.append(data);
        } else if let Some(room) = &mut self.room {
            data.chunks().for_each(|chunk| room.extend_from_slice(chunk));
        }
        self.end_chunk(len);
        Ok(())
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
        let is_copied = self.begin_chunk(len, 1)?;
        let data = core::mem::take(data);
        if !is_copied {
            self.output.push(data);
        } else if let Some(room) = &mut self.room {
            room.extend_from_slice(&data);
        }
        self.end_chunk(len);
        Ok(())
    }

    /// Writes the size line of a chunk of `len` bytes; returns whether its data is to be copied
    /// behind it, or else linked to the output.
    fn begin_chunk(&mut self, len: u64, chunk_count: usize) -> Result<bool, EncodeError> {
        self.flush();
        let header = SizeHeader::new(len);
        let framing = header.as_bytes().len() + CRLF.len();
        let short =
            usize::try_from(len).ok().filter(|&len| len < LinkPolicy::RECEIVE.link_bytes_min);
        let short = short.filter(|len| len + framing <= self.pool.segment_size().bytes());
        self.room_for(framing + short.unwrap_or_default())?;
        if short.is_none() {
            // The size line, the data, and the spare capacity after it.
            self.reserve(chunk_count + 2)?;
        }
        let room = self.room_for(framing + short.unwrap_or_default())?;
        room.extend_from_slice(header.as_bytes());
        if short.is_none() {
            self.put_out();
        }
        Ok(short.is_some())
    }

    /// Writes the line end behind the data of a chunk, for which there is room.
    fn end_chunk(&mut self, len: u64) {
        if let Some(room) = &mut self.room {
            room.extend_from_slice(CRLF);
        }
        self.taken += len;
    }

    /// Closes the open chunk, so that what was pushed can be [taken](Self::take).
    pub fn flush(&mut self) {
        let (Some(start), Some(room)) = (self.open.take(), &mut self.room) else { return };
        let data = start + HEADROOM..room.len();
        if data.is_empty() {
            room.truncate(start);
            return;
        }
        let header = SizeHeader::new(data.len() as u64);
        let header = header.as_bytes();
        // A size of fewer digits: no gap may stay between this chunk and the one before.
        if header.len() < HEADROOM {
            let end = start + header.len() + data.len();
            room.copy_within(data, start + header.len());
            room.truncate(end);
        }
        room[start..start + header.len()].copy_from_slice(header);
        room.extend_from_slice(CRLF);
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
        if trailers.is_empty() {
            let room = self.room_for(LAST_CHUNK.len() + CRLF.len())?;
            room.extend_from_slice(LAST_CHUNK);
            room.extend_from_slice(CRLF);
        } else {
            let mut section = SegmentedBuf::new(&self.pool);
            for part in [LAST_CHUNK].into_iter().chain(trailers.wire_parts()).chain([CRLF]) {
                let added = section.try_extend_from_slice(part);
                added.map_err(|error| self.error(EncodeErrorKind::OutOfMemory(error)))?;
            }
            let section = section.freeze();
            self.reserve(section.chunk_count() + 2)?;
            self.put_out();
            self.output.append(section);
        }
        self.is_ended = true;
        Ok(())
    }

    /// Takes out all chunks that are closed. An open one stays, to be gathered further.
    pub fn take(&mut self) -> Sequence {
        self.put_out();
        if self.is_ended {
            self.room = None;
        }
        core::mem::take(&mut self.output)
    }

    /// Gives spare memory back to the pool, unless a chunk is open in it. For a sender that has
    /// nothing to send for now.
    pub fn release(&mut self) {
        if self.open.is_none() && self.closed() == 0 {
            self.room = None;
        }
    }

    /// Returns the bytes that [`take`](Self::take) would give.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.output.len() + self.closed() as u64
    }

    /// Returns whether [`take`](Self::take) would give nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes of data in the open chunk, which [`take`](Self::take) does not give yet.
    #[must_use]
    pub fn open_len(&self) -> usize {
        let len = self.room.as_ref().map_or(0, |room| room.len());
        self.open.map_or(0, |start| len - start - HEADROOM)
    }

    /// Returns whether the body has its last chunk.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Starts another body, forgetting what was not taken. Keeps the chunk size.
    pub fn reset(&mut self) {
        *self = Self::new(&self.pool).chunk_bytes_max(self.chunk_bytes_max);
    }

    /// Returns where in the room the headroom of the open chunk starts, opening one if there is
    /// none.
    fn open_chunk(&mut self) -> Result<usize, EncodeError> {
        if let Some(start) = self.open {
            return Ok(start);
        }
        let room = self.room_for(ROOM_BYTES_MIN)?;
        let start = room.len();
        room.extend_from_slice(&[0; HEADROOM]);
        self.open = Some(start);
        Ok(start)
    }

    /// Returns a room with `bytes` to spare, at most those of the smallest segment. No chunk may be
    /// open.
    fn room_for(&mut self, bytes: usize) -> Result<&mut SegmentMut, EncodeError> {
        if self.is_ended {
            return Err(self.error(EncodeErrorKind::Ended));
        }
        let room = match self.room.take() {
            Some(room) if room.spare_len() >= bytes => room,
            old => match self.pool.try_take_size(self.pool.segment_size()) {
                Ok(fresh) => {
                    self.room = old;
                    self.reserve(1 + usize::from(self.room.is_some()))?;
                    self.put_out();
                    fresh
                }
                Err(error) => {
                    self.room = old;
                    return Err(self.error(EncodeErrorKind::OutOfMemory(error)));
                }
            },
        };
        Ok(self.room.insert(room))
    }

    /// Makes slots for chunks in the list of the output.
    fn reserve(&mut self, chunk_count: usize) -> Result<(), EncodeError> {
        let reserved = self.output.try_reserve(chunk_count, &self.pool);
        reserved.map_err(|error| self.error(EncodeErrorKind::OutOfMemory(error)))
    }

    /// Moves the closed chunks from the room to the output.
    fn put_out(&mut self) {
        let closed = self.closed();
        if let (Some(room), 1..) = (&mut self.room, closed) {
            self.output.push(room.split_to(closed).freeze());
            self.open = self.open.map(|_| 0);
        }
    }

    /// Bytes in the room that belong to closed chunks.
    fn closed(&self) -> usize {
        self.open.unwrap_or(self.room.as_ref().map_or(0, |room| room.len()))
    }

    const fn error(&self, kind: EncodeErrorKind) -> EncodeError {
        EncodeError::new(kind, self.taken)
    }
}
