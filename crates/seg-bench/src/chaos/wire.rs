//! A stream on a bad line, and where servers listen.

use core::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use std::io;

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, duplex},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::{
    random::Random,
    tally::{Happening, Tally},
};

/// Bytes that lie between the two ends of a connection in memory.
const WIRE_BYTES: usize = 2_000;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Stalls at random and reads and writes a random part of what it could.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    random: Random,
    is_stalled: bool,
}

impl Wire {
    fn new(stream: impl Stream + 'static, random: Random) -> Self {
        Self { stream: Box::new(stream), random, is_stalled: false }
    }

    /// Stalls one poll of four, and is woken at once.
    fn stall(&mut self, context: &Context<'_>) -> bool {
        self.is_stalled = !self.is_stalled && self.random.one_in(4);
        if self.is_stalled {
            context.waker().wake_by_ref();
        }
        self.is_stalled
    }

    /// Returns how much of so many bytes goes through: all, or less.
    fn part(&mut self, len: usize) -> usize {
        if len < 2 || self.random.one_in(2) { len } else { 1 + self.random.below(len) }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stall(context) {
            return Poll::Pending;
        }
        let len = self.part(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(len));
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut part);
        let count = part.filled().len();
        buffer.advance(count);
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.stall(context) {
            return Poll::Pending;
        }
        let len = self.part(bytes.len());
        Pin::new(&mut self.stream).poll_write(context, &bytes[..len])
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    Ws,
}

/// Where the clients of one server find it.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    http: SocketAddr,
    ws: SocketAddr,
    memory: mpsc::UnboundedSender<(Protocol, tokio::io::DuplexStream)>,
}

impl Entrance {
    /// Opens a connection over a socket or in memory.
    pub(super) async fn connect(
        &self,
        protocol: Protocol,
        random: &mut Random,
        tally: &Tally,
    ) -> io::Result<Wire> {
        let of_wire = Random::new(random.next());
        if random.one_in(2) {
            let (near, far) = duplex(WIRE_BYTES);
            self.memory
                .send((protocol, far))
                .map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            tally.count(Happening::InMemory);
            return Ok(Wire::new(near, of_wire));
        }
        let address = if protocol == Protocol::Http { self.http } else { self.ws };
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        tally.count(Happening::OverSocket);
        Ok(Wire::new(stream, of_wire))
    }
}

/// Where a server takes connections.
#[derive(Debug)]
pub(super) struct Doors {
    http: TcpListener,
    ws: TcpListener,
    memory: mpsc::UnboundedReceiver<(Protocol, tokio::io::DuplexStream)>,
}

impl Doors {
    pub(super) async fn open() -> io::Result<(Self, Entrance)> {
        let http = TcpListener::bind("127.0.0.1:0").await?;
        let ws = TcpListener::bind("127.0.0.1:0").await?;
        let (sender, memory) = mpsc::unbounded_channel();
        let (at_http, at_ws) = (http.local_addr()?, ws.local_addr()?);
        let entrance = Entrance { http: at_http, ws: at_ws, memory: sender };
        Ok((Self { http, ws, memory }, entrance))
    }

    /// Waits for the next connection.
    pub(super) async fn accept(&mut self, random: Random) -> io::Result<(Protocol, Wire)> {
        let (protocol, stream) = tokio::select! {
            accepted = self.http.accept() => (Protocol::Http, accepted?.0),
            accepted = self.ws.accept() => (Protocol::Ws, accepted?.0),
            Some((protocol, stream)) = self.memory.recv() => {
                return Ok((protocol, Wire::new(stream, random)));
            }
        };
        stream.set_nodelay(true)?;
        Ok((protocol, Wire::new(stream, random)))
    }
}
