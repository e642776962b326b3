//! Sockets whose other end is in a thread of its own.

use core::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};
use std::{io::IoSliceMut, net::UdpSocket, sync::Arc, thread};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use super::MTU;

/// What the kernel keeps: more than is ever on its way.
const SOCKET_BYTES: usize = 4 << 20;

/// A socket with segmentation offload both ways.
pub(super) struct Socket {
    pub(super) socket: UdpSocket,
    state: UdpSocketState,
}

impl Socket {
    /// Opens a socket that waits for what comes.
    pub(super) fn open() -> Self {
        let socket = bind();
        let state = UdpSocketState::new(UdpSockRef::from(&socket)).expect("socket options");
        socket.set_nonblocking(false).expect("a socket option");
        Self { socket, state }
    }

    /// Sends packets that lie next to each other. Returns how many calls that took.
    pub(super) fn send(&self, to: SocketAddr, packets: &[u8]) -> u64 {
        let mut calls = 0;
        for contents in packets.chunks(MTU * self.state.max_gso_segments()) {
            let segment_size = Some(MTU);
            let transmit =
                Transmit { destination: to, ecn: None, contents, segment_size, src_ip: None };
            self.state.try_send((&self.socket).into(), &transmit).expect("loopback");
            calls += 1;
        }
        calls
    }

    /// Receives what the kernel has together: how many bytes, and the stride.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> (usize, usize) {
        let mut meta = [RecvMeta::default()];
        self.state
            .recv((&self.socket).into(), &mut [IoSliceMut::new(buffer)], &mut meta)
            .expect("loopback");
        (meta[0].len, meta[0].stride)
    }
}

/// Opens a socket without options, one packet a call.
pub(super) fn bind() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    // Sizes alone: the state of another socket, so that this one receives packet by packet.
    let other = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let buffers = UdpSocketState::new(UdpSockRef::from(&other)).expect("socket options");
    buffers.set_recv_buffer_size((&socket).into(), SOCKET_BYTES).expect("a socket option");
    buffers.set_send_buffer_size((&socket).into(), SOCKET_BYTES).expect("a socket option");
    socket
}

/// A thread that takes what is sent to it.
pub(super) struct Sink {
    pub(super) address: SocketAddr,
    received: Arc<AtomicU64>,
    expected: u64,
}

impl Sink {
    pub(super) fn start() -> Self {
        let (socket, received) = (Socket::open(), Arc::new(AtomicU64::new(0)));
        let address = socket.socket.local_addr().expect("it is bound");
        let count = Arc::clone(&received);
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            loop {
                let (len, _) = socket.receive(&mut buffer);
                count.fetch_add(len as u64, Ordering::Release);
            }
        });
        Self { address, received, expected: 0 }
    }

    /// Waits until so many more bytes came.
    pub(super) fn wait(&mut self, bytes: usize) {
        self.expected += bytes as u64;
        while self.received.load(Ordering::Acquire) < self.expected {
            thread::yield_now();
        }
    }
}

/// A thread that sends groups of packets, one when it is asked to.
pub(super) struct Source {
    requested: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
}

impl Source {
    /// Sends `groups` in turn, over and over.
    pub(super) fn start(to: SocketAddr, groups: Vec<Vec<u8>>) -> Self {
        let requested = Arc::new(AtomicU64::new(0));
        let sent = Arc::new(AtomicU64::new(0));
        let source = Self { requested: Arc::clone(&requested), sent: Arc::clone(&sent) };
        thread::spawn(move || {
            let socket = Socket::open();
            for (number, group) in (0..).zip(groups.iter().cycle()) {
                while requested.load(Ordering::Acquire) <= number {
                    thread::yield_now();
                }
                socket.send(to, group);
                sent.store(number + 1, Ordering::Release);
            }
        });
        source
    }

    /// Waits until the next group is sent.
    pub(super) fn next(&self) {
        let number = self.requested.fetch_add(1, Ordering::Release);
        while self.sent.load(Ordering::Acquire) <= number {
            thread::yield_now();
        }
    }
}
