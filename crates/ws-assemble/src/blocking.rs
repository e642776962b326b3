//! Connections over std's `Read` and `Write`, without a runtime.
//!
//! Calls block. Where the stream has a timeout, or is not to block at all, a call that finds nothing
//! returns [`WouldBlock`](io::ErrorKind::WouldBlock), has lost nothing, and goes on when it is made
//! again.

mod open;

use core::{
    mem::replace,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
};
use std::{
    io::{self, IoSlice, Read, Write},
    sync::Arc,
    task::Wake,
    thread::{self, Thread},
};

use seg_pool::Pool;
use seg_seq::Assembly;

use crate::{
    broadcast::Broadcast,
    close_frame::CloseFrame,
    connection::{
        Connection as Driven, ReadStream, Reading, Receive, Transmit, WriteStream, poll_decoded,
    },
    connection_error::ConnectionError,
    control::ControlPayload,
    limits::Limits,
    message::{Message, MessageKind},
    part::Part,
    read_into::{ReadFrameInto, ReadInto},
    session::{Counters, Found, Payload, Session, Unit},
};

pub use open::{accept, accept_with, connect};

/// One WebSocket connection over any `Read + Write`, when its handshake is done: a [`Session`] and
/// its stream.
///
/// Pings and the peer's close frame are answered by the calls that read. Compression is that of the
/// handshake, or of the session that [`new`](Self::new) is given. Nothing is read while something is
/// written: two ends that both send more than the stream holds wait for each other.
///
/// # Examples
///
/// ```
/// use std::os::unix::net::UnixStream;
///
/// use seg_pool::Pool;
/// use ws_assemble::{CloseCode, CloseFrame, blocking::Connection};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new();
/// let (near, far) = UnixStream::pair()?;
/// let mut server = Connection::server(far, &pool);
/// let server = std::thread::spawn(move || {
///     while let Some(message) = server.next()? {
///         server.send(&message)?;
///     }
///     Ok::<_, ws_assemble::ConnectionError>(())
/// });
///
/// let mut client = Connection::client(near, &pool);
/// client.send_text("hello")?;
/// let echo = client.next()?.expect("not closed");
/// assert_eq!(echo.as_str(), Some("hello"));
/// client.close(&CloseFrame::new(CloseCode::NORMAL, ""))?;
/// server.join().expect("no panic")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connection<S> {
    driven: Driven<Blocking<S>>,
    has_timed_out: Arc<AtomicBool>,
}

/// A stream whose calls block.
#[derive(Debug)]
struct Blocking<S> {
    stream: S,
    /// Ends the stream in the direction that is written: `Write` has no such call.
    shutdown: fn(&S) -> io::Result<()>,
    /// Whether the last call gave up.
    has_timed_out: Arc<AtomicBool>,
}

impl<S> Blocking<S> {
    /// Makes nothing of a call that was interrupted, or that gave up.
    fn poll<T>(&mut self, mut call: impl FnMut(&mut S) -> io::Result<T>) -> Poll<io::Result<T>> {
        loop {
            return match call(&mut self.stream) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if gave_up(error.kind()) => {
                    self.has_timed_out.store(true, Ordering::Relaxed);
                    Poll::Pending
                }
                done => Poll::Ready(done),
            };
        }
    }
}

/// Windows has another name for the timeout of a socket, which elsewhere is that of a dead peer.
fn gave_up(kind: io::ErrorKind) -> bool {
    kind == io::ErrorKind::WouldBlock || (cfg!(windows) && kind == io::ErrorKind::TimedOut)
}

impl<S: Read> ReadStream for Blocking<S> {
    const BLOCKS: bool = true;

    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.read(buffer))
    }
}

impl<S: Write> WriteStream for Blocking<S> {
    fn poll_write(
        &mut self,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| match slices {
            [slice] => stream.write(slice),
            _ => stream.write_vectored(slices),
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(Write::flush)
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shutdown = self.shutdown;
        self.poll(|stream| stream.flush().and_then(|()| shutdown(stream)))
    }
}

impl<S> Connection<S> {
    /// Takes over a stream as the server, when the handshake is done.
    #[must_use]
    pub fn server(stream: S, pool: &Pool) -> Self {
        Self::new(stream, Session::server(pool))
    }

    /// Takes over a stream as the client, when the handshake is done.
    #[must_use]
    pub fn client(stream: S, pool: &Pool) -> Self {
        Self::new(stream, Session::client(pool))
    }

