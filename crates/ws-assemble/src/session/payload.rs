//! What is to be sent, wherever it lies.

use seg_pool::{OutOfMemory, Pool};
use seg_seq::{SegmentedBuf, Sequence};

use crate::message::Message;

/// What is to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    /// One slice: whatever is left of it behind a write is copied.
    Borrowed(&'a [u8]),
    /// Segments: whatever is left of them is linked.
    Shared(&'a [u8], &'a Message),
    /// Several chunks.
    Chunks(&'a Sequence),
}

impl<'a> Payload<'a> {
    /// Returns that of a message, without making a list for one segment.
    pub(crate) fn of(message: &'a Message) -> Self {
        match message.list() {
            Some(list) => Self::Chunks(list),
            None => Self::Shared(message.data(), message),
        }
    }

    /// Turns into segments, copying what is borrowed.
    pub(super) fn into_sequence(self, pool: &Pool) -> Result<Sequence, OutOfMemory> {
        Ok(match self {
            Self::Shared(_, message) => message.sequence().try_clone()?,
            Self::Chunks(sequence) => sequence.try_clone()?,
            Self::Borrowed(slice) => {
                let mut copy = SegmentedBuf::new(pool);
                copy.try_extend_from_slice(slice)?;
                copy.freeze()
            }
        })
    }
}
