//! Waiting for a segment.

use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{
    limit::account::Account,
    pool::Pool,
    segment::segment_mut::SegmentMut,
    size::{SegmentSize, SizeError},
    slab::track::Origin,
    take_error::TakeError,
};

impl Pool {
    /// Waits for an empty segment of at least `len` bytes: the smallest size that holds them.
    ///
    /// First come, first served; cancel-safe; on any runtime. It waits while the pool or one of
    /// the handle's [budgets](crate::Budget) is exhausted, and completes when others drop
    /// segments from then on. Segments that other threads keep idle in their caches, at most a
    /// quarter of the limit for all together, do not count: a thread that never drops another one
    /// keeps them. Allocates only when it waits: its place in the queue. Wakers run on the thread that
    /// drops a segment, without a lock held; one that panics does so there.
    ///
    /// # Errors
    ///
    /// [`TakeError::Size`] when `len` is above 64 KiB, [`TakeError::OutOfMemory`] when the limit or
    /// a budget could never allow it, or the system has no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn read(pool: &seg_pool::Pool) -> Result<(), seg_pool::TakeError> {
    /// let mut buffer = pool.take_async(16_384).await?;
    /// buffer.extend_from_slice(b"hello");
    /// # Ok(())
    /// # }
    /// ```
    #[cfg_attr(feature = "report", track_caller)]
    pub fn take_async(&self, len: usize) -> Take<'_> {
        Take::new(self, len, Origin::caller())
    }

    /// Waits for an empty segment of `size`, as [`take_async`](Self::take_async) does.
    #[cfg_attr(feature = "report", track_caller)]
    pub fn take_size_async(&self, size: SegmentSize) -> Take<'_> {
        Take::of(self, size, Origin::caller())
    }
}

/// The future of [`Pool::take_async`]: waits until a segment can be given.
///
/// First come, first served, at the budgets first and then at the pool. What comes back while
/// somebody waits goes to the first in the queue; what a thread kept idle for itself before that, at
/// most a quarter of a limited pool for all threads together, stays its own until it next gives.
/// Works on any runtime. Dropping it at any time loses nothing: its place goes to the next one, and
/// a segment that was granted and not yet received goes back.
///
/// A task that holds all of its budget and waits for more waits for itself, for ever: take what a
/// step needs in one segment, or give back before waiting.
#[must_use = "futures do nothing unless polled"]
pub struct Take<'a> {
    pool: &'a Pool,
    bytes: usize,
    stage: Stage<'a>,
    origin: Origin,
    /// The place in the queue of the current stage.
    ticket: Option<u64>,
}

#[derive(Clone, Copy)]
enum Stage<'a> {
    Refused(SizeError),
    /// Charging this account; the ones below it are charged.
    Charge(&'a Account),
    /// All accounts are charged.
    Take(SegmentSize),
    Done,
}

impl<'a> Take<'a> {
    pub(crate) fn new(pool: &'a Pool, len: usize, origin: Origin) -> Self {
        match SegmentSize::fitting(len) {
            Ok(size) => Self::of(pool, size, origin),
            Err(error) => {
                Self { pool, bytes: len, stage: Stage::Refused(error), origin, ticket: None }
            }
        }
    }

    pub(crate) fn of(pool: &'a Pool, size: SegmentSize, origin: Origin) -> Self {
        let charge = pool.account().map(|account| Stage::Charge(account));
        let stage = charge.unwrap_or(Stage::Take(size));
        Self { pool, bytes: size.bytes(), stage, origin, ticket: None }
    }

    /// Takes the charges of all accounts below the current stage back.
    fn uncharge(&self, until: Option<&Account>) {
        let mut level = self.pool.account().map(|account| &**account);
        while let Some(account) = level {
            if until.is_some_and(|until| core::ptr::eq(until, account)) {
                return;
            }
            account.uncharge(self.bytes);
            level = account.parent();
        }
    }

    fn fail(&mut self, error: impl Into<TakeError>) -> Poll<Result<SegmentMut, TakeError>> {
        match self.stage {
            Stage::Charge(account) => self.uncharge(Some(account)),
            Stage::Take(_) => self.uncharge(None),
            Stage::Refused(_) | Stage::Done => {}
        }
        self.stage = Stage::Done;
        Poll::Ready(Err(error.into()))
    }
}

impl Future for Take<'_> {
    type Output = Result<SegmentMut, TakeError>;

    /// # Panics
    ///
    /// Panics when polled again after it was ready.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            match this.stage {
                Stage::Refused(error) => return this.fail(error),
                Stage::Charge(account) => {
                    match account.poll_charge(this.bytes, &mut this.ticket, context) {
                        Poll::Ready(Ok(())) => {
                            this.stage = match (account.parent(), SegmentSize::exact(this.bytes)) {
                                (Some(parent), _) => Stage::Charge(parent),
                                (None, Ok(size)) => Stage::Take(size),
                                (None, Err(error)) => Stage::Refused(error),
                            };
                        }
                        Poll::Ready(Err(error)) => return this.fail(error),
                        Poll::Pending => return Poll::Pending,
                    }
                }
                Stage::Take(size) => {
                    let ticket = &mut this.ticket;
                    return match this.pool.poll_take_charged(size, this.origin, ticket, context) {
                        Poll::Ready(Ok(segment)) => {
                            this.stage = Stage::Done;
                            Poll::Ready(Ok(segment))
                        }
                        Poll::Ready(Err(error)) => this.fail(error),
                        Poll::Pending => Poll::Pending,
                    };
                }
                Stage::Done => panic!("polled again after a segment was taken"),
            }
        }
    }
}

impl Drop for Take<'_> {
    fn drop(&mut self) {
        match self.stage {
            Stage::Charge(account) => {
                if let Some(ticket) = self.ticket {
                    account.cancel(ticket, self.bytes);
                }
                self.uncharge(Some(account));
            }
            Stage::Take(size) => {
                if let Some(ticket) = self.ticket {
                    self.pool.cancel_take(size, ticket);
                }
                self.uncharge(None);
            }
            Stage::Refused(_) | Stage::Done => {}
        }
    }
}

impl fmt::Debug for Take<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Take")
            .field("bytes", &self.bytes)
            .field("waiting", &self.ticket.is_some())
            .finish_non_exhaustive()
    }
}
