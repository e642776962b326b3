//! Messages and frames into the caller's own buffer.

mod filling;

use core::future::poll_fn;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, ConnectionError, ReadHalf};
use crate::message::MessageKind;

use filling::Unit;
pub(super) use filling::{Filling, Found};

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

/// What became of [`Connection::read_frame_into`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrameInto {
    /// The payload of a data frame is in the first `len` bytes of the buffer.
    Frame {
        /// Whether the message that it belongs to is text, which is validated up to here, or binary.
        kind: MessageKind,
        /// Bytes of it.
        len: usize,
        /// Whether the message ends with it.
        is_last: bool,
    },
    /// The next frame has this many bytes, more than the buffer. It waits: nothing is consumed.
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
    /// What was received together with the header is copied once, chunk by chunk; the rest goes from
    /// the stream straight into the buffer and is unmasked and validated there, as long as at least a
    /// segment of it is to come. Compressed messages, and those that turn out too long for the buffer,
    /// are gathered in segments. Cancel-safe: a future that is dropped puts what it has read back.
    /// Allocates nothing. The buffer's bytes behind the message may have changed.
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
    /// use ws_assemble::{Assembly, Connection, Limits, MessageKind, ReadInto, Role};
    ///
    /// # async fn example() -> Result<(), ws_assemble::ConnectionError> {
    /// let pool = Pool::new();
    /// let (near, far) = tokio::io::duplex(4096);
    /// let (limits, assembly) = (Limits::default(), Assembly::Segmented);
    /// let mut client = Connection::new(near, Role::Client, assembly, limits, &pool, &[])?;
    /// let mut server = Connection::new(far, Role::Server, assembly, limits, &pool, &[])?;
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
        Ok(self.read_into(buffer, Unit::Message).await?.into())
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
        Ok(self.read_into(buffer, Unit::Frame).await?.into())
    }

    async fn read_into(&mut self, buffer: &mut [u8], unit: Unit) -> Result<Found, ConnectionError> {
        let mut reading = Reading { connection: self, filling: Filling::new(buffer, unit) };
        poll_fn(|context| reading.filling.poll(reading.connection, context, None)).await
    }
}

/// Puts back what was read when it is dropped.
struct Reading<'a, S> {
    connection: &'a mut Connection<S>,
    filling: Filling<'a>,
}

impl<S> Drop for Reading<'_, S> {
    fn drop(&mut self) {
        self.filling.put_back(self.connection);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ReadHalf<S> {
    /// Reads the next message into `buffer`, as [`Connection::read_message_into`].
    ///
    /// # Errors
    ///
    /// As [`Connection::read_message_into`].
    pub async fn read_message_into(
        &mut self,
        buffer: &mut [u8],
    ) -> Result<ReadInto, ConnectionError> {
        Ok(self.read_into(Filling::new(buffer, Unit::Message)).await?.into())
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
        Ok(self.read_into(Filling::new(buffer, Unit::Frame)).await?.into())
    }

    async fn read_into(&mut self, filling: Filling<'_>) -> Result<Found, ConnectionError> {
        let mut reading = HalfReading { half: self, filling };
        poll_fn(|context| reading.half.poll_into(&mut reading.filling, context)).await
    }
}

/// As [`Reading`], for the half of a connection.
struct HalfReading<'a, S> {
    half: &'a mut ReadHalf<S>,
    filling: Filling<'a>,
}

impl<S> Drop for HalfReading<'_, S> {
    fn drop(&mut self) {
        self.half.put_back(&mut self.filling);
    }
}

impl From<Found> for ReadInto {
    fn from(found: Found) -> Self {
        match found {
            Found::Unit { kind, len, .. } => Self::Message { kind, len },
            Found::TooSmall { needed } => Self::TooSmall { needed },
            Found::Closed => Self::Closed,
        }
    }
}

impl From<Found> for ReadFrameInto {
    fn from(found: Found) -> Self {
        match found {
            Found::Unit { kind, len, is_last } => Self::Frame { kind, len, is_last },
            Found::TooSmall { needed } => Self::TooSmall { needed },
            Found::Closed => Self::Closed,
        }
    }
}
