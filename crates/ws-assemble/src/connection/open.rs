//! Connections from their first byte on.

use core::{
    future::poll_fn,
    mem::MaybeUninit,
    pin::Pin,
    task::{Poll, ready},
};

use seg_pool::Pool;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

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
/// There is no clock in here: put a timeout around the future, and bound how many of them there are,
/// as a peer may be silent. Nothing is taken from the pool before there are frames, and nothing is
/// allocated before the first byte; the head lies on the heap, at most 16 KiB. Limits and assembly are
/// set on the connection.
///
/// # Errors
///
/// A [`ConnectionError`]. A request that is refused was answered with its status, and the stream was
/// read to its end, so that the answer is not lost by a reset.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    pool: &Pool,
) -> Result<Connection<S>, ConnectionError> {
    accept_with(stream, pool, |request| Ok(request.accept())).await
}

/// Opens a connection as [`accept`] does, and lets `answer` decide: which subprotocol, compression and
/// fields, or why not.
///
/// To decide with an `await`, see [`Incoming`].
///
/// # Errors
///
/// As [`accept`]; [`HandshakeErrorKind::Refused`](crate::HandshakeErrorKind::Refused) when `answer`
/// refuses.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use tokio::net::TcpStream;
/// use ws_assemble::{Connection, ConnectionError, Refusal, accept_with};
///
/// async fn open(stream: TcpStream, pool: &Pool) -> Result<Connection<TcpStream>, ConnectionError> {
///     accept_with(stream, pool, |request| {
///         match request.values("authorization").next() {
///             Some(b"Bearer secret") => Ok(request.accept().choose_protocol(["chat"])),
///             _ => Err(Refusal::new(401)?.field("WWW-Authenticate", "Bearer")?),
///         }
///     })
///     .await
/// }
/// ```
pub async fn accept_with<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    pool: &Pool,
    answer: impl FnOnce(&UpgradeRequest) -> Result<Acceptance, Refusal>,
) -> Result<Connection<S>, ConnectionError> {
    let incoming = Incoming::read(stream, ServerHandshake::new()).await?;
    match answer(incoming.request()) {
        Ok(acceptance) => incoming.accept(&acceptance, pool).await,
        Err(refusal) => Err(incoming.refuse(&refusal).await),
    }
}

/// Opens a connection as the client: sends the request and checks the response. Messages are
/// compressed when the request offers it and the server grants it.
///
/// Also returns the response, with what the server granted and its fields. There is no clock in here:
/// put a timeout around the future.
///
/// # Errors
///
/// A [`ConnectionError`]. When the server refused, its response is in the
/// [`HandshakeError`](HandshakeError::response).
pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    mut handshake: ClientHandshake,
    pool: &Pool,
) -> Result<(Connection<S>, UpgradeResponse), ConnectionError> {
    stream.write_all(&handshake.request()).await?;
    stream.flush().await?;
    let read = read_until(&mut stream, |received| handshake.push(received)).await;
    let (response, ahead) = match read {
        Ok(Some(read)) => read,
        failed => {
            let error = failed.err().unwrap_or_else(|| handshake.finish().into());
            if let ConnectionError::Handshake(error) = &error {
                events::handshake_failed(error);
            }
            return Err(error);
        }
    };
    let session = Session::connected(&response, pool).with_read_ahead(ahead);
    Ok((Connection::new(stream, session), response))
}

