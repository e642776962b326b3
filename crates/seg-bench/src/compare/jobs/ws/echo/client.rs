//! The client of all servers: frames made once, sent and counted.

use core::{net::SocketAddr, time::Duration};
use std::time::Instant;

use anyhow::ensure;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::{Builder, Runtime},
};

use super::CONNECTIONS;

/// Its connections and what it sends over each.
pub(super) struct Client {
    runtime: Runtime,
    connections: Vec<TcpStream>,
    /// As many frames as may be in flight.
    frames: Vec<u8>,
    window: usize,
    /// What comes back for each.
    echo: Vec<u8>,
}

impl Client {
    pub(super) fn open(
        server: SocketAddr,
        request: &[u8],
        frame: &[u8],
        payload: &[u8],
        window: usize,
    ) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let connections = runtime.block_on(async {
            let mut connections = Vec::new();
            for _ in 0..CONNECTIONS {
                let mut stream = TcpStream::connect(server).await.expect("a server that listens");
                stream.set_nodelay(true).expect("a TCP option");
                if !request.is_empty() {
                    upgrade(&mut stream, request).await;
                }
                connections.push(stream);
            }
            connections
        });
        let echo = super::frame(payload, None);
        Self { runtime, connections, frames: frame.repeat(window), window, echo }
    }

    /// Sends so many messages, over all connections, and waits for their echoes.
    pub(super) fn run(&mut self, count: u64) -> Duration {
        let each = usize::try_from(count).unwrap_or(usize::MAX).div_ceil(CONNECTIONS);
        let (echo_len, frames) = (self.echo.len(), &self.frames);
        let window = self.window;
        let tasks = self
            .connections
            .iter_mut()
            .map(|stream| exchange(stream, frames, window, echo_len, each));
        let start = Instant::now();
        self.runtime.block_on(futures_util::future::join_all(tasks));
        // As if all of them had been asked for: the rest of a round is not free.
        start.elapsed().mul_f64(count as f64 / (each * CONNECTIONS) as f64)
    }

    /// Checks one echo on each connection.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        let frame = &self.frames[..self.frames.len() / self.window];
        let expected = &self.echo;
        for stream in &mut self.connections {
            let echo = self.runtime.block_on(async {
                let (mut read, mut write) = stream.split();
                let mut echo = vec![0; expected.len()];
                let (written, received) =
                    tokio::join!(write.write_all(frame), read.read_exact(&mut echo));
                written.and(received).map(|_| echo)
            })?;
            ensure!(echo == *expected, "the echo differs");
        }
        Ok(())
    }
}

/// Sends a request and reads the head of its response.
async fn upgrade(stream: &mut TcpStream, request: &[u8]) {
    stream.write_all(request).await.expect("a server that reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a response"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", head.escape_ascii());
}

/// Keeps the window full until all messages have come back.
async fn exchange(
    stream: &mut TcpStream,
    frames: &[u8],
    window: usize,
    echo_len: usize,
    count: usize,
) {
    let frame_len = frames.len() / window;
    let (mut read, mut write) = stream.split();
    let (mut sent, mut received_bytes) = (0, 0);
    let mut unsent: &[u8] = &[];
    let mut buffer = vec![0; 128 << 10];
    while received_bytes < count * echo_len {
        if unsent.is_empty() {
            let due = (received_bytes / echo_len + window).min(count) - sent;
            sent += due;
            unsent = &frames[..due * frame_len];
        }
        // Reads on while a long write waits for the server, which waits to write.
        tokio::select! {
            biased;
            written = write.write(unsent), if !unsent.is_empty() => {
                unsent = &unsent[written.expect("a server that reads")..];
            }
            read = read.read(&mut buffer) => {
                let read = read.expect("a server that writes");
                assert!(read > 0, "the server stays");
                received_bytes += read;
            }
        }
    }
    assert_eq!((sent, received_bytes), (count, count * echo_len));
}
