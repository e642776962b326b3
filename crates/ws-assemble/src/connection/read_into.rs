//! Messages and frames into the caller's own buffer.

use core::future::poll_fn;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Connection, ReadHalf,
    driver::{Reading, Receive},
};
use crate::{
    connection_error::ConnectionError,
    read_into::{ReadFrameInto, ReadInto},
    session::{Found, Unit},
};

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Reads the next message into `buffer`.
    ///
    /// What was received together with the header is copied once, chunk by chunk; the rest goes from
    /// the stream straight into the buffer and is unmasked and validated there, as long as at least a
    /// segment of it is to come. Compressed messages, and those that turn out too long for the buffer,
    /// are gathered in segments. Cancel-safe: a future that is dropped puts what it has read back.
    /// Allocates nothing. The buffer's bytes after the message may have changed.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next), and [`ConnectionError::ReadForgotten`] when a future of this kind was
    /// leaked instead of dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Pool;
    /// use ws_assemble::{Connection, MessageKind, ReadInto};
    ///
    /// # async fn example() -> Result<(), ws_assemble::ConnectionError> {
    /// let pool = Pool::new();
    /// let (near, far) = tokio::io::duplex(4096);
    /// let mut client = Connection::client(near, &pool);
    /// let mut server = Connection::server(far, &pool);
    /// client.send_text("hello").await?;
    ///
    /// let mut buffer = [0; 8];
    /// let read = server.read_message_into(&mut buffer[..4]).await?;
    /// assert_eq!(read, ReadInto::TooSmall { needed: 5 });
    /// let read = server.read_message_into(&mut buffer).await?;
    /// assert_eq!(read, ReadInto::Message { kind: MessageKind::Text, len: 5 });
    /// assert_eq!(&buffer[..5], b"hello");
    /// # Ok(())
    /// # }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(example()).unwrap();
    /// ```
    pub async fn read_message_into(
        &mut self,
        buffer: &mut [u8],
    ) -> Result<ReadInto, ConnectionError> {
        Ok(read_into(self, buffer, Unit::Message).await?.into())
    }

    /// Reads the next data frame into `buffer`: a message, or a fragment of one, as soon as it is
    /// here. So a message of any length passes through a buffer of its longest fragment.
    ///
    /// Reads, copies and cancels as [`read_message_into`](Self::read_message_into). A text may be cut
    /// inside a character by its fragments; it is validated across them. A compressed message comes as
    /// one frame. What a dropped [`next`](Self::next) has gathered comes together with the next frame,
    /// and `next` returns what is left of a message when some of its frames were read here.
    ///
    /// # Errors
    ///
    /// As [`read_message_into`](Self::read_message_into).
    pub async fn read_frame_into(
        &mut self,
        buffer: &mut [u8],
    ) -> Result<ReadFrameInto, ConnectionError> {
        Ok(read_into(self, buffer, Unit::Frame).await?.into())
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> ReadHalf<R, W> {
    /// Reads the next message into `buffer`, as [`Connection::read_message_into`].
    ///
    /// # Errors
    ///
    /// As [`Connection::read_message_into`].
    pub async fn read_message_into(
        &mut self,
        buffer: &mut [u8],
    ) -> Result<ReadInto, ConnectionError> {
        Ok(read_into(self, buffer, Unit::Message).await?.into())
    }

    /// Reads the next data frame into `buffer`, as [`Connection::read_frame_into`].
    ///
    /// # Errors
    ///
    /// As [`Connection::read_frame_into`].
    pub async fn read_frame_into(
        &mut self,
        buffer: &mut [u8],
    ) -> Result<ReadFrameInto, ConnectionError> {
        Ok(read_into(self, buffer, Unit::Frame).await?.into())
    }
}

async fn read_into(
    receiver: &mut impl Receive,
    buffer: &mut [u8],
    unit: Unit,
) -> Result<Found, ConnectionError> {
    let mut reading = Reading::new(receiver, buffer, unit);
    poll_fn(|context| reading.poll(context)).await
}
