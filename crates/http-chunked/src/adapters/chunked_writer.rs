//! An encoder before a socket.

#[cfg(feature = "tokio")]
mod tokio_io;

use std::io::{self, IoSlice, Write};

use bytes::Buf as _;
use seg_pool::{Pool, Segment};
use seg_seq::Sequence;

use crate::{
    encoder::{EncodeError, Encoder},
    trailers::Trailers,
};

/// Encoded bytes that are written as soon as there are so many.
const BATCH_BYTES: u64 = 64 << 10;

/// Slices that go into one vectored write.
const SLICES: usize = 64;

/// Writes one chunked body to a socket: `std::io::Write`, and with the feature `tokio` tokio's
/// `AsyncWrite`.
///
/// What is written is gathered in pooled segments and goes out in vectored writes of 64 KiB, or when it
/// is flushed. After a flush no segment is held. The body is whole only after [`finish`](Self::finish), or the shutdown of
/// an asynchronous one; a writer that is dropped before leaves it truncated, so that the receiver
/// takes it for what it is.
///
/// # Examples
///
/// ```
/// use std::io::Write;
///
/// use http_chunked::{ChunkedWriter, Trailers};
/// use seg_pool::Pool;
///
/// # fn main() -> std::io::Result<()> {
/// let mut writer = ChunkedWriter::new(Vec::new(), &Pool::new());
/// write!(writer, "hello, {}", "world")?;
/// writer.finish(&Trailers::new())?;
/// assert_eq!(writer.into_socket(), b"c\r\nhello, world\r\n0\r\n\r\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ChunkedWriter<W> {
    encoder: Encoder,
    /// What is written next.
    pending: Sequence,
    /// Taken from the encoder, and written after that.
    encoded: Sequence,
    socket: W,
}

impl<W> ChunkedWriter<W> {
    /// Creates a writer that takes segments from `pool`.
    pub fn new(socket: W, pool: &Pool) -> Self {
        Self::with_encoder(socket, Encoder::new(pool))
    }

    /// Creates a writer with an encoder of your own: a chunk size, or data in it already.
    pub fn with_encoder(socket: W, encoder: Encoder) -> Self {
        let (pending, encoded) = (Sequence::new(), Sequence::new());
        Self { encoder, pending, encoded, socket }
    }

    /// Sets what is written before the body: its head, in the same write. For a new writer.
    #[must_use]
    pub fn with_head(mut self, head: Sequence) -> Self {
        self.pending = head;
        self
    }

    /// Takes `data` out and queues it as a chunk of its own, linked where it is long. It is written with what comes
    /// next, or when the writer is flushed.
    ///
    /// # Errors
    ///
    /// As [`Encoder::push_chunk`].
    pub fn push_chunk(&mut self, data: &mut Sequence) -> Result<(), EncodeError> {
        self.encoder.push_chunk(data)
    }

    /// Takes `data` out and queues it, as [`push_chunk`](Self::push_chunk) does: the fastest way for data in one segment.
    ///
    /// # Errors
    ///
    /// As [`Encoder::push_segment`].
    pub fn push_segment(&mut self, data: &mut Segment) -> Result<(), EncodeError> {
        self.encoder.push_segment(data)
    }

    /// Returns the socket, to which a part of the body may have been written.
    pub const fn socket(&self) -> &W {
        &self.socket
    }

    /// Turns into the socket, dropping what was not written.
    pub fn into_socket(self) -> W {
        self.socket
    }

    /// Returns whether something should be written before more is taken.
    fn is_full(&self) -> bool {
        self.pending.len() + self.encoded.len() + self.encoder.len() >= BATCH_BYTES
    }

    /// Moves what is encoded to what is written next; returns whether that is anything. Without memory
    /// to link the one to the other, they are written one after the other.
    fn queue(&mut self) -> bool {
        if self.encoded.is_empty() {
            self.encoded = self.encoder.take();
        }
        if self.pending.is_empty() {
            core::mem::swap(&mut self.pending, &mut self.encoded);
        } else if !self.encoded.is_empty() {
            // Both are as before when it fails.
            let _ = self.pending.try_append(&mut self.encoded);
        }
        !self.pending.is_empty()
    }

    /// Ends the body, unless it has ended.
    fn end(&mut self, trailers: &Trailers) -> Result<(), EncodeError> {
        if self.encoder.is_ended() { Ok(()) } else { self.encoder.finish(trailers) }
    }

    /// Copies from `bytes` into the open chunk.
    fn push(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // So much a call, so that a long write does not fill the pool.
        let mut rest = &bytes[..bytes.len().min(64 << 10)];
        let len = rest.len();
        match self.encoder.push(&mut rest) {
            Err(error) if rest.len() == len => Err(error.into()),
            _ => Ok(len - rest.len()),
        }
    }

    /// The front of what is to be written.
    fn slices(pending: &Sequence) -> ([IoSlice<'_>; SLICES], usize) {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        for (place, slice) in slices.iter_mut().zip(pending.io_slices()) {
            *place = slice;
            count += 1;
        }
        (slices, count)
    }
}

impl<W: Write> ChunkedWriter<W> {
    /// Ends the body and writes all of it.
    ///
    /// # Errors
    ///
    /// What the socket says, and out of memory. After either, the same call goes on.
    pub fn finish(&mut self, trailers: &Trailers) -> io::Result<()> {
        self.end(trailers)?;
        self.write_out()?;
        self.socket.flush()
    }

    /// Writes all that is encoded.
    fn write_out(&mut self) -> io::Result<()> {
        while self.queue() {
            let (slices, count) = Self::slices(&self.pending);
            match self.socket.write_vectored(&slices[..count]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.pending.advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<W: Write> Write for ChunkedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_full() {
            self.write_out()?;
        }
        self.push(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.flush();
        self.write_out()?;
        self.encoder.release();
        self.socket.flush()
    }
}
