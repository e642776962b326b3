//! `tokio::io::AsyncRead` and `AsyncBufRead`.

use core::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};
use std::io;

use seg_pool::{Pool, SegmentMut, SegmentSize, TakeError};
use seg_seq::Sequence;
use tokio::{
    io::{AsyncBufRead, AsyncRead, ReadBuf},
    task::coop,
};

use super::{Incoming, Receive, State};
use crate::{adapters::io_error::out_of_memory, body::Body};

/// Whether to wait for memory, and the wait that goes on. It owns its pool, so it may outlive a poll.
#[derive(Default)]
pub(super) struct SegmentWait {
    is_on: bool,
    take: Option<Pin<Box<dyn TakeFuture>>>,
    /// The size that the reader waits for, when it is not the next read that waits.
    for_reader: Option<SegmentSize>,
}

/// The future of a segment.
trait TakeFuture: Future<Output = Result<SegmentMut, TakeError>> + Send + Sync {}

impl<F: Future<Output = Result<SegmentMut, TakeError>> + Send + Sync> TakeFuture for F {}

impl SegmentWait {
    /// Polls for a segment, in the order of all who wait for one. Allocates when a wait begins.
    fn poll_take(
        &mut self,
        pool: &Pool,
        size: SegmentSize,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<SegmentMut>> {
        let take = self.take.get_or_insert_with(|| {
            let pool = pool.clone();
            Box::pin(async move { pool.take_size_async(size).await })
        });
        let taken = ready!(take.as_mut().poll(context));
        self.take = None;
        Poll::Ready(taken.map_err(io::Error::from))
    }
}

impl fmt::Debug for SegmentWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentWait")
            .field("is_on", &self.is_on)
            .field("waits", &self.take.is_some())
            .finish()
    }
}

impl<S, R> Incoming<S, R> {
    /// Sets whether the asynchronous calls wait for memory when the pool or the budget has none, where they
    /// return an error by default. So a full pool slows its users down. For a new stream.
    ///
    /// Who waits is served in the order of asking. A task that holds all memory of the pool itself and
    /// waits for more waits for ever: give back, or write out, what was read before.
    #[must_use]
    pub const fn with_memory_wait(mut self, waits: bool) -> Self {
        self.waiting.is_on = waits;
        self
    }

    /// Returns whether the asynchronous calls wait for memory.
    #[must_use]
    pub const fn memory_wait(&self) -> bool {
        self.waiting.is_on
    }
}

impl<S: AsyncRead + Unpin, R: Receive> Incoming<S, R> {
    /// Reads up to the head of the message, which is then at the [reader](Self::reader). Returns
    /// `false` when the socket was closed instead of another message. Cancel-safe.
    ///
    /// # Errors
    ///
    /// What the socket says, and why the head was refused. After an error of kind `OutOfMemory` the
    /// same call goes on when there is memory.
    pub async fn read_head_async(&mut self) -> io::Result<bool> {
        self.begin_head();
        while self.state == State::Head {
            poll_fn(|context| self.poll_on(context)).await?;
        }
        Ok(self.state != State::Closed)
    }

    /// Reads the next data of the body, where it lies, all that one read gave; `None` at its end.
    /// Cancel-safe. This is how to read without a copy.
    ///
    /// # Errors
    ///
    /// What the socket says, and why the message was refused.
    pub async fn next_data(&mut self) -> io::Result<Option<Sequence>> {
        poll_fn(|context| self.poll_data(context)).await
    }

    /// Polls for what [`next_data`](Self::next_data) returns.
    ///
    /// # Errors
    ///
    /// As [`next_data`](Self::next_data).
    pub fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Sequence>>> {
        self.set_collecting(false);
        while !self.is_ready() {
            ready!(self.poll_on(context))?;
        }
        let data = core::mem::take(&mut self.data);
        Poll::Ready(Ok((!data.is_empty()).then_some(data)))
    }

    /// Reads the rest of the message, as [`collect`](Self::collect) does. Cancel-safe: a call that is given up loses nothing, and the
    /// next one goes on.
    ///
    /// # Errors
    ///
    /// As [`collect`](Self::collect).
    pub async fn collect_async(&mut self) -> io::Result<Body> {
        self.set_collecting(true);
        while !self.is_complete() {
            poll_fn(|context| self.poll_on(context)).await?;
        }
        Ok(self.take_body())
    }

    /// Reads on to the next step to report.
    fn poll_on(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !ready!(self.poll_advance(context))? {
            // Given back when the socket has nothing: an idle connection holds no segment.
            let mut spare = ready!(self.poll_spare(context))?;
            let poll = self.poll_read_into(&mut spare, context);
            let Poll::Ready(Ok(left)) = poll else {
                self.keep_spare(spare);
                return poll.map_ok(drop);
            };
            self.take_received(spare, left)?;
            if self.is_ready() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once into `spare`, and into more segments when that comes full. Returns how much is left of them.
    fn poll_read_into(
        &mut self,
        spare: &mut SegmentMut,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.read_size.segments() > 1 {
            // The socket does not know whose task it is, and would let it run for ever.
            let budget = ready!(coop::poll_proceed(context));
            if let Some(read) = self.read_vectored(spare) {
                budget.made_progress();
                return Poll::Ready(read);
            }
        }
        let mut buffer = ReadBuf::new(spare.spare_initialized_mut());
        ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer))?;
        let count = buffer.filled().len();
        spare.advance_initialized(count);
        Poll::Ready(Ok(spare.spare_len()))
    }

    /// Goes on with what was received; waits where the reader is out of memory, if asked to.
    fn poll_advance(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            if let Some(size) = self.waiting.for_reader {
                let taken = ready!(self.waiting.poll_take(&self.pool, size, context));
                self.waiting.for_reader = None;
                self.reader.supply(taken?);
            }
            let error = match self.advance() {
                Err(error) if self.waiting.is_on => error,
                result => return Poll::Ready(result),
            };
            let Some(memory) = out_of_memory(&error) else { return Poll::Ready(Err(error)) };
            let size = SegmentSize::fitting(memory.requested_bytes());
            self.waiting.for_reader = Some(size.unwrap_or_default());
        }
    }

    fn poll_spare(&mut self, context: &mut Context<'_>) -> Poll<io::Result<SegmentMut>> {
        if self.waiting.take.is_none() {
            match self.take_spare() {
                Err(_) if self.waiting.is_on => {}
                result => return Poll::Ready(result),
            }
        }
        self.waiting.poll_take(&self.pool, self.pool.segment_size(), context)
    }
}

impl<S: AsyncRead + Unpin, R: Receive + Unpin> AsyncRead for Incoming<S, R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if target.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let data = ready!(self.as_mut().poll_fill_buf(context))?;
        let count = data.len().min(target.remaining());
        target.put_slice(&data[..count]);
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin, R: Receive + Unpin> AsyncBufRead for Incoming<S, R> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        this.set_collecting(false);
        while !this.is_ready() {
            ready!(this.poll_on(context))?;
        }
        Poll::Ready(Ok(this.first()))
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        bytes::Buf::advance(&mut self.data, count);
    }
}
