//! Connections from their first byte on.

use std::io::{self, Read, Write};

use seg_pool::Pool;

use super::Connection;
use crate::{
    connection_error::ConnectionError,
    events,
    handshake::{
        Acceptance, ClientHandshake, DISCARD_BYTES_MAX, HandshakeError, READ_BYTES, Refusal,
        ServerHandshake, UpgradeRequest, UpgradeResponse,
    },
    session::Session,
};

/// Opens a connection as the server: reads the request and grants it, without a subprotocol and
/// without compression.
///
/// There is no clock in here: give a socket a read timeout, which ends the wait for a silent peer with
/// [`WouldBlock`](io::ErrorKind::WouldBlock). Nothing is taken from the pool before there are frames,
/// and nothing is allocated before the first byte; the head lies on the heap, at most 16 KiB.
///
/// # Errors
///
/// A [`ConnectionError`]. A request that is refused was answered with its status, and the stream was
/// read to its end, at most 256 KiB of it, so that the answer is not lost by a reset.
pub fn accept<S: Read + Write>(stream: S, pool: &Pool) -> Result<Connection<S>, ConnectionError> {
    accept_with(stream, pool, |request| Ok(request.accept()))
}

/// Opens a connection as [`accept`] does, and lets `answer` decide: which subprotocol, compression and
/// fields, or why not.
///
/// # Errors
///
/// As [`accept`]; [`HandshakeErrorKind::Refused`](crate::HandshakeErrorKind::Refused) when `answer`
/// refuses.
///
/// # Examples
///
/// ```
/// use std::net::TcpStream;
///
/// use seg_pool::Pool;
/// use ws_assemble::{ConnectionError, Refusal, blocking};
///
/// fn open(
///     stream: TcpStream,
///     pool: &Pool,
/// ) -> Result<blocking::Connection<TcpStream>, ConnectionError> {
///     blocking::accept_with(stream, pool, |request| match request.target() {
///         "/chat" => Ok(request.accept().choose_protocol(["chat"])),
///         _ => Err(Refusal::new(404)?),
///     })
/// }
/// ```
pub fn accept_with<S: Read + Write>(
    mut stream: S,
    pool: &Pool,
    answer: impl FnOnce(&UpgradeRequest) -> Result<Acceptance, Refusal>,
) -> Result<Connection<S>, ConnectionError> {
    let mut handshake = ServerHandshake::new();
    let (answer, ahead) = match read_until(&mut stream, |received| handshake.push(received)) {
        Ok(Some((request, ahead))) => (answer(&request), ahead),
        Ok(None) => return Err(handshake.finish().into()),
        Err(ConnectionError::Handshake(error)) => (Err(error.into()), Vec::new()),
        Err(error) => return Err(error),
    };
    match answer {
        Ok(acceptance) => {
            stream.write_all(&acceptance.response())?;
            stream.flush()?;
            Ok(Connection::new(stream, Session::accepted(&acceptance, pool).with_read_ahead(ahead)))
        }
        Err(refusal) => {
            events::request_refused(refusal.status(), refusal.error());
            stream.write_all(&refusal.response())?;
            stream.flush()?;
            // How a client ends that was refused changes nothing.
            let _ = discard(&mut stream);
            Err(refusal.error().clone().into())
        }
    }
}

/// Opens a connection as the client: sends the request and checks the response. Messages are
/// compressed when the request offers it and the server grants it.
///
/// Also returns the response, with what the server granted and its fields. There is no clock in here,
/// as in [`accept`].
///
/// # Errors
///
/// A [`ConnectionError`]. When the server refused, its response is in the
/// [`HandshakeError`](HandshakeError::response).
pub fn connect<S: Read + Write>(
    mut stream: S,
    mut handshake: ClientHandshake,
    pool: &Pool,
) -> Result<(Connection<S>, UpgradeResponse), ConnectionError> {
    stream.write_all(&handshake.request())?;
    stream.flush()?;
    let read = read_until(&mut stream, |received| handshake.push(received));
    match read.and_then(|read| read.ok_or_else(|| handshake.finish().into())) {
        Ok((response, ahead)) => {
            let session = Session::connected(&response, pool).with_read_ahead(ahead);
            Ok((Connection::new(stream, session), response))
        }
        Err(error) => {
            if let ConnectionError::Handshake(error) = &error {
                events::handshake_failed(error);
            }
            Err(error)
        }
    }
}

/// Reads what still comes, until the stream ends.
fn discard(stream: &mut impl Read) -> Result<(), ConnectionError> {
    let mut left = DISCARD_BYTES_MAX;
    read_until(stream, |received| {
        left = left.saturating_sub(received.len() as u64);
        *received = &[];
        Ok((left == 0).then_some(()))
    })
    .map(drop)
}

/// Reads until `take` has what it takes from the front of what comes; also returns what came after
/// it. `None` when the stream ends before that.
fn read_until<T>(
    stream: &mut impl Read,
    mut take: impl FnMut(&mut &[u8]) -> Result<Option<T>, HandshakeError>,
) -> Result<Option<(T, Vec<u8>)>, ConnectionError> {
    let mut bytes = [0; READ_BYTES];
    loop {
        let mut received = match stream.read(&mut bytes) {
            Ok(0) => return Ok(None),
            Ok(count) => &bytes[..count],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if let Some(taken) = take(&mut received)? {
            return Ok(Some((taken, received.to_vec())));
        }
    }
}
