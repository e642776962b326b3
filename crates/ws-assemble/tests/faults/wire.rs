//! A stream whose other end is the test, for tokio's traits and std's.

use core::{
    pin::Pin,
    task::{Context, Poll},
};
use std::{
    collections::VecDeque,
    io::{self, IoSlice, Read, Write},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What lies in a stream, and what became of what was written.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) input: VecDeque<u8>,
    pub(crate) has_ended: bool,
    pub(crate) written: Vec<u8>,
    /// The most bytes of one read.
    pub(crate) chunk: usize,
    /// The bytes that can still be written.
    pub(crate) capacity: usize,
    /// Why nothing can be written.
    pub(crate) failure: Option<io::ErrorKind>,
    pub(crate) reads: usize,
}

/// A handle of a stream; never wakes anybody.
#[derive(Clone, Debug)]
pub(crate) struct Wire(Arc<Mutex<State>>);

impl Wire {
    pub(crate) fn new(input: &[u8]) -> Self {
        let input = input.iter().copied().collect();
        let state = State { input, chunk: usize::MAX, capacity: usize::MAX, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Ends after its input.
    pub(crate) fn ending(self) -> Self {
        self.state().has_ended = true;
        self
    }

    pub(crate) fn chunk(self, bytes: usize) -> Self {
        self.state().chunk = bytes;
        self
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds the lock")
    }

    pub(crate) fn push(&self, bytes: &[u8]) {
        self.state().input.extend(bytes);
    }

    /// Takes out what was written.
    pub(crate) fn take_written(&self) -> Vec<u8> {
        core::mem::take(&mut self.state().written)
    }
}

fn would_block<T>(done: io::Result<T>) -> Poll<io::Result<T>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        state.reads += 1;
        if state.input.is_empty() && !state.has_ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = state.input.len().min(state.chunk).min(buffer.len());
        for (slot, byte) in buffer.iter_mut().zip(state.input.drain(..count)) {
            *slot = byte;
        }
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        if let Some(kind) = state.failure {
            return Err(kind.into());
        }
        let count = bytes.len().min(state.capacity);
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if state.capacity < usize::MAX {
            state.capacity -= count;
        }
        state.written.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut count = 0;
        for slice in slices {
            match self.write(slice) {
                Ok(taken) => count += taken,
                Err(error) if count == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.read(buffer.initialize_unfilled());
        would_block(read.map(|count| buffer.advance(count)))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        would_block(self.write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        would_block(self.write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
