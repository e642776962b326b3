//! A connection: a session and its stream.

mod driver;
#[cfg(feature = "tokio")]
mod ending;
mod memory;
#[cfg(feature = "tokio")]
mod message_writer;
#[cfg(feature = "tokio")]
mod open;
#[cfg(feature = "tokio")]
mod read_into;
#[cfg(feature = "tokio")]
mod send;
#[cfg(feature = "tokio")]
mod split;
#[cfg(feature = "futures")]
mod stream;
mod transport;
#[cfg(feature = "tokio")]
mod tunnel;
#[cfg(feature = "rustls")]
mod url;
mod write_side;

use core::task::{Context, Poll};
use std::io;

use seg_pool::Pool;
use seg_seq::Assembly;

use self::{
    memory::Memory,
    write_side::{Place, WriteSide},
};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateParams;
#[cfg(feature = "tokio")]
use crate::part::Part;
use crate::{
    close_frame::PeerClose,
    connection_error::ConnectionError,
    control::ControlPayload,
    limits::Limits,
    message::Message,
    session::{Counters, Session},
};

pub(crate) use driver::{Reading, Receive, Transmit, poll_decoded};
#[cfg(feature = "tokio")]
pub use message_writer::{MessagePart, MessageWriter};
#[cfg(feature = "tokio")]
pub use open::{Incoming, accept, accept_with, connect};
#[cfg(feature = "tokio")]
pub use split::{ReadHalf, WriteHalf};
pub(crate) use transport::{ReadStream, WriteStream};
#[cfg(feature = "tokio")]
pub use tunnel::open_tunnel;
#[cfg(feature = "rustls")]
pub use url::{UrlStream, connect_url, connect_url_with, tls_config};

/// One WebSocket connection over any `AsyncRead + AsyncWrite`: a [`Session`] and its stream.
///
/// Pings are answered and the closing handshake is completed while messages are read. A segment is
/// leased for each read and goes back when nothing came, so an idle connection holds none. All
/// progress is in the connection: every future here may be dropped at any time without a loss.
///
/// Messages that came together with a close frame, or with a breach of the rules, come first, and can
/// be answered. An error of reading is final and comes back from then on, except for
/// [`OutOfMemory`](ConnectionError::OutOfMemory): nothing is lost by that one, the same call goes on
/// when there is memory, and pings and close frames are answered without.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use ws_assemble::{CloseCode, CloseFrame, Connection};
///
/// # async fn example() -> Result<(), ws_assemble::ConnectionError> {
/// let pool = Pool::new();
/// let (near, far) = tokio::io::duplex(4096);
/// let mut client = Connection::client(near, &pool);
/// let mut server = Connection::server(far, &pool);
///
/// client.send_text("hello").await?;
/// let message = server.next().await?.expect("not closed");
/// assert_eq!(message.as_str(), Some("hello"));
///
/// let close = CloseFrame::new(CloseCode::NORMAL, "");
/// let (closed, read) = tokio::join!(client.close(&close), server.next());
/// closed?;
/// assert_eq!(read?, None);
/// # Ok(())
/// # }
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(example()).unwrap();
/// ```
#[derive(Debug)]
pub struct Connection<S> {
    side: WriteSide<S>,
    session: Session,
    memory: Memory,
    /// Whether the stream of messages has come to an error, after which it ends.
    #[cfg(feature = "futures")]
    has_failed: bool,
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

    /// Puts a session to its stream.
    #[must_use]
    pub fn new(stream: S, session: Session) -> Self {
        Self {
            side: WriteSide::new(stream),
            session,
            memory: Memory::default(),
            #[cfg(feature = "futures")]
            has_failed: false,
        }
    }

