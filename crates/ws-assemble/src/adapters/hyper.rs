//! Connections that hyper has opened.

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use std::io;

use ::http::{Extensions, HeaderMap, Method, Request, Response, Uri, Version};
use ::hyper::upgrade::{OnUpgrade, Upgraded};
use bytes::Bytes;
use hyper_util::rt::TokioIo;
use seg_pool::Pool;

use super::http::fields;
use crate::{
    connection::Connection,
    connection_error::ConnectionError,
    events,
    handshake::{Acceptance, HandshakeError, HandshakeErrorKind, Refusal, UpgradeRequest},
    session::Session,
};

/// Answers a request that hyper has read: the response to return from the service, and the connection
/// that is there once hyper has sent it. Whatever is below, TCP, TLS or a stream of HTTP/2, what hyper
/// has read ahead is kept.
///
/// HTTP/1.1 is upgraded, for which hyper's `with_upgrades` is needed; with the feature `http2`, an
/// extended CONNECT of HTTP/2 (RFC 8441) is accepted, for which hyper's `enable_connect_protocol` is.
///
/// # Errors
///
/// A [`Refusal`], of which a `Response` can be made.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use hyper::{Request, Response, body::Incoming};
/// use seg_pool::Pool;
/// use ws_assemble::upgrade;
///
/// async fn service(mut request: Request<Incoming>, pool: Pool) -> Response<Full<Bytes>> {
///     match upgrade(&mut request, &pool) {
///         Ok((response, connection)) => {
///             tokio::spawn(async move {
///                 let mut connection = connection.await?;
///                 connection.send_text("hello").await
///             });
///             response.map(Full::new)
///         }
///         Err(refusal) => Response::from(refusal).map(Full::new),
///     }
/// }
/// ```
pub fn upgrade<B>(
    request: &mut Request<B>,
    pool: &Pool,
) -> Result<(Response<Bytes>, UpgradeFuture), Refusal> {
    upgrade_with(request, pool, |request| Ok(request.accept()))
}

/// Answers a request as [`upgrade`] does, and lets `answer` decide: which subprotocol, compression and
/// fields, or why not.
///
/// # Errors
///
/// As [`upgrade`], and what `answer` refuses with.
pub fn upgrade_with<B>(
    request: &mut Request<B>,
    pool: &Pool,
    answer: impl FnOnce(&UpgradeRequest) -> Result<Acceptance, Refusal>,
) -> Result<(Response<Bytes>, UpgradeFuture), Refusal> {
    let (uri, headers) = (request.uri(), request.headers());
    let asked = read(request.method(), uri, request.version(), headers, request.extensions())?;
    let acceptance = answer(&asked).inspect_err(note_refusal)?;
    let upgrade = ::hyper::upgrade::on(request);
    Ok((Response::from(&acceptance), UpgradeFuture::new(upgrade, &acceptance, pool)))
}

/// Answers a request as [`upgrade_with`] does, and runs `serve` in a task of tokio's once the connection
/// is open: the response is to be returned from the service, and may be a refusal. A client that goes
/// away before that is not reported.
///
/// # Examples
///
/// ```
/// use http_body_util::Full;
/// use hyper::{Request, Response, body::{Bytes, Incoming}};
/// use seg_pool::Pool;
/// use ws_assemble::on_upgrade;
///
/// async fn service(mut request: Request<Incoming>, pool: Pool) -> hyper::Result<Response<Full<Bytes>>> {
///     let response = on_upgrade(
///         &mut request,
///         &pool,
///         |asked| Ok(asked.accept().choose_protocol(["chat"])),
///         |mut connection| async move {
///             // It may be gone already.
///             let _ = connection.send_text("hello").await;
///         },
///     );
///     Ok(response.map(Full::new))
/// }
/// ```
pub fn on_upgrade<B, F, Served>(
    request: &mut Request<B>,
    pool: &Pool,
    answer: impl FnOnce(&UpgradeRequest) -> Result<Acceptance, Refusal>,
    serve: F,
) -> Response<Bytes>
where
    F: FnOnce(Connection<TokioIo<Upgraded>>) -> Served + Send + 'static,
    Served: Future<Output = ()> + Send + 'static,
{
    match upgrade_with(request, pool, answer) {
        Ok((response, upgrade)) => {
            upgrade.spawn(serve);
            response
        }
        Err(refusal) => refusal.into(),
    }
}

fn note_refusal(refusal: &Refusal) {
    events::request_refused(refusal.status(), refusal.error());
}

/// Checks a request of any version of HTTP.
pub(super) fn read(
    method: &Method,
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<UpgradeRequest, Refusal> {
    let request = checked(method, uri, version, headers, extensions);
    request.map_err(Refusal::from).inspect_err(note_refusal)
}

fn checked(
    method: &Method,
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<UpgradeRequest, HandshakeError> {
    if version <= Version::HTTP_11 {
        return UpgradeRequest::from_fields(
            &format!("{method} {uri} {version:?}"),
            fields(headers),
        );
    }
    #[cfg(feature = "http2")]
    if let Some(protocol) = extensions.get::<::hyper::ext::Protocol>() {
        let authority = super::http::authority(uri, headers);
        let target = super::http::target(uri);
        return UpgradeRequest::from_connect(
            protocol.as_str(),
            authority,
            &target,
            fields(headers),
        );
    }
    let _ = extensions;
    Err(HandshakeError::new(HandshakeErrorKind::MethodInvalid, 0))
}

/// A connection that is there once hyper has sent the response.
pub struct UpgradeFuture {
    upgrade: OnUpgrade,
    /// `None` once the connection has it.
    session: Option<Session>,
}

impl UpgradeFuture {
    pub(super) fn new(upgrade: OnUpgrade, acceptance: &Acceptance, pool: &Pool) -> Self {
        Self { upgrade, session: Some(Session::accepted(acceptance, pool)) }
    }

    /// Serves the connection in a task, once it is there.
    pub(super) fn spawn<F, Served>(self, serve: F)
    where
        F: FnOnce(Connection<TokioIo<Upgraded>>) -> Served + Send + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(async move {
            if let Ok(connection) = self.await {
                serve(connection).await;
            }
        });
    }
}

impl Future for UpgradeFuture {
    type Output = Result<Connection<TokioIo<Upgraded>>, ConnectionError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded =
            ready!(Pin::new(&mut self.upgrade).poll(context)).map_err(io::Error::other)?;
        let Some(session) = self.session.take() else { unreachable!("hyper upgrades once") };
        Poll::Ready(Ok(Connection::new(TokioIo::new(upgraded), session)))
    }
}

impl fmt::Debug for UpgradeFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeFuture").finish_non_exhaustive()
    }
}
