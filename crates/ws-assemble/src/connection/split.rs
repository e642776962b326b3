//! The two halves of a connection.

use core::{
    fmt,
    future::poll_fn,
    task::{Context, Poll, Waker, ready},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Wake,
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Connection, ConnectionError,
    payload::Payload,
    read_into::{Filling, Found},
};
use crate::{
    close_frame::{CloseFrame, PeerClose},
    control::ControlPayload,
    message::Message,
};

/// The half of a [`Connection`] that reads.
///
/// It answers pings and the peer's close frame, so it is to be polled as long as the connection
/// lives. The halves lock a mutex for the time of a poll, never while they wait.
pub struct ReadHalf<S>(Arc<Shared<S>>);

/// The half of a [`Connection`] that writes.
pub struct WriteHalf<S>(Arc<Shared<S>>);

struct Shared<S> {
    connection: Mutex<Connection<S>>,
    /// A stream remembers one task that waits to write: this one, which wakes both halves.
    writable: Arc<Writable>,
}

#[derive(Debug, Default)]
struct Writable {
    reader: Mutex<Option<Waker>>,
    writer: Mutex<Option<Waker>>,
}

impl Wake for Writable {
    fn wake(self: Arc<Self>) {
        for slot in [&self.reader, &self.writer] {
            let waker = lock(slot).take();
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(slot: &Mutex<Option<Waker>>, context: &Context<'_>) {
    let mut slot = lock(slot);
    if !slot.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
        *slot = Some(context.waker().clone());
    }
}

pub(super) fn split<S>(connection: Connection<S>) -> (ReadHalf<S>, WriteHalf<S>) {
    let shared = Arc::new(Shared { connection: Mutex::new(connection), writable: Arc::default() });
    (ReadHalf(Arc::clone(&shared)), WriteHalf(shared))
}

impl<S> ReadHalf<S> {
    /// Returns how the peer closed the connection, as [`Connection::peer_close`]. Locks and copies.
    #[must_use]
    pub fn peer_close(&self) -> Option<PeerClose> {
        lock(&self.0.connection).peer_close().copied()
    }

    pub(super) fn put_back(&self, filling: &mut Filling<'_>) {
        filling.put_back(&mut lock(&self.0.connection));
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ReadHalf<S> {
    /// Returns the next message, as [`Connection::next`].
    ///
    /// # Errors
    ///
    /// As [`Connection::next`].
    pub async fn next(&mut self) -> Result<Option<Message>, ConnectionError> {
        poll_fn(|context| self.poll_message(context)).await
    }

    /// Appends the next messages, as [`Connection::next_batch`].
    ///
    /// # Errors
    ///
    /// As [`Connection::next`].
    pub async fn next_batch(
        &mut self,
        messages: &mut Vec<Message>,
    ) -> Result<usize, ConnectionError> {
        let first = self.next().await?;
        lock(&self.0.connection).take_batch(first, messages)
    }

    /// Ends the connection so that the peer gets what was sent last, as [`Connection::finish`]; the
    /// other half can send nothing any more.
    ///
    /// # Errors
    ///
    /// As [`Connection::finish`].
    pub async fn finish(&mut self, discard_bytes_max: u64) -> Result<(), ConnectionError> {
        let mut left = discard_bytes_max;
        poll_fn(|context| {
            remember(&self.0.writable.reader, context);
            let waker = Waker::from(Arc::clone(&self.0.writable));
            lock(&self.0.connection).poll_finish(context, Some(&waker), &mut left)
        })
        .await
    }

    pub(super) fn poll_message(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, ConnectionError>> {
        remember(&self.0.writable.reader, context);
        let waker = Waker::from(Arc::clone(&self.0.writable));
        lock(&self.0.connection).poll_message_with(context, Some(&waker))
    }

    pub(super) fn poll_into(
        &self,
        filling: &mut Filling<'_>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Found, ConnectionError>> {
        remember(&self.0.writable.reader, context);
        let waker = Waker::from(Arc::clone(&self.0.writable));
        filling.poll(&mut lock(&self.0.connection), context, Some(&waker))
    }

    /// Puts the halves of one connection together again.
    ///
    /// # Errors
    ///
    /// Gives both back when they are of different connections.
    pub fn unsplit(self, write: WriteHalf<S>) -> Result<Connection<S>, (Self, WriteHalf<S>)> {
        if !Arc::ptr_eq(&self.0, &write.0) {
            return Err((self, write));
        }
        drop(write);
        match Arc::try_unwrap(self.0) {
            Ok(shared) => {
                Ok(shared.connection.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
            Err(_) => unreachable!("the halves are not cloned"),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WriteHalf<S> {
    /// Sends a message in one frame and flushes it, as [`Connection::send`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub async fn send(&mut self, message: &Message) -> Result<(), ConnectionError> {
        let (payload, mut is_taken) = (Payload::of(message), false);
        poll_fn(|context| {
            self.poll(context, |connection, context| {
                connection.poll_send(context, message.kind(), payload, &mut is_taken)
            })
        })
        .await
    }

    /// Encodes a message without writing it, as [`Connection::queue`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub async fn queue(&mut self, message: &Message) -> Result<(), ConnectionError> {
        poll_fn(|context| {
            // Under one lock: behind a close frame of the other half nothing is to be sent.
            self.poll(context, |connection, context| {
                ready!(connection.poll_ready(context))?;
                Poll::Ready(connection.output.queue(message))
            })
        })
        .await
    }

    /// Sends a ping, as [`Connection::ping`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub async fn ping(&mut self, payload: &ControlPayload) -> Result<(), ConnectionError> {
        lock(&self.0.connection).queue_ping(payload)?;
        self.flush().await
    }

    /// Sends a close frame and flushes it; the other half reads until the peer's.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub async fn close(&mut self, close: &CloseFrame) -> Result<(), ConnectionError> {
        lock(&self.0.connection).queue_close(close)?;
        self.flush().await
    }

    /// Writes all that is encoded.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub async fn flush(&mut self) -> Result<(), ConnectionError> {
        poll_fn(|context| self.poll(context, Connection::poll_flush)).await
    }

    #[cfg(feature = "futures")]
    pub(super) fn with<T>(&self, use_it: impl FnOnce(&mut Connection<S>) -> T) -> T {
        use_it(&mut lock(&self.0.connection))
    }

    /// Polls the connection for writing.
    pub(super) fn poll<T>(
        &self,
        context: &Context<'_>,
        poll: impl FnOnce(&mut Connection<S>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        remember(&self.0.writable.writer, context);
        let waker = Waker::from(Arc::clone(&self.0.writable));
        poll(&mut lock(&self.0.connection), &mut Context::from_waker(&waker))
    }
}

impl<S> fmt::Debug for ReadHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for WriteHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}