    /// Sets the limits of what is received.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.session.set_limits(limits);
        self
    }

    /// Sets how messages are put together, before anything is received.
    #[must_use]
    pub fn with_assembly(mut self, assembly: Assembly) -> Self {
        self.session = self.session.with_assembly(assembly);
        self
    }

    /// Compresses what is sent and decompresses what is received, as the handshake agreed on. To be
    /// called before anything is.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(mut self, agreed: &DeflateParams) -> Self {
        self.session = self.session.with_deflate(agreed);
        self
    }

    /// Takes what was received after the handshake's head, however long it is. Copies a slice, and
    /// takes a vector as it is.
    #[must_use]
    pub fn with_read_ahead(mut self, received: impl Into<Vec<u8>>) -> Self {
        self.session = self.session.with_read_ahead(received);
        self
    }

    /// Sets whether reading waits when the pool has no memory, until others give some back, instead
    /// of failing with [`OutOfMemory`](ConnectionError::OutOfMemory). Off by default.
    ///
    /// There is no clock in here: put a timeout around the future, and close with
    /// [`TRY_AGAIN_LATER`](crate::CloseCode::TRY_AGAIN_LATER) when it has passed.
    #[must_use]
    pub const fn with_memory_wait(mut self, waits: bool) -> Self {
        self.memory.waits = waits;
        self
    }

    /// Returns whether reading waits when the pool has no memory.
    #[must_use]
    pub const fn memory_wait(&self) -> bool {
        self.memory.waits
    }

    /// Changes the limits of what is received, from the next frame on: for a peer that has logged in,
    /// say.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.session.set_limits(limits);
    }

    /// Returns the session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the session, whose output goes out with the next call that writes.
    pub const fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Returns the stream below.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.side.stream
    }

    /// Returns the stream below, to set its options: reading or writing frames by hand breaks the
    /// connection.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.side.stream
    }

    /// Turns into the stream below; what was received or encoded and not used yet is dropped.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.side.stream
    }

    /// Returns whether a segment is held for reading.
    #[must_use]
    pub const fn holds_input(&self) -> bool {
        self.session.holds_input()
    }

    /// Returns the subprotocol that the handshake agreed on, as [`Session::protocol`].
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.session.protocol()
    }

    /// Returns how the peer closed the connection, as [`Session::peer_close`].
    #[must_use]
    pub fn peer_close(&self) -> Option<&PeerClose> {
        self.session.peer_close()
    }

    /// Returns the number of bytes that are encoded and not written. When it is 0, all messages that
    /// were accepted are on their way.
    #[must_use]
    pub fn unsent_bytes(&self) -> u64 {
        self.session.unsent_bytes()
    }

    /// Returns what was moved so far, and what is held now, as [`Session::counters`].
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.session.counters()
    }

    /// Keeps the newest pong for [`take_pong`](Self::take_pong). Pongs are dropped otherwise.
    pub const fn keep_pongs(&mut self) {
        self.session.keep_pongs();
    }

    /// Returns the newest pong that came since the last call, as [`Session::take_pong`].
    pub fn take_pong(&mut self) -> Option<ControlPayload> {
        self.session.take_pong()
    }

    /// Encodes a message without writing it, or refuses it, as [`Session::send`]. Once accepted it
    /// goes out with the next call that writes.
    ///
    /// # Errors
    ///
    /// As [`Session::send`].
    pub fn try_queue(&mut self, message: &Message) -> Result<(), ConnectionError> {
        self.session.send(message)
    }
}

impl<S: ReadStream + WriteStream> Transmit for Connection<S> {
    type Stream = S;

    #[inline]
    fn place(&mut self) -> Place<'_> {
        Place::Own(&mut self.session)
    }

    #[inline]
    fn with_stream<T>(
        &mut self,
        context: &mut Context<'_>,
        use_it: impl FnOnce(&mut WriteSide<S>, &mut Place<'_>, &mut Context<'_>) -> T,
    ) -> T {
        use_it(&mut self.side, &mut Place::Own(&mut self.session), context)
    }

    fn poll_pump(&mut self, context: &mut Context<'_>) {
        while !S::BLOCKS && self.session.read_ahead() {
            if !matches!(self.poll_receive(context), Poll::Ready(Ok(()))) {
                return;
            }
        }
    }
}

impl<S: ReadStream + WriteStream> Receive for Connection<S> {
    #[inline]
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.side.stream.poll_read(context, buffer)
    }

    fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }

    #[inline]
    fn poll_message(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, ConnectionError>> {
        // Most messages are here when they are asked for.
        if !self.session.holds_message()
            && let Some(frame) = self.session.unmask_whole()
        {
            return Poll::Ready(Ok(Some(self.session.take_whole(frame))));
        }
        driver::poll_message(self, context)
    }
}

