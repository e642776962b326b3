//! A socket that always has data, in reads of 16 KiB.

use core::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use std::{
    io,
    sync::{Arc, Mutex},
};

use bytes::BufMut as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::compare::jobs::socket::pieces;

/// Bytes of one read.
pub(super) const READ_BYTES: usize = 16 << 10;

/// Repeats a wire for ever; what is written vanishes, or is kept for a check.
#[derive(Clone, Debug)]
pub(super) struct Source {
    wire: &'static [u8],
    at: usize,
    output: Option<Arc<Mutex<Vec<u8>>>>,
}

impl Source {
    pub(super) const fn new(wire: &'static [u8]) -> Self {
        Self { wire, at: 0, output: None }
    }

    /// A socket whose output is kept.
    pub(super) fn keeping(output: &Arc<Mutex<Vec<u8>>>) -> Self {
        Self { wire: &[], at: 0, output: Some(Arc::clone(output)) }
    }

    fn take(&self, bytes: &[u8]) -> usize {
        if let Some(output) = &self.output {
            output.lock().expect("nobody panics").extend_from_slice(bytes);
        }
        core::hint::black_box(bytes).len()
    }
}

impl io::Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        let len = buffer.len().min(READ_BYTES);
        // A read goes on at the start of the wire: only the socket's size cuts.
        while filled < len && !self.wire.is_empty() {
            let count = (len - filled).min(self.wire.len() - self.at);
            let mut target = &mut buffer[filled..filled + count];
            let read = &self.wire[self.at..self.at + count];
            pieces(read).for_each(|piece| target.put_slice(piece));
            filled += count;
            self.at = (self.at + count) % self.wire.len();
        }
        Ok(filled)
    }
}

impl io::Write for Source {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.take(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let source = &mut *self;
        let mut left = buffer.remaining().min(READ_BYTES);
        while left > 0 && !source.wire.is_empty() {
            let count = left.min(source.wire.len() - source.at);
            let read = &source.wire[source.at..source.at + count];
            pieces(read).for_each(|piece| buffer.put_slice(piece));
            left -= count;
            source.at = (source.at + count) % source.wire.len();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Source {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.take(bytes)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(slices.iter().map(|slice| self.take(slice)).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs a future over sockets that are always ready.
#[inline]
pub(super) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
