//! Waiting for memory of the pool.

use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use seg_pool::{OutOfMemory, Pool, SegmentMut, TakeError};

use crate::events;

type Take = dyn Future<Output = Result<SegmentMut, OutOfMemory>> + Send + Sync;

/// A place in the queue for a segment, for a connection that waits instead of failing.
#[derive(Default)]
pub(crate) struct Memory {
    pub(super) waits: bool,
    /// In two boxes, as few connections wait, and those that do not are small.
    take: Option<Box<Pin<Box<Take>>>>,
}

impl Memory {
    /// Leaves the queue.
    #[inline]
    pub(super) fn stop_waiting(&mut self) {
        if self.take.is_some() {
            self.take = None;
        }
    }

    pub(super) fn poll_take(
        &mut self,
        pool: &Pool,
        missing: &OutOfMemory,
        context: &mut Context<'_>,
    ) -> Poll<Result<SegmentMut, OutOfMemory>> {
        let take = self.take.get_or_insert_with(|| {
            events::memory_awaited(missing);
            let pool = pool.clone();
            Box::new(Box::pin(async move {
                pool.take_size_async(pool.segment_size()).await.map_err(|error| match error {
                    TakeError::OutOfMemory(error) => error,
                    other => unreachable!("a size that the pool has: {other}"),
                })
            }))
        });
        let taken = ready!((**take).as_mut().poll(context));
        self.take = None;
        Poll::Ready(taken)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("waits", &self.waits).finish_non_exhaustive()
    }
}
