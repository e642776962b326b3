//! A message that is read from a socket as it comes.

#[cfg(all(feature = "http-body", feature = "tokio"))]
mod http_body;
mod read_size;
mod read_vectored;
mod receive;
#[cfg(feature = "tokio")]
mod tokio_io;

use std::io::{self, BufRead, IoSliceMut, Read};

use bytes::Buf;
use seg_pool::{Pool, Segment, SegmentMut};
use seg_seq::{Flatten, Sequence};

pub use self::receive::Receive;
use self::{read_size::ReadSize, read_vectored::ReadVectored};
use crate::{body::Body, message::MessageStep, trailers::Trailers};

/// A socket with a reader of messages over it, and the body of the message as a stream: `std::io`'s
/// `Read` and `BufRead`, and with the feature `tokio` tokio's `AsyncRead` and `AsyncBufRead`.
///
/// The reader is a [`MessageReader`](crate::MessageReader), or a [`BodyAssembler`](crate::BodyAssembler)
/// where there is no head. Nothing is kept of what was read, so memory does not grow with the body;
/// what was read after the message stays for the next one.
///
/// A segment is read into until it is full, so short reads do not hold a segment each. Reads that
/// fill their segment make the next one larger, up to 64 KiB, and reads that do not make it smaller
/// again; where the socket can, they [go on](Self::with_vectored_reads) to several segments at once.
/// Where nothing is to be read, between messages or on a socket that has nothing, no segment
/// is held, unless other parts of it were handed out.
///
/// # Examples
///
/// ```
/// use std::io::Read;
///
/// use http_chunked::{Incoming, ResponseReader};
/// use seg_pool::Pool;
///
/// # fn main() -> std::io::Result<()> {
/// let socket = &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nnext"[..];
/// let pool = Pool::new();
/// let mut incoming = Incoming::new(socket, ResponseReader::new(&pool), &pool);
/// assert!(incoming.read_head()?);
/// assert_eq!(incoming.reader().head().map(|head| head.status()), Some(200));
///
/// let mut text = String::new();
/// incoming.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// assert_eq!(incoming.into_parts().2, b"next");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Incoming<S, R> {
    socket: S,
    reader: R,
    pool: Pool,
    /// Read from the socket, and not by the reader.
    received: Segment,
    /// What was read at once, when that is several segments: `received` is the rest of the first one.
    ahead: Sequence,
    read_vectored: Option<ReadVectored<S>>,
    /// What is left of the segment that was read into last.
    spare: Option<SegmentMut>,
    read_size: ReadSize,
    stops_at_interim: bool,
    /// Data of the body that was not read yet.
    data: Sequence,
    /// Whether the reader keeps the body until it is complete.
    is_collecting: bool,
    state: State,
    #[cfg(feature = "tokio")]
    waiting: tokio_io::SegmentWait,
}

/// Data that is decoded at once, and read before there is more.
const DECODED_BYTES: u64 = 64 << 10;

/// A segment is read into until less than this part of it is left: reads into less would be too
/// many.
const READ_PARTS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    /// An interim head was read.
    Interim,
    Body,
    End,
    /// The socket was closed before the message began.
    Closed,
}

impl<S, R: Receive> Incoming<S, R> {
    /// Creates a stream of the message that `socket` gives next. It takes segments from `pool` to
    /// read into.
    pub fn new(socket: S, mut reader: R, pool: &Pool) -> Self {
        reader.set_pause_bytes(DECODED_BYTES);
        Self {
            socket,
            reader,
            pool: pool.clone(),
            received: Segment::new(),
            ahead: Sequence::new(),
            read_vectored: None,
            spare: None,
            read_size: ReadSize::new(pool.segment_size()),
            stops_at_interim: false,
            data: Sequence::new(),
            is_collecting: false,
            state: State::Head,
            #[cfg(feature = "tokio")]
            waiting: tokio_io::SegmentWait::default(),
        }
    }

    /// Sets what was read from the socket already. For a new stream.
    #[must_use]
    pub fn with_read_ahead(mut self, received: impl Into<Sequence>) -> Self {
        self.set_received(received.into());
        self
    }

