//! Connections to URLs, over TLS or without.

use core::{
    pin::Pin,
    task::{Context, Poll},
};
use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use seg_pool::Pool;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, ClientConnection, RootCertStore, crypto::ring, pki_types::ServerName},
};

use super::{Connection, connect};
use crate::{
    connection_error::ConnectionError,
    handshake::{ClientHandshake, HandshakeError, HandshakeErrorKind, UpgradeResponse},
    keys::random_nonce,
    url::WebSocketUrl,
};

/// Opens a connection to a URL with the scheme `wss`, or `ws`, which is without TLS: resolves the name,
/// connects by TCP, speaks TLS with [`tls_config`], and sends the request.
///
/// The name is resolved by the system, on a thread of tokio's for blocking work. Its addresses are
/// tried in turn, in the system's order, and not side by side ("happy eyeballs", RFC 8305): no small
/// crate that is well kept does that for tokio, and an HTTP client's whole connector is too much for
/// it. Where the first address may be dead, open the stream yourself: see [`WebSocketUrl::start_tls`].
/// A redirection is not followed: it is in the error's response, for you to judge.
///
/// There is no clock in here: put a timeout around the future, which covers all steps. For many
/// connections, or for certificates of your own, see [`connect_url_with`].
///
/// # Errors
///
/// A [`ConnectionError`]: of the URL or a refusal in [`Handshake`](ConnectionError::Handshake); of the
/// name, TCP and TLS in [`Io`](ConnectionError::Io), which has rustls' own error inside.
///
/// # Examples
///
/// ```no_run
/// use seg_pool::Pool;
/// use ws_assemble::connect_url;
///
/// # async fn example() -> Result<(), ws_assemble::ConnectionError> {
/// let (mut connection, _) = connect_url("wss://example.com/chat", &Pool::new()).await?;
/// connection.send_text("hello").await?;
/// # Ok(())
/// # }
/// ```
pub async fn connect_url(
    url: &str,
    pool: &Pool,
) -> Result<(Connection<UrlStream<TcpStream>>, UpgradeResponse), ConnectionError> {
    connect_url_with(url, &tls_config(), pool, Ok).await
}

/// Opens a connection as [`connect_url`] does, with a configuration of TLS, and lets `ask` add to the
/// request: fields, subprotocols, compression.
///
/// Share one configuration among connections: it keeps what resumes TLS sessions, and is where the
/// roots lie.
///
/// # Errors
///
/// As [`connect_url`], and what `ask` returns.
///
/// # Examples
///
/// ```no_run
/// use seg_pool::Pool;
/// use ws_assemble::{connect_url_with, tls_config};
///
/// # async fn example() -> Result<(), ws_assemble::ConnectionError> {
/// let (tls, pool) = (tls_config(), Pool::new());
/// let (connection, response) =
///     connect_url_with("wss://example.com/chat", &tls, &pool, |handshake| {
///         handshake.protocol("chat")?.field("Authorization", "Bearer secret")
///     })
///     .await?;
/// assert_eq!(response.protocol(), Some("chat"));
/// # Ok(())
/// # }
/// ```
pub async fn connect_url_with(
    url: &str,
    tls: &Arc<ClientConfig>,
    pool: &Pool,
    ask: impl FnOnce(ClientHandshake) -> Result<ClientHandshake, HandshakeError>,
) -> Result<(Connection<UrlStream<TcpStream>>, UpgradeResponse), ConnectionError> {
    let url: WebSocketUrl = url.parse()?;
    // What is wrong with the request is known before anything is opened.
    let handshake = ask(url.handshake(random_nonce())?)?;
    let stream = TcpStream::connect((url.host(), url.port())).await?;
    stream.set_nodelay(true)?;
    connect(url.start_tls(stream, tls).await?, handshake, pool).await
}

