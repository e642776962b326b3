//! A message that is sent while it is made.

use core::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use seg_pool::Segment;
use seg_seq::{SegmentedBuf, Sequence};
use tokio::io::AsyncRead;

use super::{
    driver::{Receive, Transmit},
    transport::ReadStream,
};
use crate::{
    connection_error::ConnectionError,
    encode::out_of_memory,
    message::{Message, MessageKind},
    utf8::Utf8Validator,
};

/// Writes a message in fragments, without knowing how long it gets.
///
/// What is written is gathered up to the size of a fragment, by copy or by link, and goes out when
/// there is more, or by [`flush`](Self::flush). Each call of a connection's writer also receives what
/// is there, so that pings are answered, and a peer that sends while it reads is not waited for. The
/// messages come from [`next`](Self::next), here or of the connection. At most 1,024 of them are read
/// ahead, and as many bytes as a message may have: whoever sends without an end alternates the two.
///
/// A writer that is dropped before [`finish`](Self::finish) leaves the message open, unless none of it
/// was sent: no other can be sent then, and the connection is to be closed. A call that finds no
/// memory has taken what it was given, and the next one goes on.
#[derive(Debug)]
pub struct MessageWriter<'a, C> {
    sender: &'a mut C,
    kind: MessageKind,
    fragment_bytes: u64,
    gathered: SegmentedBuf,
    utf8: Utf8Validator,
}

/// Bytes of a message, borrowed or shared. More variants may come.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "moved once, and a box would allocate for each part")]
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

#[expect(private_bounds, reason = "a connection or its writing half, and nothing else")]
impl<'a, C: Transmit> MessageWriter<'a, C> {
    pub(super) fn new(sender: &'a mut C, kind: MessageKind, fragment_bytes: u64) -> Self {
        let gathered = sender.session_with(|session| SegmentedBuf::new(session.pool()));
        let (fragment_bytes, utf8) = (fragment_bytes.max(1), Utf8Validator::new());
        Self { sender, kind, fragment_bytes, gathered, utf8 }
    }

