//! A connection over tokio's traits.

mod error;
mod open;

use core::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};
use std::io;

use bytes::Buf as _;
use seg_pool::{Pool, SegmentMut};
use seg_seq::{SegmentedBuf, Sequence};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    assemble::Assembly,
    close::{CloseCode, CloseFrame},
    control::ControlPayload,
    decode::{Decoder, Event},
    encode::{encode_frame, encode_message},
    keys::MaskKeys,
    limits::Limits,
    message::Message,
    opcode::{Opcode, Role},
};

pub use error::ConnectionError;
pub use open::{accept, connect};

/// Output that waits beyond this is written before more is taken on.
const OUTPUT_BYTES_MAX: u64 = 64 << 10;

/// Slices of one vectored write.
const WRITE_SLICES: usize = 16;

/// One WebSocket connection over any `AsyncRead + AsyncWrite`.
///
/// Pings are answered and the closing handshake is completed while messages are read. A segment is
/// leased for each read and goes back when nothing came, so an idle connection holds none. All
/// progress is in the connection: every future here may be dropped at any time without a loss.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    role: Role,
    decoder: Decoder,
    keys: MaskKeys,
    pool: Pool,
    /// Received and not decoded yet.
    input: Option<SegmentMut>,
    /// Encoded and not written yet.
    output: SegmentedBuf,
    /// The newest ping that is not answered yet: older ones need no answer (RFC 6455 section 5.5.3).
    pong: Option<ControlPayload>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// This end has sent its close frame.
    CloseSent,
    /// Both have; nothing is read or sent any more.
    Closed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Takes over a stream whose handshake is done. `read_ahead` is what came behind it.
    ///
    /// # Errors
    ///
    /// When `read_ahead` is longer than the pool can hold.
    pub fn new(
        stream: S,
        role: Role,
        assembly: Assembly,
        limits: Limits,
        pool: &Pool,
        read_ahead: &[u8],
    ) -> Result<Self, ConnectionError> {
        let mut connection = Self {
            stream,
            role,
            decoder: Decoder::new(role, assembly, limits),
            keys: MaskKeys::new(),
            pool: pool.clone(),
            input: None,
            output: SegmentedBuf::new(pool),
            pong: None,
            state: State::Open,
        };
        if !read_ahead.is_empty() {
            let mut segment = pool.try_take(read_ahead.len())?;
            segment.extend_from_slice(read_ahead);
            connection.input = Some(segment);
        }
        Ok(connection)
    }

    /// Returns the next message; `None` when the connection was closed in order.
    ///
    /// Cancel-safe. Answers pings and the peer's close frame on the way.
    ///
    /// # Errors
    ///
    /// A [`ConnectionError`]. After one of decoding, the peer was told why with a close frame.
    pub async fn next(&mut self) -> Result<Option<Message>, ConnectionError> {
        loop {
            match self.decode_input() {
                Ok(Some(Event::Message(message))) => return Ok(Some(message)),
                Ok(Some(Event::Ping(payload))) => self.pong = Some(payload),
                Ok(Some(Event::Pong(_))) => {}
                Ok(Some(Event::Close(close))) => {
                    let code = close.map_or(CloseCode::NORMAL, |close| close.code());
                    self.queue_close(&CloseFrame::new(code, ""))?;
                    self.state = State::Closed;
                }
                Ok(None) => {
                    self.queue_pong()?;
                    self.flush().await?;
                    if self.state == State::Closed {
                        return Ok(None);
                    }
                    if poll_fn(|context| self.poll_receive(context)).await? == 0 {
                        self.decoder.finish()?;
                    }
                }
                Err(error) => {
                    // The peer learns the reason if it still listens; ours is the one to report.
                    if self.queue_close(&CloseFrame::new(error.close_code(), "")).is_ok() {
                        let _ = self.flush().await;
                    }
                    self.state = State::Closed;
                    return Err(error.into());
                }
            }
        }
    }

    /// Sends a message in one frame and flushes it.
    ///
    /// Once polled, dropping the future does not take the message back: what is left goes out with
    /// the next call that writes.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::Closed`] after a close frame was sent, otherwise as the stream.
    pub async fn send(&mut self, message: &Message) -> Result<(), ConnectionError> {
        self.queue(message).await?;
        self.flush().await
    }

    /// Encodes a message without writing it, unless 64 KiB wait already.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn queue(&mut self, message: &Message) -> Result<(), ConnectionError> {
        if self.state != State::Open {
            return Err(ConnectionError::Closed);
        }
        if self.output.len() > OUTPUT_BYTES_MAX {
            self.flush().await?;
        }
        let (role, keys) = (self.role, &mut self.keys);
        encode_message(message, 0, || key_for(role, keys), &mut self.output)?;
        Ok(())
    }

    /// Sends a ping of at most 125 bytes.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn ping(&mut self, payload: &ControlPayload) -> Result<(), ConnectionError> {
        self.queue_control(Opcode::Ping, payload)?;
        self.flush().await
    }

    /// Closes the connection: sends a close frame and reads until the peer's, dropping messages.
    ///
    /// Waits for the peer without a bound; put a timeout around it.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn close(&mut self, close: &CloseFrame) -> Result<(), ConnectionError> {
        self.queue_close(close)?;
        while self.next().await?.is_some() {}
        poll_fn(|context| Pin::new(&mut self.stream).poll_shutdown(context)).await?;
        Ok(())
    }

    /// Writes all that is encoded.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub async fn flush(&mut self) -> Result<(), ConnectionError> {
        poll_fn(|context| self.poll_flush(context)).await.map_err(ConnectionError::from)
    }

    /// Returns whether a segment is held for reading.
    #[must_use]
    pub const fn holds_input(&self) -> bool {
        self.input.is_some()
    }

    fn decode_input(&mut self) -> Result<Option<Event>, crate::DecodeError> {
        let Some(input) = &mut self.input else { return Ok(None) };
        let event = self.decoder.decode(input)?;
        if input.is_empty() {
            self.input = None;
        }
        Ok(event)
    }

    /// Leases a segment, reads once into it, and gives it back when nothing came.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, ConnectionError>> {
        let mut segment = self.pool.try_take_segment()?;
        // Zeroes each byte at most once in the life of a segment.
        let mut buffer = ReadBuf::new(segment.spare_initialized_mut());
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let count = buffer.filled().len();
        segment.advance_initialized(count);
        if count > 0 {
            self.input = Some(segment);
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            let sequence = self.output.sequence();
            let count = ready!(write_some(&mut self.stream, context, &sequence))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            drop(sequence);
            self.output.advance(count);
        }
        self.output.reset();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn queue_pong(&mut self) -> Result<(), ConnectionError> {
        match self.pong.take() {
            Some(payload) if self.state == State::Open => {
                self.queue_control(Opcode::Pong, &payload)
            }
            _ => Ok(()),
        }
    }

    fn queue_close(&mut self, close: &CloseFrame) -> Result<(), ConnectionError> {
        if self.state == State::Open {
            let body = ControlPayload::new(close.payload()).unwrap_or(ControlPayload::EMPTY);
            self.queue_control(Opcode::Close, &body)?;
            self.state = State::CloseSent;
        }
        Ok(())
    }

    fn queue_control(
        &mut self,
        opcode: Opcode,
        payload: &ControlPayload,
    ) -> Result<(), ConnectionError> {
        if self.state != State::Open {
            return Err(ConnectionError::Closed);
        }
        let mut bytes = SegmentedBuf::new(&self.pool);
        bytes.try_extend_from_slice(payload)?;
        let key = key_for(self.role, &mut self.keys);
        encode_frame(true, opcode, key, &bytes.freeze(), &mut self.output)?;
        Ok(())
    }
}

fn key_for(role: Role, keys: &mut MaskKeys) -> Option<[u8; 4]> {
    (role == Role::Client).then(|| keys.next_key())
}

fn write_some<S: AsyncWrite + Unpin>(
    stream: &mut S,
    context: &mut Context<'_>,
    sequence: &Sequence,
) -> Poll<io::Result<usize>> {
    let mut slices = [io::IoSlice::new(&[]); WRITE_SLICES];
    let mut count = 0;
    for (slot, slice) in slices.iter_mut().zip(sequence.io_slices()) {
        *slot = slice;
        count += 1;
    }
    Pin::new(stream).poll_write_vectored(context, &slices[..count])
}
