//! Messages into the caller's own buffer.

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, ConnectionError};
use crate::message::MessageKind;

/// What became of [`Connection::read_message_into`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadInto {
    /// A message of this kind is in the first `len` bytes of the buffer.
    Message {
        /// Text, which is validated, or binary.
        kind: MessageKind,
        /// Bytes of it.
        len: usize,
    },
    /// The next message has this many bytes, more than the buffer. It waits: nothing is consumed.
    TooSmall {
        /// Bytes that the buffer must have.
        needed: u64,
    },
    /// The connection was closed in order.
    Closed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Reads the next message into `buffer`.
    ///
    /// The message is gathered in segments and copied once, chunk by chunk, when it is whole: what
    /// the buffer held is untouched until then. Cancel-safe. Allocates nothing.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn read_message_into(
        &mut self,
        buffer: &mut [u8],
    ) -> Result<ReadInto, ConnectionError> {
        let Some(message) = self.next().await? else { return Ok(ReadInto::Closed) };
        let needed = message.len();
        let Some(len) = usize::try_from(needed).ok().filter(|&len| len <= buffer.len()) else {
            self.waiting = Some(message);
            return Ok(ReadInto::TooSmall { needed });
        };
        message.copy_to_slice(&mut buffer[..len]);
        Ok(ReadInto::Message { kind: message.kind(), len })
    }
}
