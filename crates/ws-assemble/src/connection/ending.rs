//! The end of a connection that is not closed in order.

use core::{
    future::poll_fn,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Connection, ConnectionError, State};

/// Bytes that are read at a time to be dropped. They lie on the stack: the pool may be what failed.
const DISCARD_BYTES: usize = 4 << 10;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Ends the connection so that the peer gets what was sent last: writes all that is encoded, shuts
    /// the write side down, then reads until the peer's end and drops what comes.
    ///
    /// It is for a connection that failed, or is to be dropped while the peer may still be sending. A
    /// TCP socket that is closed with bytes unread resets the connection, and the close frame that
    /// says why may be lost (RFC 6455 section 7.1.1). No close frame is made here:
    /// [`next`](Self::next) has sent one when the peer broke a rule.
    ///
    /// At most `discard_bytes_max` bytes are dropped: 0 and more. There is no clock in here: bound the
    /// wait by a timeout around the future, and drop the stream when it has passed. Cancel-safe: call
    /// it again to go on, which counts anew. Nothing is sent or received from the first poll on, and
    /// what was received and not taken is dropped. Takes no segment and allocates nothing.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::CloseIgnored`] when the peer sends more than may be dropped, otherwise as
    /// the stream.
    ///
    /// # Examples
    ///
    /// ```
    /// use core::time::Duration;
    ///
    /// use seg_pool::Pool;
    /// use tokio::{io::{AsyncReadExt, AsyncWriteExt}, time::timeout};
    /// use ws_assemble::{Assembly, Connection, Limits, Role};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let (mut far, near) = tokio::io::duplex(4096);
    /// let (limits, pool) = (Limits::default(), Pool::new());
    /// let mut server =
    ///     Connection::new(near, Role::Server, Assembly::Segmented, limits, &pool, &[])?;
    ///
    /// // A client that does not mask breaks the protocol.
    /// far.write_all(b"\x81\x05hello and more").await?;
    /// assert!(server.next().await.is_err());
    /// far.shutdown().await?;
    /// timeout(Duration::from_secs(2), server.finish(1 << 20)).await??;
    ///
    /// let mut got = Vec::new();
    /// far.read_to_end(&mut got).await?;
    /// assert_eq!(got, b"\x88\x02\x03\xea"); // 1002
    /// # Ok(())
    /// # }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// # runtime.block_on(example()).unwrap();
    /// ```
    pub async fn finish(&mut self, discard_bytes_max: u64) -> Result<(), ConnectionError> {
        let mut left = discard_bytes_max;
        poll_fn(|context| self.poll_finish(context, None, &mut left)).await
    }

    /// Waits with another waker for what is written, if there is one.
    pub(super) fn poll_finish(
        &mut self,
        context: &mut Context<'_>,
        write: Option<&Waker>,
        left: &mut u64,
    ) -> Poll<Result<(), ConnectionError>> {
        self.state = State::Closed;
        self.input = None;
        self.waiting = None;
        self.pong = None;
        self.decoder.drop_unfinished();
        let written = match write {
            Some(waker) => self.poll_written(&mut Context::from_waker(waker))?,
            None => self.poll_written(context)?,
        };
        // At the same time: a peer may read only when it has got rid of what it writes.
        ready!(self.poll_discard(context, left))?;
        written.map(Ok)
    }

    fn poll_written(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        ready!(self.poll_flush(context))?;
        self.poll_shut(context)
    }

    /// Shuts the write side down, once: some systems refuse to do it again.
    pub(super) fn poll_shut(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        if !self.is_shut {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.is_shut = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_discard(
        &mut self,
        context: &mut Context<'_>,
        left: &mut u64,
    ) -> Poll<Result<(), ConnectionError>> {
        let mut bytes = [const { MaybeUninit::<u8>::uninit() }; DISCARD_BYTES];
        loop {
            // One byte more than may come tells an end from a peer that goes on.
            let room = usize::try_from(left.saturating_add(1)).unwrap_or(usize::MAX);
            let mut buffer = ReadBuf::uninit(&mut bytes[..room.min(DISCARD_BYTES)]);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            let count = buffer.filled().len();
            if count == 0 {
                return Poll::Ready(Ok(()));
            }
            *left = left.checked_sub(count as u64).ok_or(ConnectionError::CloseIgnored)?;
        }
    }
}