    /// Sets how the socket reads into several buffers at once, with `WouldBlock` when it has nothing for now. For a new stream.
    ///
    /// Then reads that keep filling a segment of 64 KiB go on to several of them, 512 KiB at most: fewer calls, and fewer times that the
    /// sender is woken up. That begins after 4 MiB in a row, about what sockets buffer for a peer that reads nothing, and each double
    /// size takes as much again. Where the pool is short of memory, fewer segments are read into.
    ///
    /// With tokio, `read` is `TcpStream::try_read_vectored`, or that of another socket or of its half for reading. Calls that read panic
    /// when it returns more than the buffers hold.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{io::Read, net::TcpStream};
    ///
    /// use http_chunked::{Incoming, RequestReader};
    /// use seg_pool::Pool;
    ///
    /// fn requests(socket: TcpStream, pool: &Pool) -> Incoming<TcpStream, RequestReader> {
    ///     Incoming::new(socket, RequestReader::new(pool), pool)
    ///         .with_vectored_reads(|mut socket, slices| socket.read_vectored(slices))
    /// }
    /// ```
    #[must_use]
    pub const fn with_vectored_reads(
        mut self,
        read: fn(&S, &mut [IoSliceMut<'_>]) -> io::Result<usize>,
    ) -> Self {
        self.read_vectored = Some(read);
        self.read_size.allow_several();
        self
    }

    /// Makes [`read_head`](Self::read_head) return for an interim response as well: then the
    /// reader has a head and no [framing](crate::MessageReader::framing), and the next call reads on to
    /// the next head. For a proxy, which passes them on. For a new stream.
    #[must_use]
    pub const fn stop_at_interim(mut self) -> Self {
        self.stops_at_interim = true;
        self
    }

    /// Returns the reader: its head, and after the body its trailers.
    pub const fn reader(&self) -> &R {
        &self.reader
    }

    /// Makes `prepare` ready the reader for the next message on the same socket. What was not read
    /// of this one is lost; unless it was complete, what comes next is not the start of a message.
    pub fn next_message(&mut self, prepare: impl FnOnce(&mut R)) {
        prepare(&mut self.reader);
        self.data = Sequence::new();
        self.state = State::Head;
    }

    /// Returns the socket.
    pub const fn socket(&self) -> &S {
        &self.socket
    }

    /// Returns the socket, to write to it: what is read from it directly is missing here.
    pub const fn socket_mut(&mut self) -> &mut S {
        &mut self.socket
    }

    /// Returns whether the body was read to its end.
    pub fn is_ended(&self) -> bool {
        self.data.is_empty() && self.state == State::End
    }

    /// Returns the trailer fields; all of them once the body was read to its end.
    pub fn trailers(&self) -> &Trailers {
        self.reader.trailer_fields()
    }

    /// Turns into the socket, the reader, and what was read after the message.
    pub fn into_parts(mut self) -> (S, R, Sequence) {
        self.reader.set_pause_bytes(u64::MAX);
        let mut received = self.ahead;
        if received.is_empty() {
            received = self.received.into();
        } else {
            received.advance(received.chunk().len() - self.received.len());
        }
        (self.socket, self.reader, received)
    }

    /// Goes on to the next segment of what was received at once.
    fn next_received(&mut self) {
        if !self.ahead.is_empty() {
            let mut ahead = core::mem::take(&mut self.ahead);
            ahead.advance(ahead.chunk().len());
            self.set_received(ahead);
        }
    }

    /// Sets what was received and not read yet.
    fn set_received(&mut self, received: Sequence) {
        let first = received.chunks().next().filter(|_| received.chunk_count() > 1).cloned();
        (self.received, self.ahead) = match first {
            Some(first) => (first, received),
            None => (received.into_iter().next().unwrap_or_default(), Sequence::new()),
        };
    }

    /// Goes on with what was received; returns whether there is anything to report.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            let step = self.reader.receive(&mut self.received);
            let is_used_up = self.received.is_empty();
            if is_used_up {
                // An empty part of a segment would keep it.
                self.received = Segment::new();
                self.next_received();
            }
            let is_taken = match step {
                Ok(MessageStep::End) => self.take_data(),
                Ok(MessageStep::NeedMore) | Err(_) => self.is_collecting || self.take_data(),
                Ok(MessageStep::Head | MessageStep::Interim) => true,
            };
            match step {
                Err(error) if is_taken && self.data.is_empty() => return Err(error),
                Ok(MessageStep::End) if is_taken => {
                    self.state = State::End;
                    // The next message may be a long time coming.
                    self.spare = None;
                    return Ok(true);
                }
                // What was read at once goes on at once.
                Ok(MessageStep::NeedMore)
                    if is_taken && is_used_up && !self.received.is_empty() => {}
                Ok(MessageStep::NeedMore) if self.data.is_empty() => return Ok(false),
                Ok(MessageStep::Interim) if self.stops_at_interim => {
                    self.state = State::Interim;
                    return Ok(true);
                }
                Ok(MessageStep::Interim) => {}
                // What came before is read first; of an end or an error the reader says the same again.
                Ok(_) | Err(_) => {
                    self.state = State::Body;
                    return Ok(true);
                }
            }
        }
    }

    /// Takes what the reader has of the body after what was not read yet. Without memory to link the one to the other
    /// it returns `false`, and the reader keeps it.
    fn take_data(&mut self) -> bool {
        let mut data = self.reader.data();
        let is_taken = self.data.try_append(&mut data).is_ok();
        if !is_taken {
            self.reader.put_back(data);
        }
        is_taken
    }

    /// Makes the reader keep the body until it is complete, or hand on what comes.
    fn set_collecting(&mut self, is_on: bool) {
        if self.is_collecting == is_on {
            return;
        }
        self.is_collecting = is_on;
        self.reader.set_pause_bytes(if is_on { u64::MAX } else { DECODED_BYTES });
        if is_on && !self.is_complete() && !self.data.is_empty() {
            self.reader.put_back(core::mem::take(&mut self.data));
        }
    }

