//! How a session and its stream are driven, be they owned by a connection or shared by two halves.

use core::task::{Context, Poll, ready};
use std::io;

use super::{
    memory::Memory,
    transport::WriteStream,
    write_side::{Place, WriteSide},
};
use crate::{
    broadcast::Broadcast,
    close_frame::CloseFrame,
    connection_error::ConnectionError,
    control::ControlPayload,
    header::CONTROL_BYTES_MAX,
    message::{Message, MessageKind},
    session::{Filling, Found, Payload, Session, Unit},
};

/// Bytes that are read at a time to be dropped. They lie on the stack: the pool may be what failed.
const DISCARD_BYTES: usize = 4 << 10;

/// What can send: a connection, or a half of one.
pub(crate) trait Transmit: Sized {
    /// The stream that is written to.
    type Stream: WriteStream;

    /// Returns where the session is.
    fn place(&mut self) -> Place<'_>;

    /// Uses the stream, and the session along with it. The context is one that wakes whoever waits
    /// for this stream.
    fn with_stream<T>(
        &mut self,
        context: &mut Context<'_>,
        use_it: impl FnOnce(&mut WriteSide<Self::Stream>, &mut Place<'_>, &mut Context<'_>) -> T,
    ) -> T;

    /// Receives as far as that needs no waiting, so that pings are answered while a message is sent.
    fn poll_pump(&mut self, context: &mut Context<'_>);

    /// Uses the session.
    #[inline]
    fn session_with<T>(&mut self, use_it: impl FnOnce(&mut Session) -> T) -> T {
        self.place().with(use_it)
    }

    /// Writes all that is encoded, and flushes it.
    #[inline]
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        self.with_stream(context, |stream, place, context| stream.poll_flush(place, context))
    }

    /// Waits until another message may be encoded.
    #[inline]
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        self.session_with(|session| session.check_sendable())?;
        self.poll_capacity(context)
    }

    /// Waits until less than the limit is encoded and not written.
    #[inline]
    fn poll_capacity(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        if self.session_with(|session| session.is_full()) {
            ready!(self.poll_flush(context))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Takes `payload` on when there is capacity for it, unless it `is_taken`, and flushes.
    #[inline]
    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        kind: MessageKind,
        payload: Payload<'_>,
        is_taken: &mut bool,
    ) -> Poll<Result<(), ConnectionError>> {
        if !*is_taken {
            ready!(self.poll_ready(context))?;
            self.with_stream(context, |stream, place, context| {
                stream.send(place, context, kind, payload)
            })?;
            *is_taken = true;
        }
        self.poll_flush(context)
    }

    /// Takes a message that is encoded already on, as [`poll_send`](Self::poll_send).
    #[inline]
    fn poll_broadcast(
        &mut self,
        context: &mut Context<'_>,
        broadcast: &Broadcast,
        is_taken: &mut bool,
    ) -> Poll<Result<(), ConnectionError>> {
        if !*is_taken {
            ready!(self.poll_ready(context))?;
            self.with_stream(context, |stream, place, context| {
                stream.send_broadcast(place, context, broadcast)
            })?;
            *is_taken = true;
        }
        self.poll_flush(context)
    }

    /// Takes a message on when there is capacity for it.
    fn poll_queue(
        &mut self,
        context: &mut Context<'_>,
        message: &Message,
    ) -> Poll<Result<(), ConnectionError>> {
        ready!(self.poll_ready(context))?;
        Poll::Ready(self.session_with(|session| session.send(message)))
    }

    /// Takes a ping on, unless it `is_taken`, and flushes.
    fn poll_ping(
        &mut self,
        context: &mut Context<'_>,
        payload: &ControlPayload,
        is_taken: &mut bool,
    ) -> Poll<Result<(), ConnectionError>> {
        while !*is_taken {
            match self.session_with(|session| session.ping(payload)) {
                Err(ConnectionError::OutputFull) => ready!(self.poll_flush(context))?,
                taken => {
                    taken?;
                    *is_taken = true;
                }
            }
        }
        self.poll_flush(context)
    }
}

/// What can receive: a connection, or the half that reads.
pub(crate) trait Receive: Transmit + Sized {
    /// Reads from the stream.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>>;

    /// Returns what waits for memory.
    fn memory(&mut self) -> &mut Memory;

