//! Connections from their first byte on.

use std::io;

use seg_pool::{Pool, SegmentMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Connection, ConnectionError};
use crate::{
    assemble::Assembly,
    handshake::{ClientHandshake, HandshakeError, Refusal, ServerHandshake},
    limits::Limits,
    opcode::Role,
};

/// Opens a connection as the server: reads the request and grants it, without a subprotocol.
///
/// Not cancel-safe: drop the stream as well.
///
/// # Errors
///
/// A [`ConnectionError`]. A request that is refused was answered with its status.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    assembly: Assembly,
    limits: Limits,
    pool: &Pool,
) -> Result<Connection<S>, ConnectionError> {
    let mut head = pool.try_take(crate::HEAD_BYTES_MAX)?;
    let (request, len) = loop {
        match ServerHandshake::parse(&head) {
            Ok(Some(found)) => break found,
            Ok(None) => read_more(&mut stream, &mut head).await?,
            Err(error) => {
                stream.write_all(Refusal::new(error).response().as_bytes()).await?;
                return Err(error.into());
            }
        }
    };
    stream.write_all(request.accept(None).as_bytes()).await?;
    stream.flush().await?;
    Connection::new(stream, Role::Server, assembly, limits, pool, &head[len..])
}

/// Opens a connection as the client: sends the request and checks the response.
///
/// Not cancel-safe: drop the stream as well.
///
/// # Errors
///
/// A [`ConnectionError`].
pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    handshake: &ClientHandshake,
    assembly: Assembly,
    limits: Limits,
    pool: &Pool,
) -> Result<Connection<S>, ConnectionError> {
    stream.write_all(handshake.request().as_bytes()).await?;
    stream.flush().await?;
    let mut head = pool.try_take(crate::HEAD_BYTES_MAX)?;
    let len = loop {
        match handshake.parse(&head)? {
            Some((_, len)) => break len,
            None => read_more(&mut stream, &mut head).await?,
        }
    };
    Connection::new(stream, Role::Client, assembly, limits, pool, &head[len..])
}

async fn read_more<S: AsyncRead + Unpin>(
    stream: &mut S,
    head: &mut SegmentMut,
) -> Result<(), ConnectionError> {
    if head.spare_len() == 0 {
        return Err(HandshakeError::too_long().into());
    }
    match stream.read_buf(head).await? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        _ => Ok(()),
    }
}
