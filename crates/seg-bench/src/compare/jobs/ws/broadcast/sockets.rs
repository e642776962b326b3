//! Sockets of this machine: what is sent from one end is thrown away at the other, outside of what is
//! measured.

use core::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use std::{
    io::{self, IoSlice, Read as _},
    os::unix::net::UnixStream as Far,
    sync::Arc,
};

use nix::{
    sys::resource::{Resource, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UnixStream,
    runtime::{Builder, Runtime},
};

/// Files that are open at once: both ends, and what else a process has.
const FILES: u64 = 2 * super::CONNECTIONS as u64 + 100;

/// Pairs of sockets that all contenders use in turn.
pub(super) struct Sockets {
    pub(super) runtime: Runtime,
    pub(super) near: Vec<Socket>,
    far: Vec<Far>,
    /// What was received last.
    buffer: Vec<u8>,
}

impl Sockets {
    pub(super) fn open() -> Self {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
        setrlimit(Resource::RLIMIT_NOFILE, soft.max(FILES.min(hard)), hard)
            .expect("less than hard");
        let runtime = Builder::new_current_thread().enable_io().build().expect("a runtime");
        let (mut near, mut far) = (Vec::new(), Vec::new());
        let entered = runtime.enter();
        for _ in 0..super::CONNECTIONS {
            let (one, other) = Far::pair().expect("as many files as there are connections");
            one.set_nonblocking(true).expect("a socket");
            other.set_nonblocking(true).expect("a socket");
            near.push(Socket(Arc::new(UnixStream::from_std(one).expect("a runtime"))));
            far.push(other);
        }
        drop(entered);
        Self { runtime, near, far, buffer: vec![0; 256 << 10] }
    }

    /// Reads what lies in the socket at this index.
    pub(super) fn received(&mut self, at: usize) -> io::Result<&[u8]> {
        let mut filled = 0;
        loop {
            match self.far[at].read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(&self.buffer[..filled]);
                }
                count => filled += count?,
            }
        }
    }
}

/// Returns how much of a processor this thread has used.
pub(super) fn thread_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock of the thread").into()
}

/// One end that several can have.
#[derive(Clone, Debug)]
pub(super) struct Socket(Arc<UnixStream>);

impl Socket {
    fn poll_with<T>(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&UnixStream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            ready!(self.0.poll_write_ready(context))?;
            match write(&self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

/// Nothing comes.
impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(context, |socket| socket.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(context, |socket| socket.try_write_vectored(slices))
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
