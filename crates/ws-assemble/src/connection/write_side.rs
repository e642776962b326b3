//! The side of a stream that is written to.

use core::{
    iter,
    task::{Context, Poll, ready},
};
use std::io::{self, IoSlice};

use super::transport::WriteStream;
use crate::{
    broadcast::Broadcast,
    connection_error::ConnectionError,
    message::MessageKind,
    session::{Encoded, Payload, Session, SmallFrame},
    sync::{Mutex, lock},
};

/// Where a session is.
#[derive(Debug)]
pub(crate) enum Place<'a> {
    Own(&'a mut Session),
    Shared(&'a Mutex<Session>),
}

impl Place<'_> {
    /// Uses the session; locks it for so long where it is shared.
    #[inline]
    pub(crate) fn with<T>(&mut self, use_it: impl FnOnce(&mut Session) -> T) -> T {
        match self {
            Self::Own(session) => use_it(session),
            Self::Shared(session) => use_it(&mut lock(session)),
        }
    }
}

/// Slices of one vectored write.
const WRITE_SLICES: usize = 16;

/// A stream, and what is known about what was written to it.
#[derive(Debug)]
pub(crate) struct WriteSide<W> {
    pub(super) stream: W,
    /// Whether the stream may hold bytes back.
    is_dirty: bool,
    /// Whether it is shut down.
    is_shut: bool,
}

impl<W> WriteSide<W> {
    pub(super) const fn new(stream: W) -> Self {
        Self { stream, is_dirty: false, is_shut: false }
    }

    /// Keeps the writing half of the stream; returns the other one, too.
    pub(super) fn split_with<R, T>(self, split: impl FnOnce(W) -> (R, T)) -> (R, WriteSide<T>) {
        let Self { stream, is_dirty, is_shut } = self;
        let (reader, stream) = split(stream);
        (reader, WriteSide { stream, is_dirty, is_shut })
    }

    /// Turns the stream into another one.
    pub(super) fn unite_with<S>(self, unite: impl FnOnce(W) -> S) -> WriteSide<S> {
        let Self { stream, is_dirty, is_shut } = self;
        WriteSide { stream: unite(stream), is_dirty, is_shut }
    }
}

impl<W: WriteStream> WriteSide<W> {
    /// Writes all that is encoded, and flushes it.
    #[inline]
    pub(super) fn poll_flush(
        &mut self,
        place: &mut Place<'_>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        while place.with(|session| session.has_output()) {
            ready!(self.poll_write_some(place, context))?;
        }
        if let Some(kind) = place.with(|session| session.write_failure()) {
            return Poll::Ready(Err(io::Error::from(kind).into()));
        }
        if self.is_dirty {
            let flushed = ready!(self.stream.poll_flush(context));
            Self::note(place, flushed)?;
            self.is_dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_some(
        &mut self,
        place: &mut Place<'_>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        let outgoing = place.with(Session::outgoing);
        let mut slices = [IoSlice::new(&[]); WRITE_SLICES];
        let count = fill(&mut slices, outgoing.io_slices());
        let polled = self.poll_write(place, context, &slices[..count]);
        let written = match &polled {
            Poll::Ready(Ok(count)) => *count,
            _ => 0,
        };
        place.with(|session| session.wrote(written));
        polled.map_ok(|_| ())
    }

    #[inline]
    fn poll_write(
        &mut self,
        place: &mut Place<'_>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize, ConnectionError>> {
        let written = match ready!(self.stream.poll_write(context, slices)) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            written => written,
        };
        self.is_dirty = true;
        Poll::Ready(Self::note(place, written))
    }

    /// Tells the session of a stream that failed.
    #[inline]
    fn note<T>(place: &mut Place<'_>, done: io::Result<T>) -> Result<T, ConnectionError> {
        done.map_err(|error| {
            place.with(|session| session.fail_write(error.kind()));
            error.into()
        })
    }

    /// Encodes a message; writes it as far as the stream takes it at once, when nothing waits before
    /// it, and keeps the rest.
    #[inline]
    pub(super) fn send(
        &mut self,
        place: &mut Place<'_>,
        context: &mut Context<'_>,
        kind: MessageKind,
        payload: Payload<'_>,
    ) -> Result<(), ConnectionError> {
        let mut small = SmallFrame::EMPTY;
        let is_vectored = self.stream.is_write_vectored();
        let encoded = place.with(|session| session.encode(kind, payload, is_vectored, &mut small));
        match encoded {
            Some(Encoded::Whole(len)) => {
                self.write_or_keep(place, context, small.bytes(len), Payload::Borrowed(&[]))
            }
            Some(Encoded::Header(len)) => {
                self.write_or_keep(place, context, small.bytes(len), payload)
            }
            None => place.with(|session| session.queue(kind, payload)),
        }
    }

    /// Takes a message that is encoded already, as [`send`](Self::send).
    pub(super) fn send_broadcast(
        &mut self,
        place: &mut Place<'_>,
        context: &mut Context<'_>,
        broadcast: &Broadcast,
    ) -> Result<(), ConnectionError> {
        let slices_max = if self.stream.is_write_vectored() { WRITE_SLICES } else { 1 };
        match place.with(|session| session.encode_broadcast(broadcast, slices_max))? {
            Some(frame) => self.write_or_keep(place, context, &[], Payload::Shared(&frame)),
            None => Ok(()),
        }
    }

    /// Writes what the stream takes at once, and keeps the rest.
    #[inline]
    fn write_or_keep(
        &mut self,
        place: &mut Place<'_>,
        context: &mut Context<'_>,
        head: &[u8],
        payload: Payload<'_>,
    ) -> Result<(), ConnectionError> {
        let written = match (head, payload.one_slice()) {
            (slice, Some([])) | ([], Some(slice)) => {
                self.poll_write(place, context, &[IoSlice::new(slice)])
            }
            (_, Some(slice)) => {
                self.poll_write(place, context, &[IoSlice::new(head), IoSlice::new(slice)])
            }
            (_, None) => {
                let mut slices = [IoSlice::new(&[]); WRITE_SLICES];
                let all = iter::once(IoSlice::new(head)).chain(payload.io_slices());
                let count = fill(&mut slices, all);
                self.poll_write(place, context, &slices[..count])
            }
        };
        // 0 when the stream takes nothing now.
        let written = if let Poll::Ready(written) = written { written? } else { 0 };
        if (written as u64) < head.len() as u64 + payload.len() {
            let (head, sent) =
                (&head[written.min(head.len())..], written.saturating_sub(head.len()));
            place.with(|session| session.keep(head, payload, sent));
        }
        Ok(())
    }

    /// Shuts the stream down, once: some systems refuse to do it again.
    pub(super) fn poll_shut(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        if !self.is_shut {
            ready!(self.stream.poll_shutdown(context))?;
            self.is_shut = true;
        }
        Poll::Ready(Ok(()))
    }
}

/// Sets the first of `slots` to those slices that are not empty; returns how many.
#[inline]
fn fill<'a>(
    slots: &mut [IoSlice<'a>; WRITE_SLICES],
    slices: impl Iterator<Item = IoSlice<'a>>,
) -> usize {
    let mut count = 0;
    for (slot, slice) in slots.iter_mut().zip(slices.filter(|slice| !slice.is_empty())) {
        *slot = slice;
        count += 1;
    }
    count
}