/// A client's request, read from its stream and to be answered.
///
/// # Examples
///
/// ```
/// # use ws_assemble::{Connection, ConnectionError, Refusal, UpgradeRequest};
/// use seg_pool::Pool;
/// use tokio::net::TcpStream;
/// use ws_assemble::{Incoming, ServerHandshake};
///
/// # async fn is_known(request: &UpgradeRequest) -> bool { request.target() == "/" }
/// # async fn open(stream: TcpStream, pool: &Pool) -> Result<Connection<TcpStream>, ConnectionError> {
/// let incoming = Incoming::read(stream, ServerHandshake::new()).await?;
/// if !is_known(incoming.request()).await {
///     return Err(incoming.refuse(&Refusal::new(403)?).await);
/// }
/// let acceptance = incoming.request().accept();
/// incoming.accept(&acceptance, pool).await
/// # }
/// ```
#[derive(Debug)]
pub struct Incoming<S> {
    stream: S,
    request: UpgradeRequest,
    /// What came after the request.
    ahead: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Incoming<S> {
    /// Reads a request, with the handshake's limit.
    ///
    /// # Errors
    ///
    /// As [`accept`].
    pub async fn read(
        mut stream: S,
        mut handshake: ServerHandshake,
    ) -> Result<Self, ConnectionError> {
        match read_until(&mut stream, |received| handshake.push(received)).await {
            Ok(Some((request, ahead))) => Ok(Self { stream, request, ahead }),
            Ok(None) => Err(handshake.finish().into()),
            Err(ConnectionError::Handshake(error)) => Err(refuse(&mut stream, &error.into()).await),
            Err(error) => Err(error),
        }
    }

    /// Returns the request.
    #[must_use]
    pub const fn request(&self) -> &UpgradeRequest {
        &self.request
    }

    /// Sends the response and opens the connection.
    ///
    /// # Errors
    ///
    /// When the stream fails.
    pub async fn accept(
        mut self,
        acceptance: &Acceptance,
        pool: &Pool,
    ) -> Result<Connection<S>, ConnectionError> {
        self.stream.write_all(&acceptance.response()).await?;
        self.stream.flush().await?;
        let Self { stream, ahead, .. } = self;
        let session = Session::accepted(acceptance, pool).with_read_ahead(ahead);
        Ok(Connection::new(stream, session))
    }

    /// Sends the refusal, ends the write side, and reads what the client still sends, at most 256 KiB
    /// of it: a stream that is dropped with bytes unread would reset the connection, and the answer
    /// would be lost. Put a timeout around the future.
    ///
    /// Returns the error that the refusal was made of, or why it could not be sent.
    pub async fn refuse(mut self, refusal: &Refusal) -> ConnectionError {
        refuse(&mut self.stream, refusal).await
    }
}

async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    refusal: &Refusal,
) -> ConnectionError {
    events::request_refused(refusal.status(), refusal.error());
    let sent = async {
        stream.write_all(&refusal.response()).await?;
        stream.flush().await
    };
    if let Err(error) = sent.await {
        return error.into();
    }
    // How a client ends that was refused changes nothing.
    let _ = discard(stream).await;
    refusal.error().clone().into()
}

/// Ends the write side and reads what still comes.
async fn discard<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<(), ConnectionError> {
    stream.shutdown().await?;
    let mut left = DISCARD_BYTES_MAX;
    read_until(stream, |received| {
        left = left.saturating_sub(received.len() as u64);
        *received = &[];
        Ok((left == 0).then_some(()))
    })
    .await?;
    Ok(())
}

/// Reads until `take` has what it takes from the front of what comes; also returns what came after
/// it. `None` when the stream ends before that.
pub(super) async fn read_until<S: AsyncRead + Unpin, T>(
    stream: &mut S,
    mut take: impl FnMut(&mut &[u8]) -> Result<Option<T>, HandshakeError>,
) -> Result<Option<(T, Vec<u8>)>, ConnectionError> {
    poll_fn(|context| {
        let mut bytes = [const { MaybeUninit::<u8>::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut bytes);
        loop {
            buffer.clear();
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            let mut received = buffer.filled();
            if received.is_empty() {
                return Poll::Ready(Ok(None));
            }
            if let Some(taken) = take(&mut received)? {
                return Poll::Ready(Ok(Some((taken, received.to_vec()))));
            }
        }
    })
    .await
}
