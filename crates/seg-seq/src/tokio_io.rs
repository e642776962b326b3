//! tokio's I/O traits. What is in memory is always ready: nothing here waits, and nothing yields.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};
use std::io::{self, BufRead, IoSlice, Seek, SeekFrom, Write};

use seg_pool::SegmentMut;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

use crate::{reader::Reader, segmented_buf::SegmentedBuf};

impl SegmentedBuf {
    /// Reads once into the tail segment and returns how many bytes came; 0 means the end of the
    /// stream.
    ///
    /// A segment is taken for each poll, and one that nothing came into goes back to the pool: who
    /// waits for bytes holds no memory for them. Cancelling the future loses nothing.
    ///
    /// # Errors
    ///
    /// Those of `reader`, and [`OutOfMemory`](seg_pool::OutOfMemory) in an error of kind
    /// `OutOfMemory`. Nothing is appended then.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Pool;
    /// use seg_seq::SegmentedBuf;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut socket: &[u8] = b"hello";
    /// let mut buffer = SegmentedBuf::new(&Pool::new());
    /// while buffer.fill_from_async(&mut socket).await? > 0 {}
    /// assert_eq!(buffer.freeze(), b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn fill_from_async(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin + ?Sized),
    ) -> io::Result<usize> {
        poll_fn(|cx| self.poll_fill_from(cx, Pin::new(reader))).await
    }

    /// Polls for what [`fill_from_async`](Self::fill_from_async) awaits.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn poll_fill_from(
        &mut self,
        cx: &mut Context<'_>,
        reader: Pin<&mut (impl AsyncRead + ?Sized)>,
    ) -> Poll<io::Result<usize>> {
        let tail = self.try_tail()?;
        let read = poll_read_into(tail, cx, reader);
        self.settle();
        read
    }
}

/// Reads once into the spare part of a segment.
fn poll_read_into(
    segment: &mut SegmentMut,
    cx: &mut Context<'_>,
    reader: Pin<&mut (impl AsyncRead + ?Sized)>,
) -> Poll<io::Result<usize>> {
    let spare = segment.spare_capacity_mut();
    // SAFETY: a `ReadBuf` never makes initialised bytes uninitialised.
    let mut spare = ReadBuf::uninit(unsafe { spare.as_uninit_slice_mut() });
    let start = spare.filled().as_ptr();
    ready!(reader.poll_read(cx, &mut spare))?;
    // A reader could have put another buffer there, whose bytes would not be ours.
    assert!(core::ptr::eq(start, spare.filled().as_ptr()), "the reader replaced the buffer");
    let count = spare.filled().len();
    // SAFETY: `filled` bytes of a `ReadBuf` are initialised, and this one is of the spare part.
    unsafe { segment.advance_mut(count) };
    Poll::Ready(Ok(count))
}

impl AsyncWrite for SegmentedBuf {
    /// Appends `bytes`, copying them; fewer than all when the pool runs out on the way.
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.get_mut().write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.get_mut().write_vectored(slices))
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

impl AsyncRead for Reader<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while target.remaining() > 0 {
            let chunk = this.chunk();
            let len = chunk.len().min(target.remaining());
            if len == 0 {
                break;
            }
            target.put_slice(&chunk[..len]);
            this.advance(len);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncBufRead for Reader<'_> {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(self.get_mut().fill_buf())
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        self.get_mut().advance(count);
    }
}

impl AsyncSeek for Reader<'_> {
    /// Seeks at once, with the same errors as std's.
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        self.get_mut().seek(position).map(|_| ())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.position()))
    }
}