    /// Returns the next message; `None` when the connection has ended in order.
    fn poll_message(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, ConnectionError>> {
        poll_message(self, context)
    }

    /// Reads a message or a frame into a buffer.
    fn poll_into(
        &mut self,
        filling: &mut Filling<'_>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Found, ConnectionError>> {
        loop {
            match self.session_with(|session| filling.take_received(session)) {
                Ok(Some(found)) => return Poll::Ready(Ok(found)),
                Ok(None) => {}
                Err(error) => {
                    ready!(self.poll_memory(context, error))?;
                    continue;
                }
            }
            if !ready!(self.poll_open(context))? {
                return Poll::Ready(Ok(Found::Closed));
            }
            if self.session_with(|session| session.has_input()) {
                continue;
            }
            let Some(space) = self.session_with(|session| filling.space(session)) else {
                ready!(self.poll_receive(context))?;
                continue;
            };
            let count = ready!(self.poll_read_or_fail(context, space))?;
            if count == 0 {
                self.session_with(Session::end_input);
            } else if let Some(found) =
                self.session_with(|session| filling.received(session, count))?
            {
                return Poll::Ready(Ok(found));
            }
        }
    }

    /// Receives more, once nothing is left of what was received; returns whether there was more.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, ConnectionError>> {
        if !ready!(self.poll_open(context))? {
            return Poll::Ready(Ok(false));
        }
        // Decoding may have waited for a pong to be written.
        if !self.session_with(|session| session.has_input()) {
            ready!(self.poll_receive(context))?;
        }
        Poll::Ready(Ok(true))
    }

    /// Writes what the peer is to hear, and returns whether there is more to read. What cannot be
    /// written holds up nothing but the end.
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, ConnectionError>> {
        self.session_with(Session::settle);
        let flushed = self.poll_flush(context);
        self.session_with(|session| session.ended())?;
        if !self.session_with(|session| session.is_closed()) {
            return Poll::Ready(Ok(true));
        }
        // After the peer's close frame it may be gone.
        flushed.map(|_| Ok(false))
    }

