//! `tokio::io::AsyncRead` and `AsyncBufRead`.

use core::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};
use std::io;

use seg_seq::Sequence;
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use super::{Incoming, Receive, State};

impl<S: AsyncRead + Unpin, R: Receive> Incoming<S, R> {
    /// Reads up to the head of the message, which is then at the [reader](Self::reader). Returns
    /// `false` when the socket was closed instead of another message. Cancel-safe.
    ///
    /// # Errors
    ///
    /// What the socket says, and why the head was refused.
    pub async fn read_head_async(&mut self) -> io::Result<bool> {
        while self.state == State::Head {
            poll_fn(|context| self.poll_on(context)).await?;
        }
        Ok(self.state != State::Closed)
    }

    /// Reads the next data of the body, where it lies; `None` at its end. Cancel-safe. This is how
    /// to read without a copy.
    ///
    /// # Errors
    ///
    /// What the socket says, and why the message was refused.
    pub async fn next_data(&mut self) -> io::Result<Option<Sequence>> {
        poll_fn(|context| self.poll_data(context)).await
    }

    /// Polls for what [`next_data`](Self::next_data) returns.
    ///
    /// # Errors
    ///
    /// As [`next_data`](Self::next_data).
    pub fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Sequence>>> {
        while !self.is_ready() {
            ready!(self.poll_on(context))?;
        }
        let data = core::mem::take(&mut self.data);
        self.is_shared = true;
        Poll::Ready(Ok((!data.is_empty()).then_some(data)))
    }

    /// Reads on to the next thing worth telling.
    fn poll_on(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.advance()? {
            // Given back when the socket has nothing: an idle connection holds no segment.
            let mut room = self.take_room()?;
            let mut buffer = ReadBuf::new(room.spare_initialized_mut());
            let poll = Pin::new(&mut self.socket).poll_read(context, &mut buffer);
            let count = buffer.filled().len();
            if !matches!(poll, Poll::Ready(Ok(()))) {
                self.keep_room(room);
                return poll;
            }
            room.advance_initialized(count);
            self.take_received(room)?;
            if self.is_ready() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin, R: Receive + Unpin> AsyncRead for Incoming<S, R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if room.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let data = ready!(self.as_mut().poll_fill_buf(context))?;
        let count = data.len().min(room.remaining());
        room.put_slice(&data[..count]);
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin, R: Receive + Unpin> AsyncBufRead for Incoming<S, R> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while !this.is_ready() {
            ready!(this.poll_on(context))?;
        }
        Poll::Ready(Ok(this.first()))
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        bytes::Buf::advance(&mut self.data, count);
    }
}
