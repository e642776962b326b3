//! From messages to the stream.

use core::future::poll_fn;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, MessageWriter, WriteHalf, driver::Transmit};
use crate::{
    broadcast::Broadcast,
    connection_error::ConnectionError,
    control::ControlPayload,
    message::{Message, MessageKind},
    session::Payload,
};

/// What a connection and its writing half do alike.
macro_rules! sending {
    ($sender:ident, $stream:ident: $($bounds:tt)*) => {
        impl<$stream: $($bounds)*> $sender<$stream> {
            /// Sends a message in one frame and flushes it.
            ///
            /// Waits while more than 64 KiB wait to be written, then accepts the message, all of it.
            /// A future that is dropped before that sends nothing; after that the message goes out
            /// whether or not the future is polled on, with the next call that writes, and
            /// [`unsent_bytes`](Self::unsent_bytes) tells when it has. Whoever has to know takes
            /// [`try_queue`](Self::try_queue) and [`flush`](Self::flush).
            ///
            /// # Errors
            ///
            /// [`ConnectionError::Closed`] after a close frame was sent,
            /// [`ConnectionError::MessageUnfinished`] inside a message that is sent in parts,
            /// [`ConnectionError::OutOfMemory`] when the pool is empty, and those of the stream. A
            /// message that finds no memory is not accepted.
            pub async fn send(&mut self, message: &Message) -> Result<(), ConnectionError> {
                let (payload, mut is_taken) = (Payload::Shared(message.sequence()), false);
                poll_fn(|context| self.poll_send(context, message.kind(), payload, &mut is_taken))
                    .await
            }

            /// Sends a text in one frame and flushes it, as [`send`](Self::send). Copies only what
            /// cannot be written at once, and what has to be masked.
            ///
            /// # Errors
            ///
            /// As [`send`](Self::send).
            pub async fn send_text(&mut self, text: &str) -> Result<(), ConnectionError> {
                let (payload, mut is_taken) = (Payload::Borrowed(text.as_bytes()), false);
                poll_fn(|context| {
                    self.poll_send(context, MessageKind::Text, payload, &mut is_taken)
                })
                .await
            }

            /// Sends bytes in one frame and flushes them, as [`send_text`](Self::send_text).
            ///
            /// # Errors
            ///
            /// As [`send`](Self::send).
            pub async fn send_binary(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
                let (payload, mut is_taken) = (Payload::Borrowed(bytes), false);
                poll_fn(|context| {
                    self.poll_send(context, MessageKind::Binary, payload, &mut is_taken)
                })
                .await
            }

            /// Encodes a message without writing it, unless 64 KiB wait already. A future that is
            /// dropped before it is ready has taken nothing.
            ///
            /// # Errors
            ///
            /// As [`send`](Self::send).
            pub async fn queue(&mut self, message: &Message) -> Result<(), ConnectionError> {
                poll_fn(|context| self.poll_queue(context, message)).await
            }

            /// Sends a message that is encoded already and flushes it, as [`send`](Self::send).
            ///
            /// # Errors
            ///
            /// As [`send`](Self::send).
            pub async fn send_broadcast(
                &mut self,
                broadcast: &Broadcast,
            ) -> Result<(), ConnectionError> {
                let mut is_taken = false;
                poll_fn(|context| self.poll_broadcast(context, broadcast, &mut is_taken)).await
            }

            /// Starts a message that is sent while it is made, in fragments of about
            /// `fragment_bytes`.
            ///
            /// Peers limit how many fragments a message may have, widely used ones to 16,384 and
            /// fewer: a long message wants long fragments.
            ///
            /// # Errors
            ///
            /// [`ConnectionError::Closed`] after a close frame was sent, and
            /// [`ConnectionError::MessageUnfinished`] when a message begun before was not finished.
            pub fn start(
                &mut self,
                kind: MessageKind,
                fragment_bytes: u64,
            ) -> Result<MessageWriter<'_, Self>, ConnectionError> {
                self.session_with(|session| session.check_sendable())?;
                Ok(MessageWriter::new(self, kind, fragment_bytes))
            }

            /// Sends a ping of at most 125 bytes, before the messages that wait.
            ///
            /// # Errors
            ///
            /// [`ConnectionError::Closed`] after a close frame was sent, and those of the stream.
            pub async fn ping(&mut self, payload: &ControlPayload) -> Result<(), ConnectionError> {
                let mut is_taken = false;
                poll_fn(|context| self.poll_ping(context, payload, &mut is_taken)).await
            }

            /// Writes all that is encoded.
            ///
            /// # Errors
            ///
            /// Those of the stream.
            pub async fn flush(&mut self) -> Result<(), ConnectionError> {
                poll_fn(|context| self.poll_flush(context)).await
            }
        }
    };
}

sending!(Connection, S: AsyncRead + AsyncWrite + Unpin);
sending!(WriteHalf, W: AsyncWrite + Unpin);
