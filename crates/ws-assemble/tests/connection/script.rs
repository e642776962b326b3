//! A stream that does what a test wants.

use core::{
    pin::Pin,
    task::{Context, Poll},
};
use std::io;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Gives its input in chunks and keeps what is written; never wakes anybody.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) input: Vec<u8>,
    pub(crate) written: Vec<u8>,
    /// The spare capacity that each read offered.
    pub(crate) reads: Vec<usize>,
    /// Whether nothing can be written, nor read when the input is used up.
    pub(crate) is_blocked: bool,
    pub(crate) is_shut: bool,
    chunk: usize,
    /// Whether every other poll stalls.
    stalls: bool,
    is_endless: bool,
    /// Polls of reading, and of writing.
    polls: [usize; 2],
    at: usize,
}

impl Script {
    pub(crate) fn new(input: Vec<u8>) -> Self {
        Self {
            input,
            written: Vec::new(),
            reads: Vec::new(),
            is_blocked: false,
            is_shut: false,
            chunk: 1 << 12,
            stalls: false,
            is_endless: false,
            polls: [0; 2],
            at: 0,
        }
    }

    /// Reads and writes this many bytes at a time.
    pub(crate) fn chunk(mut self, bytes: usize) -> Self {
        self.chunk = bytes;
        self
    }

    pub(crate) fn stalling(mut self) -> Self {
        self.stalls = true;
        self
    }

    pub(crate) fn blocked(mut self) -> Self {
        self.is_blocked = true;
        self
    }

    /// The input comes again and again.
    pub(crate) fn endless(mut self) -> Self {
        self.is_endless = true;
        self
    }

    fn stall(&mut self, writes: bool) -> bool {
        let polls = &mut self.polls[usize::from(writes)];
        *polls += 1;
        self.stalls && *polls % 2 == 1
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stall(false) {
            return Poll::Pending;
        }
        self.reads.push(buffer.remaining());
        let left = self.input.len() - self.at;
        if left == 0 {
            self.input.clear();
            self.at = 0;
            // Nobody closed the stream: there is nothing yet.
            return Poll::Pending;
        }
        let count = left.min(self.chunk).min(buffer.remaining());
        buffer.put_slice(&self.input[self.at..self.at + count]);
        self.at += count;
        if self.is_endless && self.at == self.input.len() {
            self.at = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_blocked || self.stall(true) {
            return Poll::Pending;
        }
        let count = bytes.len().min(self.chunk);
        self.written.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_blocked || self.stall(true) {
            return Poll::Pending;
        }
        let mut count = 0;
        for slice in slices {
            let here = slice.len().min(self.chunk - count);
            self.written.extend_from_slice(&slice[..here]);
            count += here;
        }
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_blocked { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_shut = true;
        Poll::Ready(Ok(()))
    }
}
