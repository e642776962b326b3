//! A connection in memory for hyper.

use core::{
    pin::Pin,
    task::{Context, Poll},
};
use std::{
    collections::VecDeque,
    io::{self, IoSlice},
};

use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};

/// Gives received buffers and takes what is written, whose bytes are only counted.
pub(super) struct HyperIo<'a> {
    pub(super) received: VecDeque<Bytes>,
    pub(super) written: &'a mut u64,
}

impl Read for HyperIo<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut target: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // The connection stays open; hyper closes it after the answer.
        let Some(piece) = self.received.front_mut() else { return Poll::Pending };
        let count = target.remaining().min(piece.len());
        target.put_slice(&piece[..count]);
        piece.advance(count);
        if piece.is_empty() {
            self.received.pop_front();
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for HyperIo<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        *self.written += bytes.len() as u64;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = slices.iter().map(|slice| slice.len()).sum();
        *self.written += count as u64;
        Poll::Ready(Ok(count))
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