    /// Takes out what was not read of a body that is complete.
    fn take_body(&mut self) -> Body {
        let data = core::mem::take(&mut self.data);
        Body::new(Flatten::new(data), self.trailers().clone())
    }

    /// Takes what the socket gave, last of all in `spare`: nothing when it was closed. So much was `left` of all that was read into.
    fn take_received(&mut self, mut spare: SegmentMut, left: usize) -> io::Result<()> {
        let mut received = core::mem::take(&mut self.ahead);
        self.read_size.record(received.remaining() + spare.len(), left);
        let filled = spare.split_to(spare.len()).freeze();
        if filled.is_empty() {
            self.state = match self.reader.close()? {
                true => State::End,
                false => State::Closed,
            };
            self.data = self.reader.data();
        } else if spare.spare_len() >= self.pool.segment_size().bytes() / READ_PARTS {
            self.spare = Some(spare);
        }
        // There is a slot for it in a list.
        received.push(filled);
        self.set_received(received);
        Ok(())
    }

    /// Keeps a segment that nothing came into when somebody else holds another part of it: then it costs
    /// nothing, and the next read does not hold another segment.
    fn keep_spare(&mut self, mut spare: SegmentMut) {
        if !spare.try_reclaim() {
            self.spare = Some(spare);
        }
    }

    /// Makes ready to read a head.
    fn begin_head(&mut self) {
        if self.state == State::Interim {
            self.state = State::Head;
        }
    }

    /// Whether there is something to read or nothing more to come.
    fn is_ready(&self) -> bool {
        !self.data.is_empty() || self.is_complete()
    }

    /// Whether nothing more is to come.
    const fn is_complete(&self) -> bool {
        matches!(self.state, State::End | State::Closed)
    }

    fn first(&self) -> &[u8] {
        self.data.chunk()
    }

    /// Returns memory to read into: what is left of the last segment, or a new one. Where the pool
    /// has no long one, one of its usual size.
    fn take_spare(&mut self) -> io::Result<SegmentMut> {
        if let Some(spare) = self.spare.take() {
            return Ok(spare);
        }
        let taken = self.read_size.take(&self.pool);
        let taken = taken.or_else(|_| self.pool.try_take_size(self.pool.segment_size()));
        taken.map_err(io::Error::from)
    }
}

impl<S: Read, R: Receive> Incoming<S, R> {
    /// Reads up to the head of the message, which is then at the [reader](Self::reader). Returns
    /// `false` when the socket was closed instead of another message.
    ///
    /// # Errors
    ///
    /// What the socket says, and why the head was refused. After an error of kind `OutOfMemory` the
    /// same call goes on when there is memory.
    pub fn read_head(&mut self) -> io::Result<bool> {
        self.begin_head();
        while self.state == State::Head {
            self.read_on()?;
        }
        Ok(self.state != State::Closed)
    }

    /// Reads the rest of the message: what was not read of its body, where it lies, with the trailers. The limits of the reader are
    /// those of the body, and short pieces are copied together, as they are by the reader. Of a connection that was closed instead of a
    /// message, the body is empty.
    ///
    /// # Errors
    ///
    /// What the socket says, and why the message was refused. After an error of kind `OutOfMemory` the same call goes on when there is
    /// memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use http_chunked::{Incoming, ResponseReader};
    /// use seg_pool::Pool;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let socket = &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n"[..];
    /// let pool = Pool::new();
    /// let mut incoming = Incoming::new(socket, ResponseReader::new(&pool), &pool);
    /// let body = incoming.collect()?;
    /// assert_eq!(body.bytes(), b"hello");
    /// assert_eq!(body.trailers().find("a"), Some(&b"b"[..]));
    /// assert_eq!(incoming.reader().head().map(|head| head.status()), Some(200));
    /// # Ok(())
    /// # }
    /// ```
    pub fn collect(&mut self) -> io::Result<Body> {
        self.set_collecting(true);
        while !self.is_complete() {
            self.read_on()?;
        }
        Ok(self.take_body())
    }

    /// Reads on to the next step to report.
    fn read_on(&mut self) -> io::Result<()> {
        while !self.advance()? {
            let mut spare = self.take_spare()?;
            let read = self.read_vectored(&mut spare).unwrap_or_else(|| {
                spare.read_from(&mut self.socket)?;
                Ok(spare.spare_len())
            });
            match read {
                Ok(left) => self.take_received(spare, left)?,
                Err(error) => {
                    self.keep_spare(spare);
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                    continue;
                }
            }
            if self.is_ready() {
                break;
            }
        }
        Ok(())
    }
}

impl<S: Read, R: Receive> Read for Incoming<S, R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if target.is_empty() {
            return Ok(0);
        }
        let count = self.fill_buf()?.read(target)?;
        self.consume(count);
        Ok(count)
    }
}

impl<S: Read, R: Receive> BufRead for Incoming<S, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.set_collecting(false);
        while !self.is_ready() {
            self.read_on()?;
        }
        Ok(self.first())
    }

    fn consume(&mut self, count: usize) {
        self.data.advance(count);
    }
}
