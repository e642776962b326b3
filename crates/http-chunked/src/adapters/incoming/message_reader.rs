//! What the readers of messages have in common.

use std::io;

use seg_pool::Segment;
use seg_seq::Sequence;

use crate::{
    body_assembler::{BodyAssembler, Progress},
    request::{RequestReader, RequestStep},
    response::{ResponseReader, ResponseStep},
    trailers::Trailers,
};

/// A reader that an [`Incoming`](crate::Incoming) can be made of. Sealed: it is one of
/// [`ResponseReader`], [`RequestReader`] and [`BodyAssembler`].
pub trait MessageReader: Sealed {}

impl MessageReader for ResponseReader {}
impl MessageReader for RequestReader {}
impl MessageReader for BodyAssembler {}

/// What came of received octets.
#[expect(unnameable_types, reason = "part of a sealed trait")]
#[derive(Clone, Copy, Debug)]
pub enum Received {
    NeedMore,
    /// Nothing worth telling; go on.
    Nothing,
    Head,
    End,
}

#[expect(unnameable_types, reason = "nobody else implements it")]
pub trait Sealed {
    /// Takes octets from the front of `received`.
    fn receive(&mut self, received: &mut Segment) -> io::Result<Received>;
    /// Says that the socket was closed; returns whether that ends a message.
    fn close(&mut self) -> io::Result<bool>;
    fn data(&mut self) -> Sequence;
    fn trailer_fields(&self) -> &Trailers;
}

impl Sealed for ResponseReader {
    fn receive(&mut self, received: &mut Segment) -> io::Result<Received> {
        Ok(match self.push(received)? {
            ResponseStep::NeedMore => Received::NeedMore,
            ResponseStep::Interim => Received::Nothing,
            ResponseStep::Head => Received::Head,
            ResponseStep::End => Received::End,
        })
    }

    fn close(&mut self) -> io::Result<bool> {
        self.finish()?;
        Ok(true)
    }

    fn data(&mut self) -> Sequence {
        self.take_data()
    }

    fn trailer_fields(&self) -> &Trailers {
        self.trailers()
    }
}

impl Sealed for RequestReader {
    fn receive(&mut self, received: &mut Segment) -> io::Result<Received> {
        Ok(match self.push(received)? {
            RequestStep::NeedMore => Received::NeedMore,
            RequestStep::Head => Received::Head,
            RequestStep::End => Received::End,
        })
    }

    fn close(&mut self) -> io::Result<bool> {
        self.finish()?;
        Ok(self.head().is_some())
    }

    fn data(&mut self) -> Sequence {
        self.take_data()
    }

    fn trailer_fields(&self) -> &Trailers {
        self.trailers()
    }
}

impl Sealed for BodyAssembler {
    fn receive(&mut self, received: &mut Segment) -> io::Result<Received> {
        Ok(match self.push(received)? {
            Progress::NeedMore => Received::NeedMore,
            Progress::End => Received::End,
        })
    }

    fn close(&mut self) -> io::Result<bool> {
        self.finish()?;
        Ok(true)
    }

    fn data(&mut self) -> Sequence {
        self.take_data()
    }

    fn trailer_fields(&self) -> &Trailers {
        self.trailers()
    }
}
