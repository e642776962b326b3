//! Messages on their way out, and packets that are not acknowledged yet.

use std::{collections::VecDeque, io};

use seg_pool::{Pool, Segment};
use seg_seq::{ReplayWindow, Sequence};

use super::{
    link::Link,
    wire::{Cipher, HEADER_BYTES, Header, MTU, PAYLOAD_BYTES, TAG_BYTES},
};

/// Batches on their way: half a window of the receiver, so that none becomes too old for it.
const BATCHES_MAX: usize = 8;

/// A packet is lost when so many that were sent after it came.
const REORDERED_MAX: u64 = 3;

pub(crate) struct Sender {
    pool: Pool,
    queue: VecDeque<Message>,
    sent: VecDeque<Batch>,
    next_message: u64,
    next_number: u64,
    /// Packets that were sent again.
    pub(crate) resent: u64,
}

/// What is left of a message.
struct Message {
    number: u64,
    rest: Sequence,
    index: u32,
    count: u32,
}

/// Packets that were sent in one call, kept to be sent again: the same bytes under the same number.
struct Batch {
    first: u64,
    packets: Segment,
    /// A bit for each packet.
    acknowledged: u64,
    count: u32,
    /// Packets of the batch are lost only when this number came: it was sent after they were.
    resent_before: u64,
}

impl Sender {
    pub(crate) fn new(pool: &Pool) -> Self {
        Self {
            pool: pool.clone(),
            queue: VecDeque::new(),
            sent: VecDeque::new(),
            next_message: 0,
            next_number: 0,
            resent: 0,
        }
    }

    pub(crate) fn queue(&mut self, message: Sequence) -> io::Result<()> {
        let count = message.len().div_ceil(PAYLOAD_BYTES as u64);
        let count = u32::try_from(count).map_err(io::Error::other)?;
        self.queue.push_back(Message { number: self.next_message, rest: message, index: 0, count });
        self.next_message += 1;
        Ok(())
    }

    /// Returns how many messages are not sent yet.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Returns whether everything is acknowledged.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.sent.is_empty()
    }

    /// Sends as much as the window allows, a batch a call.
    pub(crate) fn fill_window(&mut self, cipher: &Cipher, link: &mut Link) -> io::Result<()> {
        while self.sent.len() < BATCHES_MAX
            && let Some(message) = self.queue.front_mut()
        {
            let batches = message.rest.packet_batches(&self.pool, MTU, HEADER_BYTES, TAG_BYTES);
            let Some(batch) = batches.map_err(io::Error::other)?.next() else {
                self.queue.pop_front();
                continue;
            };
            let mut batch = batch?;
            let (first, mut payload) = (self.next_number, 0);
            for mut packet in batch.packets_mut() {
                let header = Header {
                    number: self.next_number,
                    message: message.number,
                    index: message.index,
                    count: message.count,
                };
                cipher.seal(header, &mut packet).map_err(io::Error::other)?;
                message.index += 1;
                self.next_number += 1;
                payload += packet.payload.len() as u64;
            }
            link.send(&batch, MTU)?;
            // What is sent is kept as packets: the message's own segments go back.
            drop(message.rest.split_to(payload));
            self.sent.push_back(Batch {
                first,
                packets: batch.freeze(),
                acknowledged: 0,
                count: u32::try_from(self.next_number - first).map_err(io::Error::other)?,
                resent_before: 0,
            });
        }
        Ok(())
    }

    /// Takes an acknowledgement: the highest number that came, and whether `came` for those before it.
    /// Sends again what is lost.
    pub(crate) fn acknowledge(
        &mut self,
        highest: u64,
        came: impl Fn(u64) -> bool,
        link: &mut Link,
    ) -> io::Result<()> {
        for batch in &mut self.sent {
            for bit in 0..u64::from(batch.count) {
                let number = batch.first + bit;
                if number <= highest && highest - number < ReplayWindow::NUMBERS && came(number) {
                    batch.acknowledged |= 1 << bit;
                }
            }
            if highest >= batch.resent_before {
                let lost = |number| number + REORDERED_MAX <= highest;
                self.resent += batch.send_again(lost, self.next_number, link)?;
            }
        }
        while self.sent.front().is_some_and(Batch::is_acknowledged) {
            self.sent.pop_front();
        }
        Ok(())
    }

    /// Sends again what is not acknowledged, after nothing came for a while.
    pub(crate) fn send_again(&mut self, link: &mut Link) -> io::Result<()> {
        for batch in &mut self.sent {
            self.resent += batch.send_again(|_| true, self.next_number, link)?;
        }
        Ok(())
    }
}

impl Batch {
    fn is_acknowledged(&self) -> bool {
        self.acknowledged.count_ones() == self.count
    }

    /// Sends the packets again that are neither acknowledged nor on their way, neighbours in one call.
    /// Returns how many those are.
    fn send_again(
        &mut self,
        is_lost: impl Fn(u64) -> bool,
        next_number: u64,
        link: &mut Link,
    ) -> io::Result<u64> {
        let is_due =
            |bit: u32| self.acknowledged >> bit & 1 == 0 && is_lost(self.first + u64::from(bit));
        let (mut count, mut bit) = (0, 0);
        while bit < self.count {
            let end = (bit..self.count).find(|&bit| !is_due(bit)).unwrap_or(self.count);
            if end > bit {
                let end_bytes = self.packets.len().min(end as usize * MTU);
                link.send(&self.packets[bit as usize * MTU..end_bytes], MTU)?;
                count += u64::from(end - bit);
            }
            bit = end + 1;
        }
        if count > 0 {
            self.resent_before = next_number;
        }
        Ok(count)
    }
}
