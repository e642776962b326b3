//! What the readers of messages and of bodies have in common.

use std::io;

use seg_pool::{Segment, SegmentMut};
use seg_seq::Sequence;

use crate::{
    body::{BodyAssembler, Progress},
    head::StartLine,
    message::{MessageReader, MessageStep},
    trailers::Trailers,
};

/// A reader that an [`Incoming`](crate::Incoming) can be made of. Sealed: it is a [`MessageReader`]
/// or a [`BodyAssembler`].
pub trait Receive: Sealed {}

impl<L: StartLine> Receive for MessageReader<L> {}
impl Receive for BodyAssembler {}

#[expect(unnameable_types, reason = "nobody else implements it")]
pub trait Sealed {
    /// Sets after how much decoded data a call stops.
    fn set_pause_bytes(&mut self, bytes: u64);
    /// Takes octets from the front of `received`.
    fn receive(&mut self, received: &mut Segment) -> io::Result<MessageStep>;
    /// Says that the socket was closed; returns whether that ends a message.
    fn close(&mut self) -> io::Result<bool>;
    /// Gives memory to go on with.
    fn supply(&mut self, memory: SegmentMut);
    fn data(&mut self) -> Sequence;
    /// Takes data back that was not read.
    fn put_back(&mut self, data: Sequence);
    fn trailer_fields(&self) -> &Trailers;
}

impl<L: StartLine> Sealed for MessageReader<L> {
    fn set_pause_bytes(&mut self, bytes: u64) {
        Self::set_pause_bytes(self, bytes);
    }

    fn receive(&mut self, received: &mut Segment) -> io::Result<MessageStep> {
        Ok(self.push(received)?)
    }

    fn close(&mut self) -> io::Result<bool> {
        self.finish()?;
        Ok(self.head().is_some())
    }

    fn supply(&mut self, memory: SegmentMut) {
        Self::supply(self, memory);
    }

    fn data(&mut self) -> Sequence {
        self.take_data()
    }

    fn put_back(&mut self, data: Sequence) {
        Self::put_back(self, data);
    }

    fn trailer_fields(&self) -> &Trailers {
        self.trailers()
    }
}

impl Sealed for BodyAssembler {
    fn set_pause_bytes(&mut self, bytes: u64) {
        Self::set_pause_bytes(self, bytes);
    }

    fn receive(&mut self, received: &mut Segment) -> io::Result<MessageStep> {
        Ok(match self.push(received)? {
            Progress::NeedMore => MessageStep::NeedMore,
            Progress::End => MessageStep::End,
        })
    }

    fn close(&mut self) -> io::Result<bool> {
        self.finish()?;
        Ok(true)
    }

    fn supply(&mut self, memory: SegmentMut) {
        Self::supply(self, memory);
    }

    fn data(&mut self) -> Sequence {
        self.take_data()
    }

    fn put_back(&mut self, data: Sequence) {
        Self::put_back(self, data);
    }

    fn trailer_fields(&self) -> &Trailers {
        self.trailers()
    }
}
