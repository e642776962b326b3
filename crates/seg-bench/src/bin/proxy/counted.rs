//! A socket whose reads and writes are counted.

use core::{
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll},
};
use std::io::{self, IoSlice, IoSliceMut};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

static READS: AtomicU64 = AtomicU64::new(0);
static WRITES: AtomicU64 = AtomicU64::new(0);

/// A socket or a half of one. Calls for which it was not ready are not counted.
pub(crate) struct Counted<S = TcpStream>(pub(crate) S);

impl Counted {
    pub(crate) fn into_split(self) -> (Counted<OwnedReadHalf>, Counted<OwnedWriteHalf>) {
        let (read, write) = self.0.into_split();
        (Counted(read), Counted(write))
    }
}

impl Counted<OwnedReadHalf> {
    pub(crate) fn try_read_vectored(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let read = self.0.try_read_vectored(slices);
        READS.fetch_add(read.is_ok().into(), Ordering::Relaxed);
        read
    }
}

/// Reads and writes of all sockets of this process.
pub(crate) fn counts() -> (u64, u64) {
    (READS.load(Ordering::Relaxed), WRITES.load(Ordering::Relaxed))
}

fn count<T>(poll: Poll<T>, counter: &AtomicU64) -> Poll<T> {
    if poll.is_ready() {
        counter.fetch_add(1, Ordering::Relaxed);
    }
    poll
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        count(Pin::new(&mut self.0).poll_read(context, target), &READS)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        count(Pin::new(&mut self.0).poll_write(context, bytes), &WRITES)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        count(Pin::new(&mut self.0).poll_write_vectored(context, slices), &WRITES)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