/// Returns a configuration of TLS 1.2 and 1.3 for clients: rustls with ring, Mozilla's root
/// certificates (the crate `webpki-roots`), and the ALPN protocol `http/1.1`.
///
/// These roots, and not the platform's verifier, are the default because they are one crate of data
/// without dependencies, and decide alike on every system, in an empty container too. They are as old
/// as your lock file, and know no root of a company. For those pass a `ClientConfig` of your own, for
/// example one with the platform's verifier:
/// `ClientConfig::with_platform_verifier()` of the crate `rustls-platform-verifier`.
///
/// Allocates. Keeps nothing in the process: drop it, and its cache of TLS sessions is gone.
#[must_use]
pub fn tls_config() -> Arc<ClientConfig> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions();
    let config = config.expect("ring has suites of both versions");
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

impl WebSocketUrl {
    /// Speaks TLS over a stream that leads to the host, when the scheme is `wss`, and checks that the
    /// certificate is the host's. For `ws` the stream is returned as it is.
    ///
    /// The stream may be any: a socket with options of your own, one through a
    /// [proxy](crate::open_tunnel), or a Unix socket.
    ///
    /// # Errors
    ///
    /// [`HandshakeErrorKind::HostInvalid`] when the host can stand in no certificate, and
    /// [`ConnectionError::Io`] when TLS fails, with rustls' own error inside.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use seg_pool::Pool;
    /// use tokio::net::TcpStream;
    /// use ws_assemble::{
    ///     TunnelHandshake, WebSocketUrl, connect, open_tunnel, random_nonce, tls_config,
    /// };
    ///
    /// # async fn example() -> Result<(), ws_assemble::ConnectionError> {
    /// let url: WebSocketUrl = "wss://example.com/chat".parse()?;
    /// let proxy = TcpStream::connect("proxy.example.com:3128").await?;
    /// let tunnel = TunnelHandshake::new(url.host(), url.port())?;
    /// let stream = open_tunnel(proxy, tunnel).await?;
    /// let stream = url.start_tls(stream, &tls_config()).await?;
    /// let handshake = url.handshake(random_nonce())?;
    /// let (connection, response) = connect(stream, handshake, &Pool::new()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start_tls<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        config: &Arc<ClientConfig>,
    ) -> Result<UrlStream<S>, ConnectionError> {
        if !self.is_secure() {
            return Ok(UrlStream(Layers::Plain(stream)));
        }
        let name = ServerName::try_from(self.host().to_owned())
            .map_err(|_| HandshakeError::new(HandshakeErrorKind::HostInvalid, 0))?;
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
        Ok(UrlStream(Layers::Tls(Box::new(stream))))
    }
}

/// The stream that a URL leads to: TLS over another for `wss`, that other alone for `ws`.
///
/// TLS lies in a box: with its buffers it is the larger by far.
#[derive(Debug)]
pub struct UrlStream<S>(Layers<S>);

#[derive(Debug)]
enum Layers<S> {
    Plain(S),
    Tls(Box<TlsStream<S>>),
}

impl<S> UrlStream<S> {
    /// Returns the stream below, to set its options or to see the address of the peer.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        match &self.0 {
            Layers::Plain(stream) => stream,
            Layers::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Returns the state of TLS, where the certificates of the peer are; `None` for `ws`.
    #[must_use]
    pub fn tls(&self) -> Option<&ClientConnection> {
        match &self.0 {
            Layers::Plain(_) => None,
            Layers::Tls(stream) => Some(stream.get_ref().1),
        }
    }
}

/// Calls a method of the layer on top.
macro_rules! top {
    ($stream:expr, $layer:ident => $call:expr) => {
        match &mut $stream.get_mut().0 {
            Layers::Plain(stream) => {
                let $layer = Pin::new(stream);
                $call
            }
            Layers::Tls(stream) => {
                let $layer = Pin::new(&mut **stream);
                $call
            }
        }
    };
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for UrlStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        top!(self, stream => stream.poll_read(context, buffer))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for UrlStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        top!(self, stream => stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        top!(self, stream => stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Layers::Plain(stream) => stream.is_write_vectored(),
            Layers::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        top!(self, stream => stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        top!(self, stream => stream.poll_shutdown(context))
    }
}
