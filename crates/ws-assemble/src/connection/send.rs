//! From messages to the stream.

use core::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, ConnectionError, MessageWriter, State, payload::Payload};
use crate::{
    close_frame::CloseFrame,
    control::ControlPayload,
    message::{Message, MessageKind},
    opcode::Opcode,
};

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Sends a message in one frame and flushes it.
    ///
    /// Once polled, dropping the future does not take the message back: what is left goes out with
    /// the next call that writes.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::Closed`] after a close frame was sent, otherwise those of the stream.
    pub async fn send(&mut self, message: &Message) -> Result<(), ConnectionError> {
        let mut is_taken = false;
        poll_fn(|context| {
            self.poll_send(context, message.kind(), Payload::of(message), &mut is_taken)
        })
        .await
    }

    /// Sends a text in one frame and flushes it, as [`send`](Self::send). Copies only what cannot be
    /// written at once, and what has to be masked.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_text(&mut self, text: &str) -> Result<(), ConnectionError> {
        let (payload, mut is_taken) = (Payload::Borrowed(text.as_bytes()), false);
        poll_fn(|context| self.poll_send(context, MessageKind::Text, payload, &mut is_taken)).await
    }

    /// Sends bytes in one frame and flushes them, as [`send_text`](Self::send_text).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_binary(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        let (payload, mut is_taken) = (Payload::Borrowed(bytes), false);
        poll_fn(|context| self.poll_send(context, MessageKind::Binary, payload, &mut is_taken))
            .await
    }

    /// Takes `payload` on when there is room for it, unless it `is_taken`, and flushes.
    #[inline]
    pub(super) fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        kind: MessageKind,
        payload: Payload<'_>,
        is_taken: &mut bool,
    ) -> Poll<Result<(), ConnectionError>> {
        if !*is_taken {
            ready!(self.poll_ready(context))?;
            *is_taken = true;
            self.output.send(&mut self.stream, context, kind, payload)?;
        }
        self.poll_flush(context)
    }

    /// Encodes a message without writing it, unless 64 KiB wait already.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn queue(&mut self, message: &Message) -> Result<(), ConnectionError> {
        poll_fn(|context| self.poll_ready(context)).await?;
        self.output.queue(message)
    }

    /// Starts a message that is sent while it is made, in fragments of about `fragment_bytes`.
    ///
    /// Peers limit how many fragments a message may have, widely used ones to 16,384 and fewer: a long
    /// message wants long fragments.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::Closed`] after a close frame was sent, and
    /// [`ConnectionError::MessageUnfinished`] when a message begun before was not finished.
    pub fn start(
        &mut self,
        kind: MessageKind,
        fragment_bytes: u64,
    ) -> Result<MessageWriter<'_, S>, ConnectionError> {
        self.check_sendable()?;
        Ok(MessageWriter::new(self, kind, fragment_bytes))
    }

    /// Sends a ping of at most 125 bytes.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn ping(&mut self, payload: &ControlPayload) -> Result<(), ConnectionError> {
        self.queue_ping(payload)?;
        self.flush().await
    }

    /// Writes all that is encoded.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub async fn flush(&mut self) -> Result<(), ConnectionError> {
        poll_fn(|context| self.poll_flush(context)).await
    }

    pub(super) fn check_sendable(&self) -> Result<(), ConnectionError> {
        if self.state != State::Open {
            return Err(ConnectionError::Closed);
        }
        if self.output.is_inside_message() {
            return Err(ConnectionError::MessageUnfinished);
        }
        Ok(())
    }

    /// Waits until another message may be encoded.
    pub(super) fn poll_ready(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        self.check_sendable()?;
        self.poll_room(context)
    }

    /// Waits until less than the limit is encoded and not written.
    pub(super) fn poll_room(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        if self.output.is_full() {
            ready!(self.poll_flush(context))?;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_flush(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        self.output.poll_flush(&mut self.stream, context).map_err(ConnectionError::from)
    }

    pub(super) fn queue_ping(&mut self, payload: &ControlPayload) -> Result<(), ConnectionError> {
        if self.state != State::Open {
            return Err(ConnectionError::Closed);
        }
        self.output.queue_control(Opcode::Ping, payload)
    }

    pub(super) fn queue_close(&mut self, close: &CloseFrame) -> Result<(), ConnectionError> {
        let body = ControlPayload::new(close.payload()).unwrap_or(ControlPayload::EMPTY);
        self.queue_close_body(&body)
    }

    pub(super) fn queue_close_body(
        &mut self,
        body: &ControlPayload,
    ) -> Result<(), ConnectionError> {
        if self.state == State::Open {
            self.output.queue_control(Opcode::Close, body)?;
            self.state = State::CloseSent;
        }
        Ok(())
    }
}
