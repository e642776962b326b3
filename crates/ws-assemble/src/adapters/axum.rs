//! An extractor for axum.

use core::fmt;

use ::http::{Response, request::Parts};
use ::hyper::upgrade::{OnUpgrade, Upgraded};
use axum_core::{body::Body, extract::FromRequestParts, response::IntoResponse};
use bytes::Bytes;
use hyper_util::rt::TokioIo;
use seg_pool::Pool;

use super::hyper::{UpgradeFuture, read};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateConfig;
use crate::{
    connection::Connection,
    handshake::{Acceptance, HandshakeError, HandshakeErrorKind, Refusal, UpgradeRequest},
    limits::Limits,
};

/// Extracts a request to open a connection, over HTTP/1.1 or, with the feature `http2`, HTTP/2. A
/// request that is none is refused with the right status and fields.
///
/// Route it with `any`: HTTP/2 comes as CONNECT, and what is wrong is answered here.
///
/// # Examples
///
/// ```
/// use axum::{Router, extract::State, response::Response, routing::any};
/// use seg_pool::Pool;
/// use ws_assemble::{Limits, WebSocketUpgrade};
///
/// async fn hello(State(pool): State<Pool>, upgrade: WebSocketUpgrade) -> Response {
///     let limits = Limits::default().with_message_bytes_max(1 << 20);
///     upgrade.with_pool(&pool).protocols(["chat"]).with_limits(limits).on_upgrade(|mut connection| async move {
///         // It may be gone already.
///         let _ = connection.send_text("hello").await;
///     })
/// }
///
/// let router: Router = Router::new()
///     .route("/hello", any(hello))
///     .with_state(Pool::builder().bytes_max(256 << 20).build());
/// ```
#[must_use = "a connection opens when the response of `on_upgrade` is returned"]
pub struct WebSocketUpgrade {
    request: UpgradeRequest,
    acceptance: Acceptance,
    upgrade: OnUpgrade,
    pool: Pool,
    limits: Limits,
}

impl WebSocketUpgrade {
    /// Returns the request.
    #[must_use]
    pub const fn request(&self) -> &UpgradeRequest {
        &self.request
    }

    /// Returns the subprotocol that was chosen.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.acceptance.protocol()
    }

    /// Takes the connection's memory from this pool. It is the global one by default, which has no
    /// limit.
    pub fn with_pool(mut self, pool: &Pool) -> Self {
        self.pool = pool.clone();
        self
    }

    /// Sets the limits of what is received.
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the pool.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns the limits of what is received.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Chooses the first of these subprotocols that the client offers, if it offers one.
    pub fn protocols<P: AsRef<str>>(mut self, ours: impl IntoIterator<Item = P>) -> Self {
        self.acceptance = self.acceptance.choose_protocol(ours);
        self
    }

    /// Compresses messages as far as the client offers it.
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, config: &DeflateConfig) -> Self {
        self.acceptance = self.acceptance.deflate(config);
        self
    }

    /// Adds a field to the response.
    ///
    /// # Errors
    ///
    /// As [`Acceptance::field`].
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Self, HandshakeError> {
        self.acceptance = self.acceptance.field(name, value)?;
        Ok(self)
    }

    /// Returns the response that opens the connection, and runs `serve` in a task once it is open. A
    /// client that goes away before that is not reported: see [`into_parts`](Self::into_parts).
    pub fn on_upgrade<F, Served>(self, serve: F) -> Response<Body>
    where
        F: FnOnce(Connection<TokioIo<Upgraded>>) -> Served + Send + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        let limits = self.limits;
        let (response, upgrade) = self.into_parts();
        upgrade.spawn(move |connection| serve(connection.with_limits(limits)));
        response.map(Body::from)
    }

    /// Returns the response that opens the connection, and the connection that is there once it was
    /// sent, with default limits.
    #[must_use]
    pub fn into_parts(self) -> (Response<Bytes>, UpgradeFuture) {
        let response = Response::from(&self.acceptance);
        (response, UpgradeFuture::new(self.upgrade, &self.acceptance, &self.pool))
    }
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade").field("request", &self.request).finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Parts { method, uri, version, headers, extensions, .. } = parts;
        let request = read(method, uri, *version, headers, extensions)?;
        let kind = HandshakeErrorKind::ConnectionMissing;
        let upgrade = extensions.remove().ok_or_else(|| HandshakeError::new(kind, 0))?;
        let (acceptance, pool) = (request.accept(), Pool::global().clone());
        Ok(Self { request, acceptance, upgrade, pool, limits: Limits::default() })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        Response::from(self).map(Body::from)
    }
}
