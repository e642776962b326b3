//! A socket to the other peer, which may lose, repeat and reorder packets on purpose.

use core::{net::SocketAddr, time::Duration};
use std::{
    io::{self, ErrorKind, IoSliceMut},
    net::UdpSocket,
};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use seg_seq::{DatagramBuf, Datagrams};

/// How long a receive waits; then what is not acknowledged is sent again.
const TIMEOUT: Duration = Duration::from_millis(20);

/// What the kernel keeps of either direction: more than a window.
const SOCKET_BYTES: usize = 4 << 20;

pub(crate) struct Link {
    socket: UdpSocket,
    state: UdpSocketState,
    peer: SocketAddr,
    faults: Option<Faults>,
    /// System calls that sent or received.
    pub(crate) calls: u64,
    /// Packets that were given to the kernel.
    pub(crate) packets: u64,
}

impl Link {
    pub(crate) fn new(
        socket: UdpSocket,
        peer: SocketAddr,
        faults: Option<Faults>,
    ) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        state.set_send_buffer_size((&socket).into(), SOCKET_BYTES)?;
        state.set_recv_buffer_size((&socket).into(), SOCKET_BYTES)?;
        Ok(Self { socket, state, peer, faults, calls: 0, packets: 0 })
    }

    /// Sends packets that lie next to each other, the last of which may be shorter: in one call where
    /// the system can.
    pub(crate) fn send(&mut self, packets: &[u8], stride: usize) -> io::Result<()> {
        if let Some(mut faults) = self.faults.take() {
            let sent = packets.chunks(stride).try_for_each(|packet| {
                faults.pass(packet, |packet| self.send_at_once(packet, stride))
            });
            self.faults = Some(faults);
            return sent;
        }
        let len_max = stride * self.state.max_gso_segments();
        packets.chunks(len_max).try_for_each(|packets| self.send_at_once(packets, stride))
    }

    fn send_at_once(&mut self, packets: &[u8], stride: usize) -> io::Result<()> {
        self.calls += 1;
        self.packets += packets.len().div_ceil(stride) as u64;
        let transmit = Transmit {
            destination: self.peer,
            ecn: None,
            contents: packets,
            segment_size: Some(stride),
            src_ip: None,
        };
        match self.state.try_send((&self.socket).into(), &transmit) {
            // The other peer has closed its socket: its packets are as good as lost.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
            sent => sent,
        }
    }

    /// Receives as many packets as the system has together; `None` when none came in time.
    pub(crate) fn receive(&mut self, buffer: &mut DatagramBuf) -> io::Result<Option<Datagrams>> {
        self.calls += 1;
        let spare = buffer.try_spare_mut()?;
        let mut meta = [RecvMeta::default()];
        let received =
            self.state.recv((&self.socket).into(), &mut [IoSliceMut::new(spare)], &mut meta);
        match received {
            Ok(_) => buffer.split(meta[0].len, meta[0].stride).map(Some).map_err(io::Error::other),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// What a bad network does to one packet in so many.
pub(crate) struct Faults {
    one_in: u64,
    state: u64,
    /// A packet that comes after the next one.
    late: Option<Vec<u8>>,
}

impl Faults {
    pub(crate) fn one_in(one_in: u64, seed: u64) -> Self {
        Self { one_in, state: seed | 1, late: None }
    }

    /// Sends a packet never, once or twice, now or after the next one.
    fn pass(
        &mut self,
        packet: &[u8],
        mut send: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let late = self.late.take();
        match self.next() % (3 * self.one_in) {
            0 => {}
            1 => {
                send(packet)?;
                send(packet)?;
            }
            2 => self.late = Some(packet.to_vec()),
            _ => send(packet)?,
        }
        late.map_or(Ok(()), |late| send(&late))
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state >> 11
    }
}
