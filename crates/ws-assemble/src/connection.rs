//! A connection over tokio's traits.

mod ending;
mod error;
mod message_writer;
mod open;
mod output;
mod payload;
mod read_into;
mod read_length;
mod receive;
mod send;
mod split;
#[cfg(feature = "futures")]
mod stream;

use core::future::poll_fn;

use seg_pool::{Pool, SegmentMut};
use tokio::io::{AsyncRead, AsyncWrite};

use self::read_length::ReadLength;
#[cfg(feature = "deflate")]
use crate::deflate::Deflate;
use crate::{
    assembly::Assembly,
    close_frame::{CloseFrame, PeerClose},
    control::ControlPayload,
    decoder::Decoder,
    limits::Limits,
    message::Message,
    role::Role,
};

pub use error::ConnectionError;
pub use message_writer::{MessagePart, MessageWriter};
pub use open::{Incoming, accept, accept_with, connect};
pub use read_into::{ReadFrameInto, ReadInto};
pub use split::{ReadHalf, WriteHalf};

use output::Output;

/// One WebSocket connection over any `AsyncRead + AsyncWrite`.
///
/// Pings are answered and the closing handshake is completed while messages are read. A segment is
/// leased for each read and goes back when nothing came, so an idle connection holds none. All
/// progress is in the connection: every future here may be dropped at any time without a loss.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use ws_assemble::{Assembly, CloseCode, CloseFrame, Connection, Limits, Role};
///
/// # async fn example() -> Result<(), ws_assemble::ConnectionError> {
/// let pool = Pool::new();
/// let (near, far) = tokio::io::duplex(4096);
/// let limits = Limits::default();
/// let mut client =
///     Connection::new(near, Role::Client, Assembly::Segmented, limits, &pool, &[])?;
/// let mut server = Connection::new(far, Role::Server, Assembly::Segmented, limits, &pool, &[])?;
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
    stream: S,
    decoder: Decoder,
    pool: Pool,
    /// Received and not decoded yet, or the room behind the payload that was kept last.
    input: Option<SegmentMut>,
    output: Output,
    /// The newest ping that is not answered yet: older ones need no answer (RFC 6455 section 5.5.3).
    pong: Option<Box<ControlPayload>>,
    /// A message that was read and did not fit where it should go.
    waiting: Option<Box<Message>>,
    peer_close: Option<Box<PeerClose>>,
    state: State,
    read_length: ReadLength,
    /// Bytes that may still come until the peer's close frame.
    closing_bytes: u64,
    /// Whether the stream's write side is shut down.
    is_shut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// This end has sent its close frame.
    CloseSent,
    /// Both have, or this end has given up; nothing is read or sent any more.
    Closed,
}

impl<S> Connection<S> {
    /// Takes over a stream whose handshake is done. `read_ahead` is what came behind it.
    ///
    /// # Errors
    ///
    /// When `read_ahead` is longer than the pool can hold.
    pub fn new(
        stream: S,
        role: Role,
        assembly: Assembly,
        limits: Limits,
        pool: &Pool,
        read_ahead: &[u8],
    ) -> Result<Self, ConnectionError> {
        let mut input = None;
        if !read_ahead.is_empty() {
            let mut segment = pool.try_take(read_ahead.len())?;
            segment.extend_from_slice(read_ahead);
            input = Some(segment);
        }
        Ok(Self {
            stream,
            decoder: Decoder::new(role, assembly, limits),
            pool: pool.clone(),
            input,
            output: Output::new(role, pool),
            pong: None,
            waiting: None,
            peer_close: None,
            state: State::Open,
            read_length: ReadLength::default(),
            closing_bytes: closing_bytes(&limits),
            is_shut: false,
        })
    }

    /// Compresses what is sent and decompresses what is received, as the handshake agreed on. To be
    /// called before anything is.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(mut self, agreed: &Deflate) -> Self {
        self.decoder = self.decoder.with_deflate(agreed, &self.pool);
        self.output.deflate(agreed, self.decoder.role());
        self
    }

    /// Changes the limits of what is received, from the next frame on: for a peer that has logged in,
    /// say.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.decoder.set_limits(limits);
        self.closing_bytes = closing_bytes(&limits);
    }

    /// Returns the stream below.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Returns the stream below, to set its options: reading or writing frames by hand breaks the
    /// connection.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Turns into the stream below; what was received or encoded and not used yet is dropped.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// Returns whether a segment is held for reading.
    #[must_use]
    pub const fn holds_input(&self) -> bool {
        self.input.is_some()
    }

    /// Returns how the peer closed the connection: the code and the reason of its close frame (RFC
    /// 6455 sections 7.1.5 and 7.1.6).
    ///
    /// `None` as long as no close frame was read, and for good after an error: that is what is called
    /// 1006 elsewhere.
    #[must_use]
    pub fn peer_close(&self) -> Option<&PeerClose> {
        self.peer_close.as_deref()
    }

    /// Returns the encoded bytes that wait to be written.
    #[must_use]
    pub fn output_bytes(&self) -> u64 {
        self.output.len()
    }
}

/// Framing of what a peer may send until its close frame, beside the message that is on its way.
const CLOSING_FRAMING_BYTES: u64 = 64 << 10;

/// A peer may be in the middle of a message, of the longest kind, when it hears of the end.
const fn closing_bytes(limits: &Limits) -> u64 {
    limits.message_bytes_max.saturating_add(CLOSING_FRAMING_BYTES)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Returns the next message; `None` when the connection was closed in order, and
    /// [`peer_close`](Self::peer_close) has the code then.
    ///
    /// Cancel-safe. Answers pings and the peer's close frame on the way.
    ///
    /// # Errors
    ///
    /// A [`ConnectionError`]. After one of decoding, the peer is told why with a close frame, as far
    /// as it can be written without waiting; [`finish`](Self::finish) writes the rest and sees to it
    /// that it arrives. The same error comes back from then on, and no received segment is kept.
    // Not an `async fn`: it would move each message once more.
    #[expect(clippy::should_implement_trait, reason = "a connection is no iterator")]
    pub fn next(&mut self) -> impl Future<Output = Result<Option<Message>, ConnectionError>> {
        poll_fn(|context| self.poll_message(context))
    }

    /// Appends the next message to `messages`, and all that were received along with it; returns how
    /// many that were, 0 when the connection was closed in order.
    ///
    /// Cancel-safe. Waits for the first message only, and reads no more than once behind it.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next). Messages before an error are returned first.
    pub async fn next_batch(
        &mut self,
        messages: &mut Vec<Message>,
    ) -> Result<usize, ConnectionError> {
        let first = self.next().await?;
        self.take_batch(first, messages)
    }

    /// Closes the connection: sends a close frame and reads until the peer's, dropping messages.
    ///
    /// There is no clock in here: bound the wait by a timeout around the future, and drop the stream
    /// when it has passed. How much the peer may send until then is bounded: one message of the
    /// longest kind and 64 KiB. Cancel-safe; call it again to go on.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next), and [`ConnectionError::CloseIgnored`] when the peer sends more.
    pub async fn close(&mut self, close: &CloseFrame) -> Result<(), ConnectionError> {
        self.queue_close(close)?;
        while self.next().await?.is_some() {}
        poll_fn(|context| self.poll_shut(context)).await
    }

    /// Splits into two halves, for a task that reads and another that writes.
    #[must_use]
    pub fn split(self) -> (ReadHalf<S>, WriteHalf<S>) {
        split::split(self)
    }
}
