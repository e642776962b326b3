//! A message that is sent while it is made.

use core::future::poll_fn;

use bytes::Bytes;
use seg_pool::Segment;
use seg_seq::{SegmentedBuf, Sequence};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, ConnectionError};
use crate::{message::MessageKind, utf8::Utf8Validator};

/// Writes a message in fragments, without knowing how long it gets.
///
/// What is written is gathered up to the size of a fragment, by copy or by link, and goes out when
/// there is more. Pings are answered between fragments. A writer that is dropped before
/// [`finish`](Self::finish) leaves the message open: no other can be sent then, and the connection
/// is to be closed. So does one whose pool had no room for a fragment: that is gone, and every later
/// call is [`MessageUnfinished`](ConnectionError::MessageUnfinished).
#[derive(Debug)]
pub struct MessageWriter<'a, S> {
    connection: &'a mut Connection<S>,
    kind: MessageKind,
    fragment_bytes: u64,
    gathered: SegmentedBuf,
    utf8: Utf8Validator,
    /// Whether a fragment was lost.
    is_broken: bool,
}

/// Bytes of a message, borrowed or shared.
#[derive(Clone, Debug)]
#[non_exhaustive]
// Moved once, and a box would allocate for each part.
#[allow(clippy::large_enum_variant)]
pub enum MessagePart<'a> {
    /// Bytes that are copied.
    Slice(&'a [u8]),
    /// Segments that are linked, unless they have to be masked.
    Shared(Sequence),
}

impl<'a> From<&'a [u8]> for MessagePart<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Slice(bytes)
    }
}

impl<'a> From<&'a str> for MessagePart<'a> {
    fn from(text: &'a str) -> Self {
        Self::Slice(text.as_bytes())
    }
}

impl From<Bytes> for MessagePart<'_> {
    fn from(bytes: Bytes) -> Self {
        Self::Shared(Segment::from(bytes).into())
    }
}

impl From<Segment> for MessagePart<'_> {
    fn from(segment: Segment) -> Self {
        Self::Shared(segment.into())
    }
}

impl From<Sequence> for MessagePart<'_> {
    fn from(sequence: Sequence) -> Self {
        Self::Shared(sequence)
    }
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> MessageWriter<'a, S> {
    pub(super) fn new(
        connection: &'a mut Connection<S>,
        kind: MessageKind,
        fragment_bytes: u64,
    ) -> Self {
        let gathered = SegmentedBuf::new(&connection.pool);
        let fragment_bytes = fragment_bytes.max(1);
        let utf8 = Utf8Validator::new();
        Self { connection, kind, fragment_bytes, gathered, utf8, is_broken: false }
    }

    /// Appends bytes, copying them.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`], and [`ConnectionError::TextInvalid`] when a text is not UTF-8: a
    /// character may be cut between two calls. None of these bytes are taken then.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        let before = self.utf8;
        self.check(bytes)?;
        self.gathered.try_extend_from_slice(bytes).inspect_err(|_| self.utf8 = before)?;
        self.send_full().await
    }

    /// Appends [`Bytes`] without a copy, unless they have to be masked.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub async fn write_bytes(&mut self, bytes: Bytes) -> Result<(), ConnectionError> {
        self.write_sequence(Segment::from(bytes).into()).await
    }

    /// Appends a sequence without a copy, unless it has to be masked.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub async fn write_sequence(&mut self, sequence: Sequence) -> Result<(), ConnectionError> {
        let before = self.utf8;
        for chunk in sequence.chunks() {
            self.check(chunk).inspect_err(|_| self.utf8 = before)?;
        }
        self.gathered.append(sequence);
        self.send_full().await
    }

    /// Appends bytes of whatever kind, as the methods above.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub async fn write_part(&mut self, part: MessagePart<'_>) -> Result<(), ConnectionError> {
        match part {
            MessagePart::Slice(bytes) => self.write(bytes).await,
            MessagePart::Shared(sequence) => self.write_sequence(sequence).await,
        }
    }

    /// Sends the last fragment and flushes it.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub async fn finish(mut self) -> Result<(), ConnectionError> {
        if !self.utf8.is_complete() {
            return Err(ConnectionError::TextInvalid);
        }
        self.send_full().await?;
        self.send_fragment(self.gathered.len(), true).await?;
        self.connection.flush().await
    }

    /// Checks that the next bytes may be taken.
    fn check(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        if self.is_broken {
            return Err(ConnectionError::MessageUnfinished);
        }
        if self.kind == MessageKind::Text {
            let mut utf8 = self.utf8;
            utf8.push(bytes).map_err(|_| ConnectionError::TextInvalid)?;
            self.utf8 = utf8;
        }
        Ok(())
    }

    /// Sends fragments as long as more than one is gathered.
    async fn send_full(&mut self) -> Result<(), ConnectionError> {
        while self.gathered.len() > self.fragment_bytes {
            self.send_fragment(self.fragment_bytes, false).await?;
        }
        Ok(())
    }

    /// Sends what was gathered first.
    async fn send_fragment(&mut self, len: u64, is_last: bool) -> Result<(), ConnectionError> {
        if self.is_broken {
            return Err(ConnectionError::MessageUnfinished);
        }
        poll_fn(|context| self.connection.poll_room(context)).await?;
        let fragment = self.gathered.split_to(len);
        let queued = self.connection.output.queue_fragment(self.kind, &fragment, is_last);
        self.is_broken = queued.is_err();
        queued
    }
}
