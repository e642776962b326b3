//! Connections as streams and sinks of messages.

use core::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, ConnectionError, MessagePart, ReadHalf, State, WriteHalf};
use crate::{
    close_code::CloseCode,
    close_frame::CloseFrame,
    message::{Message, MessageKind},
};

/// Messages until the connection is closed in order, or until an error, which comes again when the
/// stream is polled behind it.
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Connection<S> {
    type Item = Result<Message, ConnectionError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_message(context).map(Result::transpose)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for ReadHalf<S> {
    type Item = Result<Message, ConnectionError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_message(context).map(Result::transpose)
    }
}

/// Closing sends a close frame of code 1000 and flushes it; it does not wait for the peer's, which
/// comes out as the end of the stream.
impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for Connection<S> {
    type Error = ConnectionError;

    fn poll_ready(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        Self::poll_ready(self.get_mut(), context)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), ConnectionError> {
        self.get_mut().start_send(&message)
    }

    fn poll_flush(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        Self::poll_flush(self.get_mut(), context)
    }

    fn poll_close(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        self.get_mut().poll_end(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for WriteHalf<S> {
    type Error = ConnectionError;

    fn poll_ready(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        self.get_mut().poll(context, Connection::poll_ready)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), ConnectionError> {
        self.get_mut().with(|connection| connection.start_send(&message))
    }

    fn poll_flush(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        self.get_mut().poll(context, Connection::poll_flush)
    }

    fn poll_close(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        self.get_mut().poll(context, Connection::poll_end)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Sends a message whose parts come from a stream, in fragments of about `fragment_bytes`, while
    /// it is made.
    ///
    /// At most a fragment and one part are gathered and 64 KiB wait to be written; the stream is not
    /// polled meanwhile. [`start`](Self::start) does the same step by step.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start) and [`MessageWriter::write`](crate::MessageWriter::write), or what the
    /// stream gives. The message stays unfinished then, and when the future is dropped: no other can be
    /// sent, and the connection is to be closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_util::stream;
    /// use seg_pool::Pool;
    /// use ws_assemble::{Assembly, Connection, ConnectionError, Limits, MessageKind, Role};
    ///
    /// # async fn example() -> Result<(), ConnectionError> {
    /// let pool = Pool::new();
    /// let (near, far) = tokio::io::duplex(4096);
    /// let (limits, assembly) = (Limits::default(), Assembly::Segmented);
    /// let mut client = Connection::new(near, Role::Client, assembly, limits, &pool, &[])?;
    /// let mut server = Connection::new(far, Role::Server, assembly, limits, &pool, &[])?;
    ///
    /// let parts = stream::iter(["one ", "two ", "three"].map(Ok::<_, ConnectionError>));
    /// client.send_stream(MessageKind::Text, 1_000, parts).await?;
    /// let message = server.next().await?.expect("not closed");
    /// assert_eq!(message.as_str(), Some("one two three"));
    /// # Ok(())
    /// # }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(example()).unwrap();
    /// ```
    pub async fn send_stream<'a, T: Into<MessagePart<'a>>, E: Into<ConnectionError>>(
        &mut self,
        kind: MessageKind,
        fragment_bytes: u64,
        parts: impl Stream<Item = Result<T, E>>,
    ) -> Result<(), ConnectionError> {
        let mut parts = pin!(parts);
        let mut writer = self.start(kind, fragment_bytes)?;
        while let Some(part) = poll_fn(|context| parts.as_mut().poll_next(context)).await {
            writer.write_part(part.map_err(Into::into)?.into()).await?;
        }
        writer.finish().await
    }

    fn start_send(&mut self, message: &Message) -> Result<(), ConnectionError> {
        self.check_sendable()?;
        self.output.queue(message)
    }

    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        self.queue_close(&CloseFrame::new(CloseCode::NORMAL, ""))?;
        ready!(self.poll_flush(context))?;
        debug_assert_ne!(self.state, State::Open);
        Poll::Ready(Ok(()))
    }
}
