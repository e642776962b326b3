//! Payload that goes into a buffer of the user instead of a message.

use bytes::Bytes;
use seg_pool::{Pool, SegmentMut};
use seg_seq::SegmentedBuf;

use super::OpenMessage;
use crate::message::{Content, Message};

impl OpenMessage {
    /// Returns the bytes that are gathered here.
    pub(crate) fn gathered(&self) -> u64 {
        match &self.copied {
            None => self.segments.len(),
            Some(copied) => copied.0.len() as u64,
        }
    }

    /// Returns the memory that is kept for what is gathered, in bytes, and whether the segment of
    /// `input` is a part of it.
    pub(crate) fn held_bytes(&self, input: Option<&SegmentMut>) -> (u64, bool) {
        match &self.copied {
            None => {
                let last = self.segments.chunks().next_back();
                let is_shared =
                    last.zip(input).is_some_and(|(last, input)| input.shares_segment_with(last));
                (self.segments.held_bytes(), is_shared)
            }
            Some(copied) => (copied.0.capacity() as u64, false),
        }
    }

    /// Returns whether what comes may go to the user as it is, unmasked.
    pub(crate) const fn is_plain(&self) -> bool {
        !self.is_compressed && self.copied.is_none()
    }

    pub(crate) const fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    pub(crate) const fn is_lent(&self) -> bool {
        self.is_lent
    }

    /// Takes out what is gathered, as a message of the same kind.
    ///
    /// What is lent comes back, or the message is read to its end.
    pub(crate) fn take_gathered(&mut self, is_lent: bool) -> Message {
        self.held_bytes = 0;
        self.is_lent = is_lent;
        self.is_part |= !is_lent;
        self.take_payload(Content::part(self.kind()))
    }

    /// Unmasks and validates payload that lies after what is gathered, in the user's buffer.
    ///
    /// # Errors
    ///
    /// The index of a byte that is not UTF-8.
    pub(crate) fn lend(
        &mut self,
        bytes: &mut [u8],
        key: Option<([u8; 4], usize)>,
    ) -> Result<(), usize> {
        self.is_lent = true;
        self.payload_bytes += bytes.len() as u64;
        self.unmask(bytes, key)
    }

    /// Puts back what was lent, before what was gathered after it. It must not fail, so
    /// without memory of the pool it is allocated.
    pub(crate) fn put_back(&mut self, bytes: &[u8], pool: &Pool) {
        self.is_lent = false;
        if let Some(copied) = &mut self.copied {
            drop(copied.0.splice(..0, bytes.iter().copied()));
            return;
        }
        let mut copy = SegmentedBuf::new(pool);
        if copy.try_extend_from_slice(bytes).is_err() {
            // Nothing was appended, and an only chunk needs no list.
            copy.push_bytes(Bytes::copy_from_slice(bytes));
        }
        let mut whole = copy.freeze();
        self.held_bytes += whole.held_bytes();
        if whole.try_append(&mut self.segments).is_err() {
            // One chunk, so that no list is needed.
            whole = Bytes::from([whole.to_vec(), self.segments.to_vec()].concat()).into();
        }
        self.segments = whole;
    }
}
