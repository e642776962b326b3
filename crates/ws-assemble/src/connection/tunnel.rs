//! Streams through a proxy.

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::open::read_until;
use crate::{
    connection_error::ConnectionError,
    handshake::{HandshakeError, HandshakeErrorKind, TunnelHandshake},
};

/// Asks the HTTP proxy at the other end of `stream` for a tunnel, and returns the stream, which leads
/// to the host of the request from then on.
///
/// Allocates the request and the head of the response, and takes nothing from a pool. There is no
/// clock in here: put a timeout around the future.
///
/// # Errors
///
/// A [`ConnectionError`]. When the proxy refused, with 407 for example, its response is in the
/// [`HandshakeError`](HandshakeError::response).
/// [`HandshakeErrorKind::BytesUnexpected`] when bytes come after the response before anything was sent
/// through the tunnel: neither TLS nor HTTP begins so.
///
/// # Examples
///
/// ```no_run
/// use seg_pool::Pool;
/// use tokio::net::TcpStream;
/// use ws_assemble::{TunnelHandshake, WebSocketUrl, connect, open_tunnel, random_nonce};
///
/// # async fn example() -> Result<(), ws_assemble::ConnectionError> {
/// let url: WebSocketUrl = "ws://example.com/chat".parse()?;
/// let proxy = TcpStream::connect("proxy.example.com:3128").await?;
/// let tunnel = TunnelHandshake::new(url.host(), url.port())?;
/// let stream = open_tunnel(proxy, tunnel).await?;
/// let handshake = url.handshake(random_nonce())?;
/// let (connection, response) = connect(stream, handshake, &Pool::new()).await?;
/// # Ok(())
/// # }
/// ```
pub async fn open_tunnel<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    mut tunnel: TunnelHandshake,
) -> Result<S, ConnectionError> {
    stream.write_all(&tunnel.request()).await?;
    stream.flush().await?;
    match read_until(&mut stream, |received| tunnel.push(received)).await? {
        Some((_, ahead)) if ahead.is_empty() => Ok(stream),
        Some((response, _)) => {
            let kind = HandshakeErrorKind::BytesUnexpected;
            Err(HandshakeError::new(kind, response.head_len()).into())
        }
        None => Err(tunnel.finish().into()),
    }
}