    /// Reads once. Segments are taken for it, and given back when nothing came.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        let space = self.session_with(Session::space);
        let count = match space {
            Ok(mut segment) => {
                // There is memory again: this connection leaves the queue for it.
                self.memory().stop_waiting();
                let polled = self.poll_read_or_fail(context, segment.spare_initialized_mut());
                let count = match &polled {
                    Poll::Ready(Ok(count)) => *count,
                    _ => 0,
                };
                self.session_with(|session| session.received(segment, count));
                ready!(polled)?
            }
            Err(error) => {
                let mut small = [0; CONTROL_BYTES_MAX];
                let len = self.session_with(|session| session.small_len());
                if len == 0 {
                    return self.poll_memory(context, error.into());
                }
                let count = ready!(self.poll_read_or_fail(context, &mut small[..len]))?;
                self.session_with(|session| session.received_small(&small[..count]));
                count
            }
        };
        if count == 0 {
            self.session_with(Session::end_input);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads, and tells the session of a stream that failed.
    #[inline]
    fn poll_read_or_fail(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, ConnectionError>> {
        match self.poll_read(context, buffer) {
            Poll::Ready(Ok(count)) => Poll::Ready(Ok(count)),
            Poll::Ready(Err(error)) => {
                self.session_with(|session| session.fail_read(error.kind()));
                Poll::Ready(Err(error.into()))
            }
            // Whatever lay in the socket is read.
            Poll::Pending => match self.session_with(|session| session.write_failure()) {
                Some(kind) => {
                    self.session_with(|session| session.fail_read(kind));
                    Poll::Ready(Err(io::Error::from(kind).into()))
                }
                None => Poll::Pending,
            },
        }
    }

    /// Waits for memory when that is what is missing and the user wants to wait; after that the same
    /// call goes on.
    #[cold]
    fn poll_memory(
        &mut self,
        context: &mut Context<'_>,
        error: ConnectionError,
    ) -> Poll<Result<(), ConnectionError>> {
        let ConnectionError::OutOfMemory(missing) = &error else { return Poll::Ready(Err(error)) };
        // The peer is answered meanwhile; a stream that failed is reported when it is read.
        let _ = self.poll_flush(context);
        let pool = self.session_with(|session| session.pool().clone());
        if !self.memory().waits {
            return Poll::Ready(Err(error));
        }
        let segment = ready!(self.memory().poll_take(&pool, missing, context))?;
        self.session_with(|session| session.give(segment));
        Poll::Ready(Ok(()))
    }

    /// Closes the connection: sends a close frame and reads until the peer's.
    fn poll_close(
        &mut self,
        context: &mut Context<'_>,
        close: &CloseFrame,
    ) -> Poll<Result<(), ConnectionError>> {
        self.session_with(|session| session.close(close));
        while ready!(self.poll_message(context))?.is_some() {}
        // Both close frames were exchanged. How the stream itself ends changes nothing: a peer may
        // reset its stream of HTTP/2, or end TLS without a word.
        let _ = ready!(self.with_stream(context, |stream, _, context| stream.poll_shut(context)));
        Poll::Ready(Ok(()))
    }

    /// Ends the connection so that the peer gets what was sent last; drops at most `left` bytes.
    fn poll_finish(
        &mut self,
        context: &mut Context<'_>,
        left: &mut u64,
    ) -> Poll<Result<(), ConnectionError>> {
        self.session_with(|session| {
            session.settle();
            session.abandon();
        });
        match self.poll_drain(context, left) {
            // After the peer's close frame it changes nothing how the stream ends: a peer may reset it,
            // or end TLS without a word.
            Poll::Ready(Err(ConnectionError::Io(_)))
                if self.session_with(|session| session.peer_close().is_some()) =>
            {
                Poll::Ready(Ok(()))
            }
            polled => polled,
        }
    }

    /// Writes all that is encoded, ends the stream, and drops what still comes.
    fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        left: &mut u64,
    ) -> Poll<Result<(), ConnectionError>> {
        let written = self.with_stream(context, |stream, place, context| {
            ready!(stream.poll_flush(place, context))?;
            stream.poll_shut(context)
        })?;
        // At the same time: a peer may read only when it has got rid of what it writes.
        let mut bytes = [0; DISCARD_BYTES];
        loop {
            // One byte more than may come tells an end from a peer that goes on.
            let len = usize::try_from(left.saturating_add(1)).unwrap_or(usize::MAX);
            let count = ready!(self.poll_read(context, &mut bytes[..len.min(DISCARD_BYTES)]))?;
            if count == 0 {
                return written.map(Ok);
            }
            *left = left.checked_sub(count as u64).ok_or(ConnectionError::CloseIgnored)?;
        }
    }
}

/// Returns the next message, in the way that serves all kinds of them.
pub(super) fn poll_message(
    receiver: &mut impl Receive,
    context: &mut Context<'_>,
) -> Poll<Result<Option<Message>, ConnectionError>> {
    poll_decoded(receiver, context, Session::decoded)
}

/// Returns what the session decodes next, and receives until there is something.
pub(crate) fn poll_decoded<T>(
    receiver: &mut impl Receive,
    context: &mut Context<'_>,
    decode: impl Fn(&mut Session) -> Result<Option<T>, ConnectionError>,
) -> Poll<Result<Option<T>, ConnectionError>> {
    loop {
        match receiver.session_with(&decode) {
            Ok(Some(decoded)) => return Poll::Ready(Ok(Some(decoded))),
            Ok(None) => {
                if !ready!(receiver.poll_more(context))? {
                    return Poll::Ready(Ok(None));
                }
            }
            Err(error) => ready!(receiver.poll_memory(context, error))?,
        }
    }
}

/// Returns the next message, and does what the heartbeat asks for meanwhile.
#[cfg(feature = "tokio")]
pub(super) async fn next_alive(
    receiver: &mut impl Receive,
) -> Result<Option<Message>, ConnectionError> {
    let mut sleep = core::pin::pin!(tokio::time::sleep(core::time::Duration::ZERO));
    core::future::poll_fn(|context| {
        loop {
            let polled = receiver.poll_message(context);
            if polled.is_ready() {
                return polled;
            }
            let now = tokio::time::Instant::now();
            let due = receiver.session_with(|session| session.beat(now.into_std()))?;
            // A stream that failed is reported when it is read.
            let _ = receiver.poll_flush(context);
            let Some(due) = due else { return Poll::Pending };
            sleep.as_mut().reset(due.into());
            ready!(sleep.as_mut().poll(context));
        }
    })
    .await
}

/// A buffer that is being filled. Dropped before that, it puts back what was read.
pub(crate) struct Reading<'a, C: Receive> {
    receiver: &'a mut C,
    filling: Filling<'a>,
}

impl<'a, C: Receive> Reading<'a, C> {
    pub(crate) const fn new(receiver: &'a mut C, buffer: &'a mut [u8], unit: Unit) -> Self {
        Self { receiver, filling: Filling::new(buffer, unit) }
    }

    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Found, ConnectionError>> {
        self.receiver.poll_into(&mut self.filling, context)
    }
}

impl<C: Receive> Drop for Reading<'_, C> {
    fn drop(&mut self) {
        let filling = &mut self.filling;
        self.receiver.session_with(|session| filling.put_back(session));
    }
}
