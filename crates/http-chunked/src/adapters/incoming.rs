//! A message that is read from a socket as it comes.

#[cfg(all(feature = "http-body", feature = "tokio"))]
mod http_body;
mod read_size;
mod receive;
#[cfg(feature = "tokio")]
mod tokio_io;

use std::io::{self, BufRead, Read};

use bytes::Buf;
use seg_pool::{Pool, Segment, SegmentMut};
use seg_seq::{Flatten, Sequence};

use self::read_size::ReadSize;
pub use self::receive::Receive;
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
/// again. Where nothing is to be read, between messages or on a socket that has nothing, no segment
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
/// assert_eq!(&*incoming.into_parts().2, b"next");
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
    /// What is left of the segment that was read into last.
    spare: Option<SegmentMut>,
    read_size: ReadSize,
    /// Whether a part of that segment was handed out.
    is_shared: bool,
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
            spare: None,
            read_size: ReadSize::new(pool.segment_size()),
            is_shared: false,
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
    pub fn read_ahead(mut self, received: Segment) -> Self {
        self.received = received;
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
    pub fn into_parts(mut self) -> (S, R, Segment) {
        self.reader.set_pause_bytes(u64::MAX);
        (self.socket, self.reader, self.received)
    }

    /// Goes on with what was received; returns whether there is anything to report.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            let step = self.reader.receive(&mut self.received);
            if self.received.is_empty() {
                // An empty part of a segment would keep it.
                self.received = Segment::new();
            }
            match step.inspect_err(|_| self.take_data()) {
                // What came before is read first; the reader keeps the error.
                Err(_) if !self.data.is_empty() => {
                    self.state = State::Body;
                    return Ok(true);
                }
                Err(error) => return Err(error),
                Ok(MessageStep::Head) => {
                    self.state = State::Body;
                    return Ok(true);
                }
                Ok(MessageStep::End) => {
                    self.state = State::End;
                    self.data = self.reader.data();
                    // The next message may be a long time coming.
                    self.spare = None;
                    return Ok(true);
                }
                Ok(MessageStep::NeedMore) => {
                    self.take_data();
                    if !self.data.is_empty() {
                        self.state = State::Body;
                    }
                    return Ok(!self.data.is_empty());
                }
                Ok(MessageStep::Interim) if self.stops_at_interim => {
                    self.state = State::Interim;
                    return Ok(true);
                }
                Ok(MessageStep::Interim) => {}
            }
        }
    }

    /// Takes what the reader has of the body, unless it is to keep it.
    fn take_data(&mut self) {
        if !self.is_collecting {
            self.data = self.reader.data();
        }
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

    /// Takes what the socket gave: nothing when it was closed.
    fn take_received(&mut self, mut spare: SegmentMut) -> io::Result<()> {
        let (len, left) = (spare.len(), spare.spare_len());
        self.read_size.record(len, left);
        self.is_shared |= self.is_collecting;
        let filled = spare.split_to(len).freeze();
        if filled.is_empty() {
            self.state = match self.reader.close()? {
                true => State::End,
                false => State::Closed,
            };
            self.data = self.reader.data();
        } else if left >= self.pool.segment_size().bytes() / READ_PARTS {
            self.spare = Some(spare);
        }
        self.received = filled;
        Ok(())
    }

    /// Keeps a segment that nothing came into when somebody else may hold another part of it: then
    /// it costs nothing, and the next read does not hold another segment.
    fn keep_spare(&mut self, spare: SegmentMut) {
        if self.is_shared && self.state == State::Body {
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
        self.is_shared = false;
        let usual = self.pool.segment_size();
        let taken = self.pool.try_take_size(self.read_size.size());
        let taken = taken.or_else(|_| self.pool.try_take_size(usual));
        let mut taken = taken.map_err(|error| io::Error::new(io::ErrorKind::OutOfMemory, error))?;
        ReadSize::prepare(&mut taken);
        Ok(taken)
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
            if let Err(error) = spare.read_from(&mut self.socket) {
                self.keep_spare(spare);
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
                continue;
            }
            self.take_received(spare)?;
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
