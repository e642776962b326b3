//! Fragments on their way to a message.

use seg_pool::SegmentMut;
use seg_seq::{Flatten, Sequence};

use crate::{
    error::DecodeErrorKind,
    header::Header,
    limits::Limits,
    mask::mask,
    message::{Message, MessageKind},
    utf8::Utf8Validator,
};

/// How messages are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Assembly {
    /// Received segments are unmasked in place and linked: no copy, no allocation.
    #[default]
    Segmented,
    /// Payload is copied into one growing buffer: the plain way, and the reference for the other.
    Contiguous,
}

/// A message whose last fragment is not here yet.
#[derive(Debug)]
pub(crate) struct OpenMessage {
    kind: MessageKind,
    payload: Payload,
    utf8: Utf8Validator,
    /// Bytes of all frames that were announced.
    announced: u64,
    fragments: u32,
    empty_fragments: u32,
    /// What the linked segments keep from reuse, counted as they come: asking the sequence costs
    /// more with each chunk.
    held_bytes: u64,
}

#[derive(Debug)]
enum Payload {
    Segmented(Sequence),
    Contiguous(Vec<u8>),
}

impl OpenMessage {
    pub(crate) fn new(kind: MessageKind, assembly: Assembly) -> Self {
        let payload = match assembly {
            Assembly::Segmented => Payload::Segmented(Sequence::new()),
            Assembly::Contiguous => Payload::Contiguous(Vec::new()),
        };
        Self {
            kind,
            payload,
            utf8: Utf8Validator::new(),
            announced: 0,
            fragments: 0,
            empty_fragments: 0,
            held_bytes: 0,
        }
    }

    /// Counts a frame, before any of its payload is taken in. Reserves nothing.
    pub(crate) fn announce(
        &mut self,
        header: &Header,
        limits: &Limits,
    ) -> Result<(), DecodeErrorKind> {
        self.announced = self.announced.saturating_add(header.payload_len);
        if self.announced > limits.message_bytes_max {
            return Err(DecodeErrorKind::MessageTooLong);
        }
        self.fragments = self.fragments.saturating_add(1);
        if self.fragments > limits.fragments_max {
            return Err(DecodeErrorKind::TooManyFragments);
        }
        if header.payload_len == 0 && !header.fin {
            self.empty_fragments = self.empty_fragments.saturating_add(1);
            if self.empty_fragments > limits.empty_fragments_max {
                return Err(DecodeErrorKind::TooManyEmptyFragments);
            }
        }
        Ok(())
    }

    /// Takes `count` bytes of payload from the front of `input`.
    ///
    /// # Errors
    ///
    /// What is wrong, and the index in the payload bytes of the refused one. Nothing of them is
    /// taken into the message then.
    pub(crate) fn take(
        &mut self,
        input: &mut SegmentMut,
        count: usize,
        key: Option<([u8; 4], usize)>,
        limits: &Limits,
    ) -> Result<(), (DecodeErrorKind, usize)> {
        let bytes = &mut input[..count];
        if let Some((key, phase)) = key {
            mask(bytes, key, phase);
        }
        if self.kind == MessageKind::Text {
            self.utf8.push(bytes).map_err(|index| (DecodeErrorKind::Utf8Invalid, index))?;
        }
        match &mut self.payload {
            Payload::Segmented(sequence) => {
                let last = sequence.chunks().next_back();
                if !last.is_some_and(|last| input.shares_segment_with(last)) {
                    self.held_bytes += input.held_bytes() as u64;
                    if self.held_bytes > limits.held_bytes_max {
                        return Err((DecodeErrorKind::HoldsTooMuch, 0));
                    }
                }
                sequence.push(input.split_to(count).freeze());
            }
            Payload::Contiguous(vec) => {
                vec.extend_from_slice(bytes);
                bytes::Buf::advance(input, count);
            }
        }
        Ok(())
    }

    /// Ends the message after its last fragment.
    pub(crate) fn finish(self) -> Result<Message, DecodeErrorKind> {
        if !self.utf8.is_complete() {
            return Err(DecodeErrorKind::Utf8Invalid);
        }
        let payload = match self.payload {
            Payload::Segmented(sequence) => Flatten::new(sequence),
            Payload::Contiguous(vec) => Flatten::from_bytes(vec.into()),
        };
        Ok(Message::new(self.kind, payload))
    }
}
