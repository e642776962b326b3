//! A socket on a bad line.

use core::{
    pin::Pin,
    task::{Context, Poll},
};
use std::io;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::random::Random;

/// Stalls at random and reads and writes a random part of what it could.
#[derive(Debug)]
pub(crate) struct Rough {
    stream: DuplexStream,
    random: Random,
    is_stalled: bool,
}

impl Rough {
    pub(crate) const fn new(stream: DuplexStream, random: Random) -> Self {
        Self { stream, random, is_stalled: false }
    }

    /// Stalls one poll of four, and is woken at once.
    fn stall(&mut self, context: &Context<'_>) -> bool {
        self.is_stalled = !self.is_stalled && self.random.one_in(4);
        if self.is_stalled {
            context.waker().wake_by_ref();
        }
        self.is_stalled
    }

    /// Returns how much of so many bytes goes through: all, or less.
    fn part(&mut self, len: usize) -> usize {
        if len < 2 || self.random.one_in(2) { len } else { 1 + self.random.below(len) }
    }
}

impl AsyncRead for Rough {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stall(context) {
            return Poll::Pending;
        }
        let len = self.part(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(len));
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut part);
        let count = part.filled().len();
        buffer.advance(count);
        polled
    }
}

impl AsyncWrite for Rough {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.stall(context) {
            return Poll::Pending;
        }
        let len = self.part(bytes.len());
        Pin::new(&mut self.stream).poll_write(context, &bytes[..len])
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
