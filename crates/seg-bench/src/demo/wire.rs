//! A blocking TCP stream whose bytes arrive in pooled segments.

use core::{net::SocketAddr, time::Duration};
use std::{
    io::{self, Write},
    net::TcpStream,
};

use anyhow::{Context, bail};
use seg_pool::{Pool, SegmentMut};

use super::progress::Progress;

/// A peer that sends nothing for so long is taken for dead.
const SILENCE: Duration = Duration::from_secs(60);

/// A remainder of a segment below this is not worth another read.
const READ_BYTES_MIN: usize = 2 * 1024;

/// One connection. It holds a segment only while a message is under way.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    pool: Pool,
    /// The empty rest of the segment that was read into last.
    rest: Option<SegmentMut>,
}

impl Wire {
    pub(super) fn connect(address: SocketAddr, pool: &Pool) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).context("cannot connect to the peer")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        Ok(Self { stream, pool: pool.clone(), rest: None })
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(bytes).context("cannot send to the peer")
    }

    /// Reads once. The segment has one owner and is never empty; there is none when the peer closed
    /// the connection.
    pub(super) fn receive(&mut self, progress: &Progress) -> anyhow::Result<Option<SegmentMut>> {
        let mut segment = match self.rest.take() {
            Some(rest) => rest,
            None => self.pool.try_take_size(self.pool.segment_size())?,
        };
        let count = match segment.read_from(&mut self.stream) {
            Ok(0) => return Ok(None),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                bail!("the peer sent nothing for {} seconds", SILENCE.as_secs())
            }
            Err(error) => return Err(error).context("cannot receive from the peer"),
        };
        progress.add(count as u64);
        let received = segment.split_to(count);
        if segment.spare_len() >= READ_BYTES_MIN {
            self.rest = Some(segment);
        }
        Ok(Some(received))
    }

    /// Gives the rest of the last segment back, until the next message comes.
    pub(super) fn rest_until_asked(&mut self) {
        self.rest = None;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{io::Read, net::TcpListener, thread};

    use super::*;

    /// Answers the first bytes of one connection with `answer` and closes it.
    pub(in super::super) fn serve_once(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = [0; 4096];
            let asked = stream.read(&mut request).expect("a request");
            assert!(asked > 0);
            stream.write_all(answer).expect("a client that reads");
        });
        address
    }

    #[test]
    fn one_segment_takes_several_reads_and_then_rests() {
        let pool = Pool::new();
        let progress = Progress::start();
        let mut wire = Wire::connect(serve_once(b"hello"), &pool).expect("a connection");
        wire.send(b"?").expect("a server");
        let received = wire.receive(&progress).expect("an answer").expect("some bytes");
        assert_eq!(received, b"hello"[..received.len()]);
        assert!(wire.rest.as_ref().is_some_and(|rest| rest.capacity() == 16_384 - received.len()));
        wire.rest_until_asked();
        drop(received);
        assert_eq!(pool.stats().in_use_bytes(), 0);
    }

    #[test]
    fn the_end_of_the_stream_is_no_segment() {
        let mut wire = Wire::connect(serve_once(b""), &Pool::new()).expect("a connection");
        wire.send(b"?").expect("a server");
        assert!(wire.receive(&Progress::start()).expect("an end").is_none());
    }
}
