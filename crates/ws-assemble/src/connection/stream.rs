//! Connections as streams and sinks of messages.

use core::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Connection, MessagePart, ReadHalf, WriteHalf,
    driver::{Receive, Transmit},
};
use crate::{
    close_code::CloseCode,
    close_frame::CloseFrame,
    connection_error::ConnectionError,
    message::{Message, MessageKind},
};

/// Messages until the connection is closed in order, or until an error: the stream ends after it.
/// After [`OutOfMemory`](ConnectionError::OutOfMemory), which loses nothing, `next` goes on; so that
/// the stream does, let the connection [wait](Connection::with_memory_wait).
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Connection<S> {
    type Item = Result<Message, ConnectionError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.has_failed {
            return Poll::Ready(None);
        }
        let next = ready!(this.poll_message(context));
        this.has_failed = next.is_err();
        Poll::Ready(next.transpose())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> FusedStream for Connection<S> {
    fn is_terminated(&self) -> bool {
        self.has_failed || self.session().is_closed()
    }
}

/// As the stream of a [`Connection`].
impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Stream for ReadHalf<R, W> {
    type Item = Result<Message, ConnectionError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.has_failed {
            return Poll::Ready(None);
        }
        let next = ready!(this.poll_message(context));
        this.has_failed = next.is_err();
        Poll::Ready(next.transpose())
    }
}

/// What a connection and its writing half do alike.
macro_rules! sink {
    ($sender:ident, $stream:ident: $($bounds:tt)*) => {
        /// Closing sends a close frame of code 1000 and flushes it; it does not wait for the peer's,
        /// which comes out as the end of the stream.
        impl<$stream: $($bounds)*> Sink<Message> for $sender<$stream> {
            type Error = ConnectionError;

            fn poll_ready(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<Result<(), ConnectionError>> {
                Transmit::poll_ready(self.get_mut(), context)
            }

            fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), ConnectionError> {
                self.get_mut().try_queue(&message)
            }

            fn poll_flush(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<Result<(), ConnectionError>> {
                Transmit::poll_flush(self.get_mut(), context)
            }

            fn poll_close(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<Result<(), ConnectionError>> {
                let this = self.get_mut();
                this.session_with(|session| session.close(&CloseFrame::new(CloseCode::NORMAL, "")));
                Transmit::poll_flush(this, context)
            }
        }

        impl<$stream: $($bounds)*> $sender<$stream> {
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
    /// use ws_assemble::{Connection, ConnectionError, MessageKind};
    ///
    /// # async fn example() -> Result<(), ConnectionError> {
    /// let pool = Pool::new();
    /// let (near, far) = tokio::io::duplex(4096);
    /// let mut client = Connection::client(near, &pool);
    /// let mut server = Connection::server(far, &pool);
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
        }
    };
}

sink!(Connection, S: AsyncRead + AsyncWrite + Unpin);
sink!(WriteHalf, W: AsyncWrite + Unpin);
