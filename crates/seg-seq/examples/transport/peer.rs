//! One side of the transport: both of its halves over one link.

#[path = "link.rs"]
mod link;
#[path = "receiver.rs"]
mod receiver;
#[path = "sender.rs"]
mod sender;
#[path = "wire.rs"]
mod wire;

use std::io;

use seg_pool::Pool;
use seg_seq::{DatagramBuf, Sequence};

use receiver::{Received, Receiver};
use sender::Sender;

pub(crate) use link::{Faults, Link};
pub(crate) use wire::{Aead, Cipher};

/// Receives without a packet, one after the other, after which the other peer is gone.
const SILENCES_MAX: u32 = 100;

pub(crate) struct Peer {
    link: Link,
    cipher: Cipher,
    sender: Sender,
    receiver: Receiver,
    datagrams: DatagramBuf,
    silences: u32,
}

impl Peer {
    pub(crate) fn new(link: Link, cipher: Cipher, pool: &Pool) -> Self {
        Self {
            link,
            cipher,
            sender: Sender::new(pool),
            receiver: Receiver::new(),
            datagrams: DatagramBuf::new(pool),
            silences: 0,
        }
    }

    /// Takes a message to be sent by the next [`turn`](Self::turn)s.
    pub(crate) fn queue(&mut self, message: Sequence) -> io::Result<()> {
        self.sender.queue(message)
    }

    /// Sends what may be sent, and receives once. Returns whether something came.
    pub(crate) fn turn(&mut self) -> io::Result<bool> {
        self.sender.fill_window(&self.cipher, &mut self.link)?;
        let Some(datagrams) = self.link.receive(&mut self.datagrams)? else {
            self.silences += 1;
            if self.silences > SILENCES_MAX {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the other peer is gone"));
            }
            self.sender.send_again(&mut self.link)?;
            return Ok(false);
        };
        self.silences = 0;
        let mut is_acknowledgement_due = false;
        for datagram in datagrams {
            match self.receiver.take(datagram, &self.cipher) {
                Received::Fragment => is_acknowledgement_due = true,
                Received::Acknowledgement { highest, datagram } => {
                    let came = |number| receiver::is_acknowledged(&datagram, highest - number);
                    self.sender.acknowledge(highest, came, &mut self.link)?;
                }
                Received::Refused => {}
            }
        }
        if is_acknowledgement_due && let Some(packet) = self.receiver.acknowledgement(&self.cipher)
        {
            self.link.send(&packet, packet.len())?;
        }
        Ok(true)
    }

    /// Returns the messages that are complete, with their numbers, not always in order.
    pub(crate) fn take_complete(&mut self) -> impl Iterator<Item = (u64, Sequence)> {
        self.receiver.complete.drain(..)
    }

    /// Returns how many messages wait to be sent.
    pub(crate) fn queued(&self) -> usize {
        self.sender.queued()
    }

    /// Returns whether all that was queued is acknowledged.
    pub(crate) fn is_idle(&self) -> bool {
        self.sender.is_idle()
    }

    /// Returns how many receives in a row found nothing.
    pub(crate) fn silences(&self) -> u32 {
        self.silences
    }

    /// Returns system calls, packets sent, packets sent again and packets refused.
    pub(crate) fn counts(&self) -> [u64; 4] {
        [self.link.calls, self.link.packets, self.sender.resent, self.receiver.refused]
    }
}