#[cfg(feature = "tokio")]
impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Connection<S> {
    /// Returns the next message; `None` when the connection was closed in order, and
    /// [`peer_close`](Self::peer_close) has the code then.
    ///
    /// Cancel-safe. Answers pings and the peer's close frame on the way.
    ///
    /// # Errors
    ///
    /// A [`ConnectionError`]. After one of decoding, a close frame says why to the peer, as far
    /// as it can be written without waiting; [`finish`](Self::finish) writes the rest and sees to it
    /// that it arrives. The same error comes back from then on, and no received segment is kept.
    // Not an `async fn`: it would move each message once more.
    #[expect(clippy::should_implement_trait, reason = "a connection is no iterator")]
    pub fn next(&mut self) -> impl Future<Output = Result<Option<Message>, ConnectionError>> {
        core::future::poll_fn(|context| self.poll_message(context))
    }

    /// Returns the next part of a message as it comes, as [`Session::next_part`]; `None` when the
    /// connection was closed in order.
    ///
    /// Cancel-safe. Answers pings and the peer's close frame on the way.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn next_part(&mut self) -> Result<Option<Part>, ConnectionError> {
        core::future::poll_fn(|context| poll_decoded(self, context, Session::decoded_part)).await
    }

    /// Returns the next message, as [`next`](Self::next), and pings a peer that is silent meanwhile, as
    /// [`Session::set_heartbeat`] says: with tokio's clock, and without a task of its own.
    ///
    /// Cancel-safe. Without a heartbeat it is `next`.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next), and [`ConnectionError::PeerSilent`].
    ///
    /// # Panics
    ///
    /// Panics outside of a runtime of tokio whose time is enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use core::time::Duration;
    /// use std::time::Instant;
    ///
    /// use tokio::net::TcpStream;
    /// use ws_assemble::{Connection, ConnectionError, Heartbeat};
    ///
    /// async fn serve(mut connection: Connection<TcpStream>) -> Result<(), ConnectionError> {
    ///     let heartbeat = Heartbeat::new(Duration::from_secs(30), Duration::from_secs(10));
    ///     connection.session_mut().set_heartbeat(heartbeat, Instant::now());
    ///     while let Some(message) = connection.next_alive().await? {
    ///         connection.send(&message).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub async fn next_alive(&mut self) -> Result<Option<Message>, ConnectionError> {
        driver::next_alive(self).await
    }

    /// Appends the next message to `messages`, and all that were received along with it; returns how
    /// many that were, 0 when the connection was closed in order.
    ///
    /// Cancel-safe. Waits for the first message only, and reads no more than once after it.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next). Messages before an error or a close frame are returned first: it is
    /// the next call that answers and reports what follows them.
    pub async fn next_batch(
        &mut self,
        messages: &mut Vec<Message>,
    ) -> Result<usize, ConnectionError> {
        let first = self.next().await?;
        Ok(self.session.take_batch(first, messages))
    }

    /// Closes the connection: sends a close frame and reads until the peer's, dropping messages.
    ///
    /// There is no clock in here: bound the wait by a timeout around the future, and drop the stream
    /// when it has passed. How much the peer may send until then is bounded: one message of the
    /// longest kind and 64 KiB. Cancel-safe; call it again to go on.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next), and [`ConnectionError::CloseIgnored`] when the peer sends more. A
    /// pool that is empty keeps the close frame from nothing.
    pub async fn close(
        &mut self,
        close: &crate::close_frame::CloseFrame,
    ) -> Result<(), ConnectionError> {
        core::future::poll_fn(|context| self.poll_close(context, close)).await
    }

    /// Splits into two halves, for a task that reads and another that writes.
    ///
    /// The stream is under a lock then, for the time of a system call. A stream that can be split
    /// without one is split [by its own means](Self::split_with).
    #[must_use]
    #[expect(clippy::type_complexity, reason = "two halves of two halves")]
    pub fn split(
        self,
    ) -> (
        ReadHalf<tokio::io::ReadHalf<S>, tokio::io::WriteHalf<S>>,
        WriteHalf<tokio::io::WriteHalf<S>>,
    ) {
        self.split_with(tokio::io::split)
    }
}
