//! Why a connection ended.

use core::{error::Error, fmt};
use std::io;

use seg_pool::OutOfMemory;

use crate::{decode_error::DecodeError, handshake::HandshakeError};

/// What ended a [`Session`](crate::Session), or kept a connection from opening. More variants may come.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The handshake failed.
    Handshake(HandshakeError),
    /// The peer broke the rules or a limit.
    Decode(DecodeError),
    /// The stream failed.
    Io(io::Error),
    /// The pool had no segment. Nothing is lost: the same call goes on when there is one.
    OutOfMemory(OutOfMemory),
    /// A close frame was sent: nothing more may be.
    Closed,
    /// A message that is sent in parts was begun and not finished.
    MessageUnfinished,
    /// A text that was to be sent is not UTF-8.
    TextInvalid,
    /// More than 64 KiB wait to be written, or control frames do: nothing was taken, and it can be
    /// tried again when some of it is written.
    OutputFull,
    /// The peer went on sending after it was asked to close.
    CloseIgnored,
    /// Nothing came of the peer, not even the pong that the [heartbeat](crate::Heartbeat) asked for.
    PeerSilent,
    /// A future that read into a buffer was leaked instead of dropped: part of a message is lost.
    ReadForgotten,
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(error) => error.fmt(f),
            Self::Decode(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::OutOfMemory(error) => error.fmt(f),
            Self::Closed => f.write_str("the connection is closed"),
            Self::MessageUnfinished => f.write_str("another message is not finished"),
            Self::TextInvalid => f.write_str("a text to be sent is not UTF-8"),
            Self::OutputFull => f.write_str("too much waits to be written"),
            Self::CloseIgnored => f.write_str("the peer goes on sending instead of closing"),
            Self::PeerSilent => f.write_str("the peer answers no ping"),
            Self::ReadForgotten => f.write_str("part of a message is in a read that was leaked"),
        }
    }
}

/// An error inside is not the source: this error is displayed as it, and its source is that of it.
impl Error for ConnectionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Decode(error) => error.source(),
            Self::Io(error) => error.source(),
            _ => None,
        }
    }
}

impl From<HandshakeError> for ConnectionError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl From<DecodeError> for ConnectionError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<io::Error> for ConnectionError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<OutOfMemory> for ConnectionError {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory(error)
    }
}
