//! Connections from their first byte on.

use std::io;

use seg_pool::{Pool, SegmentMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Connection, ConnectionError};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateOptions;
use crate::{
    assembly::Assembly,
    handshake::{ClientHandshake, Granted, HandshakeError, Refusal, ServerHandshake},
    limits::Limits,
    role::Role,
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
    let (request, head, len) = read_request(&mut stream, pool).await?;
    respond(&mut stream, &request.accept(None)).await?;
    Connection::new(stream, Role::Server, assembly, limits, pool, &head[len..])
}

/// Opens a connection as [`accept`] does, with messages compressed if the client offers it.
///
/// # Errors
///
/// As [`accept`].
#[cfg(feature = "deflate")]
pub async fn accept_deflate<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    assembly: Assembly,
    limits: Limits,
    pool: &Pool,
    options: &DeflateOptions,
) -> Result<Connection<S>, ConnectionError> {
    let (request, head, len) = read_request(&mut stream, pool).await?;
    let agreed = request.deflate(options);
    let response = match &agreed {
        Some(agreed) => request.accept_deflate(None, agreed),
        None => request.accept(None),
    };
    respond(&mut stream, &response).await?;
    let connection = Connection::new(stream, Role::Server, assembly, limits, pool, &head[len..])?;
    Ok(match &agreed {
        Some(agreed) => connection.with_deflate(agreed),
        None => connection,
    })
}

/// Opens a connection as the client: sends the request and checks the response. Messages are
/// compressed when the request offers it and the server grants it.
///
/// Also returns what the server granted: which subprotocol, which compression.
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
) -> Result<(Connection<S>, Granted), ConnectionError> {
    respond(&mut stream, &handshake.request()).await?;
    let mut head = pool.try_take(crate::HEAD_BYTES_MAX)?;
    let (granted, len) = loop {
        match handshake.parse(&head)? {
            Some(found) => break found,
            None => read_more(&mut stream, &mut head).await?,
        }
    };
    let connection = Connection::new(stream, Role::Client, assembly, limits, pool, &head[len..])?;
    #[cfg(feature = "deflate")]
    let connection = match &granted.deflate {
        Some(agreed) => connection.with_deflate(agreed),
        None => connection,
    };
    Ok((connection, granted))
}

/// Reads a request; also returns what was read and how much of it the request is.
async fn read_request<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    pool: &Pool,
) -> Result<(ServerHandshake, SegmentMut, usize), ConnectionError> {
    let mut head = pool.try_take(crate::HEAD_BYTES_MAX)?;
    loop {
        match ServerHandshake::parse(&head) {
            Ok(Some((request, len))) => return Ok((request, head, len)),
            Ok(None) => read_more(stream, &mut head).await?,
            Err(error) => {
                respond(stream, Refusal::new(error).response()).await?;
                return Err(error.into());
            }
        }
    }
}

async fn respond<S: AsyncWrite + Unpin>(stream: &mut S, head: &str) -> io::Result<()> {
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await
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