    /// Appends bytes, copying them, and writes the fragments that they fill.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`](crate::Connection::send), and [`ConnectionError::TextInvalid`] when a
    /// text is not UTF-8, though a character may be cut between two calls; none of these bytes are
    /// taken then. Nor are they when there is no memory to copy them; when there is none to send a
    /// fragment, they are, and [`flush`](Self::flush) goes on.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        let utf8 = self.check([bytes])?;
        self.gathered.try_extend_from_slice(bytes)?;
        self.utf8 = utf8;
        poll_fn(|context| self.poll_fragments(context, self.fragment_bytes)).await
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
    pub async fn write_sequence(&mut self, mut sequence: Sequence) -> Result<(), ConnectionError> {
        let utf8 = self.check(sequence.chunks().map(|chunk| &**chunk))?;
        self.gathered.try_append(&mut sequence)?;
        self.utf8 = utf8;
        poll_fn(|context| self.poll_fragments(context, self.fragment_bytes)).await
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

    /// Appends all that `reader` has, up to its end, and writes the fragments that it fills; returns how
    /// many bytes that were. Copies nothing but what has to be masked: the reader reads into segments.
    ///
    /// Cancel-safe: what was read is taken, and another call goes on.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), and those of the reader.
    pub async fn write_from(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
    ) -> Result<u64, ConnectionError> {
        let mut total = 0;
        loop {
            let count = poll_fn(|context| self.poll_fill(context, reader)).await?;
            if count == 0 {
                return Ok(total);
            }
            total += count as u64;
            poll_fn(|context| self.poll_fragments(context, self.fragment_bytes)).await?;
        }
    }

    /// Reads once.
    fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        reader: &mut impl ReadStream,
    ) -> Poll<Result<usize, ConnectionError>> {
        let spare = self.gathered.try_spare_initialized_mut()?;
        let Poll::Ready(read) = reader.poll_read(context, spare) else {
            if self.gathered.is_empty() {
                // Nothing is held for bytes that may never come.
                self.gathered.clear();
            }
            self.sender.poll_pump(context);
            return match self.sender.poll_flush(context) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                _ => Poll::Pending,
            };
        };
        let count = read?;
        if self.kind == MessageKind::Text {
            self.utf8.push(&spare[..count]).map_err(|_| ConnectionError::TextInvalid)?;
        }
        self.gathered.advance_initialized(count);
        Poll::Ready(Ok(count))
    }

    /// Sends what is gathered, as a fragment of its own, and writes all of it.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub async fn flush(&mut self) -> Result<(), ConnectionError> {
        poll_fn(|context| {
            ready!(self.poll_fragments(context, 0))?;
            self.poll_flush(context)
        })
        .await
    }

    /// Sends the last fragment and flushes it.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write). The message stays unfinished then: where memory may be missing,
    /// [`flush`](Self::flush) before this, so that only an empty fragment is left.
    pub async fn finish(mut self) -> Result<(), ConnectionError> {
        if !self.utf8.is_complete() {
            return Err(ConnectionError::TextInvalid);
        }
        let mut is_sent = false;
        poll_fn(|context| {
            if !is_sent {
                ready!(self.poll_fragments(context, self.fragment_bytes))?;
                ready!(self.poll_fragment(context, self.gathered.len(), true))?;
                is_sent = true;
            }
            self.poll_flush(context)
        })
        .await
    }

    /// Checks that the next bytes may be taken.
    fn check<'b>(
        &self,
        bytes: impl IntoIterator<Item = &'b [u8]>,
    ) -> Result<Utf8Validator, ConnectionError> {
        let mut utf8 = self.utf8;
        if self.kind == MessageKind::Text {
            let mut bytes = bytes.into_iter();
            bytes
                .try_for_each(|bytes| utf8.push(bytes))
                .map_err(|_| ConnectionError::TextInvalid)?;
        }
        Ok(utf8)
    }

    /// Sends fragments as long as more than `bytes_max` is gathered, as far as the stream takes them,
    /// and receives what is there.
    fn poll_fragments(
        &mut self,
        context: &mut Context<'_>,
        bytes_max: u64,
    ) -> Poll<Result<(), ConnectionError>> {
        while self.gathered.len() > bytes_max {
            let len = self.gathered.len().min(self.fragment_bytes);
            ready!(self.poll_fragment(context, len, false))?;
        }
        self.sender.poll_pump(context);
        // What is not taken at once goes out later.
        match self.sender.poll_flush(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Sends what was gathered first.
    fn poll_fragment(
        &mut self,
        context: &mut Context<'_>,
        len: u64,
        is_last: bool,
    ) -> Poll<Result<(), ConnectionError>> {
        if self.sender.poll_capacity(context)?.is_pending() {
            // The peer may write before it reads.
            self.sender.poll_pump(context);
            ready!(self.sender.poll_capacity(context))?;
        }
        let fragment = self.gathered.try_sequence()?.try_split_to(len).map_err(out_of_memory)?;
        let kind = self.kind;
        self.sender.session_with(|session| session.queue_fragment(kind, &fragment, is_last))?;
        self.gathered.advance(fragment.remaining());
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        self.sender.poll_pump(context);
        self.sender.poll_flush(context)
    }
}

#[expect(private_bounds, reason = "a connection, and nothing else")]
impl<C: Receive> MessageWriter<'_, C> {
    /// Returns the next message that the peer sent meanwhile, as
    /// [`Connection::next`](crate::Connection::next).
    ///
    /// # Errors
    ///
    /// As [`Connection::next`](crate::Connection::next).
    #[expect(clippy::should_implement_trait, reason = "a writer is no iterator")]
    pub fn next(&mut self) -> impl Future<Output = Result<Option<Message>, ConnectionError>> {
        poll_fn(|context| self.sender.poll_message(context))
    }
}
