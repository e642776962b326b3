//! Connections as streams and sinks of messages.

use core::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, ConnectionError, ReadHalf, State, WriteHalf};
use crate::{
    close::{CloseCode, CloseFrame},
    message::Message,
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
