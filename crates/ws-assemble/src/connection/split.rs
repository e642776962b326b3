//! The two halves of a connection.

use core::{
    fmt,
    future::poll_fn,
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::{io, sync::Arc, task::Wake, time::Instant};

use tokio::io::{self as tokio_io, AsyncRead, AsyncWrite};

use super::{
    Connection,
    driver::{self, Receive, Transmit},
    memory::Memory,
    transport::{ReadStream, WriteStream},
    write_side::{Place, WriteSide},
};
use crate::{
    close_frame::{CloseFrame, PeerClose},
    connection_error::ConnectionError,
    control::ControlPayload,
    message::Message,
    part::Part,
    session::{Counters, Heartbeat, Session},
    sync::{Mutex, lock},
};

/// The half of a [`Connection`] that reads.
///
/// It answers pings and the peer's close frame, so it is to be polled as long as the connection
/// lives. The halves share a [`Session`] whose lock no system call is made under; what is written is
/// written under a lock of its own, by either half. Dropping this half gives back what was received
/// and not taken, the start of a message included.
pub struct ReadHalf<R, W> {
    /// `None` once it is taken out.
    reader: Option<R>,
    shared: Arc<Shared<W>>,
    memory: Memory,
    #[cfg(feature = "futures")]
    pub(super) has_failed: bool,
}

/// The half of a [`Connection`] that writes.
pub struct WriteHalf<W>(Arc<Shared<W>>);

struct Shared<W> {
    session: Mutex<Session>,
    side: Mutex<WriteSide<W>>,
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

impl<W> Shared<W> {
    fn with_stream<T>(
        &self,
        slot: &Mutex<Option<Waker>>,
        context: &Context<'_>,
        use_it: impl FnOnce(&mut WriteSide<W>, &mut Place<'_>, &mut Context<'_>) -> T,
    ) -> T {
        {
            let mut slot = lock(slot);
            if !slot.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                *slot = Some(context.waker().clone());
            }
        }
        let waker = Waker::from(Arc::clone(&self.writable));
        let (mut side, mut place) = (lock(&self.side), Place::Shared(&self.session));
        use_it(&mut side, &mut place, &mut Context::from_waker(&waker))
    }
}

impl<S> Connection<S> {
    /// Splits into two halves, the stream by means of its own: `TcpStream::into_split`, say. Then no
    /// half waits for a system call of the other one, but where both write.
    #[must_use]
    pub fn split_with<R, W>(
        self,
        split: impl FnOnce(S) -> (R, W),
    ) -> (ReadHalf<R, W>, WriteHalf<W>) {
        let (reader, side) = self.side.split_with(split);
        let shared = Arc::new(Shared {
            session: Mutex::new(self.session),
            side: Mutex::new(side),
            writable: Arc::default(),
        });
        let read = ReadHalf {
            reader: Some(reader),
            shared: Arc::clone(&shared),
            memory: self.memory,
            #[cfg(feature = "futures")]
            has_failed: self.has_failed,
        };
        (read, WriteHalf(shared))
    }
}

impl<R, W> ReadHalf<R, W> {
    /// Returns how the peer closed the connection, as [`Connection::peer_close`]. Locks and copies.
    #[must_use]
    pub fn peer_close(&self) -> Option<PeerClose> {
        lock(&self.shared.session).peer_close().cloned()
    }

    /// Returns what both halves have moved so far, and what they hold now, as [`Session::counters`].
    #[must_use]
    pub fn counters(&self) -> Counters {
        lock(&self.shared.session).counters()
    }

    /// Returns the newest pong that came since the last call, as [`Connection::take_pong`].
    pub fn take_pong(&mut self) -> Option<ControlPayload> {
        lock(&self.shared.session).take_pong()
    }

    /// Puts the halves of one connection together again, and their streams with `unite`.
    ///
    /// # Errors
    ///
    /// Gives both back when they are of different connections.
    pub fn unsplit_with<S>(
        mut self,
        write: WriteHalf<W>,
        unite: impl FnOnce(R, W) -> S,
    ) -> Result<Connection<S>, (Self, WriteHalf<W>)> {
        if !Arc::ptr_eq(&self.shared, &write.0) {
            return Err((self, write));
        }
        let Some(reader) = self.reader.take() else { unreachable!("taken out by value") };
        let memory = core::mem::take(&mut self.memory);
        #[cfg(feature = "futures")]
        let has_failed = self.has_failed;
        drop(self);
        let Ok(shared) = Arc::try_unwrap(write.0) else { unreachable!("halves are not cloned") };
        let unlocked = |side: std::sync::LockResult<WriteSide<W>>| {
            side.unwrap_or_else(std::sync::PoisonError::into_inner)
        };
        let session = shared.session.into_inner();
        Ok(Connection {
            side: unlocked(shared.side.into_inner()).unite_with(|writer| unite(reader, writer)),
            session: session.unwrap_or_else(std::sync::PoisonError::into_inner),
            memory,
            #[cfg(feature = "futures")]
            has_failed,
        })
    }
}

impl<S> ReadHalf<tokio_io::ReadHalf<S>, tokio_io::WriteHalf<S>> {
    /// Puts the halves of one connection together again.
    ///
    /// # Errors
    ///
    /// Gives both back when they are of different connections.
    pub fn unsplit(
        self,
        write: WriteHalf<tokio_io::WriteHalf<S>>,
    ) -> Result<Connection<S>, (Self, WriteHalf<tokio_io::WriteHalf<S>>)>
    where
        S: Unpin,
    {
        self.unsplit_with(write, tokio_io::ReadHalf::unsplit)
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> ReadHalf<R, W> {
    /// Returns the next message, as [`Connection::next`].
    ///
    /// # Errors
    ///
    /// As [`Connection::next`].
    pub async fn next(&mut self) -> Result<Option<Message>, ConnectionError> {
        poll_fn(|context| self.poll_message(context)).await
    }

    /// Returns the next part of a message, as [`Connection::next_part`].
    ///
    /// # Errors
    ///
    /// As [`Connection::next_part`].
    pub async fn next_part(&mut self) -> Result<Option<Part>, ConnectionError> {
        poll_fn(|context| driver::poll_decoded(self, context, Session::decoded_part)).await
    }

    /// Returns the next message, and pings a silent peer, as [`Connection::next_alive`].
    ///
    /// # Errors
    ///
    /// As [`Connection::next_alive`].
    ///
    /// # Panics
    ///
    /// As [`Connection::next_alive`].
    pub async fn next_alive(&mut self) -> Result<Option<Message>, ConnectionError> {
        driver::next_alive(self).await
    }

    /// Pings a silent peer, as [`Session::set_heartbeat`].
    pub fn set_heartbeat(&mut self, heartbeat: Heartbeat, now: Instant) {
        lock(&self.shared.session).set_heartbeat(heartbeat, now);
    }

    /// Returns how long the newest ping took that was answered, as [`Session::latency`].
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        lock(&self.shared.session).latency()
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
        Ok(lock(&self.shared.session).take_batch(first, messages))
    }

    /// Ends the connection so that the peer gets what was sent last, as [`Connection::finish`]; the
    /// other half can send nothing any more.
    ///
    /// # Errors
    ///
    /// As [`Connection::finish`].
    pub async fn finish(&mut self, discard_bytes_max: u64) -> Result<(), ConnectionError> {
        let mut left = discard_bytes_max;
        poll_fn(|context| self.poll_finish(context, &mut left)).await
    }
}

impl<W> WriteHalf<W> {
    /// Returns the number of bytes that are encoded and not written, as
    /// [`Connection::unsent_bytes`].
    #[must_use]
    pub fn unsent_bytes(&self) -> u64 {
        lock(&self.0.session).unsent_bytes()
    }

    /// Returns what both halves have moved so far, and what they hold now, as [`Session::counters`].
    #[must_use]
    pub fn counters(&self) -> Counters {
        lock(&self.0.session).counters()
    }

    /// Encodes a message without writing it, or refuses it, as [`Connection::try_queue`]. Waits for
    /// no system call.
    ///
    /// # Errors
    ///
    /// As [`Session::send`].
    pub fn try_queue(&mut self, message: &Message) -> Result<(), ConnectionError> {
        lock(&self.0.session).send(message)
    }
}

impl<W: AsyncWrite + Unpin> WriteHalf<W> {
    /// Sends a close frame and flushes it; the other half reads until the peer's.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub async fn close(&mut self, close: &CloseFrame) -> Result<(), ConnectionError> {
        lock(&self.0.session).close(close);
        self.flush().await
    }
}

impl<R, W> Drop for ReadHalf<R, W> {
    fn drop(&mut self) {
        if self.reader.is_some() {
            // Nobody is left to take it.
            lock(&self.shared.session).drop_input();
        }
    }
}

impl<R, W: WriteStream> Transmit for ReadHalf<R, W> {
    type Stream = W;

    fn place(&mut self) -> Place<'_> {
        Place::Shared(&self.shared.session)
    }

    fn with_stream<T>(
        &mut self,
        context: &mut Context<'_>,
        use_it: impl FnOnce(&mut WriteSide<W>, &mut Place<'_>, &mut Context<'_>) -> T,
    ) -> T {
        self.shared.with_stream(&self.shared.writable.reader, context, use_it)
    }

    fn poll_pump(&mut self, _: &mut Context<'_>) {}
}

impl<R: ReadStream, W: WriteStream> Receive for ReadHalf<R, W> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.reader {
            Some(reader) => reader.poll_read(context, buffer),
            None => Poll::Ready(Ok(0)),
        }
    }

    fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }
}

impl<W: WriteStream> Transmit for WriteHalf<W> {
    type Stream = W;

    fn place(&mut self) -> Place<'_> {
        Place::Shared(&self.0.session)
    }

    fn with_stream<T>(
        &mut self,
        context: &mut Context<'_>,
        use_it: impl FnOnce(&mut WriteSide<W>, &mut Place<'_>, &mut Context<'_>) -> T,
    ) -> T {
        self.0.with_stream(&self.0.writable.writer, context, use_it)
    }

    /// The other half reads.
    fn poll_pump(&mut self, _: &mut Context<'_>) {}
}

impl<R, W> fmt::Debug for ReadHalf<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<W> fmt::Debug for WriteHalf<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}
