//! The end of a connection that is not closed in order.

use core::future::poll_fn;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, driver::Receive};
use crate::connection_error::ConnectionError;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Ends the connection so that the peer gets what was sent last: writes all that is encoded, shuts
    /// the write side down, then reads until the peer's end and drops what comes.
    ///
    /// It is for a connection that failed, or is to be dropped while the peer may still be sending. A
    /// TCP socket that is closed with bytes unread resets the connection, and the close frame that
    /// says why may be lost (RFC 6455 section 7.1.1). No close frame is made here, unless the peer's
    /// was received or the peer broke a rule.
    ///
    /// At most `discard_bytes_max` bytes are dropped: 0 and more. There is no clock in here: bound the
    /// wait by a timeout around the future, and drop the stream when it has passed. Cancel-safe: call
    /// it again to go on, which counts anew. Nothing is sent or received from the first poll on, and
    /// what was received and not taken is dropped. Takes no segment.
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
    /// use ws_assemble::Connection;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let (mut far, near) = tokio::io::duplex(4096);
    /// let mut server = Connection::server(near, &Pool::new());
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
        poll_fn(|context| self.poll_finish(context, &mut left)).await
    }
}