    /// Puts a session to its stream, when the handshake is done.
    #[must_use]
    pub fn new(stream: S, session: Session) -> Self {
        let has_timed_out = Arc::new(AtomicBool::new(false));
        let (shutdown, timed_out) = (|_: &S| Ok(()), Arc::clone(&has_timed_out));
        let blocking = Blocking { stream, shutdown, has_timed_out: timed_out };
        Self { driven: Driven::new(blocking, session), has_timed_out }
    }

    /// Sets the limits of what is received.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.driven = self.driven.with_limits(limits);
        self
    }

    /// Sets how messages are put together, before anything is received.
    #[must_use]
    pub fn with_assembly(mut self, assembly: Assembly) -> Self {
        self.driven = self.driven.with_assembly(assembly);
        self
    }

    /// Sets how [`close`](Self::close) and [`finish`](Self::finish) end the stream in the direction that
    /// is written, as `|stream| stream.shutdown(Shutdown::Write)` does for a socket: `Write` has no such
    /// call. Without it the peer sees the end when the stream is dropped, and may wait until then.
    #[must_use]
    pub fn with_shutdown(mut self, shutdown: fn(&S) -> io::Result<()>) -> Self {
        self.driven.get_mut().shutdown = shutdown;
        self
    }

    /// Sets whether calls wait when the pool has no memory, instead of failing with
    /// [`OutOfMemory`](ConnectionError::OutOfMemory). Off by default; on, they wait without a limit.
    #[must_use]
    pub fn with_memory_wait(mut self, waits: bool) -> Self {
        self.driven = self.driven.with_memory_wait(waits);
        self
    }

    /// Returns whether calls wait when the pool has no memory.
    #[must_use]
    pub const fn memory_wait(&self) -> bool {
        self.driven.memory_wait()
    }

    /// Returns the session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        self.driven.session()
    }

    /// Returns what was moved so far, and what is held now, as [`Session::counters`].
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.driven.counters()
    }

    /// Returns the session, whose output goes out with the next call that writes.
    pub const fn session_mut(&mut self) -> &mut Session {
        self.driven.session_mut()
    }

    /// Returns the stream below.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.driven.get_ref().stream
    }

    /// Returns the stream below, to set its options: reading or writing frames by hand breaks the
    /// connection.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.driven.get_mut().stream
    }

    /// Turns into the stream below; what was received or encoded and not used yet is dropped.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.driven.into_inner().stream
    }
}

impl<S: Read + Write> Connection<S> {
    /// Returns the next message; `None` when the connection was closed in order.
    ///
    /// # Errors
    ///
    /// A [`ConnectionError`], which comes back from then on, but for
    /// [`OutOfMemory`](ConnectionError::OutOfMemory) and
    /// [`WouldBlock`](io::ErrorKind::WouldBlock), after which the same call goes on.
    #[expect(clippy::should_implement_trait, reason = "a connection is no iterator")]
    pub fn next(&mut self) -> Result<Option<Message>, ConnectionError> {
        block(&self.has_timed_out, |context| self.driven.poll_message(context))
    }

