//! `tokio::io::AsyncWrite`.

use core::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use std::io;

use bytes::Buf as _;
use seg_seq::Sequence;
use tokio::io::AsyncWrite;

use super::ChunkedWriter;
use crate::trailers::Trailers;

impl<W: AsyncWrite + Unpin> ChunkedWriter<W> {
    /// Writes all that is encoded.
    fn poll_write_out(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.queue() {
            let (slices, count) = Self::slices(&self.pending);
            let socket = Pin::new(&mut self.socket);
            match ready!(socket.poll_write_vectored(context, &slices[..count]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.pending.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes `data` out and sends it as a chunk of its own, linked where it is long. What is less than a batch
    /// is written with what comes next, or when the writer is flushed; for more, it waits until the socket
    /// has taken it, so that a slow one slows its source down. Cancel-safe: data that is not taken stays in
    /// `data`, and what is not written is written before the next.
    ///
    /// # Errors
    ///
    /// What the socket says, and as [`Encoder::push_chunk`](crate::Encoder::push_chunk).
    pub async fn write_chunk(&mut self, data: &mut Sequence) -> io::Result<()> {
        self.write_batch().await?;
        self.encoder.push_chunk(data)?;
        self.write_batch().await
    }

    /// Writes all that is encoded, if it is a batch.
    async fn write_batch(&mut self) -> io::Result<()> {
        if self.is_full() {
            core::future::poll_fn(|context| self.poll_write_out(context)).await?;
        }
        Ok(())
    }

    /// Ends the body and writes all of it. Cancel-safe: the same call goes on.
    ///
    /// # Errors
    ///
    /// What the socket says, and out of memory. After either, the same call goes on.
    pub async fn finish_async(&mut self, trailers: &Trailers) -> io::Result<()> {
        self.end(trailers)?;
        core::future::poll_fn(|context| Pin::new(&mut *self).poll_flush(context)).await
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for ChunkedWriter<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_full() {
            ready!(self.poll_write_out(context))?;
        }
        Poll::Ready(self.push(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.encoder.flush();
        ready!(self.poll_write_out(context))?;
        self.encoder.release();
        Pin::new(&mut self.socket).poll_flush(context)
    }

    /// Ends the body without trailers, unless it has ended, and shuts the socket down.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end(&Trailers::new())?;
        ready!(self.poll_write_out(context))?;
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
