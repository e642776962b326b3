//! Every way of reading a connection, as one.

use core::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use std::io;

use futures_util::Stream;
use ws_assemble::{
    Assembly, Connection, ConnectionError, Message, MessageKind, ReadFrameInto, ReadHalf, ReadInto,
    Session, WriteHalf, blocking,
};

use super::wire::Wire;

pub(crate) const ASSEMBLIES: [Assembly; 2] = [Assembly::Segmented, Assembly::Contiguous];

/// The longest message of these tests.
const BUFFER_BYTES: usize = 1 << 14;

/// How a connection is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Next,
    Batch,
    MessageInto,
    FrameInto,
    Stream,
    Half,
    HalfBatch,
    HalfInto,
    Blocking,
    BlockingBatch,
    BlockingInto,
    BlockingFrame,
}

pub(crate) const WAYS: [Way; 12] = [
    Way::Next,
    Way::Batch,
    Way::MessageInto,
    Way::FrameInto,
    Way::Stream,
    Way::Half,
    Way::HalfBatch,
    Way::HalfInto,
    Way::Blocking,
    Way::BlockingBatch,
    Way::BlockingInto,
    Way::BlockingFrame,
];

/// A connection that is read in one of these ways.
#[derive(Debug)]
pub(crate) struct Reader {
    way: Way,
    kind: Kind,
    /// The frames of a message that is not whole.
    begun: Vec<u8>,
}

type TokioHalf = (
    ReadHalf<tokio::io::ReadHalf<Wire>, tokio::io::WriteHalf<Wire>>,
    WriteHalf<tokio::io::WriteHalf<Wire>>,
);

#[derive(Debug)]
enum Kind {
    Whole(Connection<Wire>),
    Halves(TokioHalf),
    Blocking(blocking::Connection<Wire>),
}

pub(crate) fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A call that would block is one that is pending.
fn pending<T>(done: Result<T, ConnectionError>) -> Poll<Result<T, ConnectionError>> {
    match done {
        Err(ConnectionError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
            Poll::Pending
        }
        done => Poll::Ready(done),
    }
}

fn message(kind: MessageKind, bytes: &[u8]) -> Message {
    match kind {
        MessageKind::Text => {
            Message::text(core::str::from_utf8(bytes).expect("validated").to_owned())
        }
        MessageKind::Binary => Message::binary(bytes.to_vec()),
    }
}

impl Reader {
    pub(crate) fn new(way: Way, wire: Wire, session: Session) -> Self {
        let kind = match way {
            Way::Next | Way::Batch | Way::MessageInto | Way::FrameInto | Way::Stream => {
                Kind::Whole(Connection::new(wire, session))
            }
            Way::Half | Way::HalfBatch | Way::HalfInto => {
                Kind::Halves(Connection::new(wire, session).split())
            }
            _ => Kind::Blocking(blocking::Connection::new(wire, session)),
        };
        Self { way, kind, begun: Vec::new() }
    }

    /// Reads messages, one or as many as come together; returns whether the connection is open.
    pub(crate) fn read(
        &mut self,
        messages: &mut Vec<Message>,
    ) -> Poll<Result<bool, ConnectionError>> {
        let mut buffer = [0; BUFFER_BYTES];
        let one = match (self.way, &mut self.kind) {
            (Way::Next, Kind::Whole(connection)) => poll_once(connection.next()),
            (Way::Stream, Kind::Whole(connection)) => {
                let mut context = Context::from_waker(Waker::noop());
                Pin::new(connection).poll_next(&mut context).map(Option::transpose)
            }
            (Way::Half, Kind::Halves((read, _))) => poll_once(read.next()),
            (Way::Blocking, Kind::Blocking(connection)) => pending(connection.next()),
            (Way::Batch, Kind::Whole(connection)) => {
                return poll_once(connection.next_batch(messages)).map_ok(|count| count > 0);
            }
            (Way::HalfBatch, Kind::Halves((read, _))) => {
                return poll_once(read.next_batch(messages)).map_ok(|count| count > 0);
            }
            (Way::BlockingBatch, Kind::Blocking(connection)) => {
                return pending(connection.next_batch(messages)).map_ok(|count| count > 0);
            }
            (Way::MessageInto, Kind::Whole(connection)) => {
                poll_once(connection.read_message_into(&mut buffer))
                    .map_ok(|read| into(read, &buffer))
            }
            (Way::HalfInto, Kind::Halves((read, _))) => {
                poll_once(read.read_message_into(&mut buffer)).map_ok(|read| into(read, &buffer))
            }
            (Way::BlockingInto, Kind::Blocking(connection)) => {
                pending(connection.read_message_into(&mut buffer))
                    .map_ok(|read| into(read, &buffer))
            }
            (Way::FrameInto | Way::BlockingFrame, kind) => {
                let read = match kind {
                    Kind::Whole(connection) => poll_once(connection.read_frame_into(&mut buffer)),
                    Kind::Blocking(connection) => pending(connection.read_frame_into(&mut buffer)),
                    Kind::Halves(_) => unreachable!("made of the way"),
                };
                return match read {
                    Poll::Ready(Ok(ReadFrameInto::Frame { kind, len, is_last })) => {
                        self.begun.extend_from_slice(&buffer[..len]);
                        if is_last {
                            messages.push(message(kind, &self.begun));
                            self.begun.clear();
                        }
                        Poll::Ready(Ok(true))
                    }
                    Poll::Ready(Ok(ReadFrameInto::TooSmall { .. })) => panic!("long messages"),
                    Poll::Ready(Ok(ReadFrameInto::Closed)) => Poll::Ready(Ok(false)),
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    Poll::Pending => Poll::Pending,
                };
            }
            _ => unreachable!("made of the way"),
        };
        one.map_ok(|message| message.map(|message| messages.push(message)).is_some())
    }

    pub(crate) fn send(&mut self, message: &Message) -> Poll<Result<(), ConnectionError>> {
        match &mut self.kind {
            Kind::Whole(connection) => poll_once(connection.send(message)),
            Kind::Halves((_, write)) => poll_once(write.send(message)),
            Kind::Blocking(connection) => pending(connection.send(message)),
        }
    }

    /// Sends what is read back until the connection ends, or until nothing more comes; returns how it
    /// ended.
    pub(crate) fn echo(&mut self, wire: &Wire) -> End {
        let mut messages = Vec::new();
        loop {
            let read = self.read(&mut messages);
            for message in messages.drain(..) {
                assert!(matches!(self.send(&message), Poll::Ready(Ok(()))), "{:?}", self.way);
            }
            match read {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return End::Closed,
                Poll::Ready(Err(error)) => return End::Failed(error),
                Poll::Pending if wire.state().input.is_empty() => return End::Waits,
                Poll::Pending => {}
            }
        }
    }
}

fn into(read: ReadInto, buffer: &[u8]) -> Option<Message> {
    match read {
        ReadInto::Message { kind, len } => Some(message(kind, &buffer[..len])),
        ReadInto::TooSmall { .. } => panic!("long messages"),
        ReadInto::Closed => None,
    }
}

/// How reading ended.
#[derive(Debug)]
pub(crate) enum End {
    Closed,
    Failed(ConnectionError),
    Waits,
}