    /// Returns the next part of a message as it comes, as [`Session::next_part`]; `None` when the
    /// connection was closed in order.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn next_part(&mut self) -> Result<Option<Part>, ConnectionError> {
        block(&self.has_timed_out, |context| {
            poll_decoded(&mut self.driven, context, Session::decoded_part)
        })
    }

    /// Appends the next message to `messages`, and all that were received along with it; returns how
    /// many that were, 0 when the connection was closed in order.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next). Messages before an error or a close frame are returned first.
    pub fn next_batch(&mut self, messages: &mut Vec<Message>) -> Result<usize, ConnectionError> {
        let first = self.next()?;
        Ok(self.driven.session_mut().take_batch(first, messages))
    }

    /// Reads the next message into `buffer`. What does not come together with the header goes from
    /// the stream straight there, as long as at least a segment of it is to come.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn read_message_into(&mut self, buffer: &mut [u8]) -> Result<ReadInto, ConnectionError> {
        Ok(self.read_into(buffer, Unit::Message)?.into())
    }

    /// Reads the next data frame into `buffer`, as [`read_message_into`](Self::read_message_into): a
    /// message, or a fragment of one, as soon as it is here.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn read_frame_into(&mut self, buffer: &mut [u8]) -> Result<ReadFrameInto, ConnectionError> {
        Ok(self.read_into(buffer, Unit::Frame)?.into())
    }

    fn read_into(&mut self, buffer: &mut [u8], unit: Unit) -> Result<Found, ConnectionError> {
        let mut reading = Reading::new(&mut self.driven, buffer, unit);
        block(&self.has_timed_out, |context| reading.poll(context))
    }

    /// Sends a message in one frame and flushes it.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::Closed`] after a close frame was sent,
    /// [`ConnectionError::OutOfMemory`], and those of the stream. After
    /// [`WouldBlock`](io::ErrorKind::WouldBlock), [`Session::unsent_bytes`] tells whether the message
    /// was accepted: then [`flush`](Self::flush) goes on.
    pub fn send(&mut self, message: &Message) -> Result<(), ConnectionError> {
        self.send_payload(message.kind(), Payload::Shared(message.sequence()))
    }

    /// Sends a text, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_text(&mut self, text: &str) -> Result<(), ConnectionError> {
        self.send_payload(MessageKind::Text, Payload::Borrowed(text.as_bytes()))
    }

    /// Sends bytes, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.send_payload(MessageKind::Binary, Payload::Borrowed(bytes))
    }

    fn send_payload(
        &mut self,
        kind: MessageKind,
        payload: Payload<'_>,
    ) -> Result<(), ConnectionError> {
        let mut is_taken = false;
        block(&self.has_timed_out, |context| {
            self.driven.poll_send(context, kind, payload, &mut is_taken)
        })
    }

    /// Sends a message that is encoded already and flushes it, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_broadcast(&mut self, broadcast: &Broadcast) -> Result<(), ConnectionError> {
        let mut is_taken = false;
        block(&self.has_timed_out, |context| {
            self.driven.poll_broadcast(context, broadcast, &mut is_taken)
        })
    }

    /// Encodes a message without writing it, unless 64 KiB wait already, which are written first.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn queue(&mut self, message: &Message) -> Result<(), ConnectionError> {
        block(&self.has_timed_out, |context| self.driven.poll_queue(context, message))
    }

    /// Sends a ping of at most 125 bytes, before the messages that wait.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn ping(&mut self, payload: &ControlPayload) -> Result<(), ConnectionError> {
        let mut is_taken = false;
        block(&self.has_timed_out, |context| self.driven.poll_ping(context, payload, &mut is_taken))
    }

    /// Writes all that is encoded.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub fn flush(&mut self) -> Result<(), ConnectionError> {
        block(&self.has_timed_out, |context| self.driven.poll_flush(context))
    }

    /// Closes the connection: sends a close frame and reads until the peer's, dropping messages.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next), and [`ConnectionError::CloseIgnored`] when the peer sends more than a
    /// message of the longest kind and 64 KiB.
    pub fn close(&mut self, close: &CloseFrame) -> Result<(), ConnectionError> {
        block(&self.has_timed_out, |context| self.driven.poll_close(context, close))
    }

    /// Ends a connection that failed so that the peer gets what was sent last: writes all that is
    /// encoded, ends the stream by [`with_shutdown`](Self::with_shutdown), then reads until the peer's
    /// end, at most `discard_bytes_max` bytes, and drops them. Give a socket a timeout before.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::CloseIgnored`] when the peer sends more, otherwise as the stream.
    pub fn finish(&mut self, discard_bytes_max: u64) -> Result<(), ConnectionError> {
        let mut left = discard_bytes_max;
        block(&self.has_timed_out, |context| self.driven.poll_finish(context, &mut left))
    }
}

/// Polls until there is a result; waits where memory is waited for.
fn block<T>(
    has_timed_out: &AtomicBool,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<Result<T, ConnectionError>>,
) -> Result<T, ConnectionError> {
    has_timed_out.store(false, Ordering::Relaxed);
    // Most calls are done at once, and need no waker.
    let (mut waker, mut parks) = (Waker::noop().clone(), false);
    loop {
        if let Poll::Ready(done) = poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        if has_timed_out.load(Ordering::Relaxed) {
            return Err(io::Error::from(io::ErrorKind::WouldBlock).into());
        }
        if replace(&mut parks, true) {
            thread::park();
        } else {
            waker = Arc::new(Parked(thread::current())).into();
        }
    }
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
