//! What a connection needs of its stream.

use core::task::{Context, Poll};
use std::io::{self, IoSlice};

/// A stream that is read from.
pub(crate) trait ReadStream {
    /// Whether a read waits for bytes, so that none is tried without need.
    const BLOCKS: bool = false;

    /// Reads into the start of `buffer`.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>>;
}

/// A stream that is written to.
pub(crate) trait WriteStream {
    /// Writes the first bytes of several slices.
    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;

    /// Returns whether more than one slice is taken at a time.
    fn is_write_vectored(&self) -> bool;

    /// Sends what the stream holds back.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the stream in this direction.
    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}

#[cfg(feature = "tokio")]
mod tokio_io {
    use core::pin::Pin;

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::{Context, IoSlice, Poll, ReadStream, WriteStream, io};

    impl<S: AsyncRead + Unpin> ReadStream for S {
        #[inline]
        fn poll_read(
            &mut self,
            context: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let mut buffer = ReadBuf::new(buffer);
            let polled = Pin::new(self).poll_read(context, &mut buffer);
            polled.map_ok(|()| buffer.filled().len())
        }
    }

    impl<S: AsyncWrite + Unpin> WriteStream for S {
        #[inline]
        fn poll_write(
            &mut self,
            context: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            match slices {
                [slice] => Pin::new(self).poll_write(context, slice),
                _ => Pin::new(self).poll_write_vectored(context, slices),
            }
        }

        fn is_write_vectored(&self) -> bool {
            AsyncWrite::is_write_vectored(self)
        }

        fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(self).poll_flush(context)
        }

        fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(self).poll_shutdown(context)
        }
    }
}
