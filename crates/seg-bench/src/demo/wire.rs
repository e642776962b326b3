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

    /// Reads once. The segment has one owner and is never empty.
    pub(super) fn receive(&mut self, progress: &Progress) -> anyhow::Result<SegmentMut> {
        let mut segment = match self.rest.take() {
            Some(rest) => rest,
            None => self.pool.try_take_segment()?,
        };
        let count = match segment.read_from(&mut self.stream) {
            Ok(0) => bail!("the peer closed the connection before the message was whole"),
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
        Ok(received)
    }

    /// Gives the rest of the last segment back, until the next message comes.
    pub(super) fn rest_until_asked(&mut self) {
        self.rest = None;
    }
}
